"""Files in worker processes, in batches that the detector takes.

Torch's DataLoader makes the batches and moves them to page-locked memory. The files are read in
processes of our own (``scanning.workers``): those of the loader answer through shared memory, which
a container has little of, and are of no more use once a file has killed one.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset

from clipfake.records import Record
from clipfake.scanning.processes.pool import AHEAD
from clipfake.scanning.reader import ReadOptions
from clipfake.scanning.workers import Sample, read_samples
from clipfake.sources import Item

CHUNK = 16  # files that a worker is handed at once; few, so that all work on one batch


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


class Files(IterableDataset[Sample]):
    """Records and pixels of files, in order, read by worker processes."""

    def __init__(
        self,
        items: Iterable[Item],
        options: ReadOptions,
        workers: int,
        batch_size: int,
        alone: bool = False,
    ) -> None:
        """Nothing is read yet.

        Args:
            items: consumed lazily.
            options: what is done with each file.
            workers: worker processes; 0 reads in this process.
            batch_size: files of a batch, of which two are under way.
            alone: read each item in a process of its own.
        """
        self._alone = alone
        self._items, self._options, self._workers = items, options, workers
        self._chunk = min(batch_size, CHUNK)
        batches = 2 * batch_size / (self._chunk * max(workers, 1))
        self._ahead = max(AHEAD, math.ceil(batches))

    def __iter__(self) -> Iterator[Sample]:
        """Each file's record and pixels, in the order of the items."""
        return read_samples(
            self._items,
            self._options,
            workers=self._workers,
            chunk=self._chunk,
            ahead=self._ahead,
            alone=self._alone,
        )


def read_batches(
    items: Iterable[Item],
    options: ReadOptions,
    *,
    batch_size: int,
    workers: int,
    pin_memory: bool = False,
    alone: bool = False,
) -> Iterator[Batch]:
    """Read items in batches, in order, ahead of the consumer.

    Two chunks a worker are under way, and two batches in all where that is more. A file that kills
    or hangs its worker costs nothing but itself.

    Args:
        items: consumed lazily.
        options: what is done with each file.
        batch_size: files of a batch.
        workers: worker processes; 0 reads in this process, which a file may kill or hang.
        pin_memory: put pixels into page-locked memory, for copies to a GPU.
        alone: read each item in a process of its own.
    """
    files = Files(items, options, workers, batch_size, alone)
    yield from DataLoader(files, batch_size, collate_fn=collate, pin_memory=pin_memory)


def collate(samples: list[Sample]) -> Batch:
    """Join records and stack the pixels that there are.

    Args:
        samples: records with uint8 ``[3, S, S]`` or None.
    """
    rows = [row for row, (_, pixels) in enumerate(samples) if pixels is not None]
    stack = [pixels for _, pixels in samples if pixels is not None]
    pixels = torch.from_numpy(np.stack(stack)) if stack else None
    return Batch([record for record, _ in samples], rows, pixels)
