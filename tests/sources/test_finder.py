"""Files and members found by the names that reports give them."""

import hashlib
import io
import os
import tarfile
import time
import zipfile
from pathlib import Path

import pytest

from clipfake.errors import ErrorCode, UsageError
from clipfake.imaging.limits import Limits
from clipfake.records import Record
from clipfake.scanning.reader import ReadOptions, read_item
from clipfake.sources import Item, Selection, Sources
from clipfake.sources.archives import finder as finder_module
from clipfake.sources.archives.finder import Finder
from tests.conftest import PATIENCE
from tests.sources.archives import (
    FORMS,
    OTHER,
    PICTURE,
    TEXT,
    limited,
    packed,
    tar_info,
    tarred,
    zipped,
)

FILES = {
    "a.png": PICTURE,
    "d/b.jpg": OTHER,
    "../up.png": PICTURE,
    "/abs.png": OTHER,
    "x!/y.png": PICTURE,
    "./e//f.png": OTHER,
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(item: Item) -> Record:
    return read_item(item, ReadOptions(None, Limits(), None))[0]


def records(*names: str, selection: Selection | None = None) -> list[Record]:
    return [read(item) for item in Sources(names, selection or Selection())]


def found(name: str, finder: Finder | None = None) -> Record:
    return read((finder or Finder()).found(Item(name)))


@pytest.mark.parametrize("outer", FORMS)
@pytest.mark.parametrize("inner", ["zip", "tar", "tar.gz"])
def test_each_row_of_a_report_names_its_bytes(here: Path, outer: str, inner: str) -> None:
    nested = packed({**FILES, "t.txt": TEXT}, inner)
    Path("x").write_bytes(packed({**FILES, "in/n.arc": nested}, outer))
    rows = records("x")
    assert len(rows) == 13
    finder = Finder()
    for row in [*rows, *reversed(rows)]:
        again = found(row.path, finder)
        assert (again.path, again.sha256, again.error_code) == (
            row.path,
            row.sha256,
            row.error_code,
        )
    listed = records(*(row.path for row in rows))
    assert [row.sha256 for row in listed] == [row.sha256 for row in rows]
    assert all(row.named for row in listed)
    assert not any(row.named for row in rows)


@pytest.mark.parametrize("form", ["zip", "tar", "tar.gz"])
def test_rows_of_lists_may_be_members(here: Path, form: str) -> None:
    Path("sub").mkdir()
    Path("sub/x.arc").write_bytes(packed(FILES, form))
    Path("sub/m.csv").write_text("path,label\nx.arc!/d/b.jpg,1\nx.arc!/gone,2\nx.arc!/a.png,3\n")
    rows = records("sub/m.csv")
    assert [(row.path, row.error_code, row.extra["label"]) for row in rows] == [
        ("sub/x.arc!/d/b.jpg", None, "1"),
        ("sub/x.arc!/gone", ErrorCode.MISSING, "2"),
        ("sub/x.arc!/a.png", None, "3"),
    ]
    assert rows[0].sha256 == hashlib.sha256(OTHER).hexdigest()
    assert "no such member" in str(rows[1].error)


def test_an_archive_named_inside_an_archive_gives_its_members(here: Path) -> None:
    for form in ("zip", "tar.gz"):
        Path("x").write_bytes(packed({"n": zipped(FILES), "o.png": OTHER}, form))
        rows = records("x!/n")
        assert [row.path for row in rows] == [f"x!/n!/{name}" for name in FILES]
        assert [row.error_code for row in rows] == [None] * len(FILES)
        assert not any(row.named for row in rows)
        taken = records("x!/n", selection=Selection(include=["*.jpg"]))
        assert [row.path for row in taken] == ["x!/n!/d/b.jpg"]


def test_names_that_are_no_utf8_are_found_by_text_and_by_bytes(here: Path) -> None:
    raw = b"caf\xe9\xff.png"
    Path("a.zip").write_bytes(zipped({"cafAB.png": PICTURE}).replace(b"cafAB.png", raw))
    Path("b.tar").write_bytes(tarred({os.fsdecode(raw): PICTURE}, form=tarfile.GNU_FORMAT))
    Path("c.zip").write_bytes(zipped({"aXb.png": PICTURE}).replace(b"aXb.png", b"a\0b.png"))
    Path(os.fsdecode(raw)).write_bytes(PICTURE)
    folder = Path(os.fsdecode(b"d\xe9"))
    folder.mkdir()
    (folder / "e.zip").write_bytes(zipped({"f.png": PICTURE}))
    rows = records("a.zip", "b.tar", "c.zip", os.fsdecode(raw), str(folder))
    assert rows[2].path == "c.zip!/a\\x00b.png"
    assert rows[4].path == "d\\xe9/e.zip!/f.png"
    for row in rows:
        again = found(row.path)
        assert (again.path, again.path_raw, again.sha256) == (row.path, row.path_raw, row.sha256)
        if row.path_raw is not None:
            assert found(os.fsdecode(row.path_raw)).sha256 == row.sha256


def test_a_file_of_that_name_comes_first(here: Path) -> None:
    Path("a.zip").write_bytes(zipped({"b.png": PICTURE}))
    Path("a.zip!").mkdir()
    Path("a.zip!/b.png").write_bytes(OTHER)
    assert found("a.zip!/b.png").sha256 == hashlib.sha256(OTHER).hexdigest()
    Path("caf\\xe9.png").write_bytes(OTHER)
    Path(os.fsdecode(b"caf\xe9.png")).write_bytes(PICTURE)
    assert found("caf\\xe9.png").sha256 == hashlib.sha256(OTHER).hexdigest()


def test_of_members_of_one_name_the_first_is_meant(here: Path) -> None:
    with tarfile.open("a.tar", "w") as tar:
        for data in (PICTURE, OTHER):
            tar.addfile(tar_info("a", len(data)), io.BytesIO(data))
    assert found("a.tar!/a").format == "PNG"


def test_no_archives_does_not_keep_named_members_out(here: Path) -> None:
    Path("a.zip").write_bytes(zipped({"n.zip": zipped({"b.png": PICTURE}), "c.png": OTHER}))
    without = Selection(archives=None)
    for name in ("a.zip!/c.png", "a.zip!/n.zip!/b.png", "a.zip!/n.zip"):
        assert [row.error_code for row in records(name, selection=without)] == [None]


# what is not there


@pytest.mark.parametrize(
    "name",
    ["a.zip!/gone.png", "a.zip!/", "a.zip!/d", "a.zip!/n.zip!/gone", "a.zip!/b.png!/c", "t!/x"],
)
def test_a_name_that_is_not_there_is_missing(here: Path, name: str) -> None:
    inner = zipped({"b.png": PICTURE})
    Path("a.zip").write_bytes(zipped({"n.zip": inner, "b.png": OTHER, "d/e.png": OTHER}))
    Path("t").write_bytes(TEXT)
    row = found(name)
    assert row.error_code is ErrorCode.MISSING
    assert row.path == name
    with pytest.raises(UsageError) as caught:
        Sources([name], Selection())
    assert str(caught.value).startswith(f"{name}: no")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["gone.zip!/a.png", "!/a.png", "gone\\xe9.png", "!/", "a!/b!/c"])
