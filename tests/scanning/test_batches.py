"""Files in worker processes: order, bounds, and files that kill."""

import faulthandler
import itertools
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import clipfake.scanning.reader
from clipfake.errors import ErrorCode
from clipfake.imaging.decode import Views, decode
from clipfake.imaging.limits import Limits
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.metadata.read import MetadataOptions
from clipfake.records import Record
from clipfake.scanning.batches import TILED_CHUNK, Batch, collate, read_batches
from clipfake.scanning.describe import scan_metadata
from clipfake.scanning.reader import ReadOptions, read_item
from clipfake.sources import Item
from tests.conftest import PATIENCE, encoded, picture, run_out_of_time

SMALL = Preprocessing(size=16)
OPTIONS = ReadOptions(SMALL)
forks = pytest.mark.skipif(
    torch.multiprocessing.get_start_method() != "fork",
    reason="workers see what a test replaced only where they are forked",
)


def limited(**limits: float) -> ReadOptions:
    return ReadOptions(SMALL, Limits(**limits))


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    path.write_bytes(encoded(picture()))
    return path


@pytest.fixture
def mixed(tmp_path: Path) -> list[Item]:
    """Ten names: pictures of several formats and sizes, among files that fail."""
    for index, form in enumerate(["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"]):
        image = picture(40 + index, 30 + 5 * index, seed=index)
        (tmp_path / f"{index}.{form}").write_bytes(encoded(image, form))
    (tmp_path / "text.png").write_text("text")
    (tmp_path / "cut.jpg").write_bytes(encoded(picture(), "JPEG")[:700])
    names = ["0.PNG", "absent", "1.JPEG", "text.png", "2.WEBP"]
    names += ["3.GIF", "cut.jpg", "4.BMP", "", "5.TIFF"]
    return [Item(str(tmp_path / name), {"row": row}) for row, name in enumerate(names)]


def joined(batches: list[Batch]) -> tuple[list[Record], dict[int, np.ndarray]]:
    """All records in order, and the pixels by the number of the record."""
    records: list[Record] = []
    pixels = {}
    for batch in batches:
        for row, index in enumerate(batch.rows):
            assert batch.pixels is not None
            pixels[len(records) + index] = batch.pixels[row].numpy()
        if batch.pixels is not None:
            assert batch.pixels.dtype == torch.uint8
            assert tuple(batch.pixels.shape) == (len(batch.rows), 3, 16, 16)
        records += batch.records
    return records, pixels


@pytest.mark.parametrize("batch_size", [1, 3, 8])
@pytest.mark.parametrize("workers", [0, 1, 2])
def test_batches_keep_order_whatever_the_workers(
    mixed: list[Item], workers: int, batch_size: int
) -> None:
    batches = list(read_batches(mixed, OPTIONS, batch_size=batch_size, workers=workers))
    sizes = [len(batch.records) for batch in batches]
    assert sizes == [len(mixed[i : i + batch_size]) for i in range(0, len(mixed), batch_size)]
    records, pixels = joined(batches)
    alone = [read_item(item, OPTIONS) for item in mixed]
    assert records == [record for record, _ in alone]
    assert [record.extra["row"] for record in records] == list(range(10))
    assert sorted(pixels) == [0, 2, 4, 5, 7, 9]
    for index, (_, own) in enumerate(alone):
        assert (own is None) == (index not in pixels)
        assert own is None or np.array_equal(own.square, pixels[index])


def test_a_batch_without_pixels_has_none() -> None:
    (batch,) = read_batches([Item("a"), Item("b")], OPTIONS, batch_size=8, workers=0)
    assert len(batch.records) == 2
    assert (batch.rows, batch.pixels) == ([], None)


@pytest.mark.parametrize("workers", [0, 2])
def test_no_items_are_no_batches(workers: int) -> None:
    assert list(read_batches([], OPTIONS, batch_size=8, workers=workers)) == []


