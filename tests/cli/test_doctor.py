"""`clipfake doctor`, and what the command says of names that it does not know."""

import json

import pytest

import clipfake as package
from clipfake.cli.app import COMMANDS, EXAMPLES
from clipfake.cli.exit_codes import Exit
from clipfake.detector import Detector
from tests.cli.command import clipfake


def test_it_says_what_a_bug_report_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert clipfake("doctor", "--json", "--precision", "fp32") == Exit.FINE
    found = json.loads(capsys.readouterr().out)
    detector = Detector.load(precision="fp32")
    assert found["clipfake"] == package.__version__
    assert found["adapter sha256"] == detector.adapter.digest
    assert found["backbone sha256"] == detector.backbone.digest
    assert found["precision"] == "float32"
    assert found["extra remote"] == "installed"
    assert 0.0 <= float(found["score of a drawn picture"].split(",")[0]) <= 1.0
    assert clipfake("doctor") == Exit.FINE
    out = capsys.readouterr().out
    assert all(name in out for name in found)


def test_a_missing_extra_is_named_with_its_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("clipfake.cli.doctor.find_spec", lambda _name: None)
    assert clipfake("doctor") == Exit.FINE
    assert "missing: pip install 'clipfake[heic]'" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("scam", "There is no command 'scam'; did you mean 'scan'?"),
        ("zzz", "use one of scan, inspect"),
    ],
)
def test_an_unknown_command_is_told_what_was_meant(
    word: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert clipfake(word) == Exit.USAGE
    assert said in " ".join(capsys.readouterr().err.split())


def test_an_unknown_option_is_told_what_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert clipfake("scan", ".", "--treshold", "1") == Exit.USAGE
    assert "--threshold" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert clipfake(command, "--help") == Exit.FINE
    out = capsys.readouterr().out
    assert f"Usage: clipfake {command}" in out
    assert "install-completion" not in out
    assert all(line.split("  #")[0] in out for line in EXAMPLES.get(command, ()))
    assert max(map(len, out.splitlines())) <= 80
