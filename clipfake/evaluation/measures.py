"""What is measured of scores; where scikit-learn has a measure, it is scikit-learn's.

Every function takes ``weight``, how often each image is there, so that a bootstrap can draw.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.metrics import auc as area
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score, roc_curve

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Weights = npt.NDArray[np.int64]

_BINS = 15


def auc(scores: Floats, is_ai: Bools, weight: Weights) -> float:
    """Area under the ROC curve; ties count half."""
    return float(roc_auc_score(is_ai, scores, sample_weight=weight))


def average_precision(scores: Floats, is_ai: Bools, weight: Weights) -> float:
    """Area under the precision-recall curve, by steps (no interpolation)."""
    return float(average_precision_score(is_ai, scores, sample_weight=weight))


def brier(scores: Floats, is_ai: Bools, weight: Weights) -> float:
    """Mean squared gap between score and label; scores are probabilities."""
    return float(brier_score_loss(is_ai, scores, sample_weight=weight))


def ranking(
    scores: Floats, is_ai: Bools, weight: Weights, rates: Sequence[float]
) -> tuple[float, list[float]]:
    """AUC, and at each rate the highest recall at which at most that share of reals is accused.

    The thresholds are chosen on the same real images, so with few of them recalls are rough.
    """
    fpr, recall, _ = roc_curve(is_ai, scores, sample_weight=weight, drop_intermediate=False)
    recalls = [float(recall[fpr <= rate + 1e-12].max()) for rate in rates]
    return float(area(fpr, recall)), recalls


def recall_at_fpr(scores: Floats, is_ai: Bools, weight: Weights, rate: float) -> float:
    """Highest recall at which at most ``rate`` of the real images are accused."""
    return ranking(scores, is_ai, weight, (rate,))[1][0]


def calibration_error(scores: Floats, is_ai: Bools, weight: Weights) -> float:
    """Expected calibration error, 15 bins of equal width (Guo et al. 2017, arXiv 1706.04599)."""
    which = np.minimum((scores * _BINS).astype(np.int64), _BINS - 1)
    gaps = np.bincount(which, weights=weight * (is_ai - scores), minlength=_BINS)
    return float(np.abs(gaps).sum() / weight.sum())


def share(hits: Bools, weight: Weights) -> float:
    """Weighted share of hits; NaN where nothing weighs."""
    total = weight.sum()
    return float(weight[hits].sum() / total) if total else float("nan")


def balanced(hits: Bools, is_ai: Bools, weight: Weights) -> float:
    """Mean over the classes of the share of hits."""
    sides = [share(hits[own], weight[own]) for own in (is_ai, ~is_ai)]
    return sum(sides) / len(sides)