def test_collate_stacks_what_there_is() -> None:
    full = np.full((3, 2, 2), 7, np.uint8)
    tiles = np.full((5, 3, 2, 2), 3, np.uint8)
    views = [Views(full, tiles), Views(full + 1)]
    batch = collate([(Record("a"), views[0]), (Record("b"), None), (Record("c"), views[1])])
    assert [record.path for record in batch.records] == ["a", "b", "c"]
    assert batch.rows == [0, 2]
    assert batch.pixels is not None
    assert batch.pixels[:, 0, 0, 0].tolist() == [7, 8]
    assert batch.tiles[0] is tiles  # as it came: nothing is copied
    assert batch.tiles[1] is None


@pytest.mark.parametrize(("workers", "batch_size"), [(0, 3), (2, 1), (2, 8)])
def test_tiles_come_beside_their_squares(mixed: list[Item], workers: int, batch_size: int) -> None:
    options = replace(OPTIONS, tiled=True)
    row = 0
    for batch in read_batches(mixed, options, batch_size=batch_size, workers=workers):
        assert len(batch.tiles) == len(batch.rows)
        for own, tiles in zip(batch.rows, batch.tiles, strict=True):
            _, alone = read_item(mixed[row + own], options)
            assert alone is not None
            assert alone.tiles is not None
            assert np.array_equal(alone.tiles, tiles)
        row += len(batch.records)
    assert row == len(mixed)


def test_fewer_files_are_under_way_where_tiles_are_cut(photo: Path) -> None:
    taken = dict.fromkeys((False, True), 0)
    for tiled in taken:

        def endless(tiled: bool = tiled) -> Iterator[Item]:
            while True:
                taken[tiled] += 1
                yield Item(str(photo))

        batches = read_batches(endless(), replace(OPTIONS, tiled=tiled), batch_size=64, workers=2)
        next(batches)
        batches.close()
    # the batch that came, and what is read ahead of it
    assert taken[True] <= 64 + 64 + 2 * TILED_CHUNK
    assert taken[False] > taken[True]


@pytest.mark.parametrize("workers", [0, 2])
def test_items_are_taken_only_as_needed(photo: Path, workers: int) -> None:
    taken = 0

    def endless() -> Iterator[Item]:
        nonlocal taken
        for row in itertools.count():
            taken += 1
            yield Item(str(photo), {"row": row})

    batches = read_batches(endless(), OPTIONS, batch_size=4, workers=workers)
    records, _ = joined(list(itertools.islice(batches, 3)))
    batches.close()
    assert [record.extra["row"] for record in records] == list(range(12))
    # three batches, and two ahead for each worker
    assert taken <= 4 * (3 + 2 * workers)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("kind", [ValueError, RuntimeError, EOFError, ConnectionError])
def test_an_error_of_the_items_is_raised(photo: Path, workers: int, kind: type[Exception]) -> None:
    def items() -> Iterator[Item]:
        yield Item(str(photo))
        raise kind("list broken")

    with pytest.raises(kind, match="list broken"):
        list(read_batches(items(), OPTIONS, batch_size=1, workers=workers))


