"""Weights between where a tuning started and where it ended.

What a tuning teaches of the images at hand it can cost elsewhere; weights on the straight line
between the two keep much of both (WiSE-FT: Wortsman et al. 2022, arXiv 2109.01903, equation 1).
"""

import dataclasses

import torch

from clipfake.detector.adapter import Adapter
from clipfake.detector.head import Head, Hidden

# tensors of an update that changes nothing while they are zero
_ZERO_AT_FIRST = (".b", ".scale", ".bias")


def interpolate(start: Adapter, tuned: Adapter, share: float) -> Adapter:
    """The adapter that lies between two, with everything else of the tuned one.

    Where the start has no LoRA, the tower lies exactly between the two towers. Where it has one,
    the factors of its updates are what is interpolated.

    Args:
        start: where training started.
        tuned: trained from there, so with a head of the same shape.
        share: of the way that is gone, 0..1.

    Raises:
        ValueError: the heads differ in shape.
    """
    lora = {
        name: torch.lerp(start.lora[name].float(), value.float(), share)
        if start.lora
        else value.float() * (share if name.endswith(_ZERO_AT_FIRST) else 1.0)
        for name, value in tuned.lora.items()
    }
    head = _between(start.linear_head, tuned.linear_head, share)
    return dataclasses.replace(tuned, lora=lora, head=head, digest="").as_stored()


def _between(start: Head, tuned: Head, share: float) -> Head:
    if (start.hidden is None) != (tuned.hidden is None) or not tuned.fits(*start.weight.shape):
        raise ValueError("heads of different shapes have nothing between them")
    weight, bias = (
        torch.lerp(start.weight, tuned.weight, share),
        torch.lerp(start.bias, tuned.bias, share),
    )
    if start.hidden is None or tuned.hidden is None:
        return Head(weight, bias)
    one, other = start.hidden, tuned.hidden
    if one.out.shape != other.out.shape:
        raise ValueError("heads of different shapes have nothing between them")
    hidden = Hidden(
        torch.lerp(one.weight, other.weight, share),
        torch.lerp(one.bias, other.bias, share),
        torch.lerp(one.out, other.out, share),
    )
    return Head(weight, bias, hidden)
