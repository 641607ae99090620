"""The journal: what is kept through crashes, and what is cut off."""

import os
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest

from clipfake.errors import ReportError, UsageError
from clipfake.records import Record
from clipfake.report.journal import Journal, journal_path, read_header
from clipfake.report.report import Report
from clipfake.report.schema import report_schema, to_row
from clipfake.scanning.resume import Resumed
from clipfake.sources import Item

SCHEMA = report_schema({"label": pa.int64()})
SCAN = {"paths": ["a"], "threshold": 0.9}


def row(name: str) -> dict[str, object]:
    return to_row(Record(name, extra={"label": 7}), SCHEMA)


def opened(path: Path, *, resume: bool = True, every: int = 2, **scan: object) -> Journal:
    return Journal(path, SCHEMA, {**SCAN, **scan}, every=every, resume=resume)


def kept(journal: Journal) -> list[str]:
    return [str(each["path"]) for rows in journal.rows() for each in rows]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of five rows, whose process died: two frames were written, a row was not."""
    path = tmp_path / "r.csv.journal"
    journal = opened(path)
    for name in "abcde":
        journal.add(row(name))
    os.close(os.dup(journal._file.fileno()))
    journal._file.close()
    return path


def test_a_report_names_its_journal() -> None:
    assert journal_path(Path("x/r.parquet")) == Path("x/r.parquet.journal")


def test_whole_frames_survive_with_every_value(path: Path) -> None:
    journal = opened(path)
    assert kept(journal) == ["a", "b", "c", "d"]
    assert next(journal.rows())[0] == row("a")


def test_a_closed_journal_holds_what_waited(tmp_path: Path) -> None:
    journal = opened(tmp_path / "j")
    journal.add(row("a"))
    journal.close()
    assert kept(opened(tmp_path / "j")) == ["a"]


def test_a_torn_end_is_cut_off_wherever_it_tore(path: Path) -> None:
    data = path.read_bytes()
    header = data.index(b"\n") + 1
    sizes = [int.from_bytes(data[header : header + 4], "little") + 8]
    first = header + sizes[0]
    for end in range(header, len(data), 97):
        path.write_bytes(data[:end])
        journal = opened(path)
        assert kept(journal) == (["a", "b"] if end >= first else [])
        journal.keep(10)
        journal.add(row("x"))
        journal.add(row("y"))
        assert kept(journal)[-2:] == ["x", "y"]
        journal.close()


def test_a_flipped_bit_ends_the_rows_before_it(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    assert kept(opened(path)) == ["a", "b"]


@pytest.mark.parametrize("count", range(6))
def test_rows_can_be_cut_at_any_place(path: Path, count: int) -> None:
    journal = opened(path)
    journal.keep(count)
    journal.add(row("x"))
    journal.close()
    assert kept(opened(path)) == [*"abcd"[:count], "x"]


def test_a_new_start_forgets(path: Path) -> None:
    assert kept(opened(path, resume=False)) == []


def test_a_header_that_tore_is_a_new_start(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20])
    assert kept(opened(path)) == []
    path.write_bytes(b"")
    assert kept(opened(path)) == []


def test_another_scan_is_refused_and_the_difference_named(path: Path) -> None:
    found = r"another scan \(different: threshold was 0.9, is 0.5\).*--no-resume"
    with pytest.raises(UsageError, match=found):
        opened(path, threshold=0.5)
    with pytest.raises(UsageError, match=r"different: gps was null, is true\)"):
        opened(path, gps=True)
    with pytest.raises(UsageError, match=r"different: paths\)"):
        opened(path, paths=["a", "b" * 100])


def test_a_journal_of_other_columns_of_ours_is_refused(path: Path) -> None:
    with pytest.raises(UsageError, match="different: columns"):
        Journal(path, pa.schema([("path", pa.string())]), SCAN, every=1, resume=True)


# lists that changed


def carrying(path: Path, columns: dict[str, pa.DataType], lists: list[object]) -> Journal:
    schema = report_schema(columns)
    return Journal(path, schema, SCAN, every=2, resume=True, lists=[lists])


def resumed_with(journal: Journal, items: list[Item]) -> tuple[list[dict[str, object]], list[Item]]:
    again = Resumed(items, journal)
    return list(again.rows()), list(again.items)


def test_rows_of_a_changed_list_are_kept_with_its_present_columns(path: Path) -> None:
    columns = {"note": pa.string(), "label": pa.int64()}
    journal = carrying(path, columns, ["m.csv", 1, 2])
    assert journal.outdated == "m.csv changed since"
    items = [Item(name, {"note": name * 2, "label": 8}) for name in "abcde"]
    rows, left = resumed_with(journal, items)
    assert [(each["path"], each["note"], each["label"]) for each in rows] == [
        (name, name * 2, 8) for name in "abcd"
    ]
    assert left == items[4:]
    assert journal.outdated is None
    journal.add({**row("e"), "note": "ee", "label": 8})
    journal.close()
    again = carrying(path, columns, ["m.csv", 1, 2])
    assert again.outdated is None
    assert [each["note"] for rows in again.rows() for each in rows] == [
        "aa",
        "bb",
        "cc",
        "dd",
        "ee",
    ]
    assert sorted(os.listdir(path.parent)) == [path.name]


def test_a_changed_list_of_other_paths_keeps_those_before(path: Path) -> None:
    journal = carrying(path, {"label": pa.int64()}, ["m.csv", 1, 2])
    items = [Item(name, {"label": 7}) for name in "abxd"]
    rows, left = resumed_with(journal, items)
    assert ([each["path"] for each in rows], left) == (["a", "b"], items[2:])
    assert kept(journal) == ["a", "b"]


def test_a_column_that_a_list_no_longer_has_is_gone(path: Path) -> None:
    journal = carrying(path, {}, ["m.csv", 1, 2])
    rows, _ = resumed_with(journal, [Item(name) for name in "abcd"])
    assert all("label" not in each for each in rows)
    assert [each["path"] for each in rows] == list("abcd")


def test_a_renewal_that_fails_leaves_the_old_journal(path: Path) -> None:
    journal = carrying(path, {}, ["m.csv", 1, 2])
    before = path.read_bytes()
    with closing(Resumed([Item("a"), Item("b")], journal).rows()) as rows:
        next(rows)
    assert path.read_bytes() == before
    assert sorted(os.listdir(path.parent)) == [path.name]


@pytest.mark.parametrize("content", [b"text\n", b'{"a": 1}\n', b"\xff\xfe\n", b"[]\n"])
def test_what_is_no_journal_is_never_overwritten(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "j").write_bytes(content)
    with pytest.raises(UsageError, match=r"j: not a"):
        opened(tmp_path / "j")
    assert (tmp_path / "j").read_bytes() == content


def test_two_scans_cannot_write_one_journal(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    first = opened(tmp_path / "j")
    with pytest.raises(UsageError, match="another scan writes this report"):
        opened(tmp_path / "j")
    first.close()
    opened(tmp_path / "j").close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_worker_that_outlives_its_scan_does_not_hold_the_journal(tmp_path: Path) -> None:
    journal = opened(tmp_path / "j")
    reader, writer = os.pipe()
    started, starting = os.pipe()
    worker = os.fork()
    if worker == 0:
        os.close(writer)
        os.write(starting, b"x")
        os.read(reader, 1)
        os._exit(0)
    os.read(started, 1)
    journal._file.close()  # as the kernel does for a killed process
    assert kept(opened(tmp_path / "j")) == []
    os.close(writer)
    os.waitpid(worker, 0)


def test_a_full_disk_is_told_with_a_remedy(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = opened(path)
    journal.keep(4)

    class Full:
        def write(self, data: bytes) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal, "_file", Full())
    journal.add(row("x"))
    with pytest.raises(ReportError, match=r"No space left on device.*go on from the last whole"):
        journal.add(row("y"))
    assert kept(journal) == ["a", "b", "c", "d"]


def test_the_header_says_what_it_belongs_to(path: Path) -> None:
    assert read_header(path)["scan"] == SCAN


# going on


def resumed(path: Path, names: str) -> tuple[list[str], list[str]]:
    """What is restored and what remains."""
    journal = opened(path)
    again = Resumed(map(Item, names), journal)
    restored = [str(each["path"]) for each in again.rows()]
    found = restored, [item.path for item in again.items]
    journal.close()
    return found


def test_rows_that_are_there_are_not_scanned_again(path: Path) -> None:
    assert resumed(path, "abcdefg") == (list("abcd"), list("efg"))
    assert resumed(path, "abcd") == (list("abcd"), [])


@pytest.mark.parametrize(
    ("names", "same"), [("abxcd", "ab"), ("axbcd", "a"), ("xabcd", ""), ("abc", "abc"), ("", "")]
)
def test_changed_files_are_scanned_again_from_there(
    path: Path, caplog: pytest.LogCaptureFixture, names: str, same: str
) -> None:
    assert resumed(path, names) == (list(same), list(names[len(same) :]))
    assert "the files changed after" in caplog.text
    assert kept(opened(path)) == list(same)


def test_a_whole_report_needs_no_journal(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", report_schema({}), SCAN, every=2, resume=True)
    with Report([tmp_path / "r.csv"], {}, {}, journal) as report:
        report.add(Record("a"))
        assert (tmp_path / "j").exists()
    assert sorted(os.listdir(tmp_path)) == ["r.csv"]


def test_an_interrupted_report_keeps_its_journal_with_every_row(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", report_schema({}), SCAN, every=10, resume=True)
    report = Report([tmp_path / "r.csv"], {}, {}, journal)
    report.add(Record("a"))
    with pytest.raises(KeyboardInterrupt), report:
        raise KeyboardInterrupt
    again = Journal(tmp_path / "j", report_schema({}), SCAN, every=10, resume=True)
    assert kept(again) == ["a"]
