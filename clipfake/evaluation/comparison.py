"""Two detectors on the same images: the difference of their figures, by a paired bootstrap."""

from dataclasses import dataclass

import numpy as np

from clipfake.errors import UsageError
from clipfake.evaluation import measures
from clipfake.evaluation.figures import Images
from clipfake.evaluation.intervals import Counts, Estimate, bootstrap

RATE = 0.01
_NAMES = ("AUC", "average precision", f"recall at {RATE:.0%} FPR")


@dataclass(frozen=True)
class Difference:
    """A figure of two detectors on the images that both scored.

    Attributes:
        figure: what is compared.
        first: of the first detector.
        second: of the second one.
        difference: second less first, with the interval of a bootstrap that draws the same
            sources for both.
        p: two-sided, twice the smaller share of draws on one side of no difference (Davison &
            Hinkley 1997, section 4.4); never below what the draws can tell.
    """

    figure: str
    first: float
    second: float
    difference: Estimate
    p: float


def compare(first: Images, second: Images, *, draws: int = 1000, seed: int = 0) -> list[Difference]:
    """AUC, average precision and recall at 1 % false positives of two detectors.

    Args:
        first: ``[N]`` images with the scores of one detector.
        second: the same images in the same order with those of the other.
        draws: bootstrap draws of whole sources.
        seed: of the draws.

    Raises:
        UsageError: too few images were scored by both.
    """
    both = first.scored & second.scored
    one, other = first.part(both), second.part(both)
    if not one.is_ai.any() or one.is_ai.all():
        raise UsageError("the reports have no images of both classes in common; check their paths")
    drawn: list[list[float]] = []

    def gaps(times: Counts) -> list[float]:
        was, now = (_measures(images, times) for images in (one, other))
        drawn.append([after - before for before, after in zip(was, now, strict=True)])
        return drawn[-1]

    differences = bootstrap(gaps, one.is_ai, one.sources, draws=draws, seed=seed)
    once = np.ones(len(one.is_ai), dtype=np.int64)
    of_draws = np.array(drawn[:-1])  # the last is that of the images themselves
    sides = np.minimum((of_draws <= 0).mean(axis=0), (of_draws >= 0).mean(axis=0))
    rows = zip(_NAMES, _measures(one, once), differences, sides.tolist(), strict=True)
    return [
        Difference(name, was, was + gap.value, gap, min(1.0, max(2 * side, 2 / len(of_draws))))
        for name, was, gap, side in rows
    ]


def _measures(images: Images, times: Counts) -> list[float]:
    auc, recalls = measures.ranking(images.scores, images.is_ai, times, (RATE,))
    return [auc, measures.average_precision(images.scores, images.is_ai, times), *recalls]
