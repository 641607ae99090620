"""Calibration, thresholds, intervals and verdicts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipfake.detector.calibration import (
    DecisionRule,
    OperatingPoint,
    Platt,
    expected_calibration_error,
    fit_platt,
    operating_points,
    share_interval,
    threshold_at_fpr,
    threshold_at_recall,
)
from clipfake.records import Verdict


def test_platt_is_a_logistic_and_survives_extreme_logits() -> None:
    platt = Platt(2.0, -1.0)
    assert platt(np.array([0.5])) == pytest.approx([0.5])
    assert platt(np.array([-1e6, 1e6])).tolist() == [0.0, 1.0]


def test_fit_platt_recovers_the_parameters_that_made_the_labels() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, 40_000)
    is_ai = rng.random(40_000) < Platt(1.7, 0.0)(logits)
    fitted = fit_platt(logits, is_ai)
    assert fitted.a == pytest.approx(1.7, rel=0.05)
    assert fitted.b == pytest.approx(0.0, abs=0.05)


def test_fit_platt_stays_finite_on_separable_data() -> None:
    fitted = fit_platt(np.array([-1.0, -2.0, 1.0, 2.0]), np.array([False, False, True, True]))
    assert np.isfinite([fitted.a, fitted.b]).all()
    assert fitted.a > 0


@given(
    st.lists(st.floats(0, 1, width=32), min_size=1, max_size=60),
    st.sampled_from([0.5, 0.05, 0.01, 0.001]),
)
def test_threshold_keeps_the_false_positive_rate_even_with_ties(
    scores: list[float], fpr: float
) -> None:
    real = np.array(scores)
    assert (real >= threshold_at_fpr(real, fpr)).mean() <= fpr


def test_threshold_at_fpr_is_the_lowest_that_does() -> None:
    real = np.arange(100) / 100
    threshold = threshold_at_fpr(real, 0.05)
    assert (real >= threshold).sum() == 5
    assert threshold == pytest.approx(0.94, abs=1e-6)


def test_threshold_below_one_in_n_lets_no_real_image_pass() -> None:
    real = np.array([0.2, 0.9])
    assert (real >= threshold_at_fpr(real, 0.001)).sum() == 0


def test_threshold_at_recall_keeps_the_recall() -> None:
    ai = np.arange(100) / 100
    assert threshold_at_recall(ai, 0.95) == pytest.approx(0.05)
    assert (ai >= threshold_at_recall(ai, 0.95)).mean() == pytest.approx(0.95)


def test_interval_is_wilsons_for_images_of_their_own() -> None:
    groups = np.array([str(i) for i in range(100)])
    low, high = share_interval(np.zeros(100, dtype=bool), groups)
    assert low == 0.0
    assert high == pytest.approx(0.036995, abs=1e-4)  # z^2 / (n + z^2)


def test_interval_is_wider_when_images_come_in_sources() -> None:
    hits = np.repeat(np.arange(10) % 2 == 0, 20)
    alone = share_interval(hits, np.array([str(i) for i in range(200)]))
    grouped = share_interval(hits, np.repeat([str(i) for i in range(10)], 20))
    assert grouped[1] - grouped[0] > 2 * (alone[1] - alone[0])


def test_operating_points_are_those_of_the_scores() -> None:
    scores = np.concatenate([np.arange(1000) / 2000, np.full(100, 0.9)])
    is_ai = np.arange(1100) >= 1000
    groups = np.array([str(i) for i in range(1100)])
    points = operating_points(scores, is_ai, groups)
    assert [point.fpr for point in points] == [0.05, 0.01, 0.001]
    assert points[1].threshold == pytest.approx(0.4945, abs=1e-4)
    assert all(point.recall == 1.0 and point.reals == 1000 for point in points)
    assert points[1].fpr_interval[0] <= 0.01 <= points[1].fpr_interval[1]
    assert OperatingPoint.from_header(points[0].to_header()) == points[0]


def test_verdict_bounds_belong_to_the_higher_side() -> None:
    rule = DecisionRule(threshold=0.8, real_below=0.3)
    verdicts = [rule.verdict(score) for score in (0.8, 0.7999, 0.3, 0.2999)]
    expected = [Verdict.AI, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE, Verdict.REAL]
    assert verdicts == expected


def test_calibration_error_by_hand() -> None:
    scores = np.array([0.1, 0.1, 0.9, 0.9])
    assert expected_calibration_error(scores, np.array([False, False, True, True])) == (
        pytest.approx(0.1)
    )
    # both lie in the first of ten bins: mean score 0.05, half of them AI
    wrong = expected_calibration_error(np.array([0.02, 0.08]), np.array([True, False]), bins=10)
    assert wrong == pytest.approx(abs(0.5 - 0.05))
    assert expected_calibration_error(np.array([1.0]), np.array([True])) == 0.0
