"""`.clipfakeignore`: git's own rules, at any level, and files that are hostile."""

import os
import random
import subprocess
import time
import zipfile
from pathlib import Path

import pytest

from clipfake.errors import ErrorCode
from clipfake.sources import Ignoring, Selection
from clipfake.sources.ignore import NAME, Ignored
from clipfake.sources.select import IGNORED, PassedOver
from clipfake.sources.walk import walk
from tests.conftest import encoded, picture


def grow(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def ignore(folder: Path, *lines: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NAME).write_text("".join(f"{line}\n" for line in lines))


def found(root: Path, **rules: object) -> tuple[list[str], int]:
    """Names below a root that are taken, and how many files and folders were left out."""
    passed = PassedOver()
    items = list(walk(str(root), Selection(**rules), passed))
    assert all(item.problem is None for item in items)
    return [os.path.relpath(item.path, root) for item in items], passed[IGNORED]


def test_patterns_of_each_level_count(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    grow(tmp_path, "a.png", "a.gif", "in/b.png", "in/keep.gif", "in/deep/c.gif", "old/d.png")
    ignore(tmp_path, "# pictures that move", "*.gif", "/old/")
    ignore(tmp_path / "in", "!keep.gif", "deep/c*")
    assert found(tmp_path) == (["a.png", "in/b.png", "in/keep.gif"], 3)
    assert found(tmp_path / "in") == (["b.png", "keep.gif"], 1)
    assert found(tmp_path / "in" / "deep") == ([], 1)
    everything = found(tmp_path, ignoring=Ignoring.NONE)
    assert everything == (
        ["a.gif", "a.png", "in/b.png", "in/deep/c.gif", "in/keep.gif", "old/d.png"],
        0,
    )


def test_nothing_above_a_repository_or_the_present_folder_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(tmp_path, "one/two/a.png")
    ignore(tmp_path, "*.png")
    ignore(tmp_path / "one", "*.jpg")
    monkeypatch.chdir(tmp_path / "one")
    assert found(tmp_path / "one" / "two") == (["a.png"], 0)
    monkeypatch.chdir(tmp_path)
    assert found(tmp_path / "one" / "two") == ([], 1)
    (tmp_path / "one" / ".git").touch()
    assert found(tmp_path / "one" / "two") == (["a.png"], 0)
    monkeypatch.chdir("/")
    (tmp_path / "one" / ".git").unlink()
    (tmp_path / "one" / NAME).write_text("two/\n")
    assert found(tmp_path / "one") == ([], 1)


def test_what_exclude_leaves_out_is_not_counted_twice(tmp_path: Path) -> None:
    grow(tmp_path, "a.gif", "b.gif", ".hidden.gif")
    ignore(tmp_path, "*.gif")
    assert found(tmp_path, exclude=("a.*",)) == ([], 1)


def test_members_of_archives_are_as_files_of_a_folder(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        for name in ("a.png", "a.gif", "thumbs/b.png", "in/thumbs/c.png", "in/d.png"):
            file.writestr(name, encoded(picture()))
        file.writestr(NAME, "*\n")  # of whoever made the archive; it counts for nothing
    ignore(tmp_path, "*.gif", "thumbs/")
    names, left = found(tmp_path)
    assert names == ["x.zip!/a.png", "x.zip!/in/d.png"]
    assert left == 3
    ignore(tmp_path, "*.zip")
    assert found(tmp_path) == ([], 1)


PATTERNS = [
    *("*.png", "/a", "a/", "b/*", "!b/c.png", "**/c", "a/**/d", "a/**", "!a/d.png", "[ab]?.png"),
    *("\\!x.png", "#x", "\\#x.png", "a*b*c*.png", "*a*a*b", "**.png", "x\\ .png", "!/a/b/"),
    *("a b.png", "*", "!*/", ""),
]
NAMES = ["a", "b", "c", "d", "ab", "abc", "aab"]
FILES = ["a.png", "c.png", "d.png", "ab.png", "!x.png", "#x.png", "x .png", "a b.png", "axbxc1.png"]


def git_leaves_out(root: Path, paths: list[str]) -> set[str]:
    """What git itself says of the same patterns, in files that it calls otherwise."""
    command = ["git", "ls-files", "-z", "--others", f"--exclude-per-directory={NAME}"]
    done = subprocess.run(command, cwd=root, capture_output=True, check=True)
    return set(paths) - set(done.stdout.decode().split("\0"))


@pytest.mark.parametrize("seed", range(25))
def test_git_leaves_out_the_same(tmp_path: Path, seed: int) -> None:
    try:
        subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    except FileNotFoundError:
        pytest.skip("git is not on this machine")
    rng = random.Random(seed)
    paths = sorted(
        {"/".join([*rng.choices(NAMES, k=rng.randrange(4)), rng.choice(FILES)]) for _ in range(60)}
    )
    grow(tmp_path, *paths)
    folders = [".", *sorted({os.path.dirname(path) for path in paths} - {""})]
    for folder in rng.sample(folders, min(4, len(folders))):
        ignore(tmp_path / folder, *rng.choices(PATTERNS, k=rng.randrange(1, 6)))
    expected = git_leaves_out(tmp_path, paths)
    walked, _ = found(tmp_path)
    assert set(paths) - set(walked) == expected
    asked = Ignored(str(tmp_path))
    rng.shuffle(paths)
    assert {path for path in paths if asked.leaves_out(path)} == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"!\n*.gif\n", "line 1 is no pattern"),
        (b"*.gif\nx\\\n", "line 2 is no pattern"),
        (b"*.gif\n**/a/**/b/**/c/**/d\n", "line 2 is no pattern"),
        (b"x" * (2**20 + 1), "over 1048576 bytes"),
    ],
)
def test_what_cannot_be_used_is_told_and_costs_nothing_else(
    tmp_path: Path, text: bytes, told: str
) -> None:
    grow(tmp_path, "a.png", "b.gif", "in/c.gif")
    (tmp_path / NAME).write_bytes(text)
    items = list(walk(str(tmp_path), Selection()))
    [fault] = [item for item in items if item.problem is not None]
    assert fault.path == str(tmp_path / NAME)
    assert fault.problem.code is ErrorCode.UNREADABLE
    assert told in str(fault.problem)
    rest = [os.path.relpath(item.path, tmp_path) for item in items if item is not fault]
    assert rest == (["a.png"] if b"gif" in text else ["a.png", "b.gif", "in/c.gif"])


