"""The operating point in words."""

import copy
from typing import Any

import pytest

from clipfake.report.page.figures import BINS
from clipfake.report.page.operating import Operating
from tests.report.page.rows import ABOUT


def operating(threshold: float = 0.9, **changes: Any) -> Operating:
    about = copy.deepcopy(ABOUT)
    about["operating"].update(changes)
    return Operating.of(about, [threshold])


def test_a_judge_reads_what_the_setting_does() -> None:
    assert operating().sentences(1000, 30) == [
        "Of 100 real photographs about 1 is called AI at this setting (95 % interval 0 to 2.3); "
        "measured on 10 real photographs of 3 sources.",
        "Of 100 AI images about 70 are called AI, and about 30 are not: no finding is no proof "
        "that a picture is real.",
        "Were all 1,000 scored images here real photographs, about 10 of them would be called AI "
        "by their pixels (up to 23 by the interval). 30 are.",
    ]


def test_sources_are_told_only_of_the_images_that_were_measured() -> None:
    other = operating(known={"scores": [0.1], "sources": 1})
    assert other.points[0].measured_on == "10 real photographs"
    assert operating(known=None).points[0].measured_on == "10 real photographs"


def test_a_threshold_of_ones_own_claims_no_rate() -> None:
    (said,) = operating(0.7).sentences(10, 1)
    assert "chosen by hand" in said
    assert operating(0.7).point is None


def test_float32_thresholds_are_those_of_the_adapter() -> None:
    import numpy as np

    assert operating(float(np.float32(0.9))).point is operating().points[1] or (
        operating(float(np.float32(0.9))).point == operating().points[1]
    )


@pytest.mark.parametrize("thresholds", [[], [0.5, 0.9]])
def test_no_threshold_or_several_are_no_operating_point(thresholds: list[float]) -> None:
    found = Operating.of(ABOUT, thresholds)
    assert found.threshold is None
    assert len(found.sentences(0, 0)) == 1


def test_a_score_is_put_in_words() -> None:
    assert operating().words(0.95) == [
        "About 1 in 100 real photographs score 0.900 or more, as this does.",
        "Of 10 known real photographs 0 score as high or higher.",
    ]
    assert operating().words(0.1) == [
        "More than 1 in 20 real photographs score as high as this.",
        "95 in 100 AI images score above 0.250, and this does not.",
        "Of 10 known real photographs 9 score as high or higher.",
    ]


def test_known_scores_become_bins() -> None:
    assert sum(operating().histogram) == 10
    assert len(operating().histogram) == BINS
    assert operating(known=None).histogram == []


@pytest.mark.parametrize(
    "facts",
    [
        None,
        [],
        "x",
        {},
        {"points": 3},
        {"points": [{}]},
        {"points": [None]},
        {"points": [], "known": {"scores": ["x"]}},
        {"points": [], "known": 3},
        {"points": [], "real_below": "low"},
        {"points": [{**ABOUT["operating"]["points"][0], "fpr_interval": [1]}]},
    ],
)
def test_facts_of_another_form_are_not_known(facts: Any) -> None:
    found = Operating.of({"operating": facts}, [0.9])
    assert (found.threshold, list(found.points), list(found.known)) == (0.9, [], [])
