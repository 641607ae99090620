"""Images as the generator head has them: items in, points out, in the same order."""

from collections.abc import Iterable, Iterator

import torch

from clipfake.detector.detector import Detector
from clipfake.detector.generators import GeneratorHead
from clipfake.plan import ScanPlan
from clipfake.records import Record
from clipfake.scanning.batches import read_batches
from clipfake.scanning.parts import limits_of
from clipfake.scanning.processes.worker import default_workers
from clipfake.scanning.reader import ReadOptions
from clipfake.sources import Item


def embed_items(
    items: Iterable[Item], detector: Detector, head: GeneratorHead, plan: ScanPlan
) -> Iterator[tuple[Record, torch.Tensor | None]]:
    """Read images as a scan does, and embed them.

    Args:
        items: consumed lazily, a few batches ahead.
        detector: whose tokens the head reads.
        head: projects them.
        plan: how files are read, and what one may cost.

    Yields:
        The record, unjudged, and float32 ``[D]``; None for what cannot be decoded, of which the
        record says why.
    """
    asked = plan.run.workers
    batches = read_batches(
        items,
        ReadOptions(detector.adapter.preprocessing, limits_of(plan), None),
        batch_size=detector.at_once,
        workers=default_workers() if asked is None else asked,
        pin_memory=detector.device.type == "cuda",
    )
    blocks = detector.adapter.blocks
    for batch in batches:
        points: dict[int, torch.Tensor] = {}
        if batch.pixels is not None:
            found = head.embed(detector.tokens(batch.pixels, blocks), blocks)
            points = dict(zip(batch.rows, found, strict=True))
        for row, record in enumerate(batch.records):
            yield record, points.get(row)