@forks
def test_slow_decoding_is_stopped_in_a_worker(
    mixed: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    def dawdle(data: bytes, *rest: object, **more: object) -> object:
        return run_out_of_time() if data.startswith(b"BM") else decode(data, *rest, **more)

    monkeypatch.setattr(clipfake.scanning.reader, "decode", dawdle)
    options = limited(seconds=PATIENCE)
    records, _ = joined(list(read_batches(mixed, options, batch_size=3, workers=1)))
    assert records[7].error_code is ErrorCode.TOO_SLOW
    assert [r.error is None for r in records] == [i in (0, 2, 4, 5, 9) for i in range(10)]


# files that kill


def deadly(monkeypatch: pytest.MonkeyPatch, death: int | None = None) -> None:
    """Make every file that is called deadly end the process that reads it, by a signal or not."""
    main = os.getpid()

    def read(item: Item, options: ReadOptions) -> object:
        if "deadly" in item.path:
            assert os.getpid() != main
            if death is not None:
                faulthandler.disable()  # pytest's, which would print the crash
                os.kill(os.getpid(), death)
            os._exit(3)
        return read_item(item, options)

    monkeypatch.setattr(clipfake.scanning.reader, "read_item", read)


def with_deadly(mixed: list[Item], *rows: int) -> list[Item]:
    for row in rows:
        mixed[row] = Item(str(Path(mixed[0].path).parent / f"deadly-{row}.png"), {"row": row})
    return mixed


def check_crashes(records: list[Record], *rows: int) -> None:
    """Only these rows crashed, and all others are as ever."""
    assert [record.extra["row"] for record in records] == list(range(10))
    crashed = [r for r in records if r.error_code is ErrorCode.DECODER_CRASH]
    assert [record.extra["row"] for record in crashed] == list(rows)
    assert all(f"deadly-{row}.png: " in str(records[row].error) for row in rows)
    read = [record.extra["row"] for record in records if record.error is None]
    assert read == [row for row in (0, 2, 4, 5, 7, 9) if row not in rows]


@forks
@pytest.mark.parametrize(
    ("death", "workers", "batch_size"),
    [(None, 1, 3), (signal.SIGKILL, 2, 2), (signal.SIGSEGV, 2, 16)],
    ids=["exit", "killed", "crash"],
)
def test_a_file_that_kills_its_worker_costs_only_itself(
    mixed: list[Item],
    monkeypatch: pytest.MonkeyPatch,
    death: int | None,
    workers: int,
    batch_size: int,
) -> None:
    deadly(monkeypatch, death)
    items = with_deadly(mixed, 4)
    batches = list(read_batches(items, OPTIONS, batch_size=batch_size, workers=workers))
    records, pixels = joined(batches)
    check_crashes(records, 4)
    monkeypatch.undo()
    for row, own in pixels.items():
        _, alone = read_item(items[row], OPTIONS)
        assert alone is not None
        assert np.array_equal(own, alone.square)


@forks
def test_several_files_may_kill(mixed: list[Item], monkeypatch: pytest.MonkeyPatch) -> None:
    deadly(monkeypatch, signal.SIGKILL)
    items = with_deadly(mixed, 0, 1, 9)
    records, _ = joined(list(read_batches(items, OPTIONS, batch_size=4, workers=2)))
    check_crashes(records, 0, 1, 9)


@forks
def test_workers_do_not_die_of_an_interrupt(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(item: Item, options: ReadOptions) -> object:
        os.kill(os.getpid(), signal.SIGINT)
        return read_item(item, options)

    monkeypatch.setattr(clipfake.scanning.reader, "read_item", read)
    (batch,) = read_batches([Item(str(photo))], OPTIONS, batch_size=1, workers=1)
    assert batch.records[0].error is None


# metadata alone


def described(items: list[Item], workers: int) -> list[Record]:
    return list(scan_metadata(items, MetadataOptions(), limits=Limits(), workers=workers))


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_metadata_alone_keeps_order_whatever_the_workers(mixed: list[Item], workers: int) -> None:
    records = described(mixed * 20, workers)
    assert [record.extra["row"] for record in records] == list(range(10)) * 20
    alone = ReadOptions(None)
    assert [r.sha256 for r in records[:10]] == [read_item(i, alone)[0].sha256 for i in mixed]
    assert all(record.score is None and record.verdict_basis is None for record in records)
    # what only decoding finds out is not known here
    assert [r.verdict.value for r in records[:2]] == ["inconclusive", "error"]


@forks
def test_a_file_that_kills_its_worker_costs_only_itself_without_pixels(
    mixed: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    deadly(monkeypatch, signal.SIGKILL)
    others = list(mixed) * 20
    records = described(with_deadly(mixed, 4) * 3 + others, 2)
    assert [record.extra["row"] for record in records] == list(range(10)) * 23
    assert {r.path for r in records if r.error_code is ErrorCode.DECODER_CRASH} == {mixed[4].path}


def test_a_scan_of_metadata_that_is_left_early_ends_its_workers(photo: Path) -> None:
    records = scan_metadata(
        (Item(str(photo)) for _ in itertools.count()),
        MetadataOptions(),
        limits=Limits(),
        workers=2,
    )
    assert next(records).sha256 is not None
    records.close()  # type: ignore[attr-defined]
