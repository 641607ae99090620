"""Counters of a scan's stages, and rates of them."""

from pathlib import Path

import pytest
import torch

from clipfake import Detector
from clipfake.detector.head import Head
from clipfake.plan import ScanPlan
from clipfake.scanning import run
from clipfake.scanning.events import Started
from clipfake.scanning.stages import WINDOW_SECONDS, Pace, Rates, Stages
from tests.conftest import encoded, picture
from tests.small import WIDTH, small_adapter, small_tower


def counted(plan: ScanPlan, detector: Detector | None = None) -> Stages:
    with run(plan, detector=detector) as events:
        started = next(event for event in events if isinstance(event, Started))
        assert started.stages == Stages()
        list(events)
    return started.stages


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.png").write_bytes(encoded(picture(300, 200, seed=number % 3)))
    (folder / "broken.png").write_bytes(encoded(picture())[:60])
    return folder


def test_each_stage_counts_what_it_does(folder: Path, tmp_path: Path) -> None:
    head = Head(torch.zeros(9, WIDTH), torch.tensor([-9.0]))
    detector = Detector(small_tower(), small_adapter(head), device="cpu")
    plan = ScanPlan.of([str(folder)], workers=0, cache=tmp_path / "cache")
    first = counted(plan, detector)
    assert (first.read, first.cached, first.scored) == (5, 0, 3)  # two have the same bytes
    assert first.waiting > 0.0
    assert first.scoring > 0.0
    again = counted(plan, detector)
    assert again.read == 5
    assert again.cached >= 4
    assert again.scored == 0


def test_a_scan_of_metadata_reads(folder: Path) -> None:
    stages = counted(ScanPlan.of([str(folder)], workers=0, no_pixels=True))
    assert stages == Stages(read=5)


def test_rates_are_of_the_last_seconds_and_say_what_the_rest_waits_for() -> None:
    stages = Stages()
    rates = Rates(stages, 100.0)
    assert rates.at(100.0) == Pace(0.0, 0.0, "")
    for second in range(1, 31):
        slow = second > 15
        stages.read += 1 if slow else 10
        stages.scored += 1 if slow else 8
        stages.waiting += 0.9 if slow else 0.1
        stages.scoring += 0.1 if slow else 0.9
        pace = rates.at(100.0 + second)
        if second == 10:
            assert (pace.read, pace.scored, pace.limit) == (10.0, 8.0, "encoder")
    assert pace.read == pytest.approx(1.0)
    assert pace.limit == "decoding"
    assert WINDOW_SECONDS == 15.0


def test_without_images_it_is_reading_that_takes_the_time() -> None:
    stages = Stages()
    rates = Rates(stages, 0.0)
    stages.read, stages.cached, stages.waiting = 50, 50, 1.0
    assert rates.at(1.0) == Pace(50.0, 0.0, "reading")
