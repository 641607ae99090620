"""Figures of scores, against scikit-learn and against values worked out by hand."""

import numpy as np
import pytest
from sklearn import metrics

from clipfake.detector.calibration import DecisionRule
from clipfake.errors import UsageError
from clipfake.evaluation.figures import (
    Images,
    by_generator,
    by_real_source,
    figures,
    means,
)
from clipfake.evaluation.intervals import bootstrap
from clipfake.evaluation.scores import Scores
from clipfake.sources.labelled import Example

RULE = DecisionRule(threshold=0.8, real_below=0.3)


def images(*rows: tuple[bool, str, float | None]) -> Images:
    """Images of label, generator and score, each a source of its own."""
    examples = [Example(f"{n}.png", ai, name, str(n)) for n, (ai, name, _) in enumerate(rows)]
    values = np.array([np.nan if score is None else score for *_, score in rows])
    problems = [f"{n}.png: broken" if score is None else None for n, (*_, score) in enumerate(rows)]
    return Images.of(examples, Scores(values, problems, np.zeros(len(rows), bool), "test"))


def drawn(count: int, seed: int) -> Images:
    rng = np.random.default_rng(seed)
    labels = rng.random(count) < 0.4
    scores = np.clip(rng.normal(0.4 + 0.3 * labels, 0.2), 0, 1).round(2)  # with ties
    return images(*((bool(a), "g", float(s)) for a, s in zip(labels, scores, strict=True)))


@pytest.mark.parametrize("seed", range(4))
def test_each_figure_is_that_of_scikit_learn(seed: int) -> None:
    own = drawn(200, seed)
    found = figures(own, RULE, draws=20)
    y, s = own.is_ai, own.scores
    assert found.auc.value == pytest.approx(metrics.roc_auc_score(y, s), abs=1e-12)
    expected = metrics.average_precision_score(y, s)
    assert found.average_precision.value == pytest.approx(expected, abs=1e-12)
    assert found.brier is not None
    assert found.brier.value == pytest.approx(metrics.brier_score_loss(y, s), abs=1e-12)
    for estimate, value in (
        (found.accuracy_half, metrics.accuracy_score(y, s >= 0.5)),
        (found.accuracy, metrics.accuracy_score(y, s >= 0.8)),
        (found.balanced_accuracy, metrics.balanced_accuracy_score(y, s >= 0.8)),
        (found.recall, metrics.recall_score(y, s >= 0.8)),
        (found.fpr, (s[~y] >= 0.8).mean()),
    ):
        assert estimate is not None
        assert estimate.value == pytest.approx(value, abs=1e-12)
        assert estimate.low <= estimate.value <= estimate.high
    for rate, estimate in found.recall_at.items():
        # the best of all thresholds that accuse few enough
        cuts = [t for t in [*np.unique(s), 2.0] if (s[~y] >= t).mean() <= rate]
        assert estimate.value == pytest.approx(max((s[y] >= t).mean() for t in cuts), abs=1e-12)


def test_figures_by_hand() -> None:
    own = images((True, "a", 0.9), (True, "a", 0.2), (False, "r", 0.85), (False, "r", 0.1))
    found = figures(own, RULE, draws=20)
    assert found.auc.value == 0.75  # of four pairs, 0.2 against 0.85 is the wrong one
    assert found.average_precision.value == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert found.recall is not None
    assert found.recall.value == 0.5
    assert found.fpr is not None
    assert found.fpr.value == 0.5
    assert found.inconclusive == 0.0
    assert found.recall_at[0.01].value == 0.5
    assert found.brier is not None
    assert found.brier.value == pytest.approx((0.01 + 0.64 + 0.7225 + 0.01) / 4)
    assert found.calibration_error is not None
    # each score has a bin of its own but for the two of about 0.9: 13/15 = 0.867
    gaps = abs(1 - 0.9) + abs(1 - 0.2) + abs(0 - 0.85) + abs(0 - 0.1)
    assert found.calibration_error.value == pytest.approx(gaps / 4)


