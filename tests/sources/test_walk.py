"""Walking folders: order, links, odd names and folders that cannot be listed."""

import inspect
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clipfake.errors import ErrorCode
from clipfake.sources import Selection
from clipfake.sources.walk import walk

as_root = hasattr(os, "geteuid") and os.geteuid() == 0


def grow(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def found(root: Path, **rules: Any) -> list[str]:
    """Paths below the root, in the order in which they come."""
    items = list(walk(str(root), Selection(**rules)))
    assert all(item.problem is None and item.extra == {} for item in items)
    return [os.path.relpath(item.path, root) for item in items]


def denied(monkeypatch: pytest.MonkeyPatch, error: Callable[[], OSError], name: str) -> None:
    """Make every folder of a name impossible to list, as it is to those without the right."""
    real = os.scandir

    def scandir(folder: str) -> Any:
        if os.path.basename(folder) == name:
            raise error()
        return real(folder)

    monkeypatch.setattr(os, "scandir", scandir)


def test_files_come_depth_first_by_name(tmp_path: Path) -> None:
    grow(tmp_path, "c.png", "b/z.png", "b/a/y.png", "a.png", "B.png", "b/b.txt")
    assert found(tmp_path) == ["B.png", "a.png", "b/a/y.png", "b/b.txt", "b/z.png", "c.png"]


def test_an_empty_folder_gives_nothing(tmp_path: Path) -> None:
    assert found(tmp_path) == []


@pytest.mark.parametrize("ending", ["", "/"])
def test_paths_start_with_the_folder_as_given(tmp_path: Path, ending: str) -> None:
    grow(tmp_path, "in/a/x.png")
    items = list(walk(f"{tmp_path}/in{ending}", Selection()))
    assert [item.path for item in items] == [f"{tmp_path}/in/a/x.png"]


def test_globs_see_the_path_below_the_folder(tmp_path: Path) -> None:
    root = grow(tmp_path / "raw", "a.png", "raw/b.png", "raw/c.txt")
    assert found(root, include=["raw/*.png"]) == ["raw/b.png"]
    assert found(root, exclude=["raw"]) == ["a.png"]


def test_excluded_and_hidden_folders_are_not_entered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(tmp_path, "a.png", "skip/b.png", ".git/c.png", "sub/skip/d.png", ".e.png")
    for name in ("skip", ".git"):
        denied(monkeypatch, PermissionError, name)
    assert found(tmp_path, exclude=["skip"]) == ["a.png"]


def test_hidden_files_come_when_asked_for(tmp_path: Path) -> None:
    grow(tmp_path, "a.png", ".git/c.png", ".e.png")
    assert found(tmp_path, hidden=True) == [".e.png", ".git/c.png", "a.png"]


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    grow(tmp_path, "out/far.png", "in/near.png")
    root = tmp_path / "in"
    (root / "folder").symlink_to(tmp_path / "out")
    (root / "file.png").symlink_to(tmp_path / "out" / "far.png")
    (root / "lost.png").symlink_to(tmp_path / "gone")
    return root


def test_links_are_passed_over(linked: Path) -> None:
    assert found(linked) == ["near.png"]


def test_links_are_followed_when_asked_for(linked: Path) -> None:
    expected = ["file.png", "folder/far.png", "lost.png", "near.png"]
    assert found(linked, follow_symlinks=True) == expected


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    grow(tmp_path / "real", "a.png")
    (tmp_path / "link").symlink_to("real")
    assert found(tmp_path / "link") == ["a.png"]


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    grow(tmp_path, "a/x.png", "b/y.png")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "self").symlink_to(".")
    (tmp_path / "b" / "a").symlink_to(tmp_path / "a")
    assert found(tmp_path, follow_symlinks=True) == ["a/x.png", "b/a/x.png", "b/y.png"]


