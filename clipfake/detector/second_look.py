"""The second look: the whole picture, cut into tiles at twice the scale of the first look.

The first look is the centre square. The second one takes the mean of the class tokens of tiles that
cover the picture (``clipfake.imaging.tiles``) and has a head over both looks, with a calibration of
its own. ``auto`` takes it only of pictures that the first look leaves open or is about to call AI:
an accusation is what must be sure, and most photographs need no second look.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt
import torch

from clipfake.detector.calibration import OperatingPoint, Platt
from clipfake.detector.head import Head

Scores = npt.NDArray[np.float32]


class Looks(str, Enum):
    """Which looks at a picture are taken."""

    FIRST = "first"  # the centre square alone
    AUTO = "auto"  # the second one where the first leaves it open or is about to accuse
    ALL = "all"  # both, of every picture


@dataclass(frozen=True)
class Thresholds:
    """Where verdicts begin, for scores of one kind.

    Attributes:
        points: operating points, each a threshold at a stated false-positive rate.
        real_below: score below which the verdict is real.
    """

    points: tuple[OperatingPoint, ...]
    real_below: float


@dataclass(frozen=True)
class SecondLook:
    """The second look of an adapter.

    Attributes:
        head: over ``[2 K, W]``: tokens of the first look, then the mean of those of the tiles.
        calibration: its logits to scores.
        opens: score of the first look from which ``auto`` takes the second.
        settled: score of the first look from which it is taken no more.
        auto: thresholds for the scores that ``auto`` gives, of first and second looks.
        all: thresholds for scores of the second look alone.
        lora: ``Adapter.lora_digest`` of the tower whose tokens it reads.
    """

    head: Head
    calibration: Platt
    opens: float
    settled: float
    auto: Thresholds
    all: Thresholds
    lora: str = ""

    def wanted(self, first: Scores, looks: Looks) -> npt.NDArray[np.bool_]:
        """Which pictures a second look is taken of.

        Args:
            first: ``[N]``, scores of the first look.
            looks: which looks are taken.
        """
        if looks is Looks.AUTO:
            return (first >= np.float32(self.opens)) & (first < np.float32(self.settled))
        return np.full(first.shape, looks is Looks.ALL)

    def scores(self, first: torch.Tensor, tiles: torch.Tensor) -> Scores:
        """Scores of the second look.

        Args:
            first: float32 ``[N, K, W]``, tokens of the centre squares.
            tiles: float32 ``[N, K, W]``, of each picture the mean over its tiles.
        """
        logits = self.head(torch.cat([first, tiles], dim=1))
        return self.calibration(logits).astype(np.float32)


@dataclass(frozen=True)
class Seen:
    """What a detector saw of some pictures.

    Attributes:
        first: float32 ``[N]``, calibrated scores of the first look.
        second: float32 ``[N]``, of the second look; NaN where it was not taken.
        embedded: float32 ``[N, D]``, where each lies for the generator head; None without one.
    """

    first: Scores
    second: Scores
    embedded: torch.Tensor | None = None

    @property
    def scores(self) -> Scores:
        """The score of each: the second look's where that was taken, else the first's."""
        return np.where(np.isnan(self.second), self.first, self.second)


def mean_tokens(tokens: torch.Tensor, counts: list[int]) -> torch.Tensor:
    """Mean over the tiles of each picture, in float64, which no batch changes.

    Args:
        tokens: float32 ``[sum(counts), K, W]``.
        counts: ``[N]``, tiles of each picture, at least one.

    Returns:
        float32 ``[N, K, W]``.
    """
    return torch.stack([part.double().mean(dim=0).float() for part in torch.split(tokens, counts)])
