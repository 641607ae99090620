"""The content cache."""

import multiprocessing
import os
import sqlite3
import time
from datetime import datetime
from pathlib import Path

import pytest

from clipfake.errors import ErrorCode, UsageError
from clipfake.records import (
    NOT_READ,
    TOOK_TOO_LONG,
    TOOK_TOO_MUCH,
    Attribution,
    Claim,
    Exif,
    Fact,
    GeneratorBasis,
    Record,
    Strength,
    Verdict,
)
from clipfake.scanning.cache import FILE_NAME, Cache, CacheUse, cache_key, look_up, recall, stamp_of

KEY = cache_key({"adapter": "a"})


def known(path: str = "a.png", number: int = 0, **values: object) -> Record:
    record = Record(
        path,
        sha256=f"{number:064x}",
        bytes=5,
        format="PNG",
        width=3,
        height=4,
        animated=False,
        verdict=Verdict.REAL,
        exif=Exif(make="M", datetime_original=datetime(2024, 1, 2, 3, 4, 5), latitude=1.5),
        facts=(
            Fact("k", "v\udcff\n", "PNG tEXt", 33, Strength.SPECIFIC, Claim.AI),
            Fact("k", "v", "PNG", None),
        ),
        notes=("one", "two"),
    )
    if "error" not in values:
        record.scored(0.1234567890123456789)
    for name, value in values.items():
        setattr(record, name, value)
    return record


def found(cache: Cache, path: str, number: int, key: str = KEY) -> Record | None:
    record = Record(path, sha256=f"{number:064x}", bytes=5)
    return record if look_up(CacheUse(str(cache.file), key), record) else None