def test_a_name_of_no_archive_stays_as_it_is(here: Path, name: str) -> None:
    assert Finder().found(Item(name)) == Item(name)
    with pytest.raises(UsageError, match="no such file or folder"):
        Sources([name], Selection())


def test_what_keeps_an_archive_from_being_listed_is_told(here: Path) -> None:
    Path("a.zip").write_bytes(zipped({"b.png": PICTURE})[:-30])
    Path("b.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(90))
    Path("c.zip").write_bytes(zipped({"n.zip": zipped({"b.png": PICTURE})}))
    assert found("a.zip!/b.png").error_code is ErrorCode.DAMAGED
    assert found("b.7z!/b.png").error_code is ErrorCode.UNSUPPORTED
    for limits in (limited(depth=1), limited(nested_bytes=9)):
        row = found("c.zip!/n.zip!/b.png", Finder(limits))
        assert row.error_code is ErrorCode.ARCHIVE_LIMIT


def test_members_that_cannot_be_read_say_why(here: Path) -> None:
    with tarfile.open("a.tar", "w") as tar:
        tar.addfile(tar_info("s.png", kind=tarfile.SYMTYPE, link="/etc/passwd"))
    assert found("a.tar!/s.png").error_code is ErrorCode.NOT_A_FILE
    with pytest.raises(UsageError, match="symbolic link"):
        Sources(["a.tar!/s.png"], Selection())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_a_fifo_is_never_opened_as_an_archive(here: Path) -> None:
    os.mkfifo("pipe")
    assert Finder().found(Item("pipe!/a.png")) == Item("pipe!/a.png")


# what it costs


def test_an_archive_is_listed_once_for_all_its_members(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"{n}.png": PICTURE for n in range(30)}
    for number in range(3):
        Path(f"{number}.zip").write_bytes(zipped(files))
    listed = []
    real = finder_module.zip_entries
    monkeypatch.setattr(finder_module, "zip_entries", lambda store: listed.append(1) or real(store))
    finder = Finder()
    for name in [*files, *reversed(files)]:
        for number in range(3):
            assert finder.found(Item(f"{number}.zip!/{name}")).problem is None
    assert len(listed) == 3


def test_few_archives_are_held(here: Path) -> None:
    finder = Finder()
    for number in range(40):
        Path(f"{number}.zip").write_bytes(zipped({"a.png": PICTURE}))
        assert finder.found(Item(f"{number}.zip!/a.png")).problem is None
    assert len(finder._listed) <= 16
    assert finder._held == len(finder._listed)


def test_faults_are_found_once(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.zip").write_bytes(zipped({"n.zip": zipped({"b.png": PICTURE})}))
    finder, opened = Finder(limited(nested_bytes=9)), []
    real = Finder._store
    monkeypatch.setattr(Finder, "_store", lambda self, *a: opened.append(1) or real(self, *a))
    for _ in range(9):
        assert finder.found(Item("a.zip!/n.zip!/b.png")).problem is not None
    assert len(opened) == 2


@pytest.mark.parametrize("name", ["a.zip" + "!/x" * 2**20, "a.zip!/" * 2**12, "!/" * 2**13])
def test_names_of_any_length_cost_little(here: Path, name: str) -> None:
    with zipfile.ZipFile("a.zip", "w") as file:
        file.writestr("b.png", PICTURE)
    start = time.monotonic()
    assert Finder().found(Item(name)).content is None
    assert time.monotonic() - start < PATIENCE
