"""The head: from class tokens to a logit."""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from clipfake.detector.calibration import Floats


@dataclass(frozen=True)
class LinearHead:
    """A linear layer over layer-normalised class tokens of several blocks.

    Attributes:
        weight: float32 ``[K, W]``, one row a block.
        bias: float32 ``[1]``.
    """

    weight: torch.Tensor
    bias: torch.Tensor

    def __call__(self, tokens: torch.Tensor) -> Floats:
        """Logits of images, positive for AI.

        Runs on the CPU in float64, so that rounding does not depend on the batch.

        Args:
            tokens: float32 ``[N, K, W]``.

        Returns:
            float64 ``[N]``.
        """
        normed = normalise(tokens.cpu().double())
        logits = (normed * self.weight.double()).sum(dim=(1, 2)) + self.bias.double()
        return np.asarray(logits.numpy(), dtype=np.float64)


def normalise(tokens: torch.Tensor) -> torch.Tensor:
    """Layer norm of each token without scale or shift; shape and dtype stay."""
    return functional.layer_norm(tokens, tokens.shape[-1:])
