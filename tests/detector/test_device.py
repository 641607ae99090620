"""Where the encoder runs, and in which precision."""

import pytest
import torch

from clipfake.detector.device import pick_precision, pick_training_precision
from clipfake.errors import UsageError

CPU, CARD = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize("native", [True, False])
def test_a_card_trains_in_bf16_where_it_can_and_scores_in_float32(
    native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: native)
    assert pick_training_precision("auto", CARD) is (torch.bfloat16 if native else torch.float32)
    assert pick_training_precision("fp32", CARD) is torch.float32
    assert pick_precision("auto", CARD) is torch.float32


@pytest.mark.parametrize("name", ["auto", "fp32", "bf16"])
def test_a_cpu_trains_in_the_precision_that_it_scores_in(name: str) -> None:
    assert pick_training_precision(name, CPU) is pick_precision(name, CPU)


@pytest.mark.parametrize("device", [CPU, CARD])
def test_an_unknown_precision_is_refused(device: torch.device) -> None:
    with pytest.raises(UsageError, match="int4"):
        pick_training_precision("int4", device)
