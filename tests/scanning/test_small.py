"""Pictures too small to judge: a score, and no verdict that rests on it."""

from pathlib import Path

import pytest
import torch
from PIL.PngImagePlugin import PngInfo

from clipfake import Detector, scan
from clipfake.detector.head import Head
from clipfake.imaging.limits import Limits
from clipfake.records import TOO_SMALL, Record
from clipfake.scanning.cache import Cache
from clipfake.scanning.score import scan_items
from clipfake.sources import Item
from clipfake.verdict.judge import LEAST_SIDE
from tests.conftest import encoded, picture
from tests.small import WIDTH, small_adapter, small_tower

PARAMETERS = "a cat\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 7, Size: 64x48"


@pytest.fixture(scope="module")
def detector() -> Detector:
    """One whose scores are low, of whatever it is given."""
    low = Head(torch.zeros(9, WIDTH), torch.tensor([-9.0]))
    return Detector(small_tower(), small_adapter(low), device="cpu")


def scanned(path: Path, detector: Detector, threshold: float) -> Record:
    [record] = scan(path, detector=detector, threshold=threshold, workers=0)
    assert record.score is not None
    return record


# thresholds at which the pixels alone say ai, and real
@pytest.mark.parametrize("threshold", [0.0, 1.0])
@pytest.mark.parametrize(
    ("width", "height", "small"),
    [(1, 1, True), (LEAST_SIDE - 1, 400, True), (400, LEAST_SIDE - 1, True), (32, 32, False)],
)
def test_small_pictures_are_inconclusive_and_keep_their_score(
    tmp_path: Path, detector: Detector, threshold: float, width: int, height: int, small: bool
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(picture(width, height)))
    record = scanned(path, detector, threshold)
    assert (TOO_SMALL in record.notes) == small
    if small:
        assert (record.verdict.value, record.verdict_basis) == ("inconclusive", "pixels")
        assert "too small to judge" in str(record.explanation)
    else:
        assert record.verdict.value in ("ai", "real")
        assert "too small" not in str(record.explanation)


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_a_declaration_counts_all_the_same(
    tmp_path: Path, detector: Detector, threshold: float
) -> None:
    words = PngInfo()
    words.add_text("parameters", PARAMETERS)
    path = tmp_path / "a.png"
    path.write_bytes(encoded(picture(16, 16), pnginfo=words))
    record = scanned(path, detector, threshold)
    assert (record.verdict.value, record.verdict_basis) == ("ai", "declared")


def test_the_note_comes_once_from_a_cache_too(tmp_path: Path, detector: Detector) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(picture(16, 16)))
    (tmp_path / "c").mkdir()
    cache = Cache(tmp_path / "c")
    for _ in range(2):
        [record] = scan_items(
            [Item(str(path))],
            detector,
            detector.adapter.rule(),
            limits=Limits(),
            workers=0,
            cache=cache,
        )
        assert record.notes == (TOO_SMALL,)
        assert record.verdict.value == "inconclusive"
    assert record.cached