def test_an_ignore_file_that_is_no_file_is_told(tmp_path: Path) -> None:
    grow(tmp_path, "a.png", "in/b.png", "deep/c.png")
    (tmp_path / NAME).mkdir()
    (tmp_path / "in" / NAME).symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "deep" / NAME)
    items = list(walk(str(tmp_path), Selection()))
    problems = [os.path.relpath(item.path, tmp_path) for item in items if item.problem]
    assert sorted(problems) == [NAME, f"deep/{NAME}", f"in/{NAME}"]
    assert len(items) == 6


def test_how_editors_write_text_does_not_matter(tmp_path: Path) -> None:
    grow(tmp_path, "a.png", "b.gif", "h\u00e9.jpg")
    raw = os.fsdecode(b"x\xff.png")
    grow(tmp_path, raw)
    text = "\ufeff*.gif\r\nh\u00e9.jpg\r\n".encode() + b"x\xff.*\r\n"
    (tmp_path / NAME).write_bytes(text)
    assert found(tmp_path) == (["a.png"], 3)


def test_no_pattern_takes_long(tmp_path: Path) -> None:
    stars = "*a" * 60 + "b"
    ignore(tmp_path, stars, "?*" * 60 + "b", "**/" + stars, "[ab]*" * 60 + "c", "x/**/" + stars)
    name = "a" * 250
    asked = Ignored(str(tmp_path))
    start = time.process_time()
    for number in range(200):
        assert not asked.leaves_out(f"x/{number}/{name}")
    assert time.process_time() - start < 10  # trials would take longer than the sun lasts


def test_a_fit_of_many_stars_is_found(tmp_path: Path) -> None:
    ignore(tmp_path, "a*b*c*d.png", "*x*/y*z*")
    asked = Ignored(str(tmp_path))
    names = ["abcd.png", "a1b2bcc3d.png", "axbxcxd.png", "axcxbxd.png", "oxo/y1z2", "oo/yz", "x/yz"]
    assert [asked.leaves_out(name) for name in names] == [
        True,
        True,
        True,
        False,
        True,
        False,
        True,
    ]
