"""Weights between the start of a tuning and its end."""

from dataclasses import replace

import pytest
import torch

from clipfake.detector.adapter import Adapter
from clipfake.detector.backbone import Backbone
from clipfake.detector.head import Head, Hidden
from clipfake.detector.lora import Lora, LoraShape
from clipfake.training.interpolation import interpolate
from tests.small import WIDTH, small_adapter, small_tower

SHAPE = LoraShape((11, 12), rank=2, norms=True)


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return small_tower()


@pytest.fixture(scope="module")
def start() -> Adapter:
    drawn = torch.randn(6, 9, WIDTH, generator=torch.Generator().manual_seed(0)) * 0.1
    hidden = Hidden(drawn[1:], torch.zeros(5), torch.ones(5))
    return small_adapter(Head(drawn[0], torch.zeros(1), hidden)).as_stored()


def tuned_from(start: Adapter, backbone: Backbone, seed: int) -> Adapter:
    """Every tensor of the update and of the head a little elsewhere."""
    generator = torch.Generator().manual_seed(seed)

    def moved(value: torch.Tensor) -> torch.Tensor:
        return value + 0.05 * torch.randn(value.shape, generator=generator)

    lora = Lora(backbone, SHAPE)
    lora.initialise(generator)
    tensors = {name: moved(value) for name, value in lora.state_dict().items()}
    hidden = start.head.hidden
    assert hidden is not None
    hidden = replace(hidden, weight=moved(hidden.weight), out=moved(hidden.out))
    head = Head(moved(start.head.weight), moved(start.head.bias), hidden)
    return replace(start, head=head, lora_shape=SHAPE, lora=tensors).as_stored()


def weights(backbone: Backbone, adapter: Adapter) -> dict[str, torch.Tensor]:
    tower = adapter.tune(backbone)
    return {name: value.detach() for name, value in tower.visual.named_parameters()}


def logits(head: Head) -> torch.Tensor:
    tokens = torch.randn(5, *head.weight.shape, generator=torch.Generator().manual_seed(9))
    return torch.from_numpy(head(tokens))


def test_the_ends_are_the_start_and_the_tuned_adapter(backbone: Backbone, start: Adapter) -> None:
    tuned = tuned_from(start, backbone, 1)
    first, last = (interpolate(start, tuned, share) for share in (0.0, 1.0))
    assert torch.equal(logits(first.head), logits(start.head))
    assert torch.equal(logits(last.head), logits(tuned.head))
    assert not torch.equal(logits(first.head), logits(last.head))
    assert all(torch.equal(last.lora[name], value) for name, value in tuned.lora.items())
    frozen = {name: value.detach() for name, value in backbone.visual.named_parameters()}
    for name, value in weights(backbone, first).items():
        assert torch.equal(value, frozen[name]), name


def test_a_tower_without_updates_at_first_is_interpolated_exactly(
    backbone: Backbone, start: Adapter
) -> None:
    tuned = tuned_from(start, backbone, 2)
    frozen = {name: value.detach() for name, value in backbone.visual.named_parameters()}
    ended, between = weights(backbone, tuned), weights(backbone, interpolate(start, tuned, 0.3))
    moved = [name for name, value in ended.items() if not torch.equal(value, frozen[name])]
    assert len(moved) == 2 * 8  # four matrices, and scale and bias of two norms, of each block
    for name in moved:
        wanted = torch.lerp(frozen[name], ended[name], 0.3)
        assert torch.allclose(between[name], wanted, atol=1e-4), name


def test_updates_at_the_start_are_interpolated_too(backbone: Backbone, start: Adapter) -> None:
    one, other = (tuned_from(start, backbone, seed) for seed in (3, 4))
    between = interpolate(one, other, 0.5)
    for name, value in between.lora.items():
        wanted = (one.lora[name].float() + other.lora[name].float()) / 2
        assert torch.allclose(value.float(), wanted, atol=1e-3), name
    assert torch.allclose(between.head.weight, (one.head.weight + other.head.weight) / 2, atol=1e-6)


def test_heads_of_different_shapes_have_nothing_between_them(
    backbone: Backbone, start: Adapter
) -> None:
    tuned = tuned_from(start, backbone, 5)
    linear = replace(tuned, head=Head(tuned.head.weight, tuned.head.bias))
    fewer = replace(tuned, head=Head(tuned.head.weight[1:], tuned.head.bias))
    for other in (linear, fewer):
        with pytest.raises(ValueError, match="nothing between"):
            interpolate(start, other, 0.5)
