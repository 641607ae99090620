"""The order in which images are seen."""

import numpy as np
import pytest

from clipfake.sources.labelled import Example
from clipfake.training.sampling import epoch_order, harder, weights


def examples(counts: dict[str, int], is_ai: bool, source: str | None = None) -> list[Example]:
    return [
        Example(f"{name}{i}", is_ai, name, source or name)
        for name, count in counts.items()
        for i in range(count)
    ]


EXAMPLES = examples({"big": 64, "small": 4}, True) + examples({"camera": 36}, False)
IS_AI = np.array([example.is_ai for example in EXAMPLES])


def test_classes_weigh_the_same_and_generators_by_their_root() -> None:
    weight = weights(EXAMPLES)
    assert weight[IS_AI].sum() == pytest.approx(52)
    assert weight[~IS_AI].sum() == pytest.approx(52)
    assert weight[:64].sum() / weight[64:68].sum() == pytest.approx(4)


def test_a_large_source_counts_as_a_large_generator_does() -> None:
    many = examples({f"g{i}": 1 for i in range(16)}, True, source="one") + examples({"h": 1}, True)
    weight = weights(many + examples({"camera": 2}, False))
    assert weight[16] / weight[0] == pytest.approx(4)


def test_an_epoch_takes_the_classes_in_turn() -> None:
    order = epoch_order(weights(EXAMPLES), IS_AI, seed=0, epoch=0)
    assert len(order) == len(EXAMPLES)
    assert IS_AI[order[::2]].all()
    assert not IS_AI[order[1::2]].any()


def test_a_row_appears_as_often_as_it_weighs() -> None:
    weight = weights(EXAMPLES)
    counts = np.array(
        [
            np.bincount(epoch_order(weight, IS_AI, 7, epoch), minlength=len(EXAMPLES))
            for epoch in range(400)
        ]
    )
    assert (counts >= np.floor(weight - 1e-9)).all()
    assert (counts <= np.ceil(weight + 1e-9)).all()
    assert counts.mean(axis=0) == pytest.approx(weight, abs=0.12)


def test_seed_and_epoch_decide_the_order() -> None:
    weight = weights(EXAMPLES)
    first = epoch_order(weight, IS_AI, 1, 0)
    assert np.array_equal(first, epoch_order(weight, IS_AI, 1, 0))
    assert not np.array_equal(first, epoch_order(weight, IS_AI, 1, 1))
    assert not np.array_equal(first, epoch_order(weight, IS_AI, 2, 0))


def test_what_is_told_wrong_is_drawn_more_often_and_classes_stay_even() -> None:
    is_ai = np.array([True, True, True, False, False, False])
    weight = np.array([1.0, 1.0, 2.0, 1.0, 1.0, 2.0])
    drawn = harder(weight, is_ai, np.array([1.0, 0.0, 1.0, 0.0, 0.5, 0.0]), 4.0)
    assert drawn[:3].sum() == pytest.approx(4.0)
    assert drawn[3:].sum() == pytest.approx(4.0)
    assert drawn[1] / drawn[0] == pytest.approx(5.0)  # surely wrong against surely right
    assert drawn[2] / drawn[0] == pytest.approx(2.0)
    assert drawn[4] / drawn[3] == pytest.approx(3.0)
    assert np.allclose(harder(weight, is_ai, np.full(6, 0.3), 0.0), weight)
