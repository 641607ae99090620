"""The forward pass: pixels to tokens of blocks, with LoRA updates that are merged or not."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import nn
from torch.nn import functional

from clipfake.detector.backbone import Backbone
from clipfake.detector.lora import BlockLora, Lora, NormShift
from clipfake.detector.tower import Block, ImageTower


def block_tokens(
    backbone: Backbone,
    pixels: torch.Tensor,
    blocks: Sequence[int],
    *,
    lora: Lora | None = None,
    kept: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
) -> torch.Tensor:
    """Class tokens after some blocks; the forward stops at the last of them.

    Args:
        backbone: the tower.
        pixels: uint8 RGB ``[N, 3, S, S]`` on the tower's device, S its image size.
        blocks: numbers of the blocks whose class tokens are wanted, 1 (first) to
            ``backbone.depth``, ascending.
        lora: updates that are not merged into the tower, in training.
        kept: int64 ``[N, K]``, the patches whose tokens are computed; None for all.
        bias: float ``[N, 1, 1, tokens]``, added to what each token is attended with; None for none.

    Returns:
        float32 ``[N, len(blocks), width]``, as the block leaves them (no final norm).
    """
    hidden = embed(backbone.visual, normalised(pixels, backbone.mean, backbone.std))
    if kept is not None:
        first = kept.new_zeros(len(kept), 1)  # the class token
        rows = torch.cat([first, kept + 1], dim=1).unsqueeze(2).expand(-1, -1, hidden.shape[2])
        hidden = hidden.gather(1, rows)
    tokens = []
    for number, block in enumerate(backbone.visual.transformer.resblocks, start=1):
        hidden = block_forward(block, hidden, lora.block(number) if lora else None, bias)
        if number in blocks:
            tokens.append(hidden[:, 0].float())
        if number == max(blocks):
            break
    return torch.stack(tokens, dim=1)


def normalised(
    pixels: torch.Tensor, mean: tuple[float, float, float], std: tuple[float, float, float]
) -> torch.Tensor:
    """Pixels as a tower takes them: uint8 RGB ``[N, 3, S, S]`` to float32, mean and std in 0..1."""
    middle = torch.tensor(mean, device=pixels.device).view(3, 1, 1)
    spread = torch.tensor(std, device=pixels.device).view(3, 1, 1)
    return (pixels.float() / 255.0 - middle) / spread


def embed(visual: ImageTower, squares: torch.Tensor) -> torch.Tensor:
    """What goes into the first block: a token for the class and one for each patch.

    Args:
        visual: the tower.
        squares: float ``[N, 3, S, S]``, normalised.

    Returns:
        Tokens ``[N, 1 + patches, width]``, placed and normed.
    """
    patches = visual.conv1(squares).flatten(2).transpose(1, 2)
    first = visual.class_embedding.to(patches.dtype).expand(len(patches), 1, -1)
    tokens = torch.cat([first, patches], dim=1) + visual.positional_embedding.to(patches.dtype)
    return cast(torch.Tensor, visual.ln_pre(tokens))


def block_forward(
    block: Block,
    hidden: torch.Tensor,
    lora: BlockLora | None = None,
    bias: torch.Tensor | None = None,
) -> torch.Tensor:
    """One transformer block, the same function as the block's own forward.

    The block's own attention transposes its input, which under bf16 on a CPU makes the
    matrix product copy its weights once per token; this one keeps the batch first.

    Args:
        block: a block of the embedded tower or of open_clip's.
        hidden: tokens ``[N, L, width]``.
        lora: updates of the block's layers, not merged.
        bias: float ``[N, 1, 1, L]``, added to the logits of attention to each token.

    Returns:
        Tokens of the same shape.
    """
    attention, mlp = block.attn, block.mlp
    batch, length, width = hidden.shape
    heads = attention.num_heads
    normed = _norm(block.ln_1, hidden, lora.norm_1 if lora else None)
    qkv = functional.linear(normed, attention.in_proj_weight, attention.in_proj_bias)
    qkv = qkv + lora.qkv(normed) if lora else qkv
    query, key, value = qkv.view(batch, length, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
    mixed = functional.scaled_dot_product_attention(query, key, value, bias)
    mixed = mixed.transpose(1, 2).reshape(batch, length, width)
    out = attention.out_proj(mixed)
    hidden = hidden + block.ls_1(out + lora.out(mixed) if lora else out)
    normed = _norm(block.ln_2, hidden, lora.norm_2 if lora else None)
    wide = mlp.c_fc(normed)
    wide = mlp.gelu(wide + lora.fc(normed) if lora else wide)
    out = mlp.c_proj(wide)
    out = block.ls_2(out + lora.proj(wide) if lora else out)
    return cast(torch.Tensor, hidden + out)


def _norm(norm: nn.LayerNorm, hidden: torch.Tensor, shift: NormShift | None) -> torch.Tensor:
    if shift is None:
        return cast(torch.Tensor, norm(hidden))
    weight, bias = norm.weight + shift.scale, norm.bias + shift.bias
    return functional.layer_norm(hidden, norm.normalized_shape, weight, bias, norm.eps)
