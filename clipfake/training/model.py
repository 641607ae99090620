"""The detector as it is trained: LoRA beside the frozen tower, the head over its tokens."""

import torch
from torch import nn
from torch.nn import functional

from clipfake.detector.backbone import Backbone
from clipfake.detector.forward import block_tokens
from clipfake.detector.head import Head, Hidden, normalise
from clipfake.detector.lora import Lora
from clipfake.training.texture import Hiding, blank

_SMALLEST_DEVIATION = 1e-6


class HiddenUnits(nn.Module):
    """The hidden units of a head while they are trained, over standardised inputs."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor, out: torch.Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(bias)
        self.out = nn.Parameter(out)

    def forward(self, standard: torch.Tensor, inputs_out: float, units_out: float) -> torch.Tensor:
        """What the units add to the logits, ``[N]``, of inputs ``[N, K, W]``."""
        seen = functional.dropout(standard.flatten(1), inputs_out, self.training)
        units = functional.gelu(functional.linear(seen, self.weight.flatten(1), self.bias))
        return functional.dropout(units, units_out, self.training) @ self.out


class TrainedHead(nn.Module):
    """A head over standardised, layer-normalised tokens, a linear part and hidden units.

    The standardisation is fixed; ``folded`` makes it part of the weights. Inputs and units are
    dropped out as options say, which is what keeps hidden units from learning images by heart.
    """

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(
        self, start: Head, tokens: torch.Tensor, *, inputs_out: float = 0.0, units_out: float = 0.0
    ) -> None:
        """Start at a head, standardise by the spread of some tokens.

        Args:
            start: where training begins.
            tokens: float32 ``[N, K, W]`` as the backbone leaves them.
            inputs_out: share of the inputs that hidden units do not see, in training.
            units_out: share of the hidden units that are left out, in training.
        """
        super().__init__()
        normed = normalise(tokens.float())
        deviation = normed.std(dim=0, correction=0) + _SMALLEST_DEVIATION
        self.register_buffer("mean", normed.mean(dim=0))
        self.register_buffer("deviation", deviation)
        self.inputs_out, self.units_out = inputs_out, units_out
        self.weight = nn.Parameter(start.weight * deviation)
        self.bias = nn.Parameter(start.bias + (start.weight * self.mean).sum())
        self.hidden = None
        if (hidden := start.hidden) is not None:
            shifted = hidden.bias + (hidden.weight * self.mean).sum(dim=(1, 2))
            self.hidden = HiddenUnits(hidden.weight * deviation, shifted, hidden.out.clone())

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Logits ``[N]`` of tokens ``[N, K, W]``, positive for AI."""
        standard = (normalise(tokens) - self.mean) / self.deviation
        logits = (standard * self.weight).sum(dim=(1, 2)) + self.bias
        if self.hidden is not None:
            logits = logits + self.hidden(standard, self.inputs_out, self.units_out)
        return logits

    def folded(self) -> Head:
        """The same function as a head of the adapter, on the CPU."""
        weight, bias = self._folded(self.weight, self.bias)
        if self.hidden is None:
            return Head(weight, bias)
        units, shifted = self._folded(self.hidden.weight, self.hidden.bias)
        out = self.hidden.out.detach().float().cpu().clone()
        return Head(weight, bias, Hidden(units, shifted, out))

    def _folded(
        self, weight: torch.Tensor, bias: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        folded = (weight.detach() / self.deviation).double()
        shifted = bias.detach().double() - (folded * self.mean).sum(dim=(-2, -1))
        return folded.float().cpu(), shifted.float().cpu()


class TrainedDetector(nn.Module):
    """Pixels to logits, with all that training moves.

    Attributes:
        lora: updates of the tower; the tower itself is not a submodule and stays frozen.
        head: the head.
    """

    def __init__(
        self,
        backbone: Backbone,
        lora: Lora,
        head: TrainedHead,
        blocks: tuple[int, ...],
    ) -> None:
        super().__init__()
        self._backbone = (backbone,)  # in a tuple, so that it is no submodule
        self.lora = lora
        self.head = head
        self.blocks = blocks

    def forward(
        self, pixels: torch.Tensor, kept: torch.Tensor | None = None, hiding: Hiding = Hiding.DROP
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits and the tokens behind them.

        Args:
            pixels: uint8 RGB ``[N, 3, S, S]``.
            kept: int64 ``[N, K]``, visible patches; None for all.
            hiding: what becomes of the other patches.

        Returns:
            float32 ``[N]`` logits and float32 ``[N, K, W]`` tokens.
        """
        backbone = self._backbone[0]
        if kept is not None and hiding is Hiding.BLANK:
            pixels, kept = blank(pixels, backbone.patch_size, kept, backbone.mean), None
        tokens = block_tokens(backbone, pixels, self.blocks, lora=self.lora, kept=kept)
        with torch.autocast(tokens.device.type, enabled=False):
            return self.head(tokens), tokens