def test_a_link_to_itself_costs_no_other_file(tmp_path: Path) -> None:
    grow(tmp_path, "a.png", "c.png")
    (tmp_path / "b.png").symlink_to("b.png")
    assert found(tmp_path, follow_symlinks=True) == ["a.png", "b.png", "c.png"]


@pytest.mark.skipif(as_root, reason="root may list every folder")
def test_a_folder_without_rights_is_reported(tmp_path: Path) -> None:
    grow(tmp_path, "shut/a.png")
    (tmp_path / "shut").chmod(0)
    try:
        [item] = walk(str(tmp_path), Selection())
    finally:
        (tmp_path / "shut").chmod(0o700)
    assert item.path == str(tmp_path / "shut")
    assert item.problem is not None
    assert item.problem.code is ErrorCode.NO_PERMISSION


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (lambda: PermissionError(13, "Permission denied"), ErrorCode.NO_PERMISSION),
        (lambda: OSError(5, "Input/output error"), ErrorCode.UNREADABLE),
    ],
)
def test_a_folder_that_cannot_be_listed_is_reported_in_its_place(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Callable[[], OSError],
    code: ErrorCode,
) -> None:
    grow(tmp_path, "a.png", "shut/b.png", "z.png")
    denied(monkeypatch, error, "shut")
    items = list(walk(str(tmp_path), Selection()))
    assert [os.path.basename(item.path) for item in items] == ["a.png", "shut", "z.png"]
    problem = items[1].problem
    assert problem is not None
    assert problem.code is code
    assert error().strerror in str(problem)
    assert items[0].problem is None
    assert items[2].problem is None


def test_the_root_that_cannot_be_listed_is_reported(tmp_path: Path) -> None:
    [item] = walk(str(tmp_path / "gone"), Selection())
    assert item.path == str(tmp_path / "gone")
    assert item.problem is not None
    assert item.problem.code is ErrorCode.UNREADABLE


def test_names_may_hold_anything(tmp_path: Path) -> None:
    names = [b"line\nbreak.png", b"-o", b" ", b"\xff\xfe.png", "日本.png".encode()]
    for name in names:
        try:
            (tmp_path / os.fsdecode(name)).touch()
        except OSError:
            pytest.skip("the file system takes no such names")
    items = list(walk(str(tmp_path), Selection()))
    assert {os.path.basename(os.fsencode(item.path)) for item in items} == set(names)
    assert all(os.path.exists(item.path) for item in items)


def test_folders_may_be_nested_deeper_than_calls(tmp_path: Path) -> None:
    grow(tmp_path, "d/" * 200 + "a.png")
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 100)
    try:
        [item] = walk(str(tmp_path), Selection())
    finally:
        sys.setrecursionlimit(limit)
    assert item.path == f"{tmp_path}/{'d/' * 200}a.png"


@pytest.mark.parametrize("limit", [0, 1, 3, 7])
def test_a_large_folder_is_streamed_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    names = [f"{number}.png" for number in range(6)] + ["sub/a.png", "sub/b.png"]
    grow(tmp_path, *names)
    monkeypatch.setattr("clipfake.sources.walk.SORTED_UP_TO", limit)
    assert sorted(found(tmp_path)) == names


def test_a_large_folder_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grow(tmp_path, *(f"{number}.png" for number in range(20)))
    monkeypatch.setattr("clipfake.sources.walk.SORTED_UP_TO", 4)
    listed = 0
    real = os.scandir

    class Counting:
        def __init__(self, folder: str) -> None:
            self.entries = real(folder)

        def __enter__(self) -> "Counting":
            return self

        def __exit__(self, *_: object) -> None:
            self.entries.close()

        def __iter__(self) -> "Counting":
            return self

        def __next__(self) -> "os.DirEntry[str]":
            nonlocal listed
            entry = next(self.entries)
            listed += 1
            return entry

    monkeypatch.setattr(os, "scandir", Counting)
    items = walk(str(tmp_path), Selection())
    next(items)
    assert listed == 4
    assert len(list(items)) == 19
