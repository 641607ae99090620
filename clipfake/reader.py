"""Read files in worker processes: bytes once, then hash, pixels and metadata.

Items go in and batches come out in the same order, through torch's DataLoader. The loader's
batch sampler hands out the items themselves, so nothing is listed ahead beyond the batches
in flight.
"""

import errno
import hashlib
import multiprocessing
import os
import signal
import stat
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing.connection import Connection

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader, Dataset
from torch.utils.data._utils import signal_handling

from clipfake.errors import ErrorCode, ImageError
from clipfake.imaging.decode import decode
from clipfake.imaging.formats import SNIFF_BYTES, sniff
from clipfake.imaging.limits import Limits, time_limit
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.metadata.exif import read_exif
from clipfake.records import Record
from clipfake.sources import Item

METADATA_SECONDS = 5.0

_OS_ERRORS = {
    errno.ENOENT: (ErrorCode.MISSING, "no such file; check the path"),
    errno.ENOTDIR: (ErrorCode.MISSING, "no such file; check the path"),
    errno.ENAMETOOLONG: (ErrorCode.MISSING, "the name is too long to exist; check the path"),
    errno.ELOOP: (ErrorCode.MISSING, "a symbolic link that leads to itself"),
    errno.EACCES: (ErrorCode.NO_PERMISSION, "permission denied; make it readable"),
    errno.EPERM: (ErrorCode.NO_PERMISSION, "permission denied; make it readable"),
    errno.ENXIO: (ErrorCode.NOT_A_FILE, "not a regular file"),
    errno.EISDIR: (ErrorCode.NOT_A_FILE, "not a regular file"),
}

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class ReadOptions:
    """What a worker does with a file.

    Attributes:
        preprocessing: how the detector's square is cut.
        limits: what one file may cost.
        position: report GPS coordinates, not only their presence.
        transform: what is done to a file's bytes before they are decoded; the hash and the
            metadata are those of the file.
    """

    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    limits: Limits = field(default_factory=Limits)
    position: bool = False
    transform: Callable[[bytes], bytes] | None = None


@dataclass
class Batch:
    """Records of consecutive items, with the pixels of those that could be decoded.

    Attributes:
        records: one a file, without score.
        rows: indexes into ``records`` of the images in ``pixels``, ascending.
        pixels: uint8 ``[len(rows), 3, S, S]``, or None when no file had any.
    """

    records: list[Record]
    rows: list[int]
    pixels: torch.Tensor | None

    def pin_memory(self) -> "Batch":
        """Move the pixels to page-locked memory (called by the DataLoader for CUDA)."""
        if self.pixels is not None:
            self.pixels = self.pixels.pin_memory()
        return self


class FileReader(Dataset[tuple[Record, Pixels | None]]):
    """Dataset whose index is the item itself."""

    def __init__(self, options: ReadOptions) -> None:
        self.options = options

    def __getitem__(self, item: Item) -> tuple[Record, Pixels | None]:
        """Read one item; whatever is wrong with the file becomes part of the record."""
        return read_item(item, self.options)


def read_item(item: Item, options: ReadOptions) -> tuple[Record, Pixels | None]:
    """Read, hash and decode one file.

    Returns:
        The record without score, and uint8 pixels ``[3, S, S]`` unless the record has an
        error.
    """
    record = Record(path=item.text, path_raw=item.raw, extra=item.extra)
    try:
        if item.problem:
            raise item.problem
        with time_limit(options.limits.seconds):
            data = _read_bytes(item.path, options.limits, record)
            record.sha256 = hashlib.sha256(data).hexdigest()
            seen = options.transform(data) if options.transform else data
            image = decode(seen, options.preprocessing, options.limits)
    except ImageError as error:
        record.error_code, record.error = error.code, f"{record.path}: {error}"
        return record, None
    record.animated = image.animated
    record.width, record.height = image.width, image.height
    record.notes = image.notes
    try:
        with time_limit(METADATA_SECONDS):
            record.exif = read_exif(data, with_position=options.position)
    except (ValueError, ImageError) as error:
        record.notes += (str(error) if isinstance(error, ValueError) else "EXIF took too long",)
    return record, image.pixels


