"""Thresholds that keep a promise: false-positive rates whose upper bound is at the stated rate.

The share of real images that a threshold accuses is an estimate; what a user is told is a bound.
It is that of Clopper & Pearson 1934 for as many independent images as the real ones are worth,
which is fewer, since images of a source resemble each other (Korn & Graubard 1998, "Confidence
intervals for proportions with small expected number of positive counts", Survey Methodology 24).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import beta

from clipfake.detector.calibration import Floats

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

    def _rate(self, count: int) -> Rate:
        total = float(self._weights.sum())
        share = float(self._weights[:count].sum()) / total
        worth = total / max(1.0, self._likeness(max(count, min(_LEAST_ACCUSED, len(self.scores)))))
        upper = (
            1.0 if share >= 1 else float(beta.ppf(LEVEL, share * worth + 1, (1 - share) * worth))
        )
        return Rate(share, min(1.0, upper), len(self.scores), count)

    def _likeness(self, count: int) -> float:
        """Design effect of the highest ``count`` being accused: variance by sources, over that of
        as many independent images (linearised, Korn & Graubard 1998).
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