def test_images_without_a_score_are_misses_and_wrong_and_no_lesser_alarms() -> None:
    rows = [(True, "a", 0.9), (True, "a", None), (False, "r", 0.85), (False, "r", 0.1)]
    found = figures(images(*rows, (False, "r", None)), RULE, draws=20)
    assert (found.ai, found.ai_unscored, found.real, found.real_unscored) == (2, 1, 3, 1)
    assert found.recall is not None
    assert found.recall.value == 0.5  # of both AI images
    assert found.fpr is not None
    assert found.fpr.value == 0.5  # of the two real images that were scored
    assert found.accuracy is not None
    assert found.accuracy.value == pytest.approx(2 / 5)
    assert found.accuracy_half is not None
    assert found.accuracy_half.value == pytest.approx(2 / 5)
    assert found.balanced_accuracy is not None
    assert found.balanced_accuracy.value == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert found.auc.value == 1.0  # 0.9 is above both real scores


def test_scores_that_are_no_probabilities_have_no_calibration() -> None:
    own = images((True, "a", 3.0), (False, "r", -2.0))
    found = figures(own, None, draws=20)
    assert found.auc.value == 1.0
    assert found.calibration_error is found.brier is found.accuracy_half is None
    assert found.accuracy is found.recall is found.fpr is found.inconclusive is None


def test_generators_take_their_own_reals_or_else_all() -> None:
    own = images(
        (True, "a", 0.6),
        (False, "a", 0.7),
        (True, "b", 0.65),
        (False, "r", 0.1),
        (True, "c", None),
    )
    rows = by_generator(own, RULE, draws=20)
    assert [(row.name, row.reals, row.real) for row in rows] == [("a", "own", 1), ("b", "all", 2)]
    assert [row.auc.value for row in rows] == [0.0, 0.5]
    assert means(rows)["auc"] == 0.25
    reals = by_real_source(own, RULE)
    assert [(row.name, row.images, row.fpr.value) for row in reals] == [("a", 1, 0), ("r", 1, 0)]


def test_false_alarms_are_told_by_source_where_sources_have_several_images() -> None:
    is_ai = np.array([True, False, False, False, False])
    sources = np.array(["True:x", "False:a:b", "False:a:b", "False:c", "False:c"])
    scores = np.array([0.9, 0.95, 0.1, np.nan, 0.2])
    own = Images(is_ai, np.array(["g", "r", "r", "r", "r"]), sources, scores)
    rows = by_real_source(own, RULE)
    assert [(row.name, row.images, row.unscored, row.fpr.value) for row in rows] == [
        ("a:b", 2, 0, 0.5),
        ("c", 1, 1, 0.0),
    ]


def test_a_class_without_a_score_is_an_error() -> None:
    own = images((True, "a", None), (False, "r", 0.5))
    with pytest.raises(UsageError, match="none of the 1 AI-generated images has a score"):
        own.check("set.csv")


def test_files_that_are_no_image_are_not_counted() -> None:
    examples = [Example("a", True, "g", "a"), Example("b.txt", False, "g", "b")]
    scores = Scores(np.array([0.5, np.nan]), [None, "b.txt: text"], np.array([False, True]), "x")
    assert Images.of(examples, scores).is_ai.tolist() == [True]


def test_intervals_take_whole_sources() -> None:
    is_ai = np.array([True] * 40 + [False] * 40)
    hits = np.array(([True] * 20 + [False] * 20) * 2)
    alone = np.arange(80).astype(str)
    together = np.array([str(n // 20) for n in range(80)])

    def share(times: np.ndarray) -> list[float]:
        return [float(times[hits].sum() / times.sum())]

    (narrow,) = bootstrap(share, is_ai, alone, draws=500)
    (wide,) = bootstrap(share, is_ai, together, draws=500)
    assert narrow.value == wide.value == 0.5
    # 80 independent images: the standard error is 0.056; 4 sources of 20: 0.25
    assert 0.15 < narrow.high - narrow.low < 0.27
    assert wide.high - wide.low > 0.5
