"""Thresholds that keep a promise: false-positive rates whose upper bound is at the stated rate.

The share of real images that a threshold accuses is an estimate; what a user is told is a bound.
It is that of Clopper & Pearson 1934 for as many independent images as the real ones are worth,
which is fewer, since images of a source resemble each other (Korn & Graubard 1998, "Confidence
intervals for proportions with small expected number of positive counts", Survey Methodology 24).
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import beta

from clipfake.detector.adapter import Adapter
from clipfake.detector.calibration import (
    FPRS,
    REAL_BELOW_RECALL,
    Floats,
    fit_platt,
    operating_point,
    threshold_at_recall,
)
from clipfake.detector.looks import Looks
from clipfake.detector.second_look import Thresholds
from clipfake.training.validation import Scored, as_scanned

LEVEL = 0.95
_LEAST_ACCUSED = 20  # images by which it is told how alike those of a source are

Bools = npt.NDArray[np.bool_]
Strings = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Rate:
    """A share of real images that is called AI.

    Attributes:
        share: of the images themselves.
        upper: upper end of the one-sided 95 % interval.
        images: real images.
        accused: of them.
    """

    share: float
    upper: float
    images: int
    accused: int


class Reals:
    """Scores of real images, highest first."""

    def __init__(self, scores: Floats, sources: Strings, weights: Floats | None = None) -> None:
        """Sort them.

        Args:
            scores: ``[N]``, at least one.
            sources: ``[N]``.
            weights: ``[N]``, how many images each stands for; None is one.
        """
        order = np.argsort(-scores, kind="stable")
        self.scores = scores[order]
        self._weights = (np.ones(len(scores)) if weights is None else weights)[order]
        names, self._source = np.unique(sources[order], return_inverse=True)
        self._of_source = np.bincount(self._source, self._weights, len(names))

    def rate(self, threshold: float) -> Rate:
        """The share from a threshold on, and its bound."""
        return self._rate(int((self.scores >= threshold).sum()))

    def interval(self, threshold: float) -> tuple[float, float]:
        """The two-sided 95 % interval of the share from a threshold on."""
        share, worth = self._worth(int((self.scores >= threshold).sum()))
        hits, tail = share * worth, (1 - LEVEL) / 2
        low = float(beta.ppf(tail, hits, worth - hits + 1)) if hits > 0 else 0.0
        high = float(beta.ppf(1 - tail, hits + 1, worth - hits)) if share < 1 else 1.0
        return low, min(1.0, high)

    def threshold(self, fpr: float) -> float:
        """The lowest threshold whose bound, and that of every higher one, is at most ``fpr``.

        Returns:
            A score, float32; above every one of the real images where even none accused proves
            too little, which its bound then says.
        """
        most, end = 0, len(self.scores)
        for count in range(end + 1):
            if self._rate(count).upper > fpr:
                break
            if count == end or self.scores[count] < self.scores[max(count, 1) - 1]:
                most = count  # equal scores are accused together
        if most >= end:
            return 0.0
        return float(np.nextafter(np.float32(self.scores[most]), np.float32(2.0)))

    def _worth(self, count: int) -> tuple[float, float]:
        """The share of the highest scores, and how many independent images all are worth."""
        total = float(self._weights.sum())
        share = float(self._weights[:count].sum()) / total
        told = max(count, min(_LEAST_ACCUSED, len(self.scores)))
        return share, total / max(1.0, self._design_effect(told))

    def _rate(self, count: int) -> Rate:
        share, worth = self._worth(count)
        hits = share * worth
        upper = 1.0 if share >= 1 else float(beta.ppf(LEVEL, hits + 1, worth - hits))
        return Rate(share, min(1.0, upper), len(self.scores), count)

    def _design_effect(self, count: int) -> float:
        """Variance by sources over that of as many independent images, linearised.

        Args:
            count: how many of the highest scores are accused.
        """
        weights, groups = self._weights, len(self._of_source)
        total = float(weights.sum())
        hits = np.bincount(self._source[:count], weights[:count], groups)
        share = float(hits.sum()) / total
        if groups < 2 or not 0 < share < 1:
            return 1.0
        deviations = hits - share * self._of_source
        variance = groups / (groups - 1) * float((deviations**2).sum()) / total**2
        return variance / (share * (1 - share) / total)


def coverage(
    scores: Floats, sources: Strings, fpr: float, *, halves: int = 200, seed: int = 0
) -> float:
    """How often a promise breaks: thresholds of half of the sources, tried on the other half.

    Args:
        scores: ``[N]`` of real images.
        sources: ``[N]``.
        fpr: the promised rate.
        halves: random halves.
        seed: of the draws.

    Returns:
        Share of the halves that accuse more than ``fpr`` of the other half.
    """
    names, index = np.unique(sources, return_inverse=True)
    rng, broken = np.random.default_rng(seed), 0
    for _ in range(halves):
        own = np.isin(index, rng.permutation(len(names))[: len(names) // 2])
        threshold = Reals(scores[own], sources[own]).threshold(fpr)
        broken += float((scores[~own] >= threshold).mean()) > fpr
    return broken / halves


def promise(adapter: Adapter, evidence: Scored, weights: Floats | None = None) -> Adapter:
    """The adapter with calibration and thresholds set so that bounds are at the stated rates.

    The second look is taken from the score on that the share ``REAL_BELOW_RECALL`` of AI images
    reach, below which the first look says ``real``, up to the one that hardly a real image reaches
    at first sight (``SecondLook.opened``).

    Args:
        adapter: whose heads, or such as were fitted like them without these images, gave the
            logits.
        evidence: both classes; logits of the second look may be missing (NaN) where ``auto`` does
            not take it.
        weights: ``[N]``, how many images each stands for among those that have a second logit;
            None is one.

    Raises:
        ValueError: a second logit is missing where ``auto`` takes the look.
    """
    platt = fit_platt(evidence.logits, evidence.is_ai)
    first = as_scanned(platt(evidence.logits))
    known = _thresholds(first, evidence)
    adapter = dataclasses.replace(adapter, calibration=platt)
    adapter = adapter.with_thresholds(known)
    if adapter.second_look is None or evidence.second is None:
        return adapter
    taken = ~np.isnan(evidence.second)
    weight = np.ones(len(taken)) if weights is None else weights
    again = fit_platt(evidence.second[taken], evidence.is_ai[taken], weight[taken])
    second = adapter.second_look.opened(again, known.real_below, [first[~evidence.is_ai]])
    if (second.wanted(first.astype(np.float32), Looks.AUTO) & ~taken).any():
        raise ValueError("images that auto takes a second look of have none")
    scores = np.full(len(first), np.nan)
    scores[taken] = as_scanned(again(evidence.second[taken]))
    auto = _thresholds(second.chosen(first, scores), evidence)
    seen = Scored(scores[taken], evidence.is_ai[taken], evidence.sources[taken])
    second = dataclasses.replace(
        second, auto=auto, all=_thresholds(scores[taken], seen, weight[taken])
    )
    return dataclasses.replace(adapter, second=second)


def _thresholds(scores: Floats, evidence: Scored, weights: Floats | None = None) -> Thresholds:
    """Operating points at the rates of ``FPRS`` for scores of the images of ``evidence``."""
    real, ai = ~evidence.is_ai, evidence.is_ai
    own = None if weights is None else weights[real]
    reals, points = Reals(scores[real], evidence.sources[real], own), []
    for fpr in FPRS:
        threshold = reals.threshold(fpr)
        rate = reals.rate(threshold)
        point = operating_point(fpr, threshold, scores, ai, evidence.sources)
        sources = len(np.unique(evidence.sources[real]))
        points.append(
            dataclasses.replace(
                point,
                fpr_interval=reals.interval(threshold),
                accused=rate.share,
                upper=rate.upper,
                sources=sources,
            )
        )
    return Thresholds(tuple(points), threshold_at_recall(scores[ai], REAL_BELOW_RECALL))
