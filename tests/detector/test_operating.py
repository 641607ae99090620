"""What a report carries of a detector's thresholds."""

import json

from clipfake.detector.adapter import load_adapter
from clipfake.detector.operating import operating_facts
from clipfake.detector.second_look import Looks
from clipfake.report.page.operating import Operating
from tests.small import small_adapter, small_second


def test_the_built_in_detector_tells_points_and_known_images() -> None:
    adapter = load_adapter()
    facts = json.loads(json.dumps(operating_facts(adapter)))
    found = Operating.of({"operating": facts}, [adapter.rule().threshold])
    assert found.point is not None
    assert found.point.fpr == 0.01
    assert found.point.measured_on == "523 real photographs of 34 sources"
    assert len(found.known) == found.point.reals
    higher = sum(score >= found.point.threshold for score in found.known)
    low, high = found.point.fpr_interval
    assert low <= higher / found.point.reals <= high


def test_known_images_are_told_of_the_first_look_alone() -> None:
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
