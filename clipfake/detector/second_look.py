"""The second look: the whole picture, cut into tiles at twice the scale of the first look.

The first look is the centre square. The second one takes the mean of the class tokens of tiles that
cover the picture (``clipfake.imaging.tiles``) and has a head over both looks, with a calibration of
its own. ``auto`` takes it only of pictures that the first look leaves open or is about to call AI:
an accusation is what must be sure, and most photographs need no second look.
"""

import hashlib
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
import numpy.typing as npt
import torch

from clipfake.detector.calibration import Floats, OperatingPoint, Platt
from clipfake.detector.head import Head, normalise

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

    @property
    def beyond_digest(self) -> str:
        """sha256 of all of the head but its linear part over the tokens of the first look, hex.

        Heads with the same digest differ in ``near`` alone.
        """
        blocks = len(self.head.weight) // 2
        parts = [self.head.weight[blocks:]]
        if (hidden := self.head.hidden) is not None:
            parts += [hidden.weight, hidden.bias, hidden.out]
        digest = hashlib.sha256()
        for part in parts:
            digest.update(part.detach().half().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def near(self, first: torch.Tensor) -> Floats:
        """What the linear part over the tokens of the first look adds to logits.

        Args:
            first: float32 ``[N, K, W]``.

        Returns:
            float64 ``[N]``, the bias included.
        """
        weight = self.head.weight[: first.shape[1]].double()
        sums = (normalise(first.double()) * weight).sum(dim=(1, 2)) + self.head.bias.double()
        return np.asarray(sums.numpy(), dtype=np.float64)

    def beyond(self, first: torch.Tensor, tiles: torch.Tensor) -> Floats:
        """What all else adds to logits, float64 ``[N]``; see ``logits`` for the arguments."""
        return self.logits(first, tiles) - self.near(first)

    def corrected(self, weight: torch.Tensor, bias: torch.Tensor) -> "SecondLook":
        """The look with something added to its linear part over the tokens of the first look.

        Args:
            weight: ``[K, W]``, in units of its logits.
            bias: ``[1]``.
        """
        added = self.head.weight.double().clone()
        added[: len(weight)] += weight.double()
        head = replace(
            self.head, weight=added.float(), bias=(self.head.bias.double() + bias.double()).float()
        )
        return replace(self, head=head)

    def wanted(self, first: Scores, looks: Looks) -> npt.NDArray[np.bool_]:
        """Which pictures a second look is taken of.

        Args:
            first: ``[N]``, scores of the first look.
            looks: which looks are taken.
        """
        if looks is Looks.AUTO:
            return (first >= np.float32(self.opens)) & (first < np.float32(self.settled))
        return np.full(first.shape, looks is Looks.ALL)

    def opened(self, calibration: Platt, first: Thresholds) -> "SecondLook":
        """The look with a calibration, taken where thresholds of the first look leave it open.

        From the score on below which the first look says ``real``, up to its threshold at the
        smallest rate, from which no second look is needed to be sure.
        """
        settled = min(first.points, key=lambda point: point.fpr).threshold
        return replace(self, calibration=calibration, opens=first.real_below, settled=settled)

    def chosen(self, first: Floats, second: Floats) -> Floats:
        """Scores that ``auto`` gives, float64 ``[N]``.

        Args:
            first: ``[N]``, of the first look.
            second: ``[N]``, of the second; looked at only where it is taken.
        """
        return np.where(self.wanted(first.astype(np.float32), Looks.AUTO), second, first)

    def logits(self, first: torch.Tensor, tiles: torch.Tensor) -> Floats:
        """Logits of the second look, float64 ``[N]``.

        Args:
            first: float32 ``[N, K, W]``, tokens of the centre squares.
            tiles: float32 ``[N, K, W]``, of each picture the mean over its tiles.
        """
        return self.head(torch.cat([first, tiles], dim=1))

    def scores(self, first: torch.Tensor, tiles: torch.Tensor) -> Scores:
        """Scores of the second look; see ``logits``."""
        return self.calibration(self.logits(first, tiles)).astype(np.float32)


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
