"""Files to records and pixels, in this process and in workers."""

import faulthandler
import hashlib
import itertools
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import exifread
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, dataloader
from torch.utils.data._utils import signal_handling

import clipfake.reader
from clipfake.errors import ErrorCode, ImageError
from clipfake.imaging.decode import decode
from clipfake.imaging.limits import Limits
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.reader import Batch, ReadOptions, collate, read_batches, read_item
from clipfake.records import Record, Verdict
from clipfake.sources import Item
from tests.conftest import EXAMPLES, encoded, picture

SMALL = Preprocessing(size=16)
OPTIONS = ReadOptions(SMALL)
pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create")
forks = pytest.mark.skipif(
    torch.multiprocessing.get_start_method() != "fork",
    reason="workers see what a test replaced only where they are forked",
)


def limited(**limits: float) -> ReadOptions:
    return ReadOptions(SMALL, Limits(**limits))


def failed(item: Item | Path | str, options: ReadOptions = OPTIONS) -> Record:
    """The record of a file that gives no pixels."""
    item = item if isinstance(item, Item) else Item(str(item))
    record, pixels = read_item(item, options)
    assert pixels is None
    assert record.error is not None
    assert "\n" not in record.error
    assert record.error.startswith(record.path)
    assert record.verdict is Verdict.ERROR
    return record


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    path.write_bytes(encoded(picture()))
    return path


# one file


def test_a_picture_gives_pixels_and_facts(photo: Path) -> None:
    record, pixels = read_item(Item(str(photo), {"label": 1}), OPTIONS)
    data = photo.read_bytes()
    assert record == Record(
        path=str(photo),
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        format="PNG",
        width=64,
        height=48,
        animated=False,
        extra={"label": 1},
    )
    assert pixels is not None
    assert np.array_equal(pixels, decode(data, SMALL, Limits()).pixels)


