"""Scans that are broken off, go on, are split, joined and remembered."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import clipfake.scanning.reader as clipfake_reader
from clipfake.cli.exit_codes import Exit
from clipfake.imaging.limits import Limits
from clipfake.records import NOT_READ, Record
from clipfake.report.journal import Journal, journal_path
from clipfake.sources import Item
from tests.cli.command import clipfake, scan, twelve_files
from tests.conftest import PATIENCE, encoded, picture

pytestmark = pytest.mark.usefixtures("small_detector")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return twelve_files(tmp_path / "in")


def broken_off(folder: Path, output: Path, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """A scan whose process dies when so many rows are in its journal."""
    add = Journal.add
    seen = []

    def dying(self: Journal, row: dict[str, object]) -> None:
        if len(seen) == after:
            self._rows = []
            raise RuntimeError("killed")
        seen.append(row)
        add(self, row)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "add", dying)
        assert scan(folder, output, "--batch-size", 4) == Exit.UNEXPECTED
    assert journal_path(output).exists()
    assert not output.exists()


@pytest.mark.parametrize("after", [0, 3, 4, 9, 11])
def test_a_scan_goes_on_where_it_broke_off(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    whole, broken = tmp_path / "whole.parquet", tmp_path / "broken.parquet"
    assert scan(folder, whole) == Exit.FINE
    broken_off(folder, broken, monkeypatch, after)
    from clipfake.detector import Detector

    scored = []
    real = Detector.look
    monkeypatch.setattr(
        Detector, "look", lambda self, *given: scored.append(1) or real(self, *given)
    )
    assert scan(folder, broken, "--batch-size", 4) == Exit.FINE
    assert len(scored) <= 3 - after // 4
    assert pq.read_table(broken).equals(pq.read_table(whole))
    assert sorted(os.listdir(tmp_path)) == ["broken.parquet", "in", "whole.parquet"]


def test_the_summary_counts_rows_of_the_run_before(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken_off(folder, tmp_path / "r.csv", monkeypatch, 8)
    capsys.readouterr()
    assert clipfake("scan", folder, "-o", tmp_path / "r.csv", "--json", "--workers", 0) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["files"], summary["scored"], summary["errors"]) == (12, 11, 1)
    assert summary["declared"] == {"none": 12}


def test_other_options_are_no_resuming(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "r.parquet"
    broken_off(folder, output, monkeypatch, 8)
    assert scan(folder, output, "--threshold", 0.3) == Exit.USAGE
    err = " ".join(capsys.readouterr().err.split())
    assert "different: threshold" in err
    assert "--no-resume" in err
    assert scan(folder, output, "--threshold", 0.3, "--no-resume") == Exit.FINE
    assert pq.read_table(output).num_rows == 12


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_killed_process_loses_no_row(folder: Path, tmp_path: Path) -> None:
    for number in range(12, 600):
        (folder / f"{number}.png").write_bytes(encoded(picture(16, 16, seed=number)))
    output = tmp_path / "r.parquet"
    command = [sys.executable, "-m", "clipfake", "scan", str(folder), "-o", str(output), "-q"]
    command += ["--no-pixels"]
    for _ in range(3):
        with subprocess.Popen(command) as process:
            deadline = time.monotonic() + PATIENCE
            size = journal_path(output).stat().st_size if journal_path(output).exists() else 0
            while process.poll() is None and time.monotonic() < deadline:
                if journal_path(output).exists() and journal_path(output).stat().st_size > size:
                    break
                time.sleep(0.005)
            process.send_signal(signal.SIGKILL)
    assert clipfake("scan", folder, "-o", output, "-q", "--no-pixels") == Exit.FINE
    assert clipfake("scan", folder, "-o", tmp_path / "w.parquet", "-q", "--no-pixels") == Exit.FINE
    assert pq.read_table(output).equals(pq.read_table(tmp_path / "w.parquet"))


def test_the_same_bytes_are_scored_once(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clipfake.detector import Detector

    counts = []
    real = Detector.look

    def counting(self: Detector, pixels: Any, *tiles: Any) -> object:
        counts.append(len(pixels))
        return real(self, pixels, *tiles)

    monkeypatch.setattr(Detector, "look", counting)
    assert scan(folder, tmp_path / "r.parquet", "--batch-size", 4) == Exit.FINE
    assert sum(counts) == 9
    scores = pq.read_table(tmp_path / "r.parquet")["score"].to_pylist()
    assert scores[0] == scores[9]
    assert scores[1] == scores[10]


def test_a_second_scan_scores_and_decodes_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import clipfake.scanning.reader
    from clipfake.detector import Detector

    first, second = tmp_path / "1.parquet", tmp_path / "2.parquet"
    assert scan(folder, first, "--cache", tmp_path / "cache") == Exit.FINE

    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(Detector, "look", never)
    monkeypatch.setattr(clipfake.scanning.reader, "decode", never)
    assert scan(folder, second, "--cache", tmp_path / "cache") == Exit.FINE
    assert pq.read_table(first).equals(pq.read_table(second))
    monkeypatch.undo()
    # another threshold is another verdict, from the same scores
    third = tmp_path / "3.parquet"
    assert scan(folder, third, "--cache", tmp_path / "cache", "--threshold", 0) == Exit.FINE
    assert set(pq.read_table(third)["verdict"].to_pylist()) == {"ai", "error"}


def test_files_whose_times_are_trusted_are_not_read_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 10_000_000_000)
    options = ("--cache", tmp_path / "cache", "--trust-times")
    first, second, third = (tmp_path / f"{name}.parquet" for name in "abc")
    assert scan(folder, first, *options) == Exit.FINE
    (folder / "03.png").write_bytes(encoded(picture(seed=77)))
    read, read_bytes = [], clipfake_reader._read_bytes

    def watched(item: Item, limits: Limits, record: Record) -> bytes:
        read.append(Path(item.path).name)
        return read_bytes(item, limits, record)

    monkeypatch.setattr(clipfake_reader, "_read_bytes", watched)
    assert scan(folder, second, *options) == Exit.FINE
    assert read == ["03.png"]
    assert scan(folder, third, "--cache", tmp_path / "cache") == Exit.FINE
    assert len(read) == 1 + 12
    hurried, careful = pq.read_table(second), pq.read_table(third)
    assert hurried.drop(["notes"]) == careful.drop(["notes"])
    told = [NOT_READ in (notes or []) for notes in hurried["notes"].to_pylist()]
    assert told == [Path(path).name != "03.png" for path in hurried["path"].to_pylist()]
    assert hurried["sha256"][3] != pq.read_table(first)["sha256"][3]


def test_times_are_trusted_only_where_that_makes_sense(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "r.parquet"
    assert scan(folder, output, "--trust-times") == Exit.USAGE
    options = ("--cache", tmp_path / "cache", "--custody")
    assert scan(folder, output, "--trust-times", *options) == Exit.USAGE


def test_the_cache_can_be_looked_into_and_pruned(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = tmp_path / "cache"
    assert scan(folder, tmp_path / "r.csv", "--cache", cache, "--no-pixels") == Exit.FINE
    assert clipfake("cache", "stats", cache) == Exit.FINE
    assert json.loads(capsys.readouterr().out)["entries"] == 10
    assert clipfake("cache", "prune", cache, "--keep", 3) == Exit.FINE
    assert capsys.readouterr().out == "7 entries deleted\n"
    assert clipfake("cache", "prune", cache) == Exit.USAGE
    assert clipfake("cache", "stats", tmp_path) == Exit.USAGE


def test_shares_join_to_the_whole(folder: Path, tmp_path: Path) -> None:
    whole, joined = tmp_path / "whole.parquet", tmp_path / "joined.parquet"
    assert scan(folder, whole, "--no-pixels") == Exit.FINE
    shares = [tmp_path / f"{number}.parquet" for number in (1, 2, 3)]
    for number, share in enumerate(shares, start=1):
        assert scan(folder, share, "--no-pixels", "--shard", f"{number}/3") in (0, 3)
    assert sum(pq.read_metadata(share).num_rows for share in shares) == 12
    assert clipfake("merge", *shares, "-o", joined, "-q") == Exit.FINE
    rows = sorted(pq.read_table(joined).to_pylist(), key=lambda row: row["path"])
    assert rows == pq.read_table(whole).to_pylist()


def test_what_is_missing_or_doubled_is_told(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shares = [tmp_path / f"{number}.parquet" for number in (1, 2)]
    for number, share in enumerate(shares, start=1):
        assert scan(folder, share, "--no-pixels", "--shard", f"{number}/2") in (0, 3)
    capsys.readouterr()
    out = tmp_path / "out.csv"
    assert clipfake("merge", shares[1], shares[1], "-o", out) == Exit.FOUND
    err = capsys.readouterr().err
    rows = pq.read_metadata(shares[1]).num_rows
    assert f"{rows} rows of 2 reports" in err
    assert f"{rows} rows left out" in err
    assert "missing: share 1/2" in err


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2", "1/2/3"])
def test_a_share_that_cannot_be_is_refused(folder: Path, tmp_path: Path, text: str) -> None:
    assert scan(folder, tmp_path / "r.csv", "--no-pixels", "--shard", text) == Exit.USAGE


def test_merging_says_what_was_scanned_with_other_options(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, third = (tmp_path / f"{name}.parquet" for name in "abc")
    assert scan(folder, first, "--no-pixels") == Exit.FINE
    assert scan(folder, second, "--no-pixels", "--prompts", "--max-bytes", 10**6) == Exit.FINE
    assert scan(folder, third, "--no-pixels", "--top", 3, "--strict") in (0, 1)
    capsys.readouterr()
    assert clipfake("merge", first, second, third, "-o", tmp_path / "all.csv") == Exit.FINE
    told = [line for line in capsys.readouterr().err.splitlines() if "other options" in line]
    assert told == [
        f"made with other options than {first}: {second}: max_bytes 1000000, not 1073741824; "
        "prompts True, not False"
    ]


def test_reports_that_cannot_be_merged_are_refused(folder: Path, tmp_path: Path) -> None:
    pixels, none = tmp_path / "a.parquet", tmp_path / "b.parquet"
    assert scan(folder, none, "--no-pixels") == Exit.FINE
    assert scan(folder, pixels) == Exit.FINE
    assert clipfake("merge", pixels, none, "-o", tmp_path / "o.csv") == Exit.USAGE
    assert clipfake("merge", folder / "00.png", "-o", tmp_path / "o.csv") == Exit.USAGE
    assert clipfake("merge", tmp_path / "absent.parquet", "-o", tmp_path / "o.csv") == Exit.USAGE


def test_custody_needs_a_report(folder: Path) -> None:
    assert clipfake("scan", folder, "--custody", "--no-pixels") == Exit.USAGE
