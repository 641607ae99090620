"""Reading files in worker processes."""

import errno
import hashlib
import os
import signal
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from clipfake import reader
from clipfake.errors import ErrorCode, ImageError
from clipfake.imaging.limits import Limits
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.reader import Batch, ReadOptions, read_batches, read_item
from clipfake.records import Record
from clipfake.sources import Item
from tests.conftest import encoded, picture

OPTIONS = ReadOptions(Preprocessing(size=32))


def read(path: object, **limits: float) -> Record:
    options = ReadOptions(Preprocessing(size=32), Limits(**limits))  # type: ignore[arg-type]
    record, pixels = read_item(Item(str(path), {"label": "x"}), options)
    assert (pixels is None) == (record.error is not None)
    assert record.extra == {"label": "x"}
    if record.error:
        assert record.error.startswith(f"{record.path}: ")
        assert "\n" not in record.error
    return record


@pytest.fixture
def files(tmp_path: Path) -> list[Item]:
    for index in range(10):
        (tmp_path / f"{index}.png").write_bytes(encoded(picture(40, 40, index)))
    (tmp_path / "3.png").write_bytes(b"no picture")
    (tmp_path / "7.png").unlink()
    return [Item(str(tmp_path / f"{index}.png"), {"n": index}) for index in range(10)]


def flatten(batches: Iterator[Batch]) -> tuple[list[Record], list[np.ndarray | None]]:
    records: list[Record] = []
    pixels: list[np.ndarray | None] = []
    for batch in batches:
        own: list[np.ndarray | None] = [None] * len(batch.records)
        for row, square in zip(batch.rows, batch.pixels if batch.rows else [], strict=True):
            own[row] = square.numpy()
        records += batch.records
        pixels += own
    return records, pixels


def test_a_good_file_is_hashed_and_measured(tmp_path: Path) -> None:
    data = encoded(picture(60, 50), "JPEG")
    (tmp_path / "a.png").write_bytes(data)
    record = read(tmp_path / "a.png")
    assert record.sha256 == hashlib.sha256(data).hexdigest()
    assert (record.bytes, record.format) == (len(data), "JPEG")
    assert (record.width, record.height, record.animated) == (60, 50, False)
    assert (record.error_code, record.score, record.exif) == (None, None, None)


def test_what_is_no_regular_file_is_not_read(tmp_path: Path) -> None:
    assert read(tmp_path).error_code is ErrorCode.NOT_A_FILE
    os.mkfifo(tmp_path / "pipe")
    start = time.monotonic()
    assert read(tmp_path / "pipe").error_code is ErrorCode.NOT_A_FILE
    assert read("/dev/zero").error_code is ErrorCode.NOT_A_FILE
    assert time.monotonic() - start < 2


def test_absent_files_and_impossible_names_are_missing(tmp_path: Path) -> None:
    for name in ("none.png", "x\0y.png", "n" * 300, "a.png/b.png"):
        (tmp_path / "a.png").touch()
        assert read(tmp_path / name).error_code is ErrorCode.MISSING, name


def test_permission_and_input_errors_have_codes_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(picture()))
    for number, code in (
        (errno.EACCES, ErrorCode.NO_PERMISSION),
        (errno.EIO, ErrorCode.UNREADABLE),
        (errno.ESTALE, ErrorCode.UNREADABLE),
    ):

        def refuse(*_: object, number: int = number) -> int:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "open", refuse)
        record = read(path)
        assert record.error_code is code
        assert record.error is not None


