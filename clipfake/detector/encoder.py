"""The encoder of a scan: pixels to tokens of blocks, by weights that are made ready once.

In float32 it is ``forward.block_tokens``. In bf16 it is the same function of weights that are cast
when the detector is made, not at every call; the 1.702 of QuickGELU and LayerScale are multiplied
into the matrices beside them; and on a CPU matrices are laid out as oneDNN reads them, and SiLU is
taken of a product before its sums are rounded. Training and patch evidence need gradients, LoRA
beside the weights or patches left out, and run ``forward``.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial

import torch
from torch import nn
from torch.nn import functional

from clipfake.detector.backbone import Backbone
from clipfake.detector.forward import block_tokens, normalised
from clipfake.detector.tower import QUICK_GELU, Block

Encoder = Callable[[torch.Tensor, Sequence[int]], torch.Tensor]
_LOWER = torch.bfloat16


@torch.no_grad()
def ready_encoder(
    backbone: Backbone, device: torch.device, precision: torch.dtype, micro_batch: int
) -> Encoder:
    """The encoder of a backbone, whose tower is moved to the device; its numbers stay.

    Args:
        backbone: a float32 tower with all updates merged.
        device: where to compute.
        precision: ``torch.float32`` or ``torch.bfloat16``.
        micro_batch: images that are encoded at once, which matrices are laid out for.

    Returns:
        A function of uint8 RGB ``[N, 3, S, S]`` on the device and ascending numbers of blocks, to
        be called in inference mode: class tokens, float32 ``[N, blocks, width]``, as those of
        ``forward.block_tokens``.
    """
    backbone.visual.to(device)
    if precision == torch.float32:
        return partial(block_tokens, backbone)
    return _LowerEncoder(backbone, micro_batch)


class _LowerEncoder:
    """A tower whose weights and activations are bf16; sums are float32 within a layer."""

    def __init__(self, backbone: Backbone, micro_batch: int) -> None:
        visual = backbone.visual
        rows = micro_batch * len(visual.positional_embedding)
        self._mean, self._std = backbone.mean, backbone.std
        self._conv, self._stride = visual.conv1.weight.to(_LOWER), visual.conv1.stride
        self._first = visual.class_embedding.to(_LOWER)
        self._places = visual.positional_embedding.to(_LOWER)
        self._norm = _Norm(visual.ln_pre)
        self._blocks = [_Block(block, rows) for block in visual.transformer.resblocks]

    def __call__(self, pixels: torch.Tensor, blocks: Sequence[int]) -> torch.Tensor:
        """As ``ready_encoder`` says."""
        squares = normalised(pixels, self._mean, self._std).to(_LOWER)
        patches = functional.conv2d(squares, self._conv, stride=self._stride)
        patches = patches.flatten(2).transpose(1, 2)
        first = self._first.expand(len(patches), 1, -1)
        hidden = self._norm(torch.cat([first, patches], dim=1) + self._places)
        tokens = []
        for number, block in enumerate(self._blocks[: max(blocks)], start=1):
            block.change(hidden)
            if number in blocks:
                tokens.append(hidden[:, 0].to(torch.float32, copy=True))  # it changes in place
        return torch.stack(tokens, dim=1)


class _Block:
    """A transformer block: ``forward.block_forward`` without updates beside it."""

    def __init__(self, block: Block, rows: int) -> None:
        attention, mlp = block.attn, block.mlp
        out, wide, narrow = attention.out_proj, mlp.c_fc, mlp.c_proj
        scale_1, scale_2 = _layer_scale(block.ls_1), _layer_scale(block.ls_2)
        self._heads = attention.num_heads
        self._norm_1, self._norm_2 = _Norm(block.ln_1), _Norm(block.ln_2)
        self._qkv = _Linear(attention.in_proj_weight, attention.in_proj_bias, rows)
        self._out = _Linear(_rows(out.weight, scale_1), _rows(out.bias, scale_1), rows)
        # open_clip's own QuickGELU is of another class; x sigmoid(1.702 x) = silu(1.702 x) / 1.702
        quick = type(mlp.gelu).__name__ == "QuickGELU"
        self._gelu = None if quick else mlp.gelu
        inner, outer = (QUICK_GELU, 1 / QUICK_GELU) if quick else (1.0, 1.0)
        self._fc = _Linear(wide.weight * inner, wide.bias * inner, rows)
        weight = _rows(narrow.weight * outer, scale_2)
        self._proj = _Linear(weight, _rows(narrow.bias, scale_2), rows)

    def change(self, hidden: torch.Tensor) -> None:
        """Add what the block adds to the tokens ``[N, L, width]``, in place."""
        batch, length, width = hidden.shape
        qkv = self._qkv(self._norm_1(hidden)).view(batch, length, 3, self._heads, -1)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        hidden.add_(self._out(mixed.transpose(1, 2).reshape(batch, length, width)))
        normed = self._norm_2(hidden)
        inner = self._fc.silu(normed) if self._gelu is None else self._gelu(self._fc(normed))
        hidden.add_(self._proj(inner))


class _Norm:
    """Layer norm of bf16 tokens, or none where the tower has none."""

    def __init__(self, norm: nn.Module) -> None:
        self._norm = norm if isinstance(norm, nn.LayerNorm) else None
        if self._norm is None:
            return
        # a CPU takes scale and bias in float32 beside bf16 tokens, other devices do not
        dtype = torch.float32 if self._norm.weight.device.type == "cpu" else _LOWER
        self._weight, self._bias = self._norm.weight.to(dtype), self._norm.bias.to(dtype)

    def __call__(self, hidden: torch.Tensor) -> torch.Tensor:
        """Normalise the last dimension of bf16 ``[..., width]``."""
        if self._norm is None:
            return hidden
        shape, eps = self._norm.normalized_shape, self._norm.eps
        return functional.layer_norm(hidden, shape, self._weight, self._bias, eps)


class _Linear:
    """A linear layer with bf16 weights, laid out for oneDNN where torch has that."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor, rows: int) -> None:
        self._weight, self._bias = weight.to(_LOWER), bias.to(_LOWER)
        self._laid_out = weight.device.type == "cpu" and can_lay_out()
        if self._laid_out:
            self._weight = torch.ops.mkldnn._reorder_linear_weight(self._weight, rows)

    def __call__(self, hidden: torch.Tensor) -> torch.Tensor:
        """``hidden W^T + b``, bf16 ``[..., inputs]`` to ``[..., outputs]``."""
        if self._laid_out:
            return self._product(hidden, "none")
        return functional.linear(hidden, self._weight, self._bias)

    def silu(self, hidden: torch.Tensor) -> torch.Tensor:
        """SiLU (``x sigmoid(x)``) of the layer's output."""
        if self._laid_out:
            return self._product(hidden, "swish")
        return functional.silu(self(hidden), inplace=True)

    def _product(self, hidden: torch.Tensor, then: str) -> torch.Tensor:
        weight, bias = self._weight, self._bias
        product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(
            hidden, weight, bias, then, [], ""
        )
        return product


