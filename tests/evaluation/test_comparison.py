"""Two detectors on the same images."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from clipfake.errors import UsageError
from clipfake.evaluation.comparison import compare
from clipfake.evaluation.figures import Images


def images(scores: np.ndarray, is_ai: np.ndarray) -> Images:
    sources = np.arange(len(is_ai)).astype(str)
    return Images(is_ai, np.full(len(is_ai), "g"), sources, scores)


@pytest.fixture
def is_ai() -> np.ndarray:
    return np.arange(200) % 2 == 0


def test_a_better_detector_is_told_from_a_worse_one(is_ai: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=200)
    worse, better = images(is_ai + noise, is_ai), images(3 * is_ai + noise, is_ai)
    rows = compare(worse, better, draws=200)
    assert [row.figure for row in rows] == ["AUC", "average precision", "recall at 1% FPR"]
    auc, precision, _ = rows
    assert auc.first == pytest.approx(roc_auc_score(is_ai, worse.scores))
    assert auc.second == pytest.approx(roc_auc_score(is_ai, better.scores))
    assert precision.second == pytest.approx(average_precision_score(is_ai, better.scores))
    assert auc.difference.low > 0
    assert auc.p == 2 / 200  # no less can be told of 200 draws
    assert compare(better, worse, draws=200)[0].difference.high < 0


def test_the_same_scores_do_not_differ(is_ai: np.ndarray) -> None:
    own = images(is_ai + np.random.default_rng(1).normal(size=200), is_ai)
    for row in compare(own, own, draws=50):
        assert row.difference.value == row.difference.low == row.difference.high == 0
        assert row.p == 1


def test_detectors_alike_are_not_told_apart(is_ai: np.ndarray) -> None:
    rng = np.random.default_rng(2)
    one, other = (images(is_ai + rng.normal(size=200), is_ai) for _ in range(2))
    auc = compare(one, other, draws=200)[0]
    assert auc.difference.low < 0 < auc.difference.high
    assert auc.p > 0.05


def test_only_images_that_both_scored_count(is_ai: np.ndarray) -> None:
    scores = is_ai.astype(float)
    first, second = scores.copy(), scores.copy()
    first[is_ai] = np.nan
    with pytest.raises(UsageError, match="no images of both classes in common"):
        compare(images(first, is_ai), images(second, is_ai), draws=20)
    second[0], second[1] = np.nan, 5.0
    first = scores.copy()
    first[2] = -1.0
    rows = compare(images(first, is_ai), images(second, is_ai), draws=20)
    assert rows[0].first == pytest.approx(roc_auc_score(is_ai[1:], first[1:]))
