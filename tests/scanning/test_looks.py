"""Second looks in a scan: what is taken, what is told, and that nothing hangs on the batch."""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from clipfake.detector.detector import Detector
from clipfake.detector.second_look import SecondLook
from clipfake.errors import UsageError
from clipfake.imaging.limits import Limits
from clipfake.plan import ScanPlan
from clipfake.records import Record, Verdict
from clipfake.scanning.cache import Cache
from clipfake.scanning.pipeline import records
from clipfake.scanning.score import scan_items
from clipfake.scanning.see import see_items
from clipfake.sources import Item
from tests.conftest import encoded, picture
from tests.small import small_adapter, small_second, small_tower

SIZES = [(64, 64), (96, 64), (64, 200), (400, 40), (300, 225), (50, 80), (70, 50)]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Pictures of several shapes, two of the same bytes, and one that is none."""
    folder = tmp_path_factory.mktemp("pictures")
    names = []
    for number, size in enumerate(SIZES):
        names.append(folder / f"{number:02d}.png")
        names[-1].write_bytes(encoded(picture(*size, seed=number)))
    names.append(folder / "again.png")
    names[-1].write_bytes(names[3].read_bytes())
    names.append(folder / "cut.jpg")
    names[-1].write_bytes(encoded(picture(), "JPEG")[:500])
    return [str(name) for name in names]


def of(looks: str, second: SecondLook | None = None, **options: Any) -> Detector:
    adapter = small_adapter(second=second or small_second())
    return Detector(small_tower(), adapter, device="cpu", looks=looks, **options)


@pytest.fixture(scope="module")
def between(files: list[str]) -> tuple[float, float]:
    """Scores of the first look between which about half of the pictures lie."""
    first = of("first").score([name for name in files if name.endswith("png")])
    low, high = np.quantile(first, [0.3, 0.8]).tolist()
    return low, high


def scanned(
    names: Sequence[str], detector: Detector, *, workers: int = 0, cache: Cache | None = None
) -> list[Record]:
    items = [Item(name) for name in names]
    found = scan_items(
        items, detector, detector.rule(), limits=Limits(), workers=workers, cache=cache
    )
    return list(found)


def by_path(found: Sequence[Record]) -> dict[str, tuple[Any, ...]]:
    return {r.path: (r.score, r.score_first, r.score_second, r.looks, r.verdict) for r in found}


def test_each_way_of_looking(files: list[str], between: tuple[float, float]) -> None:
    low, high = between
    second = small_second(opens=low, settled=high)
    first, auto, every = (
        by_path(scanned(files, of(looks, second))) for looks in ("first", "auto", "all")
    )
    taken = 0
    for name in files[:-1]:
        score, at_first, at_second, looks, _ = first[name]
        assert (score, at_second, looks) == (at_first, None, 1)
        whole, again, deciding, both, _ = every[name]
        assert (whole, again, both) == (deciding, at_first, 2)
        wanted = low <= np.float32(at_first) < high
        taken += wanted
        assert auto[name][:4] == ((*every[name][:3], 2) if wanted else (*first[name][:3], 1))
    assert 0 < taken < len(files) - 1
    assert all(of_it[files[-1]][:4] == (None,) * 4 for of_it in (first, auto, every))


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("batch_size", [1, 3, 8])
@pytest.mark.parametrize("looks", ["auto", "all"])
def test_scores_are_bit_equal_whatever_the_batch_the_workers_and_the_order(
    files: list[str], between: tuple[float, float], looks: str, batch_size: int, workers: int
) -> None:
    second = small_second(opens=between[0], settled=between[1])
    whole = by_path(scanned(files, of(looks, second)))
    shuffled = random.Random(batch_size + workers).sample(files, len(files))
    small = of(looks, second, batch_size=batch_size, micro_batch=8)
    assert by_path(scanned(shuffled, small, workers=workers)) == whole


def test_scores_are_those_of_the_detector_and_of_what_measures(files: list[str]) -> None:
    detector = of("auto", small_second(opens=0.0, settled=0.5))
    found = scanned(files[:-1], detector)
    assert np.array_equal(detector.score(files[:-1]), np.float32([r.score for r in found]))
    items = [Item(name) for name in files[:-1]]
    seen = [each.record for each in see_items(items, detector, limits=Limits(), workers=0)]
    assert [(r.looks, r.score_first, r.score_second) for r in seen] == [
        (r.looks, r.score_first, r.score_second) for r in found
    ]


def test_verdicts_are_by_the_thresholds_of_the_looks_in_use(files: list[str]) -> None:
    for looks in ("first", "auto", "all"):
        detector = of(looks)
        rule = detector.adapter.rule(looks=detector.looks)
        for record in scanned(files[:-1], detector):
            assert record.threshold == rule.threshold
            assert record.score is not None
            small = min(record.width or 0, record.height or 0) < 32
            assert small or record.verdict is rule.verdict(record.score)
    assert len({of(looks).rule().threshold for looks in ("first", "auto", "all")}) == 3


def test_the_sentence_says_both_scores(files: list[str]) -> None:
    threshold = of("all").rule().threshold
    for record in scanned(files[:3], of("all")):
        at_first = f"whole picture; {record.score_first:.3f} at first sight"
        assert f"the pixels score {record.score:.3f} ({at_first}), " in (record.explanation or "")
        assert f"ai from {threshold:.3f}" in (record.explanation or "")
    for record in scanned(files[:3], of("first")):
        assert "sight" not in (record.explanation or "")


def test_the_cache_keeps_both_scores_and_tells_looks_apart(
    files: list[str], between: tuple[float, float], tmp_path: Path
) -> None:
    second, cache = small_second(opens=between[0], settled=between[1]), Cache(tmp_path)
    for looks in ("auto", "all", "first"):
        fresh = scanned(files, of(looks, second), cache=cache)
        known = scanned(files, of(looks, second), cache=cache)
        assert not any(record.cached for record in fresh)
        assert all(record.cached for record in known)
        assert by_path(known) == by_path(fresh)
        assert [r.explanation for r in known] == [r.explanation for r in fresh]
    assert cache.stats()["kinds"] == 3
    cache.close()


def test_the_same_bytes_are_looked_at_once(
    files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    detector, passed = of("all"), []
    look = detector.look

    def counted(pixels: torch.Tensor, tiles: Sequence[Any]) -> Any:
        assert len(tiles) == len(pixels)
        passed.append(len(pixels))
        return look(pixels, tiles)

    monkeypatch.setattr(detector, "look", counted)
    alike = scanned([files[3], files[7], files[3]], detector)
    assert sum(passed) == 1
    assert len({record.score_second for record in alike}) == 1


def test_an_adapter_without_a_second_look(files: list[str]) -> None:
    plain = small_adapter()
    detector = Detector(small_tower(), plain, device="cpu", looks="auto")
    assert (detector.looks.value, detector.tiled) == ("first", False)
    assert {r.looks for r in scanned(files[:3], detector)} == {1}
    with pytest.raises(UsageError, match="no second look; leave out --looks all"):
        Detector(small_tower(), plain, device="cpu", looks="all")


def test_a_tuned_tower_has_no_second_look_of_before() -> None:
    adapter = small_adapter(second=replace(small_second(), lora="that of another tower"))
    assert Detector(small_tower(), adapter, device="cpu").looks.value == "first"


def test_a_plan_takes_the_looks_of_the_detector_that_it_is_given(files: list[str]) -> None:
    detector = of("all")
    found = list(records(ScanPlan.of(files[:2], workers=0), detector=detector))
    assert [record.looks for record in found] == [2, 2]
    assert {record.threshold for record in found} == {detector.rule().threshold}
    assert all(record.verdict is not Verdict.ERROR for record in found)
