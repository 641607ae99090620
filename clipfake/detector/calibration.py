"""From logits to probabilities, and from probabilities to verdicts.

A false accusation costs more than a miss, so thresholds are chosen by the share of real
images that they would accuse, never by accuracy.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from clipfake.records import Verdict

Floats = npt.NDArray[np.float64]

REAL_BELOW_RECALL = 0.95
DEFAULT_FPR = 0.01
FPRS = (0.05, 0.01, 0.001)
_Z95 = 1.959963984540054


@dataclass(frozen=True)
class Platt:
    """Platt scaling: ``score = 1 / (1 + exp(-(a * logit + b)))`` (Platt 1999, section 2)."""

    a: float = 1.0
    b: float = 0.0

    def __call__(self, logits: Floats) -> Floats:
        """Calibrated probabilities, float64, of logits of any shape."""
        z = self.a * np.asarray(logits, dtype=np.float64) + self.b
        return np.exp(-np.logaddexp(0.0, -z))


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold at a stated false-positive rate.

    Attributes:
        fpr: share of real images that may be called AI, as asked for.
        threshold: score from which an image is called AI.
        fpr_interval: 95 % interval of the share actually called AI.
        recall: share of AI images called AI where the threshold was chosen; None where it was
            chosen on real images alone.
        recall_interval: its 95 % interval.
        reals: real images that the threshold was chosen on.
        accused: share of these that is called AI; None where it was not kept.
        upper: upper end of the one-sided 95 % interval of that share, by whole sources, where the
            threshold was set so that it is at most ``fpr``; None where it was set by the share.
        sources: of these images; None where that was not kept.
    """

    fpr: float
    threshold: float
    fpr_interval: tuple[float, float]
    recall: float | None
    recall_interval: tuple[float, float] | None
    reals: int
    accused: float | None = None
    upper: float | None = None
    sources: int | None = None

    def to_header(self) -> dict[str, Any]:
        """The form kept in an adapter's header; ``accused`` and what follows only where known."""
        optional = ("accused", "upper", "sources")
        return {k: v for k, v in asdict(self).items() if k not in optional or v is not None}

    @classmethod
    def from_header(cls, header: dict[str, Any]) -> "OperatingPoint":
        """Read the form kept in an adapter's header."""
        low, high = header["fpr_interval"]
        intervals: dict[str, Any] = {"fpr_interval": (low, high)}
        if header["recall_interval"] is not None:
            recall_low, recall_high = header["recall_interval"]
            intervals["recall_interval"] = (recall_low, recall_high)
        return cls(**{**header, **intervals})


@dataclass(frozen=True)
class DecisionRule:
    """Turns a score into a verdict.

    Attributes:
        threshold: ``ai`` from this score on.
        real_below: ``real`` below this score; between the two it is ``inconclusive``.
        fpr: the false-positive rate behind the threshold, None for a threshold of one's own.
    """

    threshold: float
    real_below: float
    fpr: float | None = None

    def verdict(self, score: float) -> Verdict:
        """The verdict on one score."""
        if score >= self.threshold:
            return Verdict.AI
        return Verdict.REAL if score < self.real_below else Verdict.INCONCLUSIVE


def fit_platt(logits: Floats, is_ai: npt.NDArray[np.bool_], weights: Floats | None = None) -> Platt:
    """Fit Platt scaling by Newton's method, both classes weighing the same.

    Targets are smoothed as in Platt 1999, section 2.2, so separable data stay finite.

    Args:
        logits: ``[N]``.
        is_ai: ``[N]``, True for AI images; both classes must be present.
        weights: ``[N]``, how many images each stands for; None is one.
    """
    ai, real = int(is_ai.sum()), int((~is_ai).sum())
    target = np.where(is_ai, (ai + 1) / (ai + 2), 1 / (real + 2))
    weight = np.ones(len(logits)) if weights is None else weights.astype(np.float64)
    for label in (True, False):
        weight = np.where(is_ai == label, weight / weight[is_ai == label].sum() / 2, weight)
    design = np.stack([logits, np.ones_like(logits)], axis=1).astype(np.float64)
    theta = np.zeros(2)
    for _ in range(100):
        p = Platt(*theta)(logits)
        gradient = design.T @ (weight * (p - target))
        hessian = (design * (weight * p * (1 - p))[:, None]).T @ design + 1e-12 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        theta -= step
        if np.abs(step).max() < 1e-10:
            break
    return Platt(float(theta[0]), float(theta[1]))


