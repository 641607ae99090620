"""The head: from tokens to a logit."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.nn import functional

from clipfake.detector.calibration import Floats
from clipfake.detector.quantization import quantize


@dataclass(frozen=True)
class Hidden:
    """A hidden layer of GELU units over the same tokens, whose sum is added to the logit.

    The mean of several such networks is one with all their units, so an ensemble is kept as one.

    Attributes:
        weight: ``[H, K, W]``.
        bias: ``[H]``.
        out: ``[H]``, what each unit adds to the logit.
    """

    weight: torch.Tensor
    bias: torch.Tensor
    out: torch.Tensor

    def levels(self) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Int8 levels ``[H, K, W]`` and scales ``[H, K, 1]`` whose product the weights are exactly.

        None where they are no such product, as weights are that ``Head.compact`` did not round.
        """
        levels, scale = quantize(self.weight, (2,))
        return (levels, scale) if torch.equal(levels * scale, self.weight.float()) else None


@dataclass(frozen=True)
class Head:
    """A linear layer over layer-normalised tokens of several blocks, and hidden units.

    Attributes:
        weight: float32 ``[K, W]``, one row a token.
        bias: float32 ``[1]``.
        hidden: None for a head that is only linear.
    """

    weight: torch.Tensor
    bias: torch.Tensor
    hidden: Hidden | None = None

    def __call__(self, tokens: torch.Tensor) -> Floats:
        """Logits of images, positive for AI.

        Runs on the CPU in float64, image by image, so that rounding does not depend on the batch.

        Args:
            tokens: float32 ``[N, K, W]``.

        Returns:
            float64 ``[N]``.
        """
        return np.asarray(self.logits(tokens).numpy(), dtype=np.float64)

    def logits(self, tokens: torch.Tensor) -> torch.Tensor:
        """The same as a tensor, float64 ``[N]``, through which gradients flow."""
        normed = normalise(tokens.cpu().double())
        logits = (normed * self.weight.double()).sum(dim=(1, 2)) + self.bias.double()
        if self.hidden is not None:
            weight = self.hidden.weight.double().flatten(1)
            bias, out = self.hidden.bias.double(), self.hidden.out.double()
            # a matrix product of a batch may round otherwise than that of one image
            units = [functional.gelu(weight @ token + bias) @ out for token in normed.flatten(1)]
            logits = logits + torch.stack(units)
        return logits

    def compact(self) -> "Head":
        """The head with the weights of its hidden units rounded to a byte each.

        Each unit has a scale for each token. A file of them is half as large.
        """
        if (hidden := self.hidden) is None:
            return self
        levels, scale = quantize(hidden.weight, (2,))
        return replace(self, hidden=replace(hidden, weight=levels * scale))

    def as_stored(self) -> "Head":
        """The head with the rounding of an adapter's file: hidden units in half precision.

        Weights that are whole levels of a scale are kept as they are.
        """
        if (hidden := self.hidden) is None:
            return self
        weight = hidden.weight if hidden.levels() else hidden.weight.half().float()
        bias, out = hidden.bias.half().float(), hidden.out.half().float()
        return replace(self, hidden=Hidden(weight, bias, out))

    def fits(self, blocks: int, width: int) -> bool:
        """Whether every tensor has the shape that so many tokens of that width ask for."""
        fitting = self.weight.shape == (blocks, width) and self.bias.shape == (1,)
        if self.hidden is None:
            return fitting
        shape, units = self.hidden.weight.shape, self.hidden.weight.shape[:1]
        fitting = fitting and shape == (*units, blocks, width)
        return fitting and self.hidden.bias.shape == self.hidden.out.shape == units


def normalise(tokens: torch.Tensor) -> torch.Tensor:
    """Layer norm of each token without scale or shift; shape and dtype stay."""
    return functional.layer_norm(tokens, tokens.shape[-1:])
