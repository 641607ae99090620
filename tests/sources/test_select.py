"""Globs: which files and folders a selection takes."""

import pytest

from clipfake.sources import Selection


@pytest.mark.parametrize(
    ("pattern", "relative", "matches"),
    [
        # without a slash: any name of the path
        ("*.png", "a.png", True),
        ("*.png", "sub/deep/a.png", True),
        ("*.png", "a.jpg", False),
        ("*.png", "a.PNG", False),
        ("cats", "cats/a.png", True),
        ("cats", "sub/cats/deep/a.png", True),
        ("cats/", "sub/cats/a.png", True),
        ("cats", "cats2/a.png", False),
        ("a?.png", "a1.png", True),
        ("a?.png", "a10.png", False),
        ("[ab].png", "sub/b.png", True),
        ("[!ab].png", "b.png", False),
        # with a slash: the path from the folder on
        ("raw/*.png", "raw/a.png", True),
        ("raw/*.png", "sub/raw/a.png", False),
        ("raw/*.png", "a.png", False),
        ("raw/*.png", "raw/x/a.png", False),
        ("raw/**", "raw/x/a.png", True),
        ("./raw/*.png", "raw/a.png", True),
        # **/ is any number of folders, also none
        ("**/thumb_*", "thumb_1.png", True),
        ("**/thumb_*", "a/b/thumb_1.png", True),
        ("**/thumb_*", "a/xthumb_1.png", False),
        ("**/raw/*.png", "raw/a.png", True),
        ("**/raw/*.png", "x/y/raw/a.png", True),
        ("**/raw/*.png", "x/raw2/a.png", False),
        ("raw/**/*.png", "raw/a.png", True),
        ("raw/**/*.png", "raw/x/y/a.png", True),
        ("raw/**/*.png", "raw2/a.png", False),
        ("a/**/b/**/c.png", "a/b/x/c.png", True),
        ("a/**/b/**/c.png", "a/x/c.png", False),
        # nothing in a pattern but *, ? and [] is special
        ("a.png", "abpng", False),
        ("a+b (1).png", "a+b (1).png", True),
        # names may hold anything
        ("*.png", "line\nbreak.png", True),
        ("**/a.png", "line\nbreak/a.png", True),
        ("*.png", "\udcff.png", True),
    ],
)
def test_a_glob(pattern: str, relative: str, matches: bool) -> None:
    assert Selection(include=[pattern]).takes_file(relative) is matches
    assert Selection(exclude=[pattern]).takes_file(relative) is not matches


def test_no_globs_take_everything() -> None:
    assert Selection().takes_file("sub/a.txt")
    assert Selection().enters("sub")


def test_one_of_several_includes_is_enough() -> None:
    selection = Selection(include=["*.png", "*.jpg"])
    assert [selection.takes_file(f"a.{end}") for end in ("png", "jpg", "gif")] == [
        True,
        True,
        False,
    ]


def test_exclude_wins_over_include() -> None:
    selection = Selection(include=["*.png"], exclude=["thumb_*"])
    assert selection.takes_file("a.png")
    assert not selection.takes_file("thumb_a.png")


def test_include_keeps_no_folder_out() -> None:
    assert Selection(include=["*.png"]).enters("sub")


@pytest.mark.parametrize("pattern", ["node_modules", "node_modules/", "**/node_modules", "a/*"])
def test_exclude_keeps_folders_out(pattern: str) -> None:
    selection = Selection(exclude=[pattern])
    assert not selection.enters("a/node_modules")
    assert selection.enters("b/modules")


def test_hidden_names_are_left_out_until_asked_for() -> None:
    assert not Selection().takes_file("sub/.a.png")
    assert not Selection().enters("sub/.git")
    assert not Selection(include=[".a.png"]).takes_file(".a.png")
    assert Selection(hidden=True).takes_file("sub/.a.png")
    assert Selection(hidden=True).enters("sub/.git")


def test_hidden_files_obey_exclude() -> None:
    assert not Selection(hidden=True, exclude=[".git"]).enters(".git")
