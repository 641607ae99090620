"""What a report carries of a detector's thresholds."""

import json

from clipfake.detector.adapter import load_adapter
from clipfake.detector.operating import operating_facts
from clipfake.report.page.operating import Operating


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
