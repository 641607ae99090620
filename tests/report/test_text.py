"""Text for the terminal: nothing in a file's name can act on it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipfake.report.text import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x9b2J", "\\x9b2J"),  # the escape code's one-byte form
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("a\u2028b\u2029c\x85d", "a\\u2028b\\u2029c\\x85d"),
        ("\x00\x7f\b", "\\x00\\x7f\\x08"),
        ("gpj.\u202egnp", "gpj.\\u202egnp"),  # reverses the reading direction
        ("a\u2066b\u2069\u200fc", "a\\u2066b\\u2069\\u200fc"),
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),  # invisible
        ("\ud800\udcff", "\\ud800\\udcff"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_acts_on_a_terminal_is_shown_as_escapes(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    "text", ["", "a b.png", "日本/ü.png", "😀", "e\u0301", "[bold]", "back\\slash", "عربى"]
)
def test_plain_text_is_unchanged(text: str) -> None:
    assert printable(text) == text


any_text = st.text(st.one_of(st.characters(), st.characters(categories=["Cc", "Cf", "Cs", "Z"])))


@given(any_text)
def test_nothing_is_left_that_acts_on_a_terminal(text: str) -> None:
    shown = printable(text)
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Co", "Cn"}
    assert len(shown.splitlines()) <= 1
    assert printable(shown) == shown
    shown.encode("utf-8")


@given(st.text(st.characters(categories=["L", "M", "N", "P", "S", "Zs"])))
def test_letters_marks_numbers_signs_and_spaces_are_unchanged(text: str) -> None:
    assert printable(text) == text
