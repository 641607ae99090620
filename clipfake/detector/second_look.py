"""The second look: the whole picture, cut into tiles at twice the scale of the first look.

The first look is the centre square. The second one takes the mean of the tokens of tiles that
cover the picture (``clipfake.imaging.tiles``), which a head of its own reads, or that of the first
look; the logit is the mean of what is said of both, with a calibration of its own. ``auto`` takes
it only of pictures that the first look leaves open or is about to call AI: an accusation is what
must be sure, and most photographs need no second look.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from clipfake.detector.calibration import Floats, OperatingPoint, Platt, threshold_at_fpr
from clipfake.detector.head import Head
from clipfake.detector.looks import Looks

Scores = npt.NDArray[np.float32]

SETTLED = 0.0002  # share of real images whose first look may be believed though it is wrong


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
        calibration: mean logits of both looks to scores.
        opens: score of the first look from which ``auto`` takes the second.
        settled: score of the first look from which it is taken no more.
        auto: thresholds for the scores that ``auto`` gives, of first and second looks.
        all: thresholds for scores of the second look alone.
        lora: ``Adapter.lora_digest`` of the tower on whose tokens it was measured.
        head: reads the mean of the tokens of a picture's tiles; None where the head of the first
            look does.
    """

    calibration: Platt
    opens: float
    settled: float
    auto: Thresholds
    all: Thresholds
    lora: str = ""
    head: Head | None = None

    def wanted(self, first: Scores, looks: Looks) -> npt.NDArray[np.bool_]:
        """Which pictures a second look is taken of.

        Args:
            first: ``[N]``, scores of the first look.
            looks: which looks are taken.
        """
        if looks is Looks.AUTO:
            return (first >= np.float32(self.opens)) & (first < np.float32(self.settled))
        return np.full(first.shape, looks is Looks.ALL)

    def opened(
        self, calibration: Platt, real_below: float, reals: Sequence[Floats]
    ) -> "SecondLook":
        """The look with a calibration, taken where the first look leaves it open, or may be wrong.

        Args:
            calibration: mean logits of both looks to scores.
            real_below: score on below which the first look says ``real``.
            reals: ``[N]`` each, scores that the first look gives real images; none is taken from
                the lowest score on that at most the share ``SETTLED`` of each of these sets
                reaches.
        """
        settled = max(threshold_at_fpr(scores, SETTLED) for scores in reals)
        return replace(self, calibration=calibration, opens=real_below, settled=settled)

    def chosen(self, first: Floats, second: Floats) -> Floats:
        """Scores that ``auto`` gives, float64 ``[N]``.

        Args:
            first: ``[N]``, of the first look.
            second: ``[N]``, of the second; looked at only where it is taken.
        """
        return np.where(self.wanted(first.astype(np.float32), Looks.AUTO), second, first)

    def scores(self, first: Floats, tiles: Floats) -> Scores:
        """Scores of the second look, of logits ``[N]`` of both; see ``both_logits``."""
        return self.calibration(both_logits(first, tiles)).astype(np.float32)


def both_logits(first: Floats, tiles: Floats) -> Floats:
    """Logits of the second look, float64 ``[N]``: of the whole picture and its centre, evenly.

    Args:
        first: ``[N]``, logits of the centre squares, by ``Adapter.head``.
        tiles: ``[N]``, of the mean of each picture's tiles, by ``Adapter.tiles_head``.
    """
    return (first + tiles) / 2


@dataclass(frozen=True)
class Sight:
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
