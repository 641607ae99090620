"""Thresholds set on real images of one's own, of which there may be few."""

import dataclasses
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clipfake.detector.adapter import Adapter
from clipfake.detector.calibration import (
    Floats,
    OperatingPoint,
    operating_point,
    share_interval,
    threshold_at_fpr,
)
from clipfake.detector.looks import Looks
from clipfake.detector.reference import Reference
from clipfake.detector.second_look import Thresholds
from clipfake.training.validation import as_scanned

LEAST_ACCUSED = 3  # images that a rate must stand for, to lower a threshold


@dataclass(frozen=True)
class SourceRate:
    """Real images of a source that a threshold accuses.

    Attributes:
        source: its name.
        images: real images of it.
        fpr: share called AI.
        interval: 95 % interval of ``fpr``.
    """

    source: str
    images: int
    fpr: float
    interval: tuple[float, float]


def rates_by_source(
    scores: Floats, sources: npt.NDArray[np.str_], threshold: float
) -> list[SourceRate]:
    """How each source of real images fares at a threshold, by name.

    Args:
        scores: ``[N]`` of real images.
        sources: ``[N]``.
        threshold: a score.
    """
    called, rates = scores >= threshold, []
    for source in np.unique(sources):
        own = sources == source
        interval = share_interval(called[own], sources[own])
        rates.append(SourceRate(str(source), int(own.sum()), float(called[own].mean()), interval))
    return rates


def total_rate(scores: Floats, sources: npt.NDArray[np.str_], threshold: float) -> SourceRate:
    """How all real images together fare at a threshold; arguments as ``rates_by_source``."""
    called = scores >= threshold
    return SourceRate("all", len(scores), float(called.mean()), share_interval(called, sources))


def set_on_reals(
    adapter: Adapter,
    scores: Floats,
    sources: npt.NDArray[np.str_],
    reference: Reference | None,
    looks: Looks = Looks.FIRST,
) -> Adapter:
    """The adapter with its thresholds set on real images.

    Where a rate stands for at least ``LEAST_ACCUSED`` of the images, the threshold is the one
    that accuses that share. Where it stands for fewer, the images prove too little to lower it:
    it stays, or rises above all of them.

    Args:
        adapter: whose scores they are.
        scores: ``[N]`` scores of real images, as a scan gives them.
        sources: ``[N]``.
        reference: fits the adapter; tells the recall at a new threshold of the first look, which
            is all that it has seen. None leaves it unknown.
        looks: which looks gave the scores; thresholds of others stay.
    """
    present = adapter.thresholds(looks)
    taken = adapter.looks(looks)
    reference = reference if taken is Looks.FIRST else None
    points = []
    for point in present.points:
        if len(scores) * point.fpr >= LEAST_ACCUSED - 1e-9:
            threshold = threshold_at_fpr(scores, point.fpr)
        else:
            threshold = max(point.threshold, threshold_at_fpr(scores, 0.0))
        if threshold == point.threshold:
            points.append(point)
            continue
        none_ai = np.zeros(len(scores), dtype=bool)
        new = operating_point(point.fpr, threshold, scores, none_ai, sources)
        points.append(_with_recall(new, adapter, reference))
    moved = Thresholds(tuple(points), present.real_below)
    return dataclasses.replace(adapter.with_thresholds(moved, taken), digest="")


def _with_recall(
    point: OperatingPoint, adapter: Adapter, reference: Reference | None
) -> OperatingPoint:
    if reference is None:
        return point
    ai = reference.is_ai
    scores = as_scanned(adapter.calibration(adapter.head(reference.tokens[ai])))
    called = scores >= point.threshold
    interval = share_interval(called, reference.groups[ai])
    return dataclasses.replace(point, recall=float(called.mean()), recall_interval=interval)
