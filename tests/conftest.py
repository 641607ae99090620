"""Fixtures that every test may use; pictures are made here, none are fetched."""

from __future__ import annotations

import ctypes
import gc
import io
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from PIL import Image

# no bound of a test is the speed of a machine: only what would never end takes so many seconds
PATIENCE = 300.0
hypothesis.settings.register_profile(
    "any machine",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("any machine")
# as the command has it, and before torch is imported: busy cores are not taken by threads that wait
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

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


def fill(folder: Path, count: int) -> Path:
    """A new folder with so many pictures, ``0.png`` and on."""
    folder.mkdir()
    for number in range(count):
        (folder / f"{number}.png").write_bytes(encoded(picture(seed=number)))
    return folder


def run_out_of_time(*_: object, **__: object) -> None:
    """What a file that takes too long does, without the wait: its time is up at once."""
    signal.raise_signal(signal.SIGALRM)
    while True:
        pass


@pytest.fixture
def shared() -> Path:
    """Reference data beside the checkout; the test is skipped where there is none."""
    if not SHARED.is_dir():
        pytest.skip("reference data is not on this machine")
    return SHARED


def pytest_collection_finish() -> None:
    """Let the collector of cycles pass over what all tests have in common."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def memory_goes_back() -> Iterator[None]:
    """What a module's tests have freed goes back to the system, where it knows how.

    A process that stays small forks soon, and most tests of worker processes fork.
    """
    yield
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:
        trim(0)
