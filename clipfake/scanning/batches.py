"""Files in worker processes, in batches that the detector takes.

Torch's DataLoader makes the batches and moves them to page-locked memory. The files are read in
processes of our own (``scanning.workers``): those of the loader answer through shared memory, which
a container has little of, and are of no more use once a file has killed one.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader, IterableDataset

from clipfake.imaging.decode import Views
from clipfake.records import Record
from clipfake.scanning.processes.pool import AHEAD
from clipfake.scanning.reader import ReadOptions
from clipfake.scanning.workers import Sample, read_samples
from clipfake.sources import Item

CHUNK = 16  # files that a worker is handed at once; few, so that all work on one batch
TILED_CHUNK = 4  # likewise, where tiles are cut: what comes back of a file is up to nine times more


@dataclass
class Batch:
    """Records of consecutive items, with the pixels of those that could be decoded.

    Attributes:
        records: one a file, without score.
        rows: indexes into ``records`` of the images in ``pixels``, ascending.
        pixels: uint8 ``[len(rows), 3, S, S]``, or None when no file had any.
        tiles: of each of these images, uint8 ``[T, 3, S, S]``; None for those of which none are
            cut. They stay as they came: most of them nobody looks at.
    """

    records: list[Record]
    rows: list[int]
    pixels: torch.Tensor | None
    tiles: list[npt.NDArray[np.uint8] | None] = field(default_factory=list)

    def pin_memory(self) -> "Batch":
        """Move the squares to page-locked memory (called by the DataLoader for CUDA)."""
        if self.pixels is not None:
            self.pixels = self.pixels.pin_memory()
        return self


class Files(IterableDataset[Sample]):
    """Records and views of files, in order, read by worker processes."""

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
            batch_size: files of a batch, of which two are under way; one where tiles are cut.
            alone: read each item in a process of its own.
        """
        self._alone = alone
        self._items, self._options, self._workers = items, options, workers
        self._chunk = min(batch_size, TILED_CHUNK if options.tiled else CHUNK)
        batches = (1 if options.tiled else 2) * batch_size / (self._chunk * max(workers, 1))
        self._ahead = max(AHEAD, math.ceil(batches))

    def __iter__(self) -> Iterator[Sample]:
        """Each file's record and views, in the order of the items."""
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

    Two chunks a worker are under way, and two batches in all where that is more; one batch where
    tiles are cut, which take memory. A file that kills or hangs its worker costs nothing but
    itself.

    Args:
        items: consumed lazily.
        options: what is done with each file.
        batch_size: files of a batch.
        workers: worker processes; 0 reads in this process, which a file may kill or hang.
        pin_memory: put squares into page-locked memory, for copies to a GPU.
        alone: read each item in a process of its own.
    """
    files = Files(items, options, workers, batch_size, alone)
    yield from DataLoader(files, batch_size, collate_fn=collate, pin_memory=pin_memory)


def collate(samples: list[tuple[Record, Views | None]]) -> Batch:
    """Join records and stack the squares that there are.

    Args:
        samples: records, with the views of those that could be decoded.
    """
    rows = [row for row, (_, views) in enumerate(samples) if views is not None]
    there = [views for _, views in samples if views is not None]
    pixels = torch.from_numpy(np.stack([each.square for each in there])) if there else None
    records = [record for record, _ in samples]
    return Batch(records, rows, pixels, [each.tiles for each in there])
