"""Which image is seen when: balanced over class, generator and source, and repeatable."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from clipfake.sources.labelled import Example

Floats = npt.NDArray[np.float64]


def weights(examples: Sequence[Example]) -> Floats:
    """How much each image counts: 1/sqrt(images of the larger of its generator and source).

    A generator with four times the images so weighs twice as much, not four times; both
    classes weigh the same.

    Args:
        examples: ``[N]``, both classes present.

    Returns:
        float64 ``[N]``, summing to N / 2 in each class.
    """
    generators = Counter((example.is_ai, example.generator) for example in examples)
    sources = Counter((example.is_ai, example.source) for example in examples)
    weight = np.array(
        [
            max(generators[e.is_ai, e.generator], sources[e.is_ai, e.source]) ** -0.5
            for e in examples
        ]
    )
    is_ai = np.array([example.is_ai for example in examples])
    for label in (True, False):
        weight[is_ai == label] *= len(examples) / 2 / weight[is_ai == label].sum()
    return weight


def harder(weight: Floats, is_ai: npt.NDArray[np.bool_], scores: Floats, times: float) -> Floats:
    """Weights by which images that are told wrong are drawn more often.

    Both classes keep what they weigh together.

    Args:
        weight: ``[N]`` as ``weights`` gives it.
        is_ai: ``[N]``.
        scores: ``[N]``, 0..1, what a head says of each now.
        times: how many times more an image counts that is surely taken for the other class.

    Returns:
        float64 ``[N]``.
    """
    wrong = np.where(is_ai, 1.0 - scores, scores)
    drawn = weight * (1.0 + times * wrong)
    for label in (True, False):
        own = is_ai == label
        drawn[own] *= weight[own].sum() / drawn[own].sum()
    return drawn


def epoch_order(
    weight: Floats, is_ai: npt.NDArray[np.bool_], seed: int, epoch: int
) -> npt.NDArray[np.int64]:
    """Rows of one epoch, AI and real in turn, each drawn in proportion to its weight.

    Systematic sampling: a row of weight w appears floor(w) or ceil(w) times, and over many
    epochs w times on average.

    Args:
        weight: ``[N]`` as ``weights`` gives it.
        is_ai: ``[N]``.
        seed: of the whole training.
        epoch: 0 is the first.

    Returns:
        int64 ``[2 * (N // 2)]``.
    """
    rng = np.random.default_rng([seed, epoch])
    count = len(weight) // 2
    drawn = []
    for label in (True, False):
        rows = rng.permutation(np.flatnonzero(is_ai == label))
        edges = np.cumsum(weight[rows])
        marks = (np.arange(count) + rng.random()) * edges[-1] / count
        picked = rows[np.searchsorted(edges, marks).clip(max=len(rows) - 1)]
        drawn.append(rng.permutation(picked))
    return np.stack(drawn, axis=1).reshape(-1)
