"""What is known of a detector's thresholds, as plain values that a report can carry."""

from typing import Any

import numpy as np

from clipfake.detector.adapter import Adapter
from clipfake.detector.looks import Looks
from clipfake.detector.reference import find_reference

_DIGITS = 4  # of a known image's score


def operating_facts(adapter: Adapter, looks: Looks = Looks.FIRST) -> dict[str, Any]:
    """The operating points of an adapter, and how it scores known real images.

    Args:
        adapter: with its operating points.
        looks: which looks give the scores.

    Returns:
        Plain JSON values: ``points``, as the adapter's header has them; ``real_below``; and
        ``known``, with the ascending ``scores`` of the real images of the reference set and the
        number of their ``sources``, or None where that set is of another encoder, or has not these
        looks.

    Raises:
        UsageError: the reference set is damaged, or the adapter has not these looks.
    """
    taken, known = adapter.looks(looks), None
    reference, _ = find_reference(adapter)
    found = None if reference is None else reference.real_scores(adapter, taken)
    if reference is not None and found is not None:
        scores = np.sort(found).astype(np.float64)
        sources = len(np.unique(reference.groups[~reference.is_ai]))
        known = {"scores": np.round(scores, _DIGITS).tolist(), "sources": sources}
    thresholds = adapter.thresholds(taken)
    return {
        "points": [point.to_header() for point in thresholds.points],
        "real_below": thresholds.real_below,
        "known": known,
    }