def test_empty_foreign_and_large_files_say_so(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.jpg").write_text("hello")
    (tmp_path / "large.png").write_bytes(encoded(picture(200, 200)))
    assert "empty file" in str(read(tmp_path / "empty.png").error)
    assert read(tmp_path / "text.jpg").error_code is ErrorCode.NOT_AN_IMAGE
    large = read(tmp_path / "large.png", bytes=1000)
    assert large.error_code is ErrorCode.TOO_LARGE
    assert "--max-bytes" in str(large.error)
    assert large.bytes == (tmp_path / "large.png").stat().st_size


def test_a_failed_image_keeps_its_hash(tmp_path: Path) -> None:
    data = encoded(picture(200, 200), "JPEG")[:2000]
    (tmp_path / "cut.jpg").write_bytes(data)
    record = read(tmp_path / "cut.jpg")
    assert record.error_code is ErrorCode.TRUNCATED
    assert record.sha256 == hashlib.sha256(data).hexdigest()
    assert record.format == "JPEG"


def test_names_that_are_not_utf8_are_kept(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff\nname.png"
    with open(path, "wb") as file:
        file.write(encoded(picture()))
    record = read(os.fsdecode(path))
    assert record.error is None
    assert record.path_raw == path
    assert record.path.endswith("\\xff\nname.png")


def test_a_known_problem_is_reported_without_opening() -> None:
    problem = ImageError(ErrorCode.NO_PERMISSION, "folder cannot be listed")
    record, pixels = read_item(Item("folder", problem=problem), OPTIONS)
    assert (record.error_code, pixels) == (ErrorCode.NO_PERMISSION, None)
    assert record.error == "folder: folder cannot be listed"


def test_a_slow_decoder_ends_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(encoded(picture()))
    monkeypatch.setattr(reader, "decode", lambda *_: time.sleep(20))
    start = time.monotonic()
    assert read(tmp_path / "a.png", seconds=0.3).error_code is ErrorCode.TOO_SLOW
    assert time.monotonic() - start < 2


def test_slow_or_broken_metadata_costs_a_note_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.png").write_bytes(encoded(picture()))
    monkeypatch.setattr(reader, "METADATA_SECONDS", 0.2)
    monkeypatch.setattr(reader, "read_exif", lambda *_, **__: time.sleep(20))
    assert read(tmp_path / "a.png").notes == ("EXIF took too long",)

    def broken(*_: object, **__: object) -> None:
        raise ValueError("EXIF cannot be read (KeyError)")

    monkeypatch.setattr(reader, "read_exif", broken)
    assert read(tmp_path / "a.png").notes == ("EXIF cannot be read (KeyError)",)


@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize("batch_size", [1, 3, 32])
def test_order_records_and_pixels_do_not_depend_on_workers(
    files: list[Item], workers: int, batch_size: int
) -> None:
    expected = [read_item(item, OPTIONS) for item in files]
    records, pixels = flatten(
        read_batches(iter(files), OPTIONS, batch_size=batch_size, workers=workers)
    )
    assert records == [record for record, _ in expected]
    for ours, (_, theirs) in zip(pixels, expected, strict=True):
        assert (ours is None) == (theirs is None)
        assert ours is None or np.array_equal(ours, theirs)
    assert [r.extra["n"] for r in records] == list(range(10))
    assert [r.extra["n"] for r in records if r.error_code] == [3, 7]


@pytest.mark.parametrize("workers", [0, 2])
def test_items_are_taken_as_they_are_needed(files: list[Item], workers: int) -> None:
    taken = []

    def endless() -> Iterator[Item]:
        while True:
            taken.append(1)
            yield files[0]

    batches = read_batches(endless(), OPTIONS, batch_size=2, workers=workers)
    assert len(list(islice(batches, 3))) == 3
    batches.close()
    assert len(taken) <= 2 * (3 + 2 * workers + 1)


def test_nothing_to_read_gives_no_batch() -> None:
    assert list(read_batches([], OPTIONS, batch_size=4, workers=1)) == []


@pytest.mark.parametrize(
    ("death", "workers", "batch_size"), [(signal.SIGKILL, 1, 3), (signal.SIGSEGV, 2, 16)]
)
def test_a_file_that_kills_its_worker_costs_only_itself(
    files: list[Item],
    death: int,
    workers: int,
    batch_size: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    main = os.getpid()

    def deadly(item: Item, options: ReadOptions) -> tuple[Record, reader.Pixels | None]:
        if item.extra["n"] in (4, 9):
            assert os.getpid() != main
            os.kill(os.getpid(), death)
        return read_item(item, options)

    monkeypatch.setattr(reader, "read_item", deadly)
    records, pixels = flatten(read_batches(files, OPTIONS, batch_size=batch_size, workers=workers))
    assert [r.extra["n"] for r in records] == list(range(10))
    crashed = [r.extra["n"] for r in records if r.error_code is ErrorCode.DECODER_CRASH]
    assert crashed == [4, 9]
    assert [n for n, square in enumerate(pixels) if square is None] == [3, 4, 7, 9]


def test_a_worker_that_dies_while_the_consumer_works_interrupts_nothing(
    files: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    def deadly(item: Item, options: ReadOptions) -> tuple[Record, reader.Pixels | None]:
        if item.extra["n"] == 4:
            time.sleep(0.3)
            os.kill(os.getpid(), signal.SIGKILL)
        return read_item(item, options)

    monkeypatch.setattr(reader, "read_item", deadly)
    seen = []
    for batch in read_batches(files, OPTIONS, batch_size=2, workers=1):
        end = time.monotonic() + 0.4
        while time.monotonic() < end:
            time.sleep(0.01)
        seen += [record.extra["n"] for record in batch.records]
    assert seen == list(range(10))
