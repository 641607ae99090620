"""The encoder of a scan: the same function as the forward pass of training, rounded to bf16."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from clipfake.detector import encoder as encoders
from clipfake.detector.backbone import Backbone
from clipfake.detector.encoder import can_lay_out, ready_encoder
from clipfake.detector.forward import block_tokens
from clipfake.detector.tower import QUICK_GELU
from tests.small import WIDTH, small_tower

CPU = torch.device("cpu")
BLOCKS = (1, 4, 12)
KINDS = ("QuickGELU", "open_clip", "GELU", "LayerScale", "no first norm")


class LayerScale(nn.Module):
    """As open_clip has it."""

    def __init__(self, values: torch.Tensor) -> None:
        super().__init__()
        self.gamma = nn.Parameter(values, requires_grad=False)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Multiply."""
        return hidden * self.gamma


class OtherNamesake(nn.Module):
    """open_clip's class of the same name is another one than the embedded tower's."""

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """As Hendrycks and Gimpel have it."""
        return hidden * torch.sigmoid(QUICK_GELU * hidden)


OtherNamesake.__name__ = "QuickGELU"


@pytest.fixture(scope="module")
def pixels() -> torch.Tensor:
    drawn = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (3, 3, 224, 224), dtype=torch.uint8, generator=drawn)


@pytest.fixture(params=["laid out", "plain"])
def layout(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Matrices in oneDNN's layout, and as machines without it have them."""
    if request.param == "plain":
        monkeypatch.setattr(encoders, "can_lay_out", lambda: False)
    elif not can_lay_out():
        pytest.skip("torch does not lay out bf16 matrices on this machine")


def drawn_tower(kind: str) -> Backbone:
    """A small tower with biases, which are 0 in the usual one, and with parts of other towers."""
    backbone, drawn = small_tower(), torch.Generator().manual_seed(2)
    visual = copy.deepcopy(backbone.visual)
    for name, value in visual.named_parameters():
        if name.endswith("bias"):
            value.copy_(0.3 * torch.randn(value.shape, generator=drawn))
    for block in visual.transformer.resblocks:
        if kind == "GELU":
            block.mlp.gelu = nn.GELU()  # type: ignore[assignment]
        if kind == "open_clip":
            block.mlp.gelu = OtherNamesake()  # type: ignore[assignment]
        if kind == "LayerScale":
            for name in ("ls_1", "ls_2"):
                setattr(block, name, LayerScale(0.5 + torch.rand(WIDTH, generator=drawn)))
    if kind == "no first norm":
        visual.ln_pre = nn.Identity()  # type: ignore[assignment]
    return replace(backbone, visual=visual)


def encoded(backbone: Backbone, pixels: torch.Tensor, precision: torch.dtype) -> torch.Tensor:
    with torch.inference_mode():
        return ready_encoder(backbone, CPU, precision, len(pixels))(pixels, BLOCKS)


def apart(found: torch.Tensor, exact: torch.Tensor) -> float:
    """Largest relative distance of a token."""
    return float(((found - exact).norm(dim=-1) / exact.norm(dim=-1)).max())


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_multiplied_into_the_matrices_leaves_the_function(
    kind: str, pixels: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = drawn_tower(kind)
    exact = block_tokens(backbone, pixels, BLOCKS)
    monkeypatch.setattr(encoders, "can_lay_out", lambda: False)
    monkeypatch.setattr(encoders, "_LOWER", torch.float32)  # without the rounding of bf16
    assert apart(encoded(backbone, pixels, torch.bfloat16), exact) < 1e-4
    for other in {"QuickGELU", "GELU", "LayerScale", "no first norm"} - {kind}:
        if (kind, other) != ("open_clip", "QuickGELU"):  # the same under two names
            assert apart(block_tokens(drawn_tower(other), pixels, BLOCKS), exact) > 1e-3


@pytest.mark.usefixtures("layout")
@pytest.mark.parametrize("kind", KINDS)
def test_bf16_is_the_same_function_but_for_rounding(kind: str, pixels: torch.Tensor) -> None:
    backbone = drawn_tower(kind)
    found = encoded(backbone, pixels, torch.bfloat16)
    assert found.dtype == torch.float32
    assert apart(found, block_tokens(backbone, pixels, BLOCKS)) < 0.02


def test_float32_is_the_forward_pass_itself(pixels: torch.Tensor) -> None:
    backbone = drawn_tower("QuickGELU")
    exact = block_tokens(backbone, pixels, BLOCKS)
    assert torch.equal(encoded(backbone, pixels, torch.float32), exact)


@pytest.mark.usefixtures("layout")
def test_the_tower_that_is_given_stays_as_it_is(pixels: torch.Tensor) -> None:
    backbone = drawn_tower("LayerScale")
    before = copy.deepcopy(backbone.visual.state_dict())
    encoded(backbone, pixels, torch.bfloat16)
    after = backbone.visual.state_dict()
    assert all(torch.equal(value, before[name]) for name, value in after.items())
    assert {value.dtype for value in after.values()} == {torch.float32}


@pytest.mark.usefixtures("layout")
def test_a_call_changes_nothing_for_the_next(pixels: torch.Tensor) -> None:
    with torch.inference_mode():
        encoder = ready_encoder(small_tower(), CPU, torch.bfloat16, len(pixels))
        first = encoder(pixels, BLOCKS)
        assert torch.equal(encoder(pixels, BLOCKS), first)
        assert torch.equal(encoder(pixels, (4,))[:, 0], first[:, 1])


def test_where_torch_has_no_such_layout_layers_are_plain(
    monkeypatch: pytest.MonkeyPatch, pixels: torch.Tensor
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("not on this machine")

    can_lay_out.cache_clear()
    monkeypatch.setattr(torch.ops.mkldnn, "_reorder_linear_weight", refuse)
    try:
        assert not can_lay_out()
        assert encoded(small_tower(), pixels, torch.bfloat16).shape == (3, 3, WIDTH)
    finally:
        can_lay_out.cache_clear()
