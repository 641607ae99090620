"""What a report carries of a detector's thresholds."""

import json

import pytest

from clipfake.detector.adapter_file import load_adapter
from clipfake.detector.looks import Looks
from clipfake.detector.operating import operating_facts
from clipfake.report.page.operating import Operating
from tests.small import small_adapter, small_second


@pytest.mark.parametrize("looks", Looks)
def test_the_built_in_detector_tells_points_and_known_images(looks: Looks) -> None:
    adapter = load_adapter()
    facts = json.loads(json.dumps(operating_facts(adapter, looks)))
    found = Operating.of({"operating": facts}, [adapter.rule(looks=looks).threshold])
    assert found.point is not None
    assert found.point.fpr == 0.01
    images = {Looks.ALL: "2,989 real photographs of 546 sources"}
    assert found.point.measured_on == images.get(looks, "7,774 real photographs of 695 sources")
    assert found.point.upper is not None
    assert found.point.accused is not None
    assert found.point.accused < found.point.upper <= found.point.fpr
    assert "0.7 in 100 were, which shows that it is at most" in found.sentences(3, 1)[0]
    assert len(found.known) > 100
    higher = sum(score >= found.point.threshold for score in found.known)
    assert higher / len(found.known) <= 0.03  # few of the few that are kept


def test_a_rate_that_is_not_proven_is_told() -> None:
    adapter = load_adapter()
    facts = json.loads(json.dumps(operating_facts(adapter, Looks.AUTO)))
    rule = adapter.rule(fpr=0.001, looks=Looks.AUTO)
    said = Operating.of({"operating": facts}, [rule.threshold]).sentences(3, 1)[0]
    assert said.startswith("Of 100 real photographs at most 0.1 are called AI at this setting: of ")
    assert " 0.01 in 100 were, " in said  # few are not none
    for point in facts["points"]:
        point["upper"] = point["fpr"] + 0.0001
    said = Operating.of({"operating": facts}, [rule.threshold]).sentences(3, 1)[0]
    assert said.startswith("This setting is meant for 0.1 in 100 real photographs called AI: of ")


def test_points_are_those_of_the_looks_taken() -> None:
    adapter = small_adapter(second=small_second())
    for looks in Looks:
        facts = json.loads(json.dumps(operating_facts(adapter, looks)))
        thresholds = adapter.thresholds(looks)
        assert [each["threshold"] for each in facts["points"]] == [
            point.threshold for point in thresholds.points
        ]
        assert facts["real_below"] == thresholds.real_below
        rule = adapter.rule(looks=looks)
        found = Operating.of({"operating": facts}, [rule.threshold])
        assert found.threshold == rule.threshold
        assert found.point is not None
        assert found.sentences(3, 1)  # which say nothing of known images where there are none
    plain = operating_facts(load_adapter(), Looks.FIRST)
    assert plain["known"] is not None
