"""Files in worker processes, in batches that the detector takes."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch

from clipfake.pool import AHEAD
from clipfake.reader import ReadOptions
from clipfake.records import Record
from clipfake.sources import Item
from clipfake.workers import Sample, read_samples

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


def read_batches(
    items: Iterable[Item],
    options: ReadOptions,
    *,
    batch_size: int,
    workers: int,
    pin_memory: bool = False,
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
    """
    chunk = min(batch_size, CHUNK)
    ahead = max(AHEAD, math.ceil(2 * batch_size / (chunk * max(workers, 1))))
    samples = read_samples(items, options, workers=workers, chunk=chunk, ahead=ahead)
    while batch := list(islice(samples, batch_size)):
        yield collate(batch, pin_memory=pin_memory)


def collate(samples: list[Sample], *, pin_memory: bool = False) -> Batch:
    """Join records and stack the pixels that there are.

    Args:
        samples: records with uint8 ``[3, S, S]`` or None.
        pin_memory: stack them in page-locked memory.
    """
    rows = [row for row, (_, pixels) in enumerate(samples) if pixels is not None]
    stack = [pixels for _, pixels in samples if pixels is not None]
    records = [record for record, _ in samples]
    if not stack:
        return Batch(records, rows, None)
    shape = (len(stack), *stack[0].shape)
    pixels = torch.empty(shape, dtype=torch.uint8, pin_memory=pin_memory)
    np.stack(stack, out=pixels.numpy())
    return Batch(records, rows, pixels)
