"""Labelled images scored as a scan would, and what follows from their scores."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from sklearn.metrics import roc_auc_score

from clipfake.detector.adapter import Adapter
from clipfake.detector.backbone import Backbone
from clipfake.detector.calibration import (
    FPRS,
    REAL_BELOW_RECALL,
    Floats,
    fit_platt,
    operating_point,
    share_interval,
    threshold_at_fpr,
    threshold_at_recall,
)
from clipfake.detector.detector import Detector
from clipfake.detector.second_look import Thresholds, mean_tokens
from clipfake.imaging.decode import Pixels, to_pixels, to_views
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.sources.labelled import Example
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

    def tiles(self, preprocessing: Preprocessing, rows: Sequence[int]) -> list[Pixels]:
        """Tiles of some of the images, uint8 ``[T, 3, S, S]`` of each."""
        views = [to_views(self.store[row], preprocessing, tiled=True)[0] for row in rows]
        return [each.tiles for each in views if each.tiles is not None]


@dataclass(frozen=True)
class Comparison:
    """An adapter on some images, at its own threshold for 1 % of real images.

    Attributes:
        auc: area under the ROC curve.
        recall: share of AI images called AI.
        fpr: share of real images called AI.
        fpr_interval: 95 % interval of ``fpr``.
        images: real and AI images.
    """

    auc: float
    recall: float
    fpr: float
    fpr_interval: tuple[float, float]
    images: tuple[int, int]


@dataclass(frozen=True)
class Scored:
    """Logits of some images, and what the images are.

    Attributes:
        logits: float64 ``[N]`` of an adapter's head.
        is_ai: ``[N]``.
        sources: ``[N]``.
        second: float64 ``[N]`` of the second look's head; NaN where it was not taken, None where
            it was taken of none.
    """

    logits: Floats
    is_ai: npt.NDArray[np.bool_]
    sources: npt.NDArray[np.str_]
    second: Floats | None = None

    @property
    def auc(self) -> float:
        """Area under the ROC curve of the logits."""
        return float(roc_auc_score(self.is_ai, self.logits))

    def compare(self, adapter: Adapter) -> Comparison:
        """What the adapter that gave these logits does on these images."""
        scores = as_scanned(adapter.calibration(self.logits))
        is_ai, called = self.is_ai, scores >= adapter.rule().threshold
        return Comparison(
            auc=float(roc_auc_score(is_ai, scores)),
            recall=float(called[is_ai].mean()),
            fpr=float(called[~is_ai].mean()),
            fpr_interval=share_interval(called[~is_ai], self.sources[~is_ai]),
            images=(int((~is_ai).sum()), int(is_ai.sum())),
        )


def calibrate(adapter: Adapter, parts: Sequence[Scored]) -> Adapter:
    """The adapter with calibration and thresholds set on all parts together.

    Each threshold is the highest that a part asks for, so that no part has more false alarms
    than the rate, however large the others are.

    Args:
        adapter: whose heads gave the logits.
        parts: one or more sets of images, both classes in each. A second look needs its logits of
            all images; without them the adapter loses it.
    """
    logits = np.concatenate([part.logits for part in parts])
    is_ai = np.concatenate([part.is_ai for part in parts])
    platt = fit_platt(logits, is_ai)
    first = [as_scanned(platt(part.logits)) for part in parts]
    known = _thresholds(first, parts)
    adapter = dataclasses.replace(adapter, calibration=platt).with_thresholds(known)
    look, second = adapter.second_look, [part.second for part in parts if part.second is not None]
    if look is None or len(second) < len(parts):
        return dataclasses.replace(adapter, second=None)
    again = fit_platt(np.concatenate(second), is_ai)
    reals = [own[~part.is_ai] for own, part in zip(first, parts, strict=True)]
    look = look.opened(again, known.real_below, reals)
    every = [as_scanned(again(own)) for own in second]
    auto = [look.chosen(*both) for both in zip(first, every, strict=True)]
    look = dataclasses.replace(look, auto=_thresholds(auto, parts), all=_thresholds(every, parts))
    return dataclasses.replace(adapter, second=look)


def _thresholds(scores: Sequence[Floats], parts: Sequence[Scored]) -> Thresholds:
    """Thresholds for scores of the images of some parts, each the highest that a part asks for."""
    every = np.concatenate(scores)
    is_ai = np.concatenate([part.is_ai for part in parts])
    sources = np.concatenate([part.sources for part in parts])
    points = []
    for fpr in FPRS:
        threshold = max(
            threshold_at_fpr(own[~part.is_ai], fpr) for own, part in zip(scores, parts, strict=True)
        )
        points.append(operating_point(fpr, threshold, every, is_ai, sources))
    return Thresholds(tuple(points), threshold_at_recall(every[is_ai], REAL_BELOW_RECALL))


class Validation:
    """Scores some images with one adapter after another."""

    def __init__(self, part: Part, backbone: Backbone, device: str, precision: str) -> None:
        self.part, self._backbone = part, backbone
        self._device, self._precision = device, precision

    def tokens(
        self, adapter: Adapter, show: Callable[[int, int], None] = lambda _done, _total: None
    ) -> torch.Tensor:
        """Tokens that the adapter's head reads, as a scan of the same pixels has them.

        Args:
            adapter: names the blocks, the cut and the tower's LoRA.
            show: called with images done and in all.

        Returns:
            float32 ``[N, K, W]``.
        """
        detector = Detector(self._backbone, adapter, device=self._device, precision=self._precision)
        rows, size = range(len(self.part.examples)), detector.batch_size
        tokens = []
        for at in range(0, len(rows), size):
            pixels = self.part.pixels(adapter.preprocessing, rows[at : at + size])
            tokens.append(detector.tokens(pixels, adapter.blocks))
            show(min(at + size, len(rows)), len(rows))
        return torch.cat(tokens)

    def tile_tokens(
        self, adapter: Adapter, show: Callable[[int, int], None] = lambda _done, _total: None
    ) -> torch.Tensor:
        """Mean tokens of the tiles that a second look sees; as ``tokens``."""
        detector = Detector(self._backbone, adapter, device=self._device, precision=self._precision)
        means, rows, size = [], range(len(self.part.examples)), detector.arithmetic.micro_batch
        for at in range(0, len(rows), size):
            cut = self.part.tiles(adapter.preprocessing, rows[at : at + size])
            pixels = torch.from_numpy(np.concatenate(cut))
            tokens = detector.tokens(pixels, adapter.blocks)
            means.append(mean_tokens(tokens, [len(tiles) for tiles in cut]))
            show(min(at + size, len(rows)), len(rows))
        return torch.cat(means)

    def scored(self, adapter: Adapter) -> Scored:
        """Logits of the adapter's head."""
        return Scored(adapter.head(self.tokens(adapter)), self.part.is_ai, self.part.sources)

    def auc(self, adapter: Adapter) -> float:
        """Area under the ROC curve."""
        return self.scored(adapter).auc


def as_scanned(scores: Floats) -> Floats:
    """Scores rounded to float32 as a scan's are: thresholds have to hold for those."""
    return scores.astype(np.float32).astype(np.float64)
