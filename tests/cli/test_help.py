"""The help on a narrow terminal."""

from __future__ import annotations

import pytest
import typer

from clipfake.cli.app import COMMANDS, app
from tests.cli.command import clipfake

COLUMNS = 80
SHORT = 25  # characters of a help that must stand in one line

LEAVES = [name for name in COMMANDS if name not in ("baseline", "cache", "config")]


@pytest.mark.parametrize("name", LEAVES)
def test_help_has_room_for_what_options_do(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    assert clipfake(name, "--help") == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= COLUMNS
    root = typer.main.get_command(app)
    command = root.get_command(None, name)  # type: ignore[attr-defined]
    options = [each for each in command.params if each.param_type_name == "option"]
    for each in options:
        assert any(each.opts[0] in line.split()[1:3] for line in text.splitlines()), each.opts
        if len(each.help) <= SHORT and not each.required:
            assert each.help in text, each.opts


def test_a_switch_is_shown_once_and_still_has_its_opposite(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    clipfake("scan", "--help")
    text = capsys.readouterr().out
    assert "--no-follow-symlinks" not in text
    assert "--follow-symlinks" in text
    assert clipfake("scan", "nowhere", "--no-follow-symlinks", "--archives") != 0
    assert "No such option" not in capsys.readouterr().err
