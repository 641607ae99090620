"""The hint that a JPEG was compressed twice."""

import io

import numpy as np
import pytest
from PIL import Image

from clipfake.metadata.double_compression import HINT_FROM, periodicity
from tests.conftest import encoded


def scene(seed: int) -> Image.Image:
    """A picture with detail at every scale, as photographs have it."""
    rng = np.random.default_rng(seed)
    total = np.zeros((384, 512, 3))
    for side in (6, 24, 96, 384):
        layer = rng.normal(0, 1, (side, side * 4 // 3, 3))
        layer = (layer - layer.min()) / (layer.max() - layer.min()) * 255
        image = Image.fromarray(layer.astype(np.uint8)).resize((512, 384), Image.Resampling.BICUBIC)
        total += np.asarray(image, dtype=np.float64) - 127
    return Image.fromarray((total / 3 + 127).clip(0, 255).astype(np.uint8))


def again(data: bytes, quality: int) -> bytes:

    with Image.open(io.BytesIO(data)) as image:
        return encoded(image, "JPEG", quality=quality)


@pytest.mark.parametrize("quality", [75, 85, 95])
@pytest.mark.parametrize("seed", range(4))
def test_one_compression_gives_no_hint(quality: int, seed: int) -> None:
    found = periodicity(encoded(scene(seed), "JPEG", quality=quality))
    assert found is not None
    assert found < HINT_FROM


@pytest.mark.parametrize(("first", "second"), [(60, 90), (70, 95), (75, 95)])
@pytest.mark.parametrize("seed", range(4))
def test_a_coarser_first_compression_is_told(first: int, second: int, seed: int) -> None:
    found = periodicity(again(encoded(scene(seed), "JPEG", quality=first), second))
    assert found is not None
    assert found >= HINT_FROM


def test_a_flat_image_tells_nothing() -> None:
    assert periodicity(encoded(Image.new("RGB", (64, 64), "red"), "JPEG")) is None


def test_an_image_smaller_than_a_block_tells_nothing() -> None:
    assert periodicity(encoded(Image.new("RGB", (5, 3)), "JPEG")) is None


def test_what_does_not_decode_is_an_error() -> None:
    with pytest.raises(OSError, match=r"truncated|broken"):
        periodicity(encoded(scene(0), "JPEG")[:4000])
