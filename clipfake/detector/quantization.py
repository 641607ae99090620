"""Weight-only int8 storage of a state dict: symmetric, one scale per output channel or finer.

A quantised tensor ``name`` is stored as int8 under its own name, with a float32 tensor
``name.scale`` beside it that broadcasts against it; every other tensor is stored as it is.
Weights are dequantised at load, so arithmetic is float: only the file is small.
"""

from collections.abc import Sequence

import torch

SCALE_SUFFIX = ".scale"
LEVELS = 127


def to_levels(values: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """The nearest levels of a scale, int8 of the values' shape, at most ``LEVELS`` from zero."""
    return (values / scale).round().clamp(-LEVELS, LEVELS).to(torch.int8)


def quantize(weight: torch.Tensor, dims: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Levels of a tensor, and what each is multiplied by.

    A scale has the 8 significant bits of bfloat16, so that what is dequantised is exact in float32,
    and gives the same levels when it is quantised again.

    Args:
        weight: floats.
        dims: over which the scale is the same.

    Returns:
        int8 of the same shape, and float32 that broadcasts against it.
    """
    largest = weight.float().abs().amax(dim=tuple(dims), keepdim=True)
    scale = (largest / LEVELS).bfloat16().float()
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    return to_levels(weight, scale), scale


def dequantize_state_dict(stored: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Turn stored tensors back into a float32 state dict.

    Args:
        stored: tensors as read from the file, int8 ones with their ``.scale`` beside them.

    Returns:
        A float32 state dict without the scales; the same numbers as ``tensor.float() * scale``.

    Raises:
        KeyError: an int8 tensor has no scale.
    """
    state = {}
    for name, tensor in stored.items():
        if name.endswith(SCALE_SUFFIX):
            continue
        if tensor.dtype == torch.int8:
            # one pass over memory; int8 to float32 is exact
            state[name] = torch.mul(tensor, stored[name + SCALE_SUFFIX])
        else:
            state[name] = tensor.float()
    return state
