"""The scan: items in, finished records out, in the same order."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence

from clipfake.batches import Batch, read_batches
from clipfake.detector.calibration import DecisionRule
from clipfake.detector.detector import Detector
from clipfake.imaging.limits import Limits
from clipfake.merge import judge
from clipfake.metadata.read import MetadataOptions
from clipfake.reader import ReadOptions
from clipfake.records import Record, Verdict
from clipfake.sources import Item, Selection, Sources
from clipfake.workers import default_workers

_ALL = MetadataOptions()


def scan(
    paths: Sequence[str | os.PathLike[str]] | str | os.PathLike[str],
    *,
    detector: Detector | None = None,
    selection: Selection | None = None,
    fpr: float | None = None,
    threshold: float | None = None,
    limits: Limits | None = None,
    metadata: MetadataOptions | None = _ALL,
    workers: int | None = None,
) -> Iterator[Record]:
    """Scan files, folders and manifests.

    Every file gives one record, in order; a file that cannot be read gives a record with an
    error code instead of a score.

    Args:
        paths: names, or one name.
        detector: None loads the default one.
        selection: which files of a folder are taken.
        fpr: operating point, a stored false-positive rate; None is 1 %.
        threshold: a score to use instead of an operating point.
        limits: what one file may cost.
        metadata: what is read of the files' metadata; None leaves it unread.
        workers: decoding processes; None suits the machine, 0 decodes in this process.

    Raises:
        UsageError: a name does not exist, a manifest cannot be read, or there is no such
            operating point.
    """
    names = [paths] if isinstance(paths, (str, os.PathLike)) else paths
    items = Sources(names, selection or Selection())
    detector = detector or Detector.load()
    rule = detector.adapter.rule(fpr=fpr, threshold=threshold)
    return scan_items(
        items, detector, rule, limits=limits or Limits(), metadata=metadata, workers=workers
    )


def scan_items(
    items: Iterable[Item],
    detector: Detector,
    rule: DecisionRule,
    *,
    limits: Limits,
    metadata: MetadataOptions | None = _ALL,
    workers: int | None = None,
    transform: Callable[[bytes], bytes] | None = None,
) -> Iterator[Record]:
    """Scan a stream of items; see ``scan`` for the arguments.

    Args:
        items: consumed lazily, a few batches ahead.
        detector: scores the pixels.
        rule: turns scores into verdicts.
        limits: what one file may cost.
        metadata: what is read of the files' metadata; None leaves it unread.
        workers: decoding processes.
        transform: what is done to a file's bytes before they are decoded.
    """
    batches = read_batches(
        items,
        ReadOptions(detector.adapter.preprocessing, limits, metadata, transform),
        batch_size=detector.batch_size,
        workers=default_workers() if workers is None else workers,
        pin_memory=detector.device.type == "cuda",
    )
    for batch in batches:
        _judge(batch, detector, rule)
        yield from batch.records


def _judge(batch: Batch, detector: Detector, rule: DecisionRule) -> None:
    pixels: dict[int, Verdict] = {}
    if batch.pixels is not None:
        scores = detector.score_pixels(batch.pixels)
        for row, score in zip(batch.rows, scores.tolist(), strict=True):
            record = batch.records[row]
            record.score, pixels[row] = score, rule.verdict(score)
            record.threshold, record.model = rule.threshold, detector.adapter.label
    for row, record in enumerate(batch.records):
        judge(record, pixels.get(row))