@cache
def can_lay_out() -> bool:
    """Whether torch computes with bf16 matrices in oneDNN's own layout here.

    It is no public function of torch; where it is absent, refuses, or gives something else, layers
    are computed in the usual way.
    """
    weight = torch.linspace(-1, 1, 32 * 32).view(32, 32).to(_LOWER)
    hidden, bias = weight.flip(0), weight[0]
    try:
        laid_out = torch.ops.mkldnn._reorder_linear_weight(weight, len(hidden))
        found = torch.ops.mkldnn._linear_pointwise(hidden, laid_out, bias, "swish", [], "")
    except (AttributeError, RuntimeError, TypeError):
        return False
    expected = functional.silu(functional.linear(hidden.float(), weight.float(), bias.float()))
    return bool(torch.allclose(found.float(), expected, rtol=0.02, atol=0.02))


def _layer_scale(module: nn.Module) -> torch.Tensor | None:
    """What a block multiplies each output by (Touvron et al. 2021, arXiv 2103.17239); or none."""
    scale = getattr(module, "gamma", None)
    return scale if isinstance(scale, torch.Tensor) else None


def _rows(values: torch.Tensor, scale: torch.Tensor | None) -> torch.Tensor:
    """A weight ``[outputs, inputs]`` or bias ``[outputs]`` with each output multiplied."""
    if scale is None:
        return values
    return values * (scale[:, None] if values.ndim == 2 else scale)
