"""The scan: items in, finished records out, in the same order."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence

from clipfake.detector.calibration import DecisionRule
from clipfake.detector.detector import Detector
from clipfake.imaging.limits import Limits
from clipfake.reader import Batch, ReadOptions, read_batches
from clipfake.records import Record
from clipfake.sources import Item, Selection, Sources

MAX_WORKERS = 16


def scan(
    paths: Sequence[str | os.PathLike[str]] | str | os.PathLike[str],
    *,
    detector: Detector | None = None,
    selection: Selection | None = None,
    fpr: float | None = None,
    threshold: float | None = None,
    limits: Limits | None = None,
    position: bool = False,
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
        position: report GPS coordinates, not only their presence.
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
        items, detector, rule, limits=limits or Limits(), position=position, workers=workers
    )


def scan_items(
    items: Iterable[Item],
    detector: Detector,
    rule: DecisionRule,
    *,
    limits: Limits,
    position: bool = False,
    workers: int | None = None,
    transform: Callable[[bytes], bytes] | None = None,
) -> Iterator[Record]:
    """Scan a stream of items; see ``scan`` for the arguments.

    Args:
        items: consumed lazily, a few batches ahead.
        detector: scores the pixels.
        rule: turns scores into verdicts.
        limits: what one file may cost.
        position: report GPS coordinates.
        workers: decoding processes.
        transform: what is done to a file's bytes before they are decoded.
    """
    batches = read_batches(
        items,
        ReadOptions(detector.adapter.preprocessing, limits, position, transform),
        batch_size=detector.batch_size,
        workers=default_workers() if workers is None else workers,
        pin_memory=detector.device.type == "cuda",
    )
    for batch in batches:
        _judge(batch, detector, rule)
        yield from batch.records


def default_workers() -> int:
    """Decoding processes that suit the machine: a core is left to the encoder."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(MAX_WORKERS, cores - 1))


def _judge(batch: Batch, detector: Detector, rule: DecisionRule) -> None:
    if batch.pixels is None:
        return
    scores = detector.score_pixels(batch.pixels)
    for row, score in zip(batch.rows, scores.tolist(), strict=True):
        record = batch.records[row]
        record.score, record.verdict = score, rule.verdict(score)
        record.threshold, record.model = rule.threshold, detector.adapter.label
