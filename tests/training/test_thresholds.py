"""Thresholds set on real images of one's own."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from clipfake.detector.adapter import Adapter
from clipfake.detector.adapter_file import load_adapter
from clipfake.detector.calibration import OperatingPoint, Platt
from clipfake.detector.head import Head, normalise
from clipfake.detector.looks import Looks
from clipfake.detector.reference import Reference
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.training.thresholds import rates_by_source, set_on_reals, total_rate
from tests.small import small_adapter, small_second


def point(fpr: float, threshold: float) -> OperatingPoint:
    return OperatingPoint(fpr, threshold, (0.0, 0.02), 0.5, (0.4, 0.6), 500)


@pytest.fixture
def adapter() -> Adapter:
    points = (point(0.05, 0.5), point(0.01, 0.8), point(0.001, 0.9))
    head = Head(torch.eye(1, 4), torch.zeros(1))
    frozen = replace(load_adapter(), lora_shape=None, lora={})
    return replace(
        frozen, head=head, blocks=(4,), points=points, calibration=Platt(), real_below=0.3
    )


def sources(count: int) -> np.ndarray:
    return np.array([f"s{number % 4}" for number in range(count)])


def test_few_images_only_raise(adapter: Adapter) -> None:
    scores = np.array([0.1] * 7 + [0.85])
    tuned = set_on_reals(adapter, scores, sources(8), None)
    above = float(np.nextafter(np.float32(0.85), np.float32(2)))
    assert [p.threshold for p in tuned.points] == [above, above, 0.9]
    # a threshold that did not move keeps all that is known of it
    assert tuned.points[2] == adapter.points[2]
    assert tuned.points[0].recall is None
    assert tuned.points[0].recall_interval is None
    assert tuned.points[0].reals == 8
    low, high = tuned.points[0].fpr_interval
    assert low == 0.0
    assert high == pytest.approx(1.96**2 / (8 + 1.96**2), abs=1e-4)  # Wilson's, no hits of 8


def test_low_scores_of_few_images_move_nothing(adapter: Adapter) -> None:
    assert set_on_reals(adapter, np.full(59, 0.1), sources(59), None).points == adapter.points


def test_many_images_set_a_threshold_and_may_lower_it(adapter: Adapter) -> None:
    # 60 * 0.05 is 3 images, 60 * 0.01 is not
    scores = (np.arange(60) / 100).astype(np.float32).astype(np.float64)
    tuned = set_on_reals(adapter, scores, sources(60), None)
    assert (scores >= tuned.points[0].threshold).sum() == 3
    assert [p.threshold for p in tuned.points[1:]] == [0.8, 0.9]
    scores = (np.arange(60) / 200).astype(np.float32).astype(np.float64)
    tuned = set_on_reals(adapter, scores, sources(60), None)
    assert tuned.points[0].threshold == np.nextafter(np.float32(0.28), np.float32(2))
    assert tuned.points[0].threshold < adapter.points[0].threshold


def test_thresholds_keep_their_order_and_real_stays_below(adapter: Adapter) -> None:
    for top in (0.2, 0.6, 0.99):
        scores = np.linspace(0.0, top, 80).astype(np.float32).astype(np.float64)
        tuned = set_on_reals(adapter, scores, sources(80), None)
        thresholds = [p.threshold for p in tuned.points]
        assert thresholds == sorted(thresholds)
        for p in tuned.points:
            rule = tuned.rule(fpr=p.fpr)
            assert rule.real_below <= rule.threshold
            assert (scores >= rule.threshold).mean() <= p.fpr


def test_recall_at_a_new_threshold_is_that_of_the_reference_set(adapter: Adapter) -> None:
    tokens = normalise(torch.tensor([[[3.0, 0, 0, 0]], [[0, 3.0, 0, 0]], [[2.0, 1, 0, 0]]]))
    reference = Reference(
        tokens,
        np.array([True, True, False]),
        np.array(["a", "b", "c"]),
        adapter.backbone,
        adapter.blocks,
        Preprocessing(),
    )
    assert reference.fits(adapter)
    # logits of the two AI images are sqrt(3) and -1/sqrt(3): scores 0.850 and 0.360
    tuned = set_on_reals(adapter, np.array([0.82] * 8), sources(8), reference)
    assert [p.recall for p in tuned.points] == [0.5, 0.5, 0.5]
    assert tuned.points[0].recall_interval == pytest.approx((0.0, 1.0))
    tuned = set_on_reals(adapter, np.array([0.95] * 8), sources(8), reference)
    assert [p.recall for p in tuned.points] == [0.0, 0.0, 0.0]


def test_rates_by_source_by_hand() -> None:
    scores = np.array([0.9, 0.1, 0.2, 0.3, 0.9, 0.8])
    names = np.array(["b", "b", "b", "b", "a", "a"])
    a, b = rates_by_source(scores, names, 0.85)
    assert (a.source, a.images, a.fpr) == ("a", 2, 0.5)
    assert (b.source, b.images, b.fpr) == ("b", 4, 0.25)
    # Wilson 1927: z = 1.96, 1 of 4
    z, n, p = 1.959964, 4, 0.25
    half = z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    wanted = [(p + z * z / (2 * n) + sign * half) / (1 + z * z / n) for sign in (-1, 1)]
    assert b.interval == pytest.approx(wanted, abs=1e-5)
    together = total_rate(scores, names, 0.85)
    assert (together.source, together.images) == ("all", 6)
    assert together.fpr == pytest.approx(2 / 6)


@pytest.mark.parametrize("looks", list(Looks))
def test_only_thresholds_of_the_looks_in_use_move(looks: Looks) -> None:
    adapter = small_adapter(second=small_second())
    scores = np.full(8, 0.999)
    tuned = set_on_reals(adapter, scores, sources(8), None, looks)
    above = float(np.nextafter(np.float32(0.999), np.float32(2)))
    assert {point.threshold for point in tuned.thresholds(looks).points} == {above}
    assert tuned.thresholds(looks).real_below == adapter.thresholds(looks).real_below
    for other in set(Looks) - {looks}:
        assert tuned.thresholds(other) == adapter.thresholds(other)
