"""Fixtures that every test may use; pictures are made here, none are fetched."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

EXAMPLES = Path(__file__).parent.parent / "examples" / "images"
SHARED = Path(__file__).parent.parent.parent / "shared"


def picture(width: int = 64, height: int = 48, seed: int = 0) -> Image.Image:
    """A smooth coloured picture with some noise; the same for the same seed."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), dtype=np.int16)
    noisy = smooth + rng.integers(-6, 7, smooth.shape)
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def encoded(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    """The bytes of an image in a format."""
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


@pytest.fixture
def shared() -> Path:
    """Reference data beside the checkout; the test is skipped where there is none."""
    if not SHARED.is_dir():
        pytest.skip("reference data is not on this machine")
    return SHARED