def threshold_at_fpr(real_scores: Floats, fpr: float) -> float:
    """Lowest threshold at which at most ``fpr`` of the real images are called AI.

    Args:
        real_scores: ``[N]``, scores of real images.
        fpr: 0..1. Below ``1 / N`` no real image may pass.
    """
    allowed = int(np.floor(fpr * len(real_scores) + 1e-9))
    if allowed >= len(real_scores):
        return 0.0
    highest_kept = np.sort(real_scores)[::-1][allowed]
    return float(np.nextafter(np.float32(highest_kept), np.float32(2.0)))


def threshold_at_recall(ai_scores: Floats, recall: float) -> float:
    """Highest threshold at which at least ``recall`` of the AI images are at or above it."""
    needed = int(np.ceil(recall * len(ai_scores)))
    return float(np.sort(ai_scores)[::-1][max(needed, 1) - 1])


def expected_calibration_error(
    scores: Floats, is_ai: npt.NDArray[np.bool_], bins: int = 15
) -> float:
    """Mean gap between score and share of AI images (Guo et al. 2017, arXiv 1706.04599, eq. 3).

    Args:
        scores: ``[N]``, 0..1.
        is_ai: ``[N]``.
        bins: of equal width.
    """
    which = np.minimum((scores * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(which, weights=is_ai - scores, minlength=bins)
    return float(np.abs(gaps).sum() / len(scores))


def operating_points(
    scores: Floats, is_ai: npt.NDArray[np.bool_], groups: npt.NDArray[np.str_]
) -> list[OperatingPoint]:
    """Thresholds at the rates of ``FPRS``, with 95 % intervals.

    Args:
        scores: ``[N]`` calibrated scores.
        is_ai: ``[N]``.
        groups: ``[N]`` source of each image.
    """
    reals = scores[~is_ai]
    return [
        operating_point(fpr, threshold_at_fpr(reals, fpr), scores, is_ai, groups) for fpr in FPRS
    ]


def operating_point(
    fpr: float,
    threshold: float,
    scores: Floats,
    is_ai: npt.NDArray[np.bool_],
    groups: npt.NDArray[np.str_],
) -> OperatingPoint:
    """What a threshold does to images, with 95 % intervals.

    Args:
        fpr: the rate that the threshold stands for.
        threshold: a score.
        scores: ``[N]`` calibrated scores, at least one of a real image.
        is_ai: ``[N]``; where no image is, the recall is None.
        groups: ``[N]`` source of each image.
    """
    called, known = scores >= threshold, bool(is_ai.any())
    return OperatingPoint(
        fpr=fpr,
        threshold=threshold,
        fpr_interval=share_interval(called[~is_ai], groups[~is_ai]),
        recall=float(called[is_ai].mean()) if known else None,
        recall_interval=share_interval(called[is_ai], groups[is_ai]) if known else None,
        reals=int((~is_ai).sum()),
    )


def share_interval(
    hits: npt.NDArray[np.bool_], groups: npt.NDArray[np.str_], *, draws: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """95 % interval of a share, when images of one source are not independent.

    The wider of the bootstrap that draws whole sources and Wilson's score interval (Wilson
    1927, eq. 1), which alone stays honest when no image, or every image, is a hit.

    Args:
        hits: ``[N]``.
        groups: ``[N]`` source of each image.
        draws: bootstrap draws.
        seed: of the draws.
    """
    n, share = len(hits), float(hits.mean())
    centre = (share + _Z95**2 / (2 * n)) / (1 + _Z95**2 / n)
    spread = _Z95 / (1 + _Z95**2 / n) * np.sqrt(share * (1 - share) / n + _Z95**2 / (4 * n**2))
    _, index = np.unique(groups, return_inverse=True)
    sizes = np.bincount(index).astype(np.float64)
    found = np.bincount(index, weights=hits.astype(np.float64))
    drawn = np.random.default_rng(seed).integers(0, len(sizes), (draws, len(sizes)))
    shares = found[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(shares, [0.025, 0.975])
    return max(0.0, float(min(low, centre - spread))), min(1.0, float(max(high, centre + spread)))
