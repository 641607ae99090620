"""Texture-Aware Masking: hide the most textured patches while the encoder learns.

MPFT (arXiv 2601.03586) masks textured regions, where each generator leaves a pattern of its
own, so that the encoder learns how an image deviates from real ones. How texture is measured,
how patches are chosen and how they are hidden are choices of this module (docs/training.md).
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import torch
from torch.nn import functional

from clipfake.errors import UsageError

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


class Order(str, Enum):
    """Which patches are hidden first."""

    NONE = "none"
    TEXTURE = "texture"
    RANDOM = "random"
    SMOOTH = "smooth"


class Hiding(str, Enum):
    """How patches are hidden: not computed at all, or painted in the backbone's mean colour."""

    DROP = "drop"
    BLANK = "blank"


@dataclass(frozen=True)
class Masking:
    """How patches are hidden during training.

    Attributes:
        order: which are hidden first.
        ratio: share of an image's patches that is hidden, 0 to below 1.
        share: share of batches in which patches are hidden; the others are whole.
        measure: how texture is measured, a name of ``MEASURES``.
        randomness: 0 hides strictly by rank; at 1 chance weighs as much as the rank.
        hiding: dropped tokens or blanked pixels.
    """

    order: Order = Order.TEXTURE
    ratio: float = 0.5
    share: float = 0.5
    measure: str = "difference"
    randomness: float = 0.5
    hiding: Hiding = Hiding.DROP

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        if not 0.0 <= self.ratio < 1.0:
            raise UsageError(f"mask ratio {self.ratio:g} is not in 0..1 (1 excluded)")
        if self.measure not in MEASURES:
            raise UsageError(f"texture measure {self.measure!r}; use {', '.join(MEASURES)}")


def texture_map(pixels: torch.Tensor, patch: int, measure: str = "difference") -> torch.Tensor:
    """Texture of each patch, from the pixels inside it alone.

    Args:
        pixels: uint8 RGB ``[N, 3, S, S]``, S a multiple of ``patch``.
        patch: side of a patch, pixels.
        measure: ``difference`` is the mean absolute luminance difference of neighbours in
            four directions, ``variance`` the variance of luminance, ``laplacian`` the mean
            square of its 4-neighbour Laplacian.

    Returns:
        float32 ``[N, (S / patch)^2]``, row by row, in units of luminance 0..255 (squared for
        the last two measures).
    """
    luma = torch.tensor(_LUMA, device=pixels.device).view(1, 3, 1, 1)
    grey = (pixels.float() * luma).sum(dim=1, keepdim=True)
    patches = functional.unfold(grey, patch, stride=patch).transpose(1, 2)
    return MEASURES[measure](patches.reshape(*patches.shape[:2], patch, patch))


def _difference(p: torch.Tensor) -> torch.Tensor:
    directions = (
        p[..., :, 1:] - p[..., :, :-1],
        p[..., 1:, :] - p[..., :-1, :],
        p[..., 1:, 1:] - p[..., :-1, :-1],
        p[..., 1:, :-1] - p[..., :-1, 1:],
    )
    return torch.stack([d.abs().mean(dim=(-2, -1)) for d in directions]).mean(dim=0)


def _variance(p: torch.Tensor) -> torch.Tensor:
    return p.var(dim=(-2, -1), correction=0)


def _laplacian(p: torch.Tensor) -> torch.Tensor:
    centre = p[..., 1:-1, 1:-1]
    around = p[..., :-2, 1:-1] + p[..., 2:, 1:-1] + p[..., 1:-1, :-2] + p[..., 1:-1, 2:]
    return (around - 4 * centre).square().mean(dim=(-2, -1))


MEASURES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "difference": _difference,
    "variance": _variance,
    "laplacian": _laplacian,
}


def choose_kept(
    pixels: torch.Tensor, patch: int, masking: Masking, generator: torch.Generator
) -> torch.Tensor:
    """Patches that stay visible.

    A patch's rank among its image's patches (0 the last to be hidden, 1 the first) plus
    ``randomness`` times a uniform draw is its claim to be hidden; the highest claims win.

    Args:
        pixels: uint8 RGB ``[N, 3, S, S]``.
        patch: side of a patch, pixels.
        masking: what to hide.
        generator: the only source of chance, on the CPU, so that every device draws alike.

    Returns:
        int64 ``[N, K]``, indexes of the kept patches, ascending; K is the same for all images.
    """
    count = (pixels.shape[-1] // patch) ** 2
    kept = count - (0 if masking.order is Order.NONE else round(masking.ratio * count))
    draw = torch.rand(len(pixels), count, generator=generator).to(pixels.device)
    if masking.order in (Order.TEXTURE, Order.SMOOTH):
        texture = texture_map(pixels, patch, masking.measure)
        if masking.order is Order.SMOOTH:
            texture = -texture
        rank = texture.argsort(dim=1, stable=True).argsort(dim=1) / max(1, count - 1)
        draw = rank + masking.randomness * draw
    return draw.argsort(dim=1)[:, :kept].sort(dim=1).values


def blank(
    pixels: torch.Tensor, patch: int, kept: torch.Tensor, colour: tuple[float, float, float]
) -> torch.Tensor:
    """Paint all patches but the kept ones in one colour.

    Args:
        pixels: uint8 RGB ``[N, 3, S, S]``.
        patch: side of a patch, pixels.
        kept: int64 ``[N, K]`` as ``choose_kept`` gives it.
        colour: RGB, 0..1.

    Returns:
        A copy, uint8 ``[N, 3, S, S]``.
    """
    side = pixels.shape[-1] // patch
    visible = torch.zeros(len(pixels), side * side, dtype=torch.bool, device=pixels.device)
    visible.scatter_(1, kept, True)
    mask = visible.view(-1, 1, side, side)
    mask = mask.repeat_interleave(patch, dim=2).repeat_interleave(patch, dim=3)
    paint = torch.tensor(colour, device=pixels.device).mul(255).round().to(torch.uint8)
    return torch.where(mask, pixels, paint.view(1, 3, 1, 1))
