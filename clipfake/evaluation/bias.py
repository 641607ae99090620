"""How well the label can be told from the files alone, without looking at what they show.

A set whose real and AI images differ in format, quality or size flatters any detector that takes
notice of it. What a file's header says is given to gradient-boosted trees, cross-validated by
source.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, JpegImagePlugin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import GroupKFold

from clipfake.evaluation import measures
from clipfake.evaluation.intervals import Bools, Estimate, Floats, Strings, bootstrap
from clipfake.sources.labelled import Example

WARN_ABOVE = 0.6
FOLDS = 5
_NONE = -1.0  # what a file without the property has
_FORMATS = {"JPEG": ("JPEG", "JPG", "MPO"), "PNG": ("PNG",), "WebP": ("WEBP",)}
_CARRIED = {"EXIF": "exif", "ICC profile": "icc_profile", "XMP": "xmp"}

Features = dict[str, float]


@dataclass(frozen=True)
class Bias:
    """What the files alone tell of the label.

    Attributes:
        images: files that could be read.
        auc: of all features together, out of fold; None when a class has too few sources.
        alone: AUC of each feature by itself, whichever way it points, highest first.
    """

    images: int
    auc: Estimate | None
    alone: dict[str, float]

    @property
    def warns(self) -> bool:
        """Whether the set can flatter a detector."""
        return self.auc is not None and self.auc.value > WARN_ABOVE


def audit(examples: Sequence[Example], *, draws: int = 1000) -> Bias:
    """What format, JPEG quality, size, bytes and metadata alone tell.

    Args:
        examples: unreadable files are passed over.
        draws: of the interval's bootstrap.
    """
    rows, own = [], []
    for example in examples:
        try:
            rows.append(file_features(Path(example.path)))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            continue
        own.append(example)
    is_ai = np.array([example.is_ai for example in own], dtype=bool)
    sources = np.array([f"{e.is_ai}:{e.source}" for e in own], dtype=np.str_)
    return of_features(rows, is_ai, sources, draws=draws)


def of_features(
    rows: Sequence[Features], is_ai: Bools, sources: Strings, *, draws: int = 1000
) -> Bias:
    """What some features tell of the label; arguments ``[N]``, each row with the same names."""
    names = list(rows[0]) if rows else []
    table = np.array([[float(row[name]) for name in names] for row in rows])
    once = np.ones(len(rows), dtype=np.int64)
    alone = {}
    if is_ai.any() and not is_ai.all():
        for column, name in enumerate(names):
            area = measures.auc(table[:, column], is_ai, once)
            alone[name] = max(area, 1 - area)
    together = None
    if all(len(np.unique(sources[own])) >= FOLDS for own in (is_ai, ~is_ai)):
        scores = out_of_fold(table, is_ai, sources)
        together = bootstrap(
            lambda times: [measures.auc(scores, is_ai, times)], is_ai, sources, draws=draws
        )[0]
    order = sorted(alone.items(), key=lambda pair: -pair[1])
    return Bias(len(rows), together, dict(order))


def file_features(path: Path) -> Features:
    """What a file's header and length say; no pixel is decoded.

    Raises:
        OSError: it cannot be read, or is no image that Pillow knows.
    """
    with Image.open(path) as image:
        tables = getattr(image, "quantization", None) or {}
        features = {
            **size_features(image.width, image.height),
            **format_features(image.format or ""),
            # the sum of the luminance table falls as the quality rises
            "luminance table": float(sum(tables[0])) if 0 in tables else _NONE,
            "subsampling": _NONE,
        }
        if isinstance(image, JpegImagePlugin.JpegImageFile):
            features["subsampling"] = float(JpegImagePlugin.get_sampling(image))
        features |= {f"has {name}": float(key in image.info) for name, key in _CARRIED.items()}
    size = path.stat().st_size
    return features | {"bytes": size, "bytes a pixel": size / max(features["pixels"], 1.0)}


def size_features(width: int, height: int) -> Features:
    """Width, height, their product and ratio; pixels."""
    pixels = float(width * height)
    return {"width": width, "height": height, "pixels": pixels, "aspect": width / max(height, 1)}


def format_features(name: str) -> Features:
    """Whether a format is JPEG, PNG or WebP."""
    return {f"is {kind}": float(name.upper() in known) for kind, known in _FORMATS.items()}


def out_of_fold(table: Floats, is_ai: Bools, sources: npt.NDArray[np.str_]) -> Floats:
    """Probability of AI for each image by trees that saw no image of its source.

    Args:
        table: float64 ``[N, F]``.
        is_ai: ``[N]``.
        sources: ``[N]``.

    Returns:
        float64 ``[N]``.
    """
    scores = np.zeros(len(table))
    for train, test in GroupKFold(FOLDS).split(table, is_ai, sources):
        trees = HistGradientBoostingClassifier(random_state=0)
        scores[test] = trees.fit(table[train], is_ai[train]).predict_proba(table[test])[:, 1]
    return scores
