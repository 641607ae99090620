"""LoRA: low-rank updates of the backbone's linear layers (Hu et al. 2021, arXiv 2106.09685).

``y = x W^T + (alpha / rank) x A^T B^T``, B starting at zero, so that an untrained update leaves
the backbone as it is. A trained update is merged into the weights and then costs nothing.
"""

import copy
import dataclasses
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from clipfake.detector.backbone import Backbone
from clipfake.errors import AdapterError

# short names of the four linear layers of a block, and where open_clip keeps their weights
_LAYERS = {
    "qkv": "attn.in_proj_weight",
    "out": "attn.out_proj.weight",
    "fc": "mlp.c_fc.weight",
    "proj": "mlp.c_proj.weight",
}
_NORMS = {"norm_1": "ln_1", "norm_2": "ln_2"}


@dataclass(frozen=True)
class LoraShape:
    """What a LoRA update changes; kept in the adapter.

    Attributes:
        blocks: blocks that have updates, 1 is the first, ascending.
        rank: inner size of each update.
        alpha: the update is scaled by ``alpha / rank``.
        norms: the blocks' layer norms learn a shift of scale and bias too.
    """

    blocks: tuple[int, ...]
    rank: int = 8
    alpha: float = 8.0
    norms: bool = False

    def to_header(self) -> dict[str, Any]:
        """The form kept in an adapter's header."""
        return asdict(self)

    @classmethod
    def from_header(cls, header: dict[str, Any]) -> "LoraShape":
        """Read the form kept in an adapter's header."""
        return cls(**{**header, "blocks": tuple(int(block) for block in header["blocks"])})


class LowRank(nn.Module):
    """The update of one linear layer."""

    def __init__(self, inputs: int, outputs: int, shape: LoraShape) -> None:
        super().__init__()
        self.scale = shape.alpha / shape.rank
        self.a = nn.Parameter(torch.zeros(shape.rank, inputs))
        self.b = nn.Parameter(torch.zeros(outputs, shape.rank))

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """What the update adds to the layer's output, ``[..., inputs]`` to ``[..., outputs]``."""
        return functional.linear(functional.linear(hidden, self.a), self.b) * self.scale

    def delta(self) -> torch.Tensor:
        """What the update adds to the layer's weight, ``[outputs, inputs]``."""
        product = self.b @ self.a
        return product if self.scale == 1.0 else product * self.scale  # one pass less


class NormShift(nn.Module):
    """The update of a layer norm's scale and bias."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(width))
        self.bias = nn.Parameter(torch.zeros(width))


class BlockLora(nn.Module):
    """The updates of one transformer block."""

    def __init__(self, width: int, hidden: int, shape: LoraShape) -> None:
        super().__init__()
        self.qkv = LowRank(width, 3 * width, shape)
        self.out = LowRank(width, width, shape)
        self.fc = LowRank(width, hidden, shape)
        self.proj = LowRank(hidden, width, shape)
        self.norm_1 = NormShift(width) if shape.norms else None
        self.norm_2 = NormShift(width) if shape.norms else None


class Lora(nn.Module):
    """The updates of a backbone, a ``BlockLora`` for each of the shape's blocks."""

    def __init__(self, backbone: Backbone, shape: LoraShape) -> None:
        """Make an update that changes nothing yet (all zeros).

        Raises:
            AdapterError: the shape names blocks that the backbone has not.
        """
        super().__init__()
        if not shape.blocks or max(shape.blocks) > backbone.depth or min(shape.blocks) < 1:
            raise AdapterError(
                f"LoRA on blocks {list(shape.blocks)}: {backbone.name} has 1 to {backbone.depth}"
            )
        self.shape = shape
        hidden = backbone.visual.transformer.resblocks[0].mlp.c_fc.out_features
        self.blocks = nn.ModuleDict(
            {str(number): BlockLora(backbone.width, hidden, shape) for number in shape.blocks}
        )

    def initialise(self, generator: torch.Generator) -> None:
        """Draw A as Kaiming uniform (Hu et al., section 4.1, as their code does); B stays 0."""
        for module in self.modules():
            if isinstance(module, LowRank):
                bound = module.a.shape[1] ** -0.5
                drawn = torch.rand(module.a.shape, generator=generator)
                module.a.data.copy_((2 * drawn - 1) * bound)

    def block(self, number: int) -> BlockLora | None:
        """The updates of a block, None when it has none."""
        name = str(number)
        found = self.blocks[name] if name in self.blocks else None  # noqa: SIM401
        return found if isinstance(found, BlockLora) else None

    def load_tensors(self, tensors: dict[str, torch.Tensor]) -> None:
        """Take the values of an adapter's tensors.

        Raises:
            AdapterError: names or shapes do not fit.
        """
        try:
            self.load_state_dict({k: v.float() for k, v in tensors.items()}, strict=True)
        except RuntimeError as error:
            raise AdapterError("LoRA tensors do not fit the adapter's own header") from error


def merge(backbone: Backbone, lora: Lora, *, in_place: bool = False) -> Backbone:
    """The backbone with the updates added to its weights.

    Args:
        backbone: a tower of the shape that ``lora`` was made for.
        lora: the updates.
        in_place: change the tower given instead of a copy, which saves its memory.
    """
    visual = backbone.visual if in_place else copy.deepcopy(backbone.visual)
    with torch.no_grad():
        for name, updates in lora.blocks.items():
            block = visual.transformer.resblocks[int(name) - 1]
            for layer, where in _LAYERS.items():
                block.get_parameter(where).add_(getattr(updates, layer).delta())
            for norm, where in _NORMS.items():
                if (shift := getattr(updates, norm)) is not None:
                    block.get_parameter(f"{where}.weight").add_(shift.scale)
                    block.get_parameter(f"{where}.bias").add_(shift.bias)
    return dataclasses.replace(backbone, visual=visual)
