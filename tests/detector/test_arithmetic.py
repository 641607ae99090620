"""What decides how scores round."""

from dataclasses import replace

import pytest
import torch

from clipfake.detector.arithmetic import OTHER_PRECISION, SAME_PRECISION, Arithmetic

HERE = Arithmetic.here(torch.device("cpu"), torch.bfloat16)


def test_it_says_all_that_rounding_depends_on() -> None:
    assert (HERE.device, HERE.precision, HERE.micro_batch) == ("cpu", "bfloat16", 8)
    assert HERE.machine
    assert HERE.threads == torch.get_num_threads()
    assert HERE.torch_version == torch.__version__
    other = Arithmetic.here(torch.device("cpu"), torch.float32, micro_batch=3)
    assert (other.precision, other.micro_batch) == ("float32", 3)


def test_it_comes_back_from_a_report() -> None:
    assert Arithmetic.from_json({"adapter": "a", **HERE.to_json()}) == HERE


@pytest.mark.parametrize("name", [name for name in HERE.to_json() if name != "encoder"])
def test_a_report_that_lacks_a_part_tells_none(name: str) -> None:
    held = {key: value for key, value in HERE.to_json().items() if key != name}
    assert Arithmetic.from_json(held) is None


def test_a_report_from_before_encoders_were_numbered_was_made_by_the_first() -> None:
    held = {key: value for key, value in HERE.to_json().items() if key != "encoder"}
    found = Arithmetic.from_json(held)
    assert found is not None
    assert HERE.differences(found) == ["encoder 2, 1"]
    assert HERE.tolerance(found) == SAME_PRECISION
    # float32 is computed as it was
    exact = Arithmetic.here(torch.device("cpu"), torch.float32)
    assert Arithmetic.from_json({**exact.to_json(), "encoder": 1}) == exact


@pytest.mark.parametrize("name", ["threads", "encoder"])
def test_what_is_no_number_tells_none(name: str) -> None:
    assert Arithmetic.from_json({**HERE.to_json(), name: "two"}) is None


@pytest.mark.parametrize(
    "numbers",
    [
        {"micro_batch": 0},
        {"micro_batch": -8},
        {"micro_batch": 10**9},
        {"threads": 0},
        {"threads": -1},
        {"threads": 10**6},
    ],
)
def test_numbers_that_no_detector_has_are_not_computed_with(numbers: dict[str, int]) -> None:
    assert Arithmetic.from_json({**HERE.to_json(), **numbers}) is None


def test_only_equal_arithmetic_promises_equal_scores() -> None:
    assert HERE.tolerance(replace(HERE)) == 0.0
    for change in (
        {"machine": "other"},
        {"threads": 99},
        {"micro_batch": 1},
        {"encoder": 99},
        {"torch_version": "9"},
    ):
        assert HERE.tolerance(replace(HERE, **change)) == SAME_PRECISION
    assert HERE.tolerance(replace(HERE, precision="float32")) == OTHER_PRECISION


def test_reports_that_only_tell_their_precision_have_a_bound_too() -> None:
    assert HERE.tolerance(None, "bfloat16") == SAME_PRECISION
    assert HERE.tolerance(None, "float32") == OTHER_PRECISION
    assert HERE.tolerance(None) == OTHER_PRECISION


def test_differences_are_named() -> None:
    assert HERE.differences(HERE) == []
    assert HERE.differences(replace(HERE, micro_batch=1)) == ["micro_batch 8, 1"]


def test_a_limit_on_the_instructions_is_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert Arithmetic.here(torch.device("cpu"), torch.bfloat16).machine.endswith(" to AVX2")
