"""Weight-only int8 storage."""

import pytest
import torch

from clipfake.detector.quantization import SCALE_SUFFIX, dequantize_state_dict


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
