"""The images that every row is measured on, cut once."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from clipfake.detector.adapter import Adapter
from clipfake.detector.backbone import Backbone
from clipfake.detector.detector import Detector
from clipfake.errors import ImageError
from clipfake.evaluation.intervals import Floats
from clipfake.evaluation.perturbations import perturbation
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.sources.labelled import Example

from .cuts import Cut, cut_square

_DEGRADED = perturbation("resize-0.5+jpeg-75")


class Evaluation:
    """Squares of images that are not trained on, as they are and degraded.

    Attributes:
        examples: ``[N]``, the readable ones.
        is_ai: ``[N]``.
        sources: ``[N]``.
        digests: sha256 of the files, hex.
    """

    def __init__(
        self, examples: Sequence[Example], preprocessing: Preprocessing, say: Callable[[str], None]
    ) -> None:
        """Read the files and cut their squares; unreadable ones and repeated bytes are passed over.

        Args:
            examples: what to measure on.
            preprocessing: how squares are cut.
            say: told what was passed over.
        """
        self._preprocessing = preprocessing
        self._squares: dict[tuple[Cut, bool], torch.Tensor] = {}
        self.examples: list[Example] = []
        self.digests: set[str] = set()
        for example in examples:
            try:
                data = Path(example.path).read_bytes()
                cut_square(data, Cut.RESIZED, preprocessing)
            except (ImageError, OSError) as error:
                say(f"{example.path}: not measured on ({error})")
                continue
            digest = hashlib.sha256(data).hexdigest()
            if digest not in self.digests:
                self.digests.add(digest)
                self.examples.append(example)
        self.is_ai = np.array([example.is_ai for example in self.examples])
        self.sources = np.array([example.source for example in self.examples])

    def squares(self, cut: Cut, *, degraded: bool) -> torch.Tensor:
        """Squares of all images, uint8 ``[N, 3, S, S]``."""
        key = (cut, degraded)
        if key not in self._squares:
            cuts = []
            for example in self.examples:
                data = Path(example.path).read_bytes()
                data = _DEGRADED(data) if degraded else data
                cuts.append(cut_square(data, cut, self._preprocessing))
            self._squares[key] = torch.from_numpy(np.stack(cuts))
        return self._squares[key]

    def logits(
        self, backbone: Backbone, adapter: Adapter, device: str, *, degraded: bool
    ) -> Floats:
        """Logits of an adapter, as a scan has them, float64 ``[N]``."""
        detector = Detector(backbone, adapter, device=device)
        squares = self.squares(Cut.RESIZED, degraded=degraded)
        return adapter.head(detector.tokens(squares, adapter.blocks))
