"""Items: names as text, whatever their bytes."""

import os
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipfake.errors import ErrorCode, ImageError
from clipfake.sources import Item


@pytest.mark.parametrize("path", ["a.png", "日本/ü.png", "line\nbreak", "", "back\\slash"])
def test_a_valid_name_is_its_own_text(path: str) -> None:
    assert Item(path).text == path
    assert Item(path).raw is None


def test_bytes_that_are_no_utf8_show_as_escapes() -> None:
    item = Item(os.fsdecode(b"caf\xe9/\xff.png"))
    assert item.text == "caf\\xe9/\\xff.png"
    assert item.raw == b"caf\xe9/\xff.png"


@pytest.mark.parametrize("path", ["\ud800.png", "\udfff", "a\udcff\ud800"])
def test_a_name_that_no_file_can_have_still_has_text(path: str) -> None:
    item = Item(path)
    assert item.text == path.encode(errors="backslashreplace").decode()
    assert item.raw is None


@given(st.binary(max_size=20))
def test_text_is_valid_and_raw_gives_the_bytes(name: bytes) -> None:
    item = Item(os.fsdecode(name))
    item.text.encode("utf-8")
    assert (item.text.encode() if item.raw is None else item.raw) == name


def test_items_cross_to_other_processes() -> None:
    problem = ImageError(ErrorCode.NO_PERMISSION, "no")
    item = pickle.loads(pickle.dumps(Item("\udcff", {"label": 1}, problem)))
    assert (item.path, item.extra) == ("\udcff", {"label": 1})
    assert item.problem.code is ErrorCode.NO_PERMISSION
    assert str(item.problem) == "no"
