"""Weight-only int8 storage."""

import pytest
import torch

from clipfake.detector.quantization import SCALE_SUFFIX, dequantize_state_dict, quantize


def test_int8_is_scaled_per_output_channel_and_floats_stay() -> None:
    stored = {
        "w": torch.tensor([[127, -1], [2, 0]], dtype=torch.int8),
        f"w{SCALE_SUFFIX}": torch.tensor([[0.5], [10.0]]),
        "b": torch.tensor([1.5], dtype=torch.float16),
    }
    state = dequantize_state_dict(stored)
    assert set(state) == {"w", "b"}
    assert state["w"].tolist() == [[63.5, -0.5], [20.0, 0.0]]
    assert state["b"].dtype == torch.float32


def test_int8_without_scale_is_refused() -> None:
    with pytest.raises(KeyError, match="scale"):
        dequantize_state_dict({"w": torch.zeros(1, 1, dtype=torch.int8)})


def test_what_was_quantised_is_near_and_gives_the_same_levels_again() -> None:
    drawn = torch.Generator().manual_seed(0)
    sizes = torch.logspace(-6, 3, 40)[:, None, None]
    weight = torch.randn(40, 3, 200, generator=drawn) * sizes
    weight[7, 1] = 0.0
    levels, scale = quantize(weight, (2,))
    assert (levels.dtype, scale.shape) == (torch.int8, (40, 3, 1))
    stored = {"w": levels, f"w{SCALE_SUFFIX}": scale}
    again = dequantize_state_dict(stored)["w"]
    assert ((again - weight).abs() <= scale * 0.501).all()
    assert not again[7, 1].any()
    twice, same = quantize(again, (2,))
    assert torch.equal(twice, levels)
    assert torch.equal(same * twice, again)
