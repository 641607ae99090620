"""Scores: items in, judged records out, in the same order."""

import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterable
from dataclasses import asdict

from clipfake.detector.calibration import DecisionRule
from clipfake.detector.detector import Detector
from clipfake.imaging.limits import Limits
from clipfake.metadata.read import MetadataOptions
from clipfake.records import Attribution, Record
from clipfake.scanning.batches import Batch, read_batches
from clipfake.scanning.cache import Cache, cache_key
from clipfake.scanning.processes.worker import default_workers
from clipfake.scanning.reader import ReadOptions
from clipfake.scanning.see import scores_of
from clipfake.scanning.stages import Stages
from clipfake.sources import Item
from clipfake.verdict.judge import judge, judge_pixels

_ALL = MetadataOptions()
# scores of the first look and of the second, and what the image looks like, by sha256
_Known = OrderedDict[str, tuple[float, float | None, Attribution | None]]
_REMEMBERED = 65_536  # images whose scores are at hand, should the same bytes come again


def scan_items(
    items: Iterable[Item],
    detector: Detector,
    rule: DecisionRule,
    *,
    limits: Limits,
    metadata: MetadataOptions | None = _ALL,
    workers: int | None = None,
    transform: Callable[[bytes], bytes] | None = None,
    cache: Cache | None = None,
    thumbnails: bool = False,
    stages: Stages | None = None,
    alone: bool = False,
) -> Generator[Record, None, None]:
    """Scan a stream of items.

    Args:
        items: consumed lazily, a few batches ahead.
        detector: scores the pixels.
        rule: turns scores into verdicts.
        limits: what one file may cost.
        metadata: what is read of the files' metadata; None leaves it unread.
        workers: decoding processes.
        transform: what is done to a file's bytes before they are decoded.
        cache: of bytes that were scanned before; it must not be used with a transform.
        thumbnails: make a small picture of each image that is decoded; what the cache knows has
            none.
        stages: counts what is done.
        alone: read each item in a process of its own.
    """
    stages = stages if stages is not None else Stages()
    key = _key(detector, limits, metadata, cache)
    use = cache.use(key) if cache else None
    known: _Known = OrderedDict()
    batches = read_batches(
        items,
        ReadOptions(
            detector.adapter.preprocessing,
            limits,
            metadata,
            transform,
            use,
            thumbnails,
            tiled=detector.tiled,
        ),
        batch_size=detector.at_once,
        workers=default_workers() if workers is None else workers,
        pin_memory=detector.device.type == "cuda",
        alone=alone,
    )
    start = time.monotonic()
    for batch in batches:
        ready = time.monotonic()
        stages.waiting += ready - start
        stages.read += len(batch.records)
        stages.cached += sum(record.cached for record in batch.records)
        stages.scored += _score(batch, detector, known)
        stages.scoring += time.monotonic() - ready
        for record in batch.records:
            _judge(record, detector, rule)
        if cache is not None:
            cache.add(key, batch.records)
        yield from batch.records
        start = time.monotonic()  # what the reports take is nobody's waiting


def _score(batch: Batch, detector: Detector, known: _Known) -> int:
    """Set scores; bytes that were scored lately are not scored again.

    Returns how many images were scored.
    """
    new: dict[str, int] = {}
    for at, row in enumerate(batch.rows):
        sha256 = batch.records[row].sha256 or ""
        if sha256 not in known:
            new.setdefault(sha256, at)
    if batch.pixels is not None and new:
        chosen = list(new.values())
        pixels = batch.pixels if len(chosen) == len(batch.rows) else batch.pixels[chosen]
        seen = detector.look(pixels, [batch.tiles[at] for at in chosen])
        found = zip(*scores_of(seen), detector.attributions(seen), strict=True)
        known.update(zip(new, found, strict=True))
    for row in batch.rows:
        record = batch.records[row]
        first, second, record.looks_like = known[record.sha256 or ""]
        record.scored(first, second)
    while len(known) > _REMEMBERED:
        known.popitem(last=False)
    return len(new)


def _judge(record: Record, detector: Detector, rule: DecisionRule) -> None:
    if record.score is None:
        judge(record, None)
        return
    record.threshold, record.model = rule.threshold, detector.adapter.label
    judge_pixels(record, rule.verdict(record.score))


def _key(
    detector: Detector, limits: Limits, metadata: MetadataOptions | None, cache: Cache | None
) -> str:
    return cache_key(
        {
            **(cache.content if cache else {}),
            "adapter": detector.adapter.digest,
            "backbone": detector.backbone.digest,
            **detector.arithmetic.to_json(),
            "looks": detector.looks.value,
            "max_pixels": limits.pixels,
            "metadata": None if metadata is None else asdict(metadata),
        }
    )
