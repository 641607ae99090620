"""Measures with intervals that take whole sources."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]
Strings = npt.NDArray[np.str_]

LEVEL = 0.95


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


def bootstrap(
    measure: Callable[[Counts], Sequence[float]],
    is_ai: Bools | None,
    sources: Strings,
    *,
    draws: int = 1000,
    seed: int = 0,
) -> list[Estimate]:
    """Measures with the 95 % intervals of a bootstrap that draws whole sources.

    Images of a source are not independent, so sources are drawn, with all of their images
    (the cluster bootstrap, Davison & Hinkley 1997, section 3.8; percentile interval).

    Args:
        measure: one or more figures when image i is there ``times[i]`` times, int64 ``[N]``.
        is_ai: ``[N]``, both classes present; None where all images are of one class.
        sources: ``[N]``, where each image came from.
        draws: bootstrap draws; those without one of the classes, or that leave a figure
            without a value (NaN), are passed over.
        seed: of the draws.
    """
    names, index = np.unique(sources, return_inverse=True)
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(draws):
        drawn = rng.integers(0, len(names), len(names))
        times = np.bincount(drawn, minlength=len(names))[index]
        if is_ai is None or (times[is_ai].any() and times[~is_ai].any()):
            figures = measure(times)
            if not np.isnan(figures).any():
                values.append(figures)
    found = np.array(measure(np.ones(len(sources), dtype=np.int64)), dtype=np.float64)
    tail = (1 - LEVEL) / 2
    drawn_values = np.array(values, dtype=np.float64).reshape(len(values), len(found))
    ends = np.full((2, len(found)), np.nan)
    if len(values):
        ends = np.quantile(drawn_values, [tail, 1 - tail], axis=0)
    triples = zip(found.tolist(), ends[0].tolist(), ends[1].tolist(), strict=True)
    return [Estimate(*triple) for triple in triples]
