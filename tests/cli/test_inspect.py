"""`clipfake inspect`, as a user runs it."""

import json
from pathlib import Path

import pytest

from clipfake.cli.app import main
from clipfake.cli.exit_codes import Exit
from clipfake.report.schema import COLUMNS
from tests.conftest import EXAMPLES, encoded, picture

CAMERA = EXAMPLES / "rocket-camera-exif.jpg"


def clipfake(*arguments: object) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    assert isinstance(end.value.code, int)
    return end.value.code


def generated(path: Path) -> Path:
    """A picture that says that a web UI made it."""
    from PIL.PngImagePlugin import PngInfo

    words = PngInfo()
    words.add_text(
        "parameters",
        "a [red]cat\x1b[2J\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 7, Model: m",
    )
    path.write_bytes(encoded(picture(), pnginfo=words))
    return path


def inspected(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[dict[str, object]]:
    assert clipfake("inspect", "--json", *arguments) == Exit.FINE
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_json_has_the_report_columns_and_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    camera, cat = inspected(capsys, CAMERA, generated(tmp_path / "cat.png"))
    assert set(COLUMNS) < set(camera)
    assert camera["exif"]["Image Make"] == "Example Optics"
    assert camera["reals_scoring_as_high"]["of"] > 100
    low, high = camera["reals_scoring_as_high"]["share_interval"]
    share = camera["reals_scoring_as_high"]["images"] / camera["reals_scoring_as_high"]["of"]
    assert low <= share <= high
    assert any(fact["key"] == "jpeg.double_compression" for fact in camera["evidence"])
    assert (cat["verdict"], cat["declared"]) == ("ai", "ai")
    assert cat["explanation"].startswith("ai: the pixels score ")
    facts = {fact["key"]: fact["value"] for fact in cat["evidence"]}
    assert (facts["parameters.seed"], facts["parameters.model"]) == ("7", "m")


def test_position_and_prompts_are_shown_only_when_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cat = generated(tmp_path / "cat.png")
    shy = inspected(capsys, CAMERA, cat)
    assert "GPS GPSLatitude" not in shy[0]["exif"]
    assert shy[0]["exif_latitude"] is None
    assert "[red]" not in json.dumps(shy[1])
    told = inspected(capsys, "--gps", "--prompts", CAMERA, cat)
    assert "GPS GPSLatitude" in told[0]["exif"]
    assert told[0]["exif_latitude"] == pytest.approx(40.689, abs=0.001)
    assert "[red]cat" in json.dumps(told[1])


def test_the_screen_explains_and_runs_nothing_that_a_file_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert clipfake("inspect", "--prompts", generated(tmp_path / "cat.png"), CAMERA) == Exit.FINE
    out = capsys.readouterr().out
    assert "\x1b" not in out
    words = " ".join(out.split())
    assert "[red]cat" in words
    assert "evidence, not proof" in words
    assert "real reference images score as high or higher" in words
    assert "Metadata can be forged" in words
    assert "EO-1" in words


def test_a_missing_file_costs_only_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing, camera = inspected(capsys, tmp_path / "absent.jpg", CAMERA)
    assert missing["error_code"] == "missing"
    assert camera["error_code"] is None
    assert clipfake("inspect", tmp_path / "absent.jpg") == Exit.NOTHING_READ
    assert "no such file; check the path" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("content", [None, "no certificate", b"\xff\xfe"])
def test_a_trust_list_that_is_none_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | bytes | None
) -> None:
    trust = tmp_path / "trust.pem"
    if content is not None:
        trust.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert clipfake("inspect", CAMERA, "--c2pa-trust", trust) == Exit.USAGE
    assert "trust.pem" in capsys.readouterr().err
