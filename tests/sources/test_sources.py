"""Sources: files, folders and manifests as one stream."""

import io
import os
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clipfake.errors import UsageError
from clipfake.imaging.limits import Limits
from clipfake.scanning.reader import ReadOptions, read_item
from clipfake.scanning.workers import read_alone
from clipfake.sources import Item, Selection, Sources
from tests.sources.archives import PICTURE, zipped


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("folder/b.png", "folder/a.png", "folder/.c.png", "single.gif"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    Path("list.txt").write_text("y.png\nx.png\n")
    return tmp_path


def paths(*given: str | os.PathLike[str], selection: Selection | None = None) -> list[str]:
    return [item.path for item in Sources(given, selection or Selection())]


def test_parts_come_in_the_order_of_their_names(here: Path) -> None:
    expected = ["single.gif", "y.png", "x.png", "folder/a.png", "folder/b.png", "single.gif"]
    assert paths("single.gif", "list.txt", "folder", "single.gif") == expected


def test_path_objects_are_names(here: Path) -> None:
    assert paths(here / "folder") == [f"{here}/folder/a.png", f"{here}/folder/b.png"]


def test_sources_can_be_read_twice(here: Path) -> None:
    sources = Sources(["folder", "list.txt"], Selection())
    assert sources.rereadable
    assert list(sources) == list(sources)
    assert len(list(sources)) == 4


def test_files_named_outright_are_always_taken(here: Path) -> None:
    selection = Selection(include=["*.jpg"], exclude=["*.gif", "*.png", "folder"])
    taken = ["single.gif", "folder/.c.png", "folder/a.png"]
    assert paths(*taken, "list.txt", selection=selection) == [*taken, "y.png", "x.png"]


def test_folders_named_outright_obey_the_globs_inside(here: Path) -> None:
    assert paths("folder", selection=Selection(exclude=["folder", "a.*"])) == ["folder/b.png"]


def test_links_named_outright_are_followed(here: Path) -> None:
    Path("to_file").symlink_to("single.gif")
    Path("to_folder").symlink_to("folder")
    Path("to_nothing").symlink_to("gone")
    expected = ["to_file", "to_folder/a.png", "to_folder/b.png", "to_nothing"]
    assert paths("to_file", "to_folder", "to_nothing") == expected


def test_a_folder_named_like_a_manifest_is_a_folder(here: Path) -> None:
    Path("dump.csv").mkdir()
    Path("dump.csv/a.png").touch()
    assert paths("dump.csv") == ["dump.csv/a.png"]


def test_manifests_inside_folders_are_plain_files(here: Path) -> None:
    Path("folder/list.txt").write_text("x.png")
    assert "folder/list.txt" in paths("folder")


@pytest.mark.parametrize("name", ["gone.png", "gone/", "gone.txt", "single.gif/x", "a\0b"])
def test_a_name_that_does_not_exist_is_refused_at_once(here: Path, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        Sources(["single.gif", name], Selection())
    assert str(caught.value) == f"{name}: no such file or folder"


def test_a_bad_manifest_is_refused_at_once(here: Path) -> None:
    Path("bad.csv").write_text("file\nx\n")
    with pytest.raises(UsageError, match=r"bad\.csv: no column named 'path'"):
        Sources(["folder", "bad.csv"], Selection())


def test_columns_of_all_manifests_are_joined(here: Path) -> None:
    Path("a.csv").write_text("path,label,note\nx,1,n\n")
    Path("b.jsonl").write_text('{"path": "y", "label": 2, "score": 0.5}\n')
    sources = Sources(["a.csv", "b.jsonl", "folder"], Selection())
    assert sources.columns == {"label": pa.string(), "note": pa.string(), "score": pa.float64()}
    assert [item.extra for item in sources][:2] == [
        {"label": "1", "note": "n"},
        {"label": 2, "score": 0.5},
    ]


def test_types_that_differ_become_text_and_stay_text(here: Path) -> None:
    pq.write_table(pa.table({"path": ["x"], "n": pa.array([1], pa.int32())}), "a.parquet")
    pq.write_table(pa.table({"path": ["x"], "n": pa.array([1], pa.int64())}), "b.parquet")
    assert Sources(["a.parquet"], Selection()).columns == {"n": pa.int32()}
    for given in (["a.parquet", "b.parquet"], ["a.parquet", "b.parquet", "a.parquet"]):
        assert Sources(given, Selection()).columns == {"n": pa.string()}


def test_standard_input_is_read_once_and_in_place(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("in.png\n"))
    sources = Sources(["single.gif", "-", "list.txt"], Selection())
    assert not sources.rereadable
    assert [item.path for item in sources] == ["single.gif", "in.png", "y.png", "x.png"]


def test_nothing_is_listed_before_it_is_asked_for(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[str] = []
    real = os.scandir
    monkeypatch.setattr(os, "scandir", lambda folder: listed.append(folder) or real(folder))
    items = iter(Sources(["single.gif", "folder"], Selection()))
    assert next(items).path == "single.gif"
    assert listed == []
    assert next(items).path == "folder/a.png"
    assert listed == ["folder"]


# what was asked for by name


def named(*given: str, selection: Selection | None = None) -> dict[str, bool]:
    return {item.path: item.named for item in Sources(given, selection or Selection())}


def test_what_was_named_is_told_from_what_was_found(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("x.zip").write_bytes(zipped({"m.png": PICTURE, "n.png": PICTURE}))
    Path("broken.zip").write_bytes(zipped({"m.png": PICTURE})[:-30])
    Path("list.csv").write_text("path\nfolder/b.png\nx.zip!/n.png\nx.zip\n,\n")
    assert named("single.gif", "folder", "x.zip", "broken.zip") == {
        "single.gif": True,
        "folder/a.png": False,
        "folder/b.png": False,
        "x.zip!/m.png": False,
        "x.zip!/n.png": False,
        "broken.zip": True,
    }
    assert named("x.zip!/m.png", "list.txt") == {
        "x.zip!/m.png": True,
        "y.png": False,
        "x.png": False,
    }
    listed = [(item.path, item.named) for item in Sources(["list.csv"], Selection())]
    assert listed == [
        ("folder/b.png", False),
        ("x.zip!/n.png", False),
        ("x.zip!/m.png", False),
        ("x.zip!/n.png", False),
        ("list.csv:5", False),
    ]
    monkeypatch.setattr(sys, "stdin", io.StringIO("in.png\n"))
    assert named("-") == {"in.png": False}


def test_a_named_folder_that_cannot_be_listed_was_named(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("folder/shut").mkdir()
    real = os.scandir

    def scandir(folder: str) -> object:
        if folder in ("folder/shut", "gone"):
            raise PermissionError(13, "Permission denied")
        return real(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    assert named("folder")["folder/shut"] is False
    Path("gone").mkdir()
    assert named("gone") == {"gone": True}


def test_records_carry_it(here: Path) -> None:
    options = ReadOptions(None, Limits(), None)
    for item in Sources(["single.gif", "folder"], Selection()):
        assert read_item(item, options)[0].named is item.named
        assert read_alone(item, options)[0].named is item.named
    assert read_alone(Item("gone", named=True), options)[0].named


# what is passed over


@pytest.fixture
def odd(here: Path) -> Path:
    """A folder with hidden files and folders, links, and archives that hold hidden files."""
    for name in ("folder/.git/a.png", "folder/.git/b.png", "folder/sub/.d.png"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    Path("folder/link.png").symlink_to("a.png")
    Path("folder/down").symlink_to("sub")
    Path("folder/.link").symlink_to("a.png")
    Path("folder/x.zip").write_bytes(zipped({"._m.png": PICTURE, ".e/n.png": PICTURE, "o": b""}))
    return here


def over(*given: str, **rules: object) -> dict[str, int]:
    sources = Sources(given, Selection(**rules))  # type: ignore[arg-type]
    list(sources)
    return {kind: count for kind, count in sources.passed_over.items() if count}


def test_what_is_passed_over_is_counted(odd: Path) -> None:
    # .c.png, .git, sub/.d.png and two members; a hidden link is hidden first of all
    assert over("folder") == {"hidden": 5, "symbolic links": 2}
    assert over("folder", hidden=True) == {"symbolic links": 3}
    assert over("folder", follow_symlinks=True, hidden=True) == {}
    assert over("folder", archives=None) == {"hidden": 3, "symbolic links": 2, "archives": 1}
    assert over("folder/x.zip", archives=None) == {"archives": 1}
    assert over("single.gif", archives=None) == {}


def test_what_was_left_out_on_purpose_is_not_counted(odd: Path) -> None:
    assert over("folder", exclude=[".git", "*.zip", "link*"]) == {"hidden": 2, "symbolic links": 1}
    assert over("folder", include=["*.gif"]) == {"hidden": 2, "symbolic links": 2}


def test_each_iteration_counts_anew_and_counting_does_not(odd: Path) -> None:
    sources = Sources(["folder"], Selection())
    first = iter(sources)
    next(first)
    assert sources.count() == (len(list(Sources(["folder"], Selection()))), True)
    list(first)
    assert sources.passed_over["hidden"] == 5
    list(sources)
    assert sources.passed_over["hidden"] == 5


# lists alone


def test_lists_alone_are_told(here: Path) -> None:
    Path("m.csv").write_text("path\na\n")
    for given, expected in (
        (["list.txt"], True),
        (["-", "m.csv"], True),
        (["list.txt", "single.gif"], False),
        (["folder"], False),
        ([], False),
    ):
        assert Sources(given, Selection()).only_lists is expected


def test_no_names_give_nothing() -> None:
    assert paths() == []
