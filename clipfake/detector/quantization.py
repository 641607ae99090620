"""Weight-only int8 storage of a state dict: symmetric, one scale per output channel.

A quantised tensor ``name`` is stored as int8 under its own name, with a float32 tensor
``name.scale`` beside it that broadcasts against it; every other tensor is stored as it is.
Weights are dequantised at load, so arithmetic is float: only the file is small.
"""

import torch

SCALE_SUFFIX = ".scale"


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