def test_all_that_depends_on_the_bytes_comes_back(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.add(KEY, [known()])
    record = found(cache, "elsewhere.png", 0)
    assert record is not None
    assert record.cached
    expected = known("elsewhere.png", verdict=Verdict.ERROR)
    assert record == expected
    assert record.score == expected.score


@pytest.mark.parametrize(
    "opinion",
    [
        None,
        Attribution(GeneratorBasis.PIXELS, "unknown", by="pixels"),
        Attribution(GeneratorBasis.PIXELS, "FLUX", "flux", score=0.7512345678901234, by="pixels"),
    ],
)
def test_what_the_pixels_look_like_comes_back(tmp_path: Path, opinion: Attribution | None) -> None:
    cache = Cache(tmp_path)
    cache.add(KEY, [known(looks_like=opinion)])
    record = found(cache, "b.png", 0)
    assert record is not None
    assert record.looks_like == opinion


def test_scores_of_both_looks_come_back(tmp_path: Path) -> None:
    cache, seen = Cache(tmp_path), known()
    seen.scored(0.1234567890123456789, 0.98765432101234567)
    cache.add(KEY, [seen])
    record = found(cache, "b.png", 0)
    assert record is not None
    assert (record.looks, record.score_first) == (2, seen.score_first)
    assert record.score == record.score_second == seen.score_second


def test_metadata_that_was_not_read_stays_unread(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.add(KEY, [known(facts=None), known(number=1, facts=())])
    first, second = found(cache, "a", 0), found(cache, "a", 1)
    assert first is not None
    assert second is not None
    assert (first.facts, second.facts) == (None, ())


def test_errors_of_the_bytes_are_kept_under_the_new_name(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cut = known(error_code=ErrorCode.TRUNCATED, error="a.png: cut off")
    cache.add(KEY, [cut])
    record = found(cache, "b.png", 0)
    assert record is not None
    assert (record.error_code, record.error) == (ErrorCode.TRUNCATED, "b.png: cut off")


@pytest.mark.parametrize("code", [ErrorCode.TOO_SLOW, ErrorCode.DECODER_CRASH, ErrorCode.MISSING])
def test_errors_of_the_moment_are_not_kept(tmp_path: Path, code: ErrorCode) -> None:
    cache = Cache(tmp_path)
    cache.add(KEY, [known(error_code=code)])
    assert found(cache, "a", 0) is None


@pytest.mark.parametrize("note", [TOOK_TOO_LONG, TOOK_TOO_MUCH])
def test_metadata_that_was_cut_short_is_not_kept(tmp_path: Path, note: str) -> None:
    cache = Cache(tmp_path)
    cache.add(KEY, [known(notes=("one", note))])
    assert found(cache, "a", 0) is None


def test_what_was_not_read_whole_or_is_cached_already_is_not_kept(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.add(KEY, [known(sha256=None), known(cached=True)])
    assert cache.stats()["entries"] == 0


def test_other_bytes_and_other_keys_are_not_found(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.add(KEY, [known()])
    assert found(cache, "a", 1) is None
    assert found(cache, "a", 0, cache_key({"adapter": "b"})) is None


def test_the_key_is_of_what_the_content_depends_on() -> None:
    assert cache_key({"a": 1, "b": 2}) == cache_key({"b": 2, "a": 1})
    assert cache_key({"a": 1}) != cache_key({"a": 2})


@pytest.mark.parametrize("content", [b"", b"no zlib", b"x\x9c\x03\x00\x00\x00\x00\x01"])
def test_a_broken_entry_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    cache = Cache(tmp_path)
    cache.add(KEY, [known()])
    with sqlite3.connect(cache.file) as database:
        database.execute("UPDATE entries SET content = ?", (content,))
    assert found(cache, "a", 0) is None


def test_a_cache_that_is_gone_is_as_good_as_none(tmp_path: Path) -> None:
    use = CacheUse(str(tmp_path / "gone" / FILE_NAME), KEY)
    assert look_up(use, Record("a", sha256="00" * 32)) is False


def test_another_file_under_the_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("no database, but a text long enough to look like one" * 30)
    with pytest.raises(UsageError, match="cache cannot be used"):
        Cache(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cache cannot be used"):
        Cache(tmp_path / "file")


def test_pruning_deletes_the_oldest(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.add(KEY, [known(number=number) for number in range(10)])
    with sqlite3.connect(cache.file) as database:
        database.execute("UPDATE entries SET added = 1000 WHERE sha256 < ?", (bytes(31) + b"\4",))
    assert cache.stats()["entries"] == 10
    assert cache.prune(before=2000.0) == 4
    assert cache.prune(entries=3) == 3
    stats = cache.stats()
    assert (stats["entries"], stats["kinds"]) == (3, 1)
    assert found(cache, "a", 0) is None


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is ahead, so that the files of a test are no recent ones."""
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 10_000_000_000)


@pytest.mark.usefixtures("later")
def test_a_file_is_known_by_its_stamp(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(b"12345")
    stamp = stamp_of(str(file))
    assert stamp is not None
    cache = Cache(tmp_path, trust_times=True)
    assert not recall(cache.use(KEY), stamp, Record("a.png"), most=5)
    cache.add(KEY, [known(stamp=stamp)])
    record = Record("a.png")
    assert recall(cache.use(KEY), stamp, record, most=5)
    assert record == known(verdict=Verdict.ERROR, notes=("one", "two", NOT_READ))
    assert not recall(cache.use(KEY), stamp, Record("a.png"), most=4)
    assert cache.prune(entries=0) == 1
    assert not recall(cache.use(KEY), stamp, Record("a.png"), most=5)


@pytest.mark.usefixtures("later")
def test_a_stamp_without_an_entry_says_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(b"12345")
    stamp = stamp_of(str(file))
    assert stamp is not None
    cache = Cache(tmp_path)
    cache.add(KEY, [known(stamp=stamp)])
    record = Record("a.png")
    assert not recall(cache.use(cache_key({"adapter": "b"})), stamp, record, most=5)
    assert record == Record("a.png")


@pytest.mark.usefixtures("later")
def test_a_changed_file_has_another_stamp(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(b"12345")
    status = file.stat()
    before = stamp_of(str(file))
    time.sleep(0.05)  # clocks of file systems are coarse
    # other bytes of the same size, and the time set back
    file.write_bytes(b"54321")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert file.stat().st_mtime_ns == status.st_mtime_ns
    after = stamp_of(str(file))
    assert None not in (before, after)
    assert before != after


def test_recent_files_and_what_is_no_file_have_no_stamp(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"12345")
    for name in ("a.png", "absent.png", ".", "a\0b"):
        assert stamp_of(str(tmp_path / name)) is None


def _write(folder: Path, first: int) -> None:
    cache = Cache(folder)
    for number in range(first, first + 200):
        cache.add(KEY, [known(number=number % 300)])
        assert found(cache, "a", number % 300) is not None


def test_processes_share_a_cache(tmp_path: Path) -> None:
    processes = [
        multiprocessing.Process(target=_write, args=(tmp_path, first)) for first in (0, 100, 200)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert Cache(tmp_path).stats()["entries"] == 300
