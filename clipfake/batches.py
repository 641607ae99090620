"""Files in worker processes, in batches that the detector takes.

Items go in and batches come out in the same order, through torch's DataLoader. The loader's
batch sampler hands out the items themselves, so nothing is listed ahead beyond the batches
in flight.
"""

import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, get_worker_info
from torch.utils.data._utils import signal_handling

from clipfake import reader
from clipfake.reader import Pixels, ReadOptions
from clipfake.records import Record
from clipfake.sources import Item
from clipfake.workers import prepare_worker, read_alone, read_watched


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
        if get_worker_info() is None:
            return reader.read_item(item, self.options)
        return read_watched(item, self.options)


def read_batches(
    items: Iterable[Item],
    options: ReadOptions,
    *,
    batch_size: int,
    workers: int,
    pin_memory: bool = False,
) -> Iterator[Batch]:
    """Read items in batches, in order, ahead of the consumer by two batches a worker.

    A file that kills or hangs its worker costs nothing but itself: the files in flight are
    read again, each in a process of its own, and the one that does it again is reported.

    Args:
        items: consumed lazily.
        options: what is done with each file.
        batch_size: files of a batch.
        workers: worker processes; 0 reads in this process, which a file may kill or hang.
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
                yield collate([read_alone(item, options) for item in in_flight.popleft()])


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
        worker_init_fn=partial(prepare_worker, options.limits),
    )


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
