"""Scans to parts: units that are done once, however often and wherever a scan is begun again."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clipfake.cli.exit_codes import Exit
from clipfake.errors import ErrorCode, ImageError, ReportError, UsageError
from clipfake.plan import ScanPlan
from clipfake.report.merge import merge_reports
from clipfake.report.parquet import parquet_files, read_about
from clipfake.report.parts import SCAN, check_parts, read_head
from clipfake.scanning import run
from clipfake.scanning.events import Event, Finished, Noticed, Recorded, Restored
from clipfake.scanning.kept_items import read_items, write_items
from clipfake.sources import Item, Selection, Sources
from clipfake.sources.place import Place
from clipfake.sources.remote.file import RemoteFile
from tests.cli.command import clipfake
from tests.conftest import fill
from tests.sources.archives import PICTURE

FILES = 7
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    fill(tmp_path / "in", FILES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def plan(*paths: str, **given: Any) -> ScanPlan:
    options: dict[str, Any] = {"output": ["r.parts"], "unit": 3, "workers": 0, "no_pixels": True}
    return ScanPlan.of(paths or ["in"], **{**options, **given})


def events_of(what: ScanPlan, **more: Any) -> list[Event]:
    with run(what, **more) as events:
        return list(events)


def rows_of(report: str | Path) -> list[dict[str, Any]]:
    return [row for file in parquet_files(report) for row in pq.read_table(file).to_pylist()]


def plain_rows() -> list[dict[str, Any]]:
    events_of(plan(output=["plain.parquet"]))
    return pq.read_table("plain.parquet").to_pylist()


def restored(events: list[Event]) -> int:
    return sum(event.rows for event in events if isinstance(event, Restored))


def test_units_have_so_many_items_and_the_rows_of_a_plain_scan(folder: Path) -> None:
    found = events_of(plan(output=["r.parts", "r.csv"]))
    numbers = [pq.read_metadata(file).num_rows for file in parquet_files("r.parts")]
    assert numbers == [3, 3, 1]
    assert rows_of("r.parts") == plain_rows()
    assert len(Path("r.csv").read_text().splitlines()) == FILES + 1
    assert [event.reports for event in found if isinstance(event, Finished)] == [
        (Path("r.parts"), Path("r.csv"))
    ]
    kept = pq.read_table("r.parts/_items/items-000001.parquet").to_pylist()
    assert [(row["row"], row["path"]) for row in kept] == [(n, f"in/{n}.png") for n in (3, 4, 5)]
    assert pq.read_table("r.parts")["path"].to_pylist() == [f"in/{n}.png" for n in range(FILES)]


def test_a_run_that_is_left_goes_on_with_the_units_that_are_not_done(folder: Path) -> None:
    with run(plan()) as events:
        for event in events:
            if isinstance(event, Recorded) and event.row["path"] == "in/4.png":
                break
    assert [number for number, _ in enumerate(Place("r.parts").names())] == [0, 1]
    with pytest.raises(UsageError, match="its scan is not over"):
        parquet_files("r.parts")
    found = events_of(plan())
    assert restored(found) == 3
    assert rows_of("r.parts") == plain_rows()


def test_what_is_whole_is_never_computed_again(folder: Path) -> None:
    events_of(plan())
    before = {file: os.stat(file).st_mtime_ns for file in Path("r.parts").rglob("*")}
    for number in range(FILES):
        Path(f"in/{number}.png").unlink()
    found = events_of(plan())
    assert restored(found) == FILES
    assert any(isinstance(event, Noticed) and "--no-resume" in event.text for event in found)
    assert {file: os.stat(file).st_mtime_ns for file in Path("r.parts").rglob("*")} == before


@pytest.mark.parametrize("damage", ["byte", "cut", "gone", "digest", "swapped"])
def test_a_part_that_is_not_whole_is_made_again_and_no_other(folder: Path, damage: str) -> None:
    events_of(plan())
    rows, part = rows_of("r.parts"), Path("r.parts/part-000001.parquet")
    data = part.read_bytes()
    if damage == "byte":
        part.write_bytes(data[:100] + bytes([data[100] ^ 1]) + data[101:])
    elif damage == "cut":
        part.write_bytes(data[:-9])
    elif damage == "gone":
        part.unlink()
    elif damage == "digest":
        Path("r.parts/_digests/part-000001.sha256").unlink()
    else:  # a whole part, but of other items
        for name in ("{}.parquet", "_digests/{}.sha256"):
            old, new = (Path("r.parts") / name.format(f"part-00000{n}") for n in (0, 1))
            new.write_bytes(old.read_bytes())
    found = events_of(plan())
    assert restored(found) == 4
    assert rows_of("r.parts") == rows
    assert check_parts(Place("r.parts")).whole == [0, 1, 2]


def test_a_part_that_is_written_twice_is_there_once(folder: Path) -> None:
    events_of(plan())
    before = Path("r.parts/part-000000.parquet").read_bytes()
    Path("r.parts/_digests/part-000000.sha256").unlink()
    events_of(plan())
    assert Path("r.parts/part-000000.parquet").read_bytes() == before
    assert len(rows_of("r.parts")) == FILES


def test_parts_of_another_plan_are_refused_with_what_differs(folder: Path) -> None:
    events_of(plan())
    for other, said in (
        (plan(unit=4), "unit was 3, is 4"),
        (plan(gps=True), "gps was false, is true"),
        (plan("in/1.png"), "paths was"),
    ):
        with pytest.raises(UsageError, match="parts of another scan") as told:
            events_of(other)
        assert said in str(told.value)
        assert "--no-resume" in str(told.value)
    events_of(plan(unit=4, resume=False))
    assert [pq.read_metadata(file).num_rows for file in parquet_files("r.parts")] == [4, 3]
    assert len(Place("r.parts").names("_items")) == 2


def test_parts_of_an_unknown_scan_are_refused(folder: Path) -> None:
    events_of(plan())
    Path("r.parts", SCAN).unlink()
    with pytest.raises(UsageError, match="does not say of which scan"):
        events_of(plan())
    Path("r.parts", SCAN).write_text("{")
    with pytest.raises(UsageError, match="not a readable list of parts"):
        events_of(plan())


def test_a_listing_that_was_broken_off_is_made_again(folder: Path) -> None:
    with run(plan()) as events:
        for event in events:
            if isinstance(event, Recorded) and event.row["path"] == "in/3.png":
                break
    head = read_head(Place("r.parts"))
    assert head is not None
    assert head["listed"] is None
    Path("in/1b.png").write_bytes(PICTURE)  # the first unit is another one now
    events_of(plan())
    assert rows_of("r.parts") == plain_rows()


def test_a_listing_that_is_whole_stays_and_changed_lists_are_told(folder: Path) -> None:
    Path("list.csv").write_text("path,n\nin/0.png,1\nin/1.png,2\n")
    events_of(plan("list.csv"))
    Path("list.csv").write_text("path,n\nin/0.png,1\nin/1.png,2\nin/2.png,3\n")
    found = events_of(plan("list.csv"))
    assert any(isinstance(event, Noticed) and "list.csv changed" in event.text for event in found)
    assert [(row["path"], row["n"]) for row in rows_of("r.parts")] == [
        ("in/0.png", "1"),
        ("in/1.png", "2"),
    ]


def test_two_scans_do_not_write_one_folder(folder: Path) -> None:
    with run(plan()) as events:
        next(events)
        with pytest.raises(UsageError, match="another scan writes this report"):
            events_of(plan())
    events_of(plan())


def test_no_items_give_one_part_without_rows(folder: Path) -> None:
    Path("empty").mkdir()
    events_of(plan("empty"))
    assert [pq.read_metadata(file).num_rows for file in parquet_files("r.parts")] == [0]
    assert restored(events_of(plan("empty"))) == 0


def test_killed_scans_lose_and_double_nothing(folder: Path) -> None:
    command = [sys.executable, "-m", "clipfake", "scan", "in", "-o", "r.parts", "--unit", "1"]
    command += ["--no-pixels", "--workers", "1", "--quiet"]
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}) as scan:
        while scan.poll() is None and "part-000002.parquet" not in Place("r.parts").names():
            pass
        scan.kill()
    found = events_of(plan(unit=1, workers=1))
    assert restored(found) >= 2
    assert [row["path"] for row in rows_of("r.parts")] == [f"in/{n}.png" for n in range(FILES)]
    assert rows_of("r.parts") == plain_rows()


# --- what was listed, kept


def test_items_come_back_as_they_were() -> None:
    columns = {"label": pa.string(), "path": pa.int64()}
    items = [
        Item("a.png", {"label": "x", "path": 3}, named=True),
        Item(os.fsdecode(b"\xff\xfe.png"), {"label": None, "path": None}),
        Item("lone\ud800.png", {"label": "é", "path": 1}),
        Item("s3://b/k", {"label": None, "path": None}, content=RemoteFile("s3://b/k", 7, "e")),
        Item("x", {"label": None, "path": None}, ImageError(ErrorCode.MISSING, "not there")),
    ]
    data, digest = write_items(items, 0, columns)
    found, said = read_items(data)
    assert said == digest
    assert [(i.path, i.extra, i.named, i.content) for i in found] == [
        (i.path, i.extra, i.named, i.content) for i in items
    ]
    assert found[4].problem is not None
    assert (found[4].problem.code, str(found[4].problem)) == (ErrorCode.MISSING, "not there")
    assert write_items(items, 0, columns)[1] == digest
    assert write_items(items[1:], 0, columns)[1] != digest


@pytest.mark.parametrize("data", [b"", b"PAR1", b"x" * 100])
def test_what_is_no_list_of_items_is_told(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_items(data)


@pytest.mark.parametrize("ending", ["zip", "tar", "tgz"])
def test_members_of_archives_are_opened_again_in_place(folder: Path, ending: str) -> None:
    import shutil

    form = {"zip": "zip", "tar": "tar", "tgz": "gztar"}[ending]
    made = Path(shutil.make_archive("a", form, "in"))
    items = list(Sources([made.name], Selection()))
    assert len(items) == FILES
    again, _ = read_items(write_items(items, 0, {})[0])
    for one, other in zip(items, again, strict=True):
        with one.open() as first, other.open() as second:
            assert first.read(2**20) == second.read(2**20)


# --- after the scan


def test_merge_says_what_is_missing_and_damaged(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events_of(plan())
    whole = rows_of("r.parts")
    assert clipfake("merge", "r.parts", "-o", "x.parquet") == Exit.FINE
    assert pq.read_table("x.parquet").to_pylist() == whole
    Path("r.parts/part-000000.parquet").unlink()
    data = Path("r.parts/part-000002.parquet").read_bytes()
    Path("r.parts/part-000002.parquet").write_bytes(data + b"x")
    capsys.readouterr()
    assert clipfake("merge", "r.parts", "-o", "x.parquet") == Exit.FOUND
    said = capsys.readouterr().err
    assert "1 parts are missing: 0" in said
    assert "1 parts are damaged: 2" in said
    assert pq.read_table("x.parquet").to_pylist() == whole[3:6]
    with pytest.raises(UsageError, match="1 of 3 parts are missing"):
        read_about("r.parts")


def test_a_path_that_was_listed_twice_keeps_both_rows(folder: Path) -> None:
    Path("list.txt").write_text("in/0.png\nin/0.png\n")
    events_of(plan("list.txt"))
    assert merge_reports(["r.parts"], [Path("x.parquet")]).rows == 2


def test_merge_tells_parts_of_another_kind_of_machine(folder: Path) -> None:
    events_of(plan())
    part = Path("r.parts/part-000001.parquet")
    table = pq.read_table(part)
    about = json.loads(table.schema.metadata[b"clipfake"]) | {"device": "cuda"}
    pq.write_table(table.replace_schema_metadata({b"clipfake": json.dumps(about)}), part)
    Path("r.parts/_digests/part-000001.sha256").unlink()
    import hashlib

    line = f"{hashlib.sha256(part.read_bytes()).hexdigest()}  {part.name}\n"
    Path("r.parts/_digests/part-000001.sha256").write_text(line)
    for number in (0, 2):
        other = Path(f"r.parts/part-00000{number}.parquet")
        table = pq.read_table(other)
        about = json.loads(table.schema.metadata[b"clipfake"]) | {"device": "cpu"}
        pq.write_table(table.replace_schema_metadata({b"clipfake": json.dumps(about)}), other)
        digest = hashlib.sha256(other.read_bytes()).hexdigest()
        Path(f"r.parts/_digests/{other.stem}.sha256").write_text(f"{digest}  {other.name}\n")
    [line] = merge_reports(["r.parts"], [Path("x.parquet")]).rounding
    assert "device cuda, not cpu" in line
    assert "part-000001" in line


def test_parts_are_verified_and_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events_of(plan())
    assert clipfake("verify", "r.parts") == Exit.FINE
    assert clipfake("report", "r.parts", "-o", "x.jsonl") == Exit.FINE
    assert len(Path("x.jsonl").read_text().splitlines()) == FILES
    with open("r.parts/part-000001.parquet", "ab") as file:
        file.write(b"PAR1")
    capsys.readouterr()
    assert clipfake("verify", "r.parts") == Exit.FOUND
    assert "part 1 is not what was written" in capsys.readouterr().out


# --- what cannot be


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"engine": "ray", "output": ["r.csv"]}, "--engine ray makes parts"),
        ({"engine": "spark"}, "unknown; use local, ray"),
        ({"address": "auto"}, "--address is about a cluster"),
        ({"actors": 2}, "--actors is about a cluster"),
        ({"output": ["a.parts", "b.parts"]}, "give one .parts"),
    ],
)
def test_contradictions_are_told(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        plan(**given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"output": ["s3://b/r.parts"]}, "--allow-network"),
        ({"output": ["memory://b/r.csv"], "allow_network": True}, "only .parts are written"),
        ({"output": ["memory://b/r.parts"], "custody": True}, "--custody lies beside"),
    ],
)
def test_outputs_by_url_that_cannot_be_are_told_first(
    folder: Path, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        events_of(plan(**given))


def test_parts_lie_at_urls_too(folder: Path) -> None:
    pytest.importorskip("fsspec")
    url = "memory://bucket/r.parts"
    with run(plan(output=[url])) as events:
        for event in events:
            if isinstance(event, Recorded) and event.row["path"] == "in/4.png":
                break
    found = events_of(plan(output=[url]))
    assert restored(found) == 3
    assert merge_reports([url], [Path("x.parquet")]).rows == FILES
    assert pq.read_table("x.parquet").to_pylist() == plain_rows()
    assert not any("partial" in name for name in Place(url).names())


def test_a_folder_that_cannot_be_written_is_told(folder: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root writes anywhere")
    Path("r.parts").mkdir(mode=0o500)
    with pytest.raises(ReportError, match="cannot be"):
        events_of(plan())