def test_a_name_says_nothing_of_the_format(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(encoded(picture(), "JPEG"))
    assert read_item(Item(str(path)), OPTIONS)[0].format == "JPEG"
    path.write_text("a text")
    assert failed(path).error_code is ErrorCode.NOT_AN_IMAGE


def test_camera_facts_and_position_are_read() -> None:
    item = Item(str(EXAMPLES / "rocket-camera-exif.jpg"))
    exif = read_item(item, OPTIONS)[0].exif
    assert exif is not None
    assert (exif.model, exif.gps, exif.latitude) == ("EO-1", True, None)
    exif = read_item(item, ReadOptions(SMALL, position=True))[0].exif
    assert exif is not None
    assert exif.latitude == pytest.approx(40.689, abs=0.001)
    assert exif.longitude == pytest.approx(-74.044, abs=0.001)


def test_an_animation_is_noted() -> None:
    record, pixels = read_item(Item(str(EXAMPLES / "drawn" / "bouncing-ball.gif")), OPTIONS)
    assert pixels is not None
    assert record.animated is True
    assert record.notes == ("animated, first frame only",)


def test_unreadable_exif_is_a_note_only(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError

    monkeypatch.setattr(exifread, "process_file", fail)
    record, pixels = read_item(Item(str(photo)), OPTIONS)
    assert pixels is not None
    assert record.error is None
    assert record.notes == ("EXIF cannot be read (KeyError)",)


def test_slow_exif_is_a_note_only(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dawdle(*_: object, **__: object) -> None:
        for _step in range(1000):
            time.sleep(0.01)

    monkeypatch.setattr(exifread, "process_file", dawdle)
    monkeypatch.setattr(clipfake.reader, "METADATA_SECONDS", 0.1)
    record, pixels = read_item(Item(str(photo)), OPTIONS)
    assert pixels is not None
    assert record.error is None
    assert record.notes == ("EXIF took too long",)


# what cannot be read


@pytest.mark.parametrize(
    "name",
    ["absent.png", "photo.png/inside.png", "x" * 300, "nul\0byte.png", "\ud800.png"],
)
def test_a_name_without_a_file_is_missing(photo: Path, name: str) -> None:
    record = failed(str(photo.parent / "x")[:-1] + name)
    assert record.error_code is ErrorCode.MISSING
    assert (record.sha256, record.bytes, record.format) == (None, None, None)


def test_an_empty_name_is_missing() -> None:
    assert failed("").error_code is ErrorCode.MISSING


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    assert failed(tmp_path).error_code is ErrorCode.NOT_A_FILE


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_nothing_stays_open(tmp_path: Path, photo: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        for path in (tmp_path, photo, "/dev/null", tmp_path / "absent"):
            read_item(Item(str(path)), OPTIONS)
    assert len(os.listdir("/proc/self/fd")) <= before + 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    start = time.monotonic()
    assert failed(tmp_path / "pipe.png").error_code is ErrorCode.NOT_A_FILE
    assert time.monotonic() - start < 2


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no /dev/zero")
def test_a_device_is_not_a_file() -> None:
    assert failed("/dev/zero").error_code is ErrorCode.NOT_A_FILE


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_a_locked_file_has_no_permission(photo: Path) -> None:
    photo.chmod(0)
    assert failed(photo).error_code is ErrorCode.NO_PERMISSION


def test_no_permission_is_told(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    assert failed(photo).error_code is ErrorCode.NO_PERMISSION


def test_a_disk_error_is_told(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "open", fail)
    record = failed(photo)
    assert record.error_code is ErrorCode.UNREADABLE
    assert record.error == f"{photo}: cannot be read (Input/output error)"


def test_a_link_to_itself_is_missing(tmp_path: Path) -> None:
    (tmp_path / "loop.png").symlink_to("loop.png")
    assert failed(tmp_path / "loop.png").error_code is ErrorCode.MISSING


def test_a_link_is_followed(photo: Path) -> None:
    link = photo.parent / "link.png"
    link.symlink_to(photo)
    assert read_item(Item(str(link)), OPTIONS)[0].format == "PNG"


def test_the_size_limit_is_exact(photo: Path) -> None:
    size = photo.stat().st_size
    assert read_item(Item(str(photo)), limited(bytes=size))[0].error is None
    record = failed(photo, limited(bytes=size - 1))
    assert record.error_code is ErrorCode.TOO_LARGE
    assert (record.bytes, record.sha256) == (size, None)
    assert f"{size} bytes" in str(record.error)


def test_what_is_no_image_is_never_too_large(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("text " * 1000)
    assert failed(tmp_path / "log.txt", limited(bytes=10)).error_code is ErrorCode.NOT_AN_IMAGE


def test_an_empty_file_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    record = failed(tmp_path / "empty.png")
    assert record.error_code is ErrorCode.NOT_AN_IMAGE
    assert record.bytes == 0


def test_a_damaged_file_keeps_its_facts() -> None:
    data = (EXAMPLES / "broken.jpg").read_bytes()
    record = failed(EXAMPLES / "broken.jpg")
    assert record.error_code is ErrorCode.TRUNCATED
    assert record.sha256 == hashlib.sha256(data).hexdigest()
    assert (record.bytes, record.format, record.width) == (len(data), "JPEG", None)


def test_too_many_pixels_are_told(photo: Path) -> None:
    assert failed(photo, limited(pixels=100)).error_code is ErrorCode.TOO_MANY_PIXELS


def test_a_known_problem_is_passed_on() -> None:
    problem = ImageError(ErrorCode.MISSING, "no such file")
    record = failed(Item("row 3", {"label": "x"}, problem))
    assert (record.error_code, record.error) == (ErrorCode.MISSING, "row 3: no such file")
    assert record.extra == {"label": "x"}


def test_a_name_that_is_no_utf8_is_read(tmp_path: Path) -> None:
    name = os.path.join(os.fsencode(tmp_path), b"caf\xe9\n.png")
    try:
        Path(os.fsdecode(name)).write_bytes(encoded(picture()))
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    record, pixels = read_item(Item(os.fsdecode(name)), OPTIONS)
    assert pixels is not None
    assert record.path == f"{tmp_path}/caf\\xe9\n.png"
    assert record.path_raw == name


def test_slow_decoding_is_stopped(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dawdle(*_: object) -> None:
        for _step in range(1000):
            time.sleep(0.01)

    monkeypatch.setattr(clipfake.reader, "decode", dawdle)
    start = time.monotonic()
    record = failed(photo, limited(seconds=0.2))
    assert 0.2 <= time.monotonic() - start < 3
    assert record.error_code is ErrorCode.TOO_SLOW
    assert "raise --timeout-per-file" in str(record.error)
    assert record.sha256 is not None


# batches


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
        assert own is None or np.array_equal(own, pixels[index])


def test_a_batch_without_pixels_has_none() -> None:
    (batch,) = read_batches([Item("a"), Item("b")], OPTIONS, batch_size=8, workers=0)
    assert len(batch.records) == 2
    assert (batch.rows, batch.pixels) == ([], None)
    assert batch.pin_memory() is batch


@pytest.mark.parametrize("workers", [0, 2])
def test_no_items_are_no_batches(workers: int) -> None:
    assert list(read_batches([], OPTIONS, batch_size=8, workers=workers)) == []


def test_collate_stacks_what_there_is() -> None:
    full = np.full((3, 2, 2), 7, np.uint8)
    batch = collate([(Record("a"), full), (Record("b"), None), (Record("c"), full + 1)])
    assert [record.path for record in batch.records] == ["a", "b", "c"]
    assert batch.rows == [0, 2]
    assert batch.pixels is not None
    assert batch.pixels[:, 0, 0, 0].tolist() == [7, 8]


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
        raise kind("DataLoader worker list broken")

    with pytest.raises(kind, match="list broken"):
        list(read_batches(items(), OPTIONS, batch_size=1, workers=workers))


@forks
def test_slow_decoding_is_stopped_in_a_worker(
    mixed: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    def dawdle(data: bytes, *rest: object) -> object:
        while data.startswith(b"BM"):
            time.sleep(0.01)
        return decode(data, *rest)

    monkeypatch.setattr(clipfake.reader, "decode", dawdle)
    start = time.monotonic()
    records, _ = joined(list(read_batches(mixed, limited(seconds=0.3), batch_size=3, workers=1)))
    assert time.monotonic() - start < 10
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

    monkeypatch.setattr(clipfake.reader, "read_item", read)
    # torch looks for dead workers every 5 seconds; tests need not wait that long
    loop = getattr(dataloader, "_MultiProcessingDataLoaderIter", None)
    if hasattr(loop, "_try_get_data"):
        monkeypatch.setattr(loop._try_get_data, "__defaults__", (0.2,))


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
        assert np.array_equal(own, read_item(items[row], OPTIONS)[1])


@forks
def test_several_files_may_kill(mixed: list[Item], monkeypatch: pytest.MonkeyPatch) -> None:
    deadly(monkeypatch, signal.SIGKILL)
    items = with_deadly(mixed, 0, 1, 9)
    records, _ = joined(list(read_batches(items, OPTIONS, batch_size=4, workers=2)))
    check_crashes(records, 0, 1, 9)


@forks
def test_a_death_does_not_disturb_the_consumer(
    mixed: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    deadly(monkeypatch)
    items = with_deadly(mixed, 7)
    # a loader of the host program installs torch's handler
    former = signal.getsignal(signal.SIGCHLD)
    monkeypatch.setattr(signal_handling, "_SIGCHLD_handler_set", False)
    list(DataLoader([1, 2], num_workers=1))
    handler = signal.getsignal(signal.SIGCHLD)
    batches = []
    for batch in read_batches(items, OPTIONS, batch_size=1, workers=2):
        end = time.monotonic() + 0.15
        while time.monotonic() < end:  # the detector at work
            pass
        batches.append(batch)
    assert signal.getsignal(signal.SIGCHLD) is handler
    signal.signal(signal.SIGCHLD, former)
    assert handler is not former
    check_crashes(joined(batches)[0], 7)


@forks
def test_a_death_does_not_disturb_the_listing(
    mixed: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    deadly(monkeypatch)
    # as in a fresh process, where the first loader installs torch's handler
    monkeypatch.setattr(signal_handling, "_SIGCHLD_handler_set", False)
    handler = signal.getsignal(signal.SIGCHLD)

    def slowly() -> Iterator[Item]:
        for item in with_deadly(mixed, 0):
            end = time.monotonic() + 0.1
            while time.monotonic() < end:
                pass
            yield item

    records, _ = joined(list(read_batches(slowly(), OPTIONS, batch_size=2, workers=1)))
    check_crashes(records, 0)
    assert signal.getsignal(signal.SIGCHLD) is handler


@forks
def test_workers_do_not_die_of_an_interrupt(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(item: Item, options: ReadOptions) -> object:
        os.kill(os.getpid(), signal.SIGINT)
        return read_item(item, options)

    monkeypatch.setattr(clipfake.reader, "read_item", read)
    (batch,) = read_batches([Item(str(photo))], OPTIONS, batch_size=1, workers=1)
    assert batch.records[0].error is None
