"""The image tower of CLIP ViT-B/16 as modules that hold its weights.

A plain vision transformer (Dosovitskiy et al. 2020, arXiv 2010.11929) as CLIP has it (Radford et
al. 2021, arXiv 2103.00020): a norm before the first block, QuickGELU in the blocks. Modules and
tensors have open_clip's names, so that ``backbone.embed`` and ``backbone.block_forward`` run this
tower and open_clip's alike. Importing open_clip takes longer than all else that a scan imports
beside torch, and the embedded tower does without it.
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import nn
from torch.nn import functional

# normalisation of OpenAI's towers, RGB in 0..1 (Radford et al.'s code, clip/clip.py)
OPENAI_MEAN = (0.48145466, 0.4578275, 0.40821073)
OPENAI_STD = (0.26862954, 0.26130258, 0.27577711)
QUICK_GELU = 1.702  # of ``x sigmoid(1.702 x)``


class LayerNorm(nn.LayerNorm):
    """Layer norm whose output has the dtype of its input, also under autocast."""

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Normalise the last dimension of ``[..., width]``; shape and dtype stay."""
        normed = functional.layer_norm(
            hidden, self.normalized_shape, self.weight, self.bias, self.eps
        )
        return normed.to(hidden.dtype)


class QuickGELU(nn.Module):
    """``x * sigmoid(1.702 x)`` (Hendrycks and Gimpel 2016, arXiv 1606.08415, section 2)."""

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Apply it to each value; shape and dtype stay."""
        return hidden * torch.sigmoid(QUICK_GELU * hidden)


class Mlp(nn.Module):
    """The two linear layers of a block, and what is between them."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.c_fc = nn.Linear(width, inner)
        self.gelu = QuickGELU()
        self.c_proj = nn.Linear(inner, width)


class Block(nn.Module):
    """One transformer block, norms before attention and MLP."""

    def __init__(self, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.ln_1 = LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.ls_1 = nn.Identity()
        self.ln_2 = LayerNorm(width)
        self.mlp = Mlp(width, inner)
        self.ls_2 = nn.Identity()


class Transformer(nn.Module):
    """The blocks."""

    def __init__(self, width: int, depth: int, heads: int, inner: int) -> None:
        super().__init__()
        blocks = nn.ModuleList(Block(width, heads, inner) for _ in range(depth))
        self.resblocks = cast(Sequence[Block], blocks)


class ImageTower(nn.Module):
    """Weights of a CLIP image tower; ``forward.block_tokens`` is its forward.

    Attributes:
        image_size: height and width of the input, pixels.
        patch_size: height and width of a patch, pixels.
    """

    def __init__(
        self, *, image_size: int, patch_size: int, width: int, depth: int, heads: int, outputs: int
    ) -> None:
        """Allocate a tower; build it on the meta device when its weights are assigned after.

        Args:
            image_size: side of the square input, pixels.
            patch_size: side of a patch, pixels; divides ``image_size``.
            width: length of a token.
            depth: number of blocks.
            heads: attention heads of a block.
            outputs: length of CLIP's embedding, which no detector reads.
        """
        super().__init__()
        self.image_size = (image_size, image_size)
        self.patch_size = (patch_size, patch_size)
        patches = (image_size // patch_size) ** 2
        self.conv1 = nn.Conv2d(3, width, patch_size, stride=patch_size, bias=False)
        self.class_embedding = nn.Parameter(torch.empty(width))
        self.positional_embedding = nn.Parameter(torch.empty(patches + 1, width))
        self.ln_pre = LayerNorm(width)
        self.transformer = Transformer(width, depth, heads, 4 * width)
        self.ln_post = LayerNorm(width)
        self.proj = nn.Parameter(torch.empty(width, outputs))


def vit_b16() -> ImageTower:
    """CLIP ViT-B/16 (Radford et al. 2021, table 20), without memory for its weights."""
    with torch.device("meta"):
        return ImageTower(image_size=224, patch_size=16, width=768, depth=12, heads=12, outputs=512)
