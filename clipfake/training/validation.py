"""The held-out part: scoring it as a scan would, and what follows from its scores."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from sklearn.metrics import roc_auc_score

from clipfake.detector.adapter import Adapter
from clipfake.detector.backbone import Backbone
from clipfake.detector.calibration import (
    REAL_BELOW_RECALL,
    Floats,
    fit_platt,
    operating_points,
    share_interval,
    threshold_at_recall,
)
from clipfake.detector.detector import Detector
from clipfake.imaging.decode import to_pixels
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.training.examples import Example
from clipfake.training.store import ImageStore


@dataclass(frozen=True)
class Part:
    """Some of the labelled images.

    Attributes:
        examples: ``[N]``.
        store: the same images, decoded.
        is_ai: ``[N]``.
    """

    examples: list[Example]
    store: ImageStore
    is_ai: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, examples: Sequence[Example], store: ImageStore, rows: Sequence[int]) -> "Part":
        """The named rows."""
        own = [examples[row] for row in rows]
        is_ai = np.array([example.is_ai for example in own], dtype=bool)
        return cls(own, store.part(rows), is_ai)

    @property
    def sources(self) -> npt.NDArray[np.str_]:
        """Source of each image, ``[N]``; the classes have none in common."""
        return np.array([f"{example.is_ai}:{example.source}" for example in self.examples])

    def pixels(self, preprocessing: Preprocessing, rows: Sequence[int]) -> torch.Tensor:
        """Squares of some of the images as a scan cuts them, uint8 ``[n, 3, S, S]``."""
        cut = [to_pixels(self.store[row], preprocessing)[0] for row in rows]
        return torch.from_numpy(np.stack(cut))


@dataclass(frozen=True)
class Comparison:
    """An adapter on the held-out part, at its own threshold for 1 % of real images.

    Attributes:
        auc: area under the ROC curve.
        recall: share of AI images called AI.
        fpr: share of real images called AI.
        fpr_interval: 95 % interval of ``fpr``.
    """

    auc: float
    recall: float
    fpr: float
    fpr_interval: tuple[float, float]


class Validation:
    """Scores the held-out part with one adapter after another."""

    def __init__(self, part: Part, backbone: Backbone, device: str, precision: str) -> None:
        self.part, self._backbone = part, backbone
        self._device, self._precision = device, precision

    def logits(self, adapter: Adapter) -> Floats:
        """Logits of the head, float64 ``[N]``, as a scan of the same pixels has them."""
        detector = Detector(self._backbone, adapter, device=self._device, precision=self._precision)
        rows, size = range(len(self.part.examples)), detector.batch_size
        logits = []
        for at in range(0, len(rows), size):
            pixels = self.part.pixels(adapter.preprocessing, rows[at : at + size])
            logits.append(adapter.head(detector.tokens(pixels, adapter.blocks)))
        return np.concatenate(logits)

    def auc(self, adapter: Adapter) -> float:
        """Area under the ROC curve."""
        return float(roc_auc_score(self.part.is_ai, self.logits(adapter)))

    def calibrated(self, adapter: Adapter) -> Adapter:
        """The adapter with calibration and thresholds set on the held-out part."""
        is_ai, logits = self.part.is_ai, self.logits(adapter)
        platt = fit_platt(logits, is_ai)
        scores = _as_scanned(platt(logits))
        return dataclasses.replace(
            adapter,
            calibration=platt,
            points=tuple(operating_points(scores, is_ai, self.part.sources)),
            real_below=threshold_at_recall(scores[is_ai], REAL_BELOW_RECALL),
        )

    def compare(self, adapter: Adapter) -> Comparison:
        """What an adapter does on the held-out part."""
        scores = _as_scanned(adapter.calibration(self.logits(adapter)))
        is_ai = self.part.is_ai
        called = scores >= adapter.rule().threshold
        return Comparison(
            auc=float(roc_auc_score(is_ai, scores)),
            recall=float(called[is_ai].mean()),
            fpr=float(called[~is_ai].mean()),
            fpr_interval=share_interval(called[~is_ai], self.part.sources[~is_ai]),
        )


def _as_scanned(scores: Floats) -> Floats:
    # a scan's scores are float32, and thresholds have to hold for those
    return scores.astype(np.float32).astype(np.float64)
