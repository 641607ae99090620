"""Sentences on terminals and in logs."""

import io

import pytest
from rich.console import Console

from clipfake.cli.words import say

TEXT = "in/a b.png: not judged (truncated): get a whole copy of whatever-this-may-be [red]x[/red]"


def printed(text: str, *, terminal: bool, path: str = "", width: int = 20) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=terminal, color_system=None)
    say(console, text, path=path)
    return out.getvalue().splitlines()


def test_a_log_has_one_line() -> None:
    assert printed(TEXT, terminal=False) == [TEXT]


@pytest.mark.parametrize("width", [8, 20, 40])
def test_a_terminal_breaks_between_words_and_never_in_a_path(width: int) -> None:
    lines = printed(TEXT, terminal=True, path="in/a b.png", width=width)
    assert len(lines) > 1
    assert " ".join(lines) == TEXT
    assert lines[0].startswith("in/a b.png:")
    assert all(len(line) <= width or " " not in line or "a b.png" in line for line in lines)


def test_further_lines_begin_below_the_first() -> None:
    assert printed("  one two three", terminal=True, width=9) == ["  one two", "  three"]


def test_what_a_terminal_would_obey_is_escaped() -> None:
    assert printed("a\x1b[2J\nb", terminal=True) == ["a\\x1b[2J\\nb"]
