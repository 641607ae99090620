"""Figures of attribution: on answers small enough to reckon by hand."""

import numpy as np
import pytest

from clipfake.evaluation.attribution import Answers, attributed, coverage_at, open_set


def answers(
    truth: list[str],
    family: list[str],
    confidence: list[float],
    given: list[bool] | None = None,
    sources: list[str] | None = None,
) -> Answers:
    return Answers(
        np.array(truth, dtype=np.str_),
        np.array(family, dtype=np.str_),
        np.array(confidence),
        np.array(given if given is not None else [True] * len(truth)),
        np.array(sources or [f"s{at}" for at in range(len(truth))], dtype=np.str_),
    )


FOUR = answers(
    ["gan", "gan", "flux", "flux"],
    ["gan", "flux", "flux", "flux"],
    [0.9, 0.8, 0.7, 0.2],
    [True, True, True, False],
)


def test_figures_of_four_images() -> None:
    found = attributed(FOUR, draws=50)
    assert found.accuracy.value == 0.75
    # gan: 2 * 1 / (2 + 1); flux: 2 * 2 / (2 + 3)
    assert found.macro_f1.value == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert found.given.value == 0.75
    assert found.precision.value == pytest.approx(2 / 3)
    assert found.names == ("flux", "gan")
    assert found.confusion.tolist() == [[1, 0, 1], [1, 1, 0]]
    gan = next(row for row in found.families if row.family == "gan")
    assert (gan.images, gan.recall, gan.precision, gan.given, gan.wrong) == (2, 0.5, 1.0, 1.0, 0.5)


def test_intervals_take_whole_sources() -> None:
    one = answers(["gan"] * 4, ["gan", "gan", "flux", "flux"], [0.5] * 4, sources=["a"] * 4)
    found = attributed(one, draws=50)
    assert (found.accuracy.low, found.accuracy.high) == (0.5, 0.5)
    apart = attributed(answers(one.truth.tolist(), one.family.tolist(), [0.5] * 4), draws=200)
    assert apart.accuracy.low < 0.5 < apart.accuracy.high


@pytest.mark.parametrize(
    ("right", "share"),
    [
        ([True] * 10, 1.0),
        ([True] * 9 + [False], 1.0),
        ([True] * 8 + [False, False], 0.8),
        ([False] * 10, 0.0),
        ([False] + [True] * 9, 1.0),  # few, and wrong, at first: the largest share counts
    ],
)
def test_coverage_is_the_largest_share_that_is_right_enough(
    right: list[bool], share: float
) -> None:
    assert coverage_at(np.array(right), np.ones(len(right))) == pytest.approx(share)


def test_open_set_of_a_perfect_and_of_a_blind_confidence() -> None:
    known = answers(["gan"] * 3, ["gan", "gan", "flux"], [0.9, 0.8, 0.7])
    far = answers(["other"] * 3, ["gan"] * 3, [0.1, 0.2, 0.3])
    auroc, oscr = open_set(known, far)
    assert (auroc, oscr) == (1.0, pytest.approx(2 / 3))
    same = answers(["other"] * 3, ["gan"] * 3, [0.7, 0.8, 0.9])
    assert open_set(known, same)[0] == 0.5


def test_what_has_no_answer_at_all() -> None:
    silent = answers(["gan", "flux"], ["flux", "gan"], [0.4, 0.3], [False, False])
    found = attributed(silent, draws=20)
    assert found.accuracy.value == found.coverage.value == found.given.value == 0.0
    assert np.isnan(found.precision.value)
    assert found.confusion[:, -1].tolist() == [1, 1]
