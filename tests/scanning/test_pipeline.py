"""The run of a plan: its events, its reports, and what it leaves when it is left."""

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest

import clipfake
from clipfake.errors import ReportError, UsageError
from clipfake.plan import Affects, ScanPlan
from clipfake.plan.plan import options
from clipfake.report.custody import custody_path
from clipfake.report.journal import journal_path, read_header
from clipfake.scanning import run, scan
from clipfake.scanning.describe import CHUNK
from clipfake.scanning.events import (
    Event,
    Failed,
    Finished,
    Listed,
    Recorded,
    Restored,
    Started,
)
from clipfake.scanning.parts import cache_of, metadata_of
from clipfake.sources import Item
from tests.conftest import encoded, picture
from tests.plan.test_plan import NEEDED, OTHER


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "in"
    root.mkdir()
    for number in range(4):
        (root / f"{number}.png").write_bytes(encoded(picture(seed=number)))
    (root / "9.txt").write_text("no image")
    return root


def plain(*paths: object, **given: Any) -> ScanPlan:
    return ScanPlan.of([str(path) for path in paths], no_pixels=True, workers=0, **given)


def events_of(plan: ScanPlan, **more: Any) -> list[Event]:
    with run(plan, **more) as events:
        return list(events)


def test_events_come_in_the_order_of_the_scan(folder: Path, tmp_path: Path) -> None:
    report = tmp_path / "r.parquet"
    found = events_of(plain(folder, output=[report], custody=True))
    kinds = [type(event) for event in found]
    assert kinds == [Started, Restored, *[Recorded] * 4, Failed, Finished]
    failed, finished = found[-2], found[-1]
    assert isinstance(failed, Failed)
    assert failed.row["error_code"] == "not_an_image"
    assert isinstance(finished, Finished)
    assert finished.reports == (report,)
    assert finished.custody == custody_path(report)
    assert custody_path(report).is_file()
    assert not journal_path(report).exists()
    rows = [dict(event.row) for event in found if isinstance(event, Recorded)]
    assert pq.read_table(report).to_pylist() == rows
    assert [os.path.basename(row["path"]) for row in rows] == sorted(os.listdir(folder))


class AtOnce:
    """A thread that has ended when it was started, so that the test waits for nothing."""

    def __init__(self, target: Callable[[], None], daemon: bool) -> None:
        self._target = target

    def start(self) -> None:
        self._target()


def test_everything_is_counted_beside_the_scan(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clipfake.scanning.pipeline.threading", SimpleNamespace(Thread=AtOnce))
    with run(plain(folder), count=True) as events:
        kinds = [event if isinstance(event, Listed) else type(event) for event in events]
    assert kinds == [Started, Recorded, Listed(5, True), *[Recorded] * 3, Failed, Finished]
    with run(plain(folder)) as events:
        assert not any(isinstance(event, Listed) for event in events)


def test_a_run_that_is_left_goes_on_where_it_was(folder: Path, tmp_path: Path) -> None:
    report = tmp_path / "r.parquet"
    for number in range(2 * CHUNK):
        (folder / f"m{number:03d}.png").write_bytes(encoded(picture(seed=number % 3)))
    plan = plain(folder, output=[report])
    seen = 0
    with run(plan) as events:
        for event in events:
            seen += isinstance(event, Recorded)
            if seen == CHUNK + 9:
                break
    assert not report.exists()
    assert journal_path(report).exists()
    found = events_of(plan)
    [restored] = [event for event in found if isinstance(event, Restored)]
    assert restored.rows == CHUNK + 9
    again = [event.record is None for event in found if isinstance(event, Recorded)]
    assert again == [True] * restored.rows + [False] * (2 * CHUNK + 5 - restored.rows)
    whole = tmp_path / "whole.parquet"
    events_of(plain(folder, output=[whole]))
    assert pq.read_table(report).equals(pq.read_table(whole))


def test_a_journal_of_another_version_is_refused_in_a_line(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "r.parquet"
    with run(plain(folder, output=[report])) as events:
        next(events)
    assert read_header(journal_path(report))["scan"]["clipfake"] == clipfake.__version__
    monkeypatch.setattr("clipfake.scanning.provenance.__version__", "0.1.0")
    with pytest.raises(UsageError, match="is of another scan") as told:
        events_of(plain(folder, output=[report]))
    said = f'(different: clipfake was "{clipfake.__version__}", is "0.1.0")'
    assert said in str(told.value)
    assert "--no-resume" in str(told.value)
    events_of(plain(folder, output=[report], resume=False))


def test_scan_takes_names_with_options_and_plans(folder: Path) -> None:
    plan = plain(folder)
    expected = [event.record for event in events_of(plan) if isinstance(event, Recorded)]
    assert list(scan(plan)) == expected
    assert list(scan(folder, no_pixels=True, workers=0)) == expected
    assert list(clipfake.scan([folder], no_pixels=True, workers=0)) == expected
    assert [record.path for record in scan(plan, include=["0.png"])] == [str(folder / "0.png")]


def test_scan_writes_no_report_and_says_so(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"use clipfake\.scanning\.run"):
        scan(plain(folder, output=[tmp_path / "r.csv"]))


def test_contradictions_are_told_to_python_too(folder: Path) -> None:
    with pytest.raises(UsageError, match="leave nothing to read"):
        scan(folder, no_pixels=True, no_metadata=True)
    with pytest.raises(UsageError, match="did you mean 'threshold'"):
        scan(folder, treshold=0.5)


def test_items_may_stand_for_paths_and_files_be_hashed_alone(folder: Path) -> None:
    items = [Item(str(folder / "1.png")), Item(str(folder / "absent.png"))]
    found = events_of(ScanPlan.of(hash_alone=True, workers=0), items=iter(items))
    first, second = (event for event in found if isinstance(event, Recorded))
    assert first.row["sha256"] is not None
    assert first.row["evidence"] is None
    assert isinstance(second, Failed)
    assert second.row["error_code"] == "missing"


def test_a_report_that_cannot_be_written_ends_the_run(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("clipfake.report.csv.CsvFile.write", full)
    with pytest.raises(ReportError, match=r"r\.csv: report cannot be written"):
        events_of(plain(folder, output=[tmp_path / "r.csv"]))
    assert journal_path(tmp_path / "r.csv").exists()


# what changes the content of a file's entry makes another entry, and nothing else does


@pytest.mark.parametrize("name", [name for name in OTHER if name not in ("cache", "c2pa_trust")])
def test_the_caches_key_is_of_what_changes_content(tmp_path: Path, name: str) -> None:
    def content(**given: Any) -> dict[str, Any]:
        plan = ScanPlan.of(cache=tmp_path / "k", **given)
        cache = cache_of(plan, metadata_of(plan))
        assert cache is not None
        cache.close()
        return cache.content

    needed = {key: value for key, value in NEEDED.get(name, {}).items() if key != "cache"}
    differs = content(**needed, **{name: OTHER[name]}) != content()
    assert differs is (options()[name].option.affects is Affects.CONTENT)