def read_batches(
    items: Iterable[Item],
    options: ReadOptions,
    *,
    batch_size: int,
    workers: int,
    pin_memory: bool = False,
) -> Iterator[Batch]:
    """Read items in batches, in order, ahead of the consumer by two batches a worker.

    A file that kills its worker costs nothing but itself: the files in flight are read
    again, each in a process of its own, and the one that kills it again is reported.

    Args:
        items: consumed lazily.
        options: what is done with each file.
        batch_size: files of a batch.
        workers: worker processes; 0 reads in this process.
        pin_memory: put pixels into page-locked memory, for copies to a GPU.
    """
    source = iter(items)
    source_failed = False
    in_flight: deque[list[Item]] = deque()

    def hand_out() -> Iterator[list[Item]]:
        nonlocal source_failed
        while True:
            try:
                batch = list(islice(source, batch_size))
            except Exception:
                source_failed = True
                raise
            if not batch:
                return
            in_flight.append(batch)
            yield batch

    with _deaths_unannounced():
        while True:
            try:
                for batch in _loader(hand_out(), options, workers, pin_memory):
                    in_flight.popleft()
                    yield batch
                return
            except (RuntimeError, ConnectionError, EOFError) as error:
                if source_failed or not _is_worker_death(error):
                    raise
            while in_flight:
                yield collate([_read_alone(item, options) for item in in_flight.popleft()])


def collate(samples: list[tuple[Record, Pixels | None]]) -> Batch:
    """Join records and stack the pixels that there are."""
    rows = [row for row, (_, pixels) in enumerate(samples) if pixels is not None]
    stack = [pixels for _, pixels in samples if pixels is not None]
    pixels = torch.from_numpy(np.stack(stack)) if stack else None
    return Batch([record for record, _ in samples], rows, pixels)


def _loader(
    batches: Iterable[list[Item]], options: ReadOptions, workers: int, pin_memory: bool
) -> Iterator[Batch]:
    yield from DataLoader(
        FileReader(options),
        batch_sampler=batches,
        num_workers=workers,
        collate_fn=collate,
        pin_memory=pin_memory,
        worker_init_fn=_prepare_worker,
    )


def _prepare_worker(_worker: int) -> None:
    # Ctrl-C goes to the whole process group; the parent ends the workers itself
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    # C decoders print what they find in a file straight to the terminal
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)


@contextmanager
def _deaths_unannounced() -> Iterator[None]:
    """Keep torch's SIGCHLD handler away while the block runs.

    It raises wherever the main thread happens to be when a worker dies: in the consumer, or in
    what lists the items (for the first batches already, while the loader starts). The loader
    also looks by itself, every 5 seconds that it waits.
    """
    installed = signal_handling._SIGCHLD_handler_set
    signal_handling._SIGCHLD_handler_set = True  # so that it is not installed by our loaders
    handler = signal.getsignal(signal.SIGCHLD) if hasattr(signal, "SIGCHLD") else None
    in_the_way = getattr(handler, "__module__", None) == signal_handling.__name__ and (
        threading.current_thread() is threading.main_thread()
    )
    if in_the_way:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        yield
    finally:
        signal_handling._SIGCHLD_handler_set = installed
        if in_the_way:
            signal.signal(signal.SIGCHLD, handler)


def _is_worker_death(error: Exception) -> bool:
    # what a worker left behind cannot be fetched from it once it is dead
    return isinstance(error, (ConnectionError, EOFError)) or "DataLoader worker" in str(error)


def _read_alone(item: Item, options: ReadOptions) -> tuple[Record, Pixels | None]:
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(
        target=_send_sample, args=(sender, item, options), daemon=True
    )
    process.start()
    sender.close()
    try:
        sample: tuple[Record, Pixels | None] = receiver.recv()
    except EOFError:
        record = Record(path=item.text, path_raw=item.raw, extra=item.extra)
        record.error_code = ErrorCode.DECODER_CRASH
        record.error = f"{record.path}: the decoder crashed on it; treat the file as hostile"
        sample = record, None
    finally:
        receiver.close()
        process.kill()
        process.join()
    return sample


def _send_sample(sender: Connection, item: Item, options: ReadOptions) -> None:
    _prepare_worker(0)
    sender.send(read_item(item, options))


def _read_bytes(path: str, limits: Limits, record: Record) -> bytes:
    """The whole file, once; what is no image is not read past its first bytes."""
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ImageError(ErrorCode.NOT_A_FILE, "not a regular file")
            record.bytes = status.st_size
            head = file.read(SNIFF_BYTES)
            record.format = sniff(head)
            if status.st_size > limits.bytes:
                raise ImageError(
                    ErrorCode.TOO_LARGE,
                    f"{status.st_size} bytes, over the limit of {limits.bytes}; raise --max-bytes",
                )
            data = head + file.read(limits.bytes)
    except OSError as error:
        known = (ErrorCode.UNREADABLE, f"cannot be read ({error.strerror or error})")
        raise ImageError(*_OS_ERRORS.get(error.errno or 0, known)) from error
    except ValueError as error:
        raise ImageError(ErrorCode.MISSING, "no file can have this name; check the path") from error
    record.bytes = len(data)
    return data


def _open_at_once(path: str, flags: int) -> int:
    # opening a FIFO must not wait for a writer
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
