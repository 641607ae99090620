"""Thresholds by the upper bound of their false-positive rate."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy.stats import beta, binom

from clipfake.detector.adapter import Adapter
from clipfake.detector.calibration import Platt
from clipfake.detector.head import Head
from clipfake.detector.looks import Looks
from clipfake.detector.second_look import SecondLook, Thresholds
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.training.promise import Reals, coverage, promise
from clipfake.training.validation import Scored


def alone(count: int) -> np.ndarray:
    return np.array([f"source {number}" for number in range(count)])


def test_images_of_sources_of_their_own_have_clopper_and_pearsons_bound() -> None:
    scores = np.linspace(0, 1, 3000, endpoint=False)
    reals = Reals(scores, alone(3000))
    rate = reals.rate(scores[-60])
    assert (rate.accused, rate.share) == (60, 0.02)
    assert rate.upper == pytest.approx(beta.ppf(0.95, 61, 2940), rel=2e-3)
    # the bound is where so few would be found once in twenty times
    assert binom.cdf(60, 3000, rate.upper) == pytest.approx(0.05, abs=2e-3)


def test_the_interval_has_two_sides_and_knows_weights_and_sources() -> None:
    scores = np.linspace(0, 1, 3000, endpoint=False)
    low, high = Reals(scores, alone(3000)).interval(scores[-60])
    assert low == pytest.approx(beta.ppf(0.025, 60, 2941), rel=2e-3)
    assert high == pytest.approx(beta.ppf(0.975, 61, 2940), rel=2e-3)
    rare = Reals(scores, alone(3000), np.where(scores >= scores[-60], 0.1, 1.0))
    assert rare.interval(scores[-60])[1] < 0.5 * high
    together = Reals(scores, np.repeat(alone(100), 30)).interval(scores[-60])
    assert together[0] < low
    assert together[1] > high
    assert Reals(scores, alone(3000)).interval(2.0)[0] == 0.0
    assert Reals(scores, alone(3000)).interval(0.0)[1] == 1.0


def test_a_threshold_is_the_lowest_that_keeps_the_bound() -> None:
    scores = np.random.default_rng(0).random(4000)
    reals = Reals(scores, alone(4000))
    for fpr in (0.05, 0.01, 0.001):
        threshold = reals.threshold(fpr)
        assert reals.rate(threshold).upper <= fpr
        lower = np.sort(scores[scores < threshold])[-1]
        assert reals.rate(lower).upper > fpr


def test_too_few_images_prove_nothing() -> None:
    scores = np.random.default_rng(0).random(200)
    reals = Reals(scores, alone(200))
    threshold = reals.threshold(0.01)
    assert threshold > scores.max()
    assert reals.rate(threshold).upper > 0.01


def test_images_of_one_source_count_for_less() -> None:
    rng = np.random.default_rng(1)
    sources = np.repeat(alone(100), 20)
    alike = np.repeat(rng.random(100), 20) + rng.random(2000) * 0.01
    mixed = rng.permutation(alike)
    together, apart = Reals(alike, sources), Reals(mixed, sources)
    assert together.rate(0.95).share == apart.rate(0.95).share
    assert together.rate(0.95).upper > 1.5 * apart.rate(0.95).upper
    assert together.threshold(0.05) > apart.threshold(0.05)


def test_a_weight_is_as_many_images() -> None:
    scores = np.array([0.9, 0.5, 0.1, 0.05])
    weighted = Reals(scores, alone(4), np.array([1.0, 1.0, 6.0, 2.0]))
    assert weighted.rate(0.4).share == pytest.approx(0.2)


def test_equal_scores_are_accused_together() -> None:
    scores = np.concatenate([np.full(30, 0.9), np.linspace(0, 0.5, 970)])
    reals = Reals(scores, alone(1000))
    assert reals.threshold(0.01) > 0.9


def test_promises_mostly_hold_on_the_other_half() -> None:
    rng = np.random.default_rng(2)
    sources = np.repeat(alone(300), 10)
    broken = coverage(rng.random(3000), sources, 0.05, halves=60)
    assert broken < 0.35


def adapter() -> Adapter:
    head = Head(torch.zeros(2, 4), torch.zeros(1))
    none = Thresholds((), 0.0)
    look = SecondLook(Platt(), 0.0, 1.0, none, none)
    blank = Adapter("a", "b", (1,), Preprocessing(), head, Platt(), (), 0.0, {})
    return dataclasses.replace(blank, second=look)


def scored(count: int = 4000) -> Scored:
    rng = np.random.default_rng(3)
    is_ai = np.arange(count) % 2 == 1
    first = np.where(is_ai, 2.0, -2.0) + rng.normal(0, 1.5, count)
    second = first + np.where(is_ai, 1.0, -1.0)
    return Scored(first, is_ai, alone(count), second)


def test_both_looks_get_thresholds_that_keep_their_bounds() -> None:
    seen = scored()
    made = promise(adapter(), seen)
    look = made.second_look
    assert look is not None
    assert 0 < look.opens < look.settled <= 1
    assert look.opens == made.real_below
    first = made.calibration(seen.logits)
    second = look.calibration(seen.second)
    finals = {
        Looks.FIRST: first,
        Looks.AUTO: look.chosen(first, second),
        Looks.ALL: second,
    }
    for looks, scores in finals.items():
        for point in made.thresholds(looks).points:
            share = float((scores[~seen.is_ai].astype(np.float32) >= point.threshold).mean())
            assert point.accused == pytest.approx(share, abs=1e-3)
            assert share <= point.upper <= max(point.fpr, 0.002)
            assert point.sources == point.reals == 2000
    recalls = [
        made.thresholds(looks).points[1].recall for looks in (Looks.FIRST, Looks.AUTO, Looks.ALL)
    ]
    assert recalls[0] < recalls[1] <= recalls[2] + 0.05


def test_second_looks_may_be_missing_only_where_none_is_taken() -> None:
    seen = scored()
    made = promise(adapter(), seen)
    assert made.second_look is not None
    first = made.calibration(seen.logits).astype(np.float32)
    wanted = made.second_look.wanted(first, Looks.AUTO)
    some = dataclasses.replace(seen, second=np.where(wanted, seen.second, np.nan))
    assert promise(adapter(), some).second_look is not None
    none = dataclasses.replace(seen, second=np.where(wanted, np.nan, seen.second))
    with pytest.raises(ValueError, match="second look"):
        promise(adapter(), none)
