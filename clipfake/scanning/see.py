"""Scores, and where images lie for the generator head: items in, what was seen out, in order.

For measuring and fitting, which ask more than a report tells. Files are read, limited and batched
as a scan has it.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clipfake.detector.detector import Detector
from clipfake.detector.second_look import Sight
from clipfake.imaging.limits import Limits
from clipfake.records import Record
from clipfake.scanning.batches import read_batches
from clipfake.scanning.processes.worker import default_workers
from clipfake.scanning.reader import ReadOptions
from clipfake.sources import Item


@dataclass(frozen=True)
class Seen:
    """What is seen of a file.

    Attributes:
        record: with its scores, or an error; nothing is judged.
        embedded: float32 ``[D]``, as ``GeneratorHead.embed`` gives it; None without a score, or
            without a head that tells generators apart.
    """

    record: Record
    embedded: npt.NDArray[np.float32] | None


def scores_of(seen: Sight) -> tuple[list[float], list[float | None]]:
    """Scores of the first look at each picture, and of the second; None where it was not taken."""
    second = [None if math.isnan(score) else score for score in seen.second.tolist()]
    return seen.first.tolist(), second


def see_items(
    items: Iterable[Item],
    detector: Detector,
    *,
    limits: Limits,
    workers: int | None = None,
    transform: Callable[[bytes], bytes] | None = None,
) -> Iterator[Seen]:
    """Look at a stream of items; metadata stay unread.

    Args:
        items: consumed lazily, a few batches ahead.
        detector: scores the pixels.
        limits: what one file may cost.
        workers: decoding processes; None suits the machine, 0 reads in this process.
        transform: what is done to a file's bytes before they are decoded.
    """
    batches = read_batches(
        items,
        ReadOptions(detector.adapter.preprocessing, limits, None, transform, tiled=detector.tiled),
        batch_size=detector.at_once,
        workers=default_workers() if workers is None else workers,
        pin_memory=detector.device.type == "cuda",
    )
    for batch in batches:
        found: dict[int, npt.NDArray[np.float32]] = {}
        if batch.pixels is not None:
            seen = detector.look(batch.pixels, batch.tiles)
            for row, first, second in zip(batch.rows, *scores_of(seen), strict=True):
                batch.records[row].scored(first, second)
            if seen.embedded is not None:
                found = dict(zip(batch.rows, seen.embedded.numpy(), strict=True))
        for row, record in enumerate(batch.records):
            yield Seen(record, found.get(row))
