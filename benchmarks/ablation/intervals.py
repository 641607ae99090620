"""AUC and recall, with intervals that take whole sources."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]
Measure = Callable[[Floats, Bools, Counts], float]

FPR = 0.01


@dataclass(frozen=True)
class Estimate:
    """A measure of some images.

    Attributes:
        value: on the images themselves.
        low: lower end of the 95 % interval.
        high: upper end of it.
    """

    value: float
    low: float
    high: float


def auc(scores: Floats, is_ai: Bools, times: Counts) -> float:
    """Area under the ROC curve when image i is there ``times[i]`` times; ties count half."""
    levels, level = np.unique(scores, return_inverse=True)
    real = np.bincount(level, weights=times * ~is_ai, minlength=len(levels))
    ai = np.bincount(level, weights=times * is_ai, minlength=len(levels))
    below = np.cumsum(real) - real / 2
    return float((ai * below).sum() / (ai.sum() * real.sum()))


def recall_at_fpr(scores: Floats, is_ai: Bools, times: Counts) -> float:
    """Share of AI images above all but ``FPR`` of these real ones; image i is there ``times[i]``.

    The threshold is chosen on the same real images, so with few of them it is rough.
    """
    reals = np.sort(np.repeat(scores[~is_ai], times[~is_ai]))[::-1]
    threshold = reals[int(np.floor(FPR * len(reals) + 1e-9))]
    called = scores[is_ai] > threshold
    return float((times[is_ai] * called).sum() / times[is_ai].sum())


def estimate(
    measure: Measure,
    scores: Floats,
    is_ai: Bools,
    sources: npt.NDArray[np.str_],
    *,
    draws: int = 1000,
    seed: int = 0,
) -> Estimate:
    """A measure with the 95 % interval of a bootstrap that draws whole sources.

    Args:
        measure: ``auc`` or ``recall_at_fpr``.
        scores: ``[N]``, of any scale, higher for AI.
        is_ai: ``[N]``, both classes present.
        sources: ``[N]``, where each image came from.
        draws: bootstrap draws; those without one of the classes are passed over.
        seed: of the draws.
    """
    names, index = np.unique(sources, return_inverse=True)
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(draws):
        drawn = rng.integers(0, len(names), len(names))
        times = np.bincount(drawn, minlength=len(names))[index]
        if times[is_ai].any() and times[~is_ai].any():
            values.append(measure(scores, is_ai, times))
    value = measure(scores, is_ai, np.ones(len(scores), dtype=np.int64))
    low, high = np.quantile(values, [0.025, 0.975])
    return Estimate(value, float(low), float(high))
