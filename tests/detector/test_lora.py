"""LoRA beside the backbone and merged into it."""

import pytest
import torch

from clipfake.detector.backbone import Backbone
from clipfake.detector.forward import block_forward, block_tokens, embed
from clipfake.detector.lora import Lora, LoraShape, merge
from clipfake.errors import AdapterError
from tests.small import WIDTH, small_tower


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return small_tower()


@pytest.fixture(scope="module")
def pixels() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (2, 3, 224, 224), dtype=torch.uint8, generator=generator)


def random_lora(backbone: Backbone, *, norms: bool) -> Lora:
    lora = Lora(backbone, LoraShape((2, 7, 12), rank=3, alpha=6.0, norms=norms))
    generator = torch.Generator().manual_seed(1)
    for value in lora.parameters():
        value.data.copy_(torch.randn(value.shape, generator=generator) * 0.02)
    return lora


@torch.no_grad()
def test_an_untrained_update_changes_nothing(backbone: Backbone, pixels: torch.Tensor) -> None:
    lora = Lora(backbone, LoraShape((1, 12)))
    lora.initialise(torch.Generator().manual_seed(0))
    assert lora.blocks["1"].qkv.a.abs().max() > 0
    plain = block_tokens(backbone, pixels, (1, 12))
    assert torch.equal(block_tokens(backbone, pixels, (1, 12), lora=lora), plain)


@pytest.mark.parametrize("norms", [False, True])
@torch.no_grad()
def test_merged_is_the_same_function_and_the_given_backbone_stays(
    backbone: Backbone, pixels: torch.Tensor, norms: bool
) -> None:
    lora = random_lora(backbone, norms=norms)
    plain = block_tokens(backbone, pixels, (1, 6, 12))
    beside = block_tokens(backbone, pixels, (1, 6, 12), lora=lora)
    merged = block_tokens(merge(backbone, lora), pixels, (1, 6, 12))
    assert torch.allclose(merged, beside, atol=2e-4)
    assert torch.equal(block_tokens(backbone, pixels, (1, 6, 12)), plain)
    assert torch.equal(beside[:, 0], plain[:, 0])  # block 1 lies before the first update
    assert not torch.allclose(beside[:, 1], plain[:, 1], atol=1e-2)


@torch.no_grad()
def test_kept_patches_alone_are_computed(backbone: Backbone, pixels: torch.Tensor) -> None:
    every = torch.arange(196).expand(2, -1)
    whole = block_tokens(backbone, pixels, (1, 2))
    assert torch.equal(block_tokens(backbone, pixels, (1, 2), kept=every), whole)
    kept = torch.stack([torch.arange(0, 196, 4), torch.arange(3, 196, 4)])
    found = block_tokens(backbone, pixels, (1, 2), kept=kept)
    mean, std = (torch.tensor(value).view(3, 1, 1) for value in (backbone.mean, backbone.std))
    embedded = embed(backbone.visual, (pixels.float() / 255 - mean) / std)
    for image in range(2):
        hidden = embedded[image : image + 1, [0, *(kept[image] + 1).tolist()]]
        for number in range(2):
            hidden = block_forward(backbone.visual.transformer.resblocks[number], hidden)
            assert torch.allclose(found[image, number], hidden[0, 0], atol=1e-4)


@torch.no_grad()
def test_patches_that_are_not_attended_to_are_as_if_left_out(
    backbone: Backbone, pixels: torch.Tensor
) -> None:
    kept = torch.arange(0, 196, 4)
    bias = torch.full((1, 1, 1, 197), -torch.inf)
    bias[..., 0], bias[..., kept + 1] = 0.0, 0.0
    found = block_tokens(backbone, pixels, (1, 2), bias=bias.expand(2, -1, -1, -1))
    alone = block_tokens(backbone, pixels, (1, 2), kept=kept.expand(2, -1))
    assert torch.allclose(found, alone, atol=1e-4)


def test_what_does_not_fit_is_refused(backbone: Backbone) -> None:
    for blocks in ((), (0, 1), (13,)):
        with pytest.raises(AdapterError, match="has 1 to 12"):
            Lora(backbone, LoraShape(blocks))
    with pytest.raises(AdapterError, match="do not fit"):
        Lora(backbone, LoraShape((1,))).load_tensors({"blocks.1.qkv.a": torch.zeros(8, WIDTH)})


def test_the_shape_survives_its_header() -> None:
    shape = LoraShape((1, 5), rank=4, alpha=2.0, norms=True)
    header = shape.to_header()
    assert LoraShape.from_header({**header, "blocks": list(header["blocks"])}) == shape
