"""The detector as it is trained: LoRA beside the frozen tower, a head over its class tokens."""

import torch
from torch import nn

from clipfake.detector.backbone import Backbone, class_tokens
from clipfake.detector.head import LinearHead, normalise
from clipfake.detector.lora import Lora
from clipfake.training.texture import Hiding, blank

_SMALLEST_DEVIATION = 1e-6


class Head(nn.Module):
    """A linear head over standardised, layer-normalised class tokens.

    The standardisation is fixed; ``folded`` makes it part of the weights.
    """

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, start: LinearHead, tokens: torch.Tensor) -> None:
        """Start at a head, standardise by the spread of some tokens.

        Args:
            start: where training begins.
            tokens: float32 ``[N, K, W]`` as the backbone leaves them.
        """
        super().__init__()
        normed = normalise(tokens.float())
        deviation = normed.std(dim=0, correction=0) + _SMALLEST_DEVIATION
        self.register_buffer("mean", normed.mean(dim=0))
        self.register_buffer("deviation", deviation)
        self.weight = nn.Parameter(start.weight * deviation)
        self.bias = nn.Parameter(start.bias + (start.weight * self.mean).sum())

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Logits ``[N]`` of tokens ``[N, K, W]``, positive for AI."""
        standard = (normalise(tokens) - self.mean) / self.deviation
        return (standard * self.weight).sum(dim=(1, 2)) + self.bias

    def folded(self) -> LinearHead:
        """The same function as a head of the adapter, on the CPU."""
        weight = (self.weight.detach() / self.deviation).double()
        bias = self.bias.detach().double() - (weight * self.mean).sum()
        return LinearHead(weight.float().cpu(), bias.float().cpu())


class TrainedDetector(nn.Module):
    """Pixels to logits, with all that training moves.

    Attributes:
        lora: updates of the tower; the tower itself is not a submodule and stays frozen.
        head: the linear head.
    """

    def __init__(self, backbone: Backbone, lora: Lora, head: Head, blocks: tuple[int, ...]) -> None:
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
            float32 ``[N]`` logits and float32 ``[N, blocks, W]`` class tokens.
        """
        backbone = self._backbone[0]
        if kept is not None and hiding is Hiding.BLANK:
            pixels, kept = blank(pixels, backbone.patch_size, kept, backbone.mean), None
        tokens = class_tokens(backbone, pixels, self.blocks, lora=self.lora, kept=kept)
        with torch.autocast(tokens.device.type, enabled=False):
            return self.head(tokens), tokens
