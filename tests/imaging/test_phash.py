"""The perceptual hash: near for copies, far for other pictures."""

import io

import numpy as np
import pytest
from PIL import Image

from clipfake.imaging.decode import decode
from clipfake.imaging.limits import Limits
from clipfake.imaging.phash import BITS, SIDE, phash
from clipfake.imaging.preprocessing import Preprocessing
from tests.conftest import encoded, picture


def hash_of(data: bytes) -> str | None:
    return decode(data, Preprocessing(), Limits(), hashed=True).phash


def apart(one: str | None, other: str | None) -> int:
    assert one is not None
    assert other is not None
    return bin(int(one, 16) ^ int(other, 16)).count("1")


def copies(image: Image.Image) -> dict[str, bytes]:
    half = image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)
    return {
        "JPEG 90": encoded(image, "JPEG", quality=90),
        "JPEG 40": encoded(image, "JPEG", quality=40),
        "half": encoded(half),
        "half, WebP": encoded(half, "WEBP", quality=80),
        "grey": encoded(image.convert("L")),
    }


@pytest.mark.parametrize("seed", range(4))
def test_copies_are_near(seed: int) -> None:
    image = picture(640, 480, seed=seed)
    original = hash_of(encoded(image))
    far = {name: apart(original, hash_of(data)) for name, data in copies(image).items()}
    assert {name: bits for name, bits in far.items() if bits > 2} == {}


def test_other_pictures_are_far() -> None:
    hashes = [hash_of(encoded(picture(320, 240, seed=seed))) for seed in range(40)]
    distances = [apart(a, b) for n, a in enumerate(hashes) for b in hashes[:n]]
    assert min(distances) > 8
    assert abs(np.mean(distances) - BITS / 2) < 2


def test_a_turned_copy_is_a_copy() -> None:
    image = picture(320, 240, seed=9)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = encoded(image.transpose(Image.Transpose.ROTATE_90), exif=exif.tobytes())
    assert apart(hash_of(encoded(image)), hash_of(turned)) <= 1


@pytest.mark.parametrize("color", ["black", "white", (120, 130, 140)])
def test_one_colour_has_no_hash(color: str | tuple[int, int, int]) -> None:
    assert hash_of(encoded(Image.new("RGB", (300, 200), color))) is None
    noisy = np.asarray(Image.new("RGB", (300, 200), color)).astype(np.int16)
    noisy = noisy + np.random.default_rng(0).integers(-2, 3, noisy.shape)
    buffer = io.BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(buffer, "PNG")
    assert hash_of(buffer.getvalue()) is None


def test_the_bits_are_those_of_the_paper() -> None:
    """The DCT written out as the sum that defines it."""
    image = picture(SIDE, SIDE, seed=2)
    grey = np.asarray(image.convert("L"), dtype=np.float64)
    place = 2 * np.arange(SIDE) + 1
    low = np.zeros((8, 8))
    for u in range(8):
        for v in range(8):
            down = np.cos(np.pi * (u + 1) * place / (2 * SIDE))
            across = np.cos(np.pi * (v + 1) * place / (2 * SIDE))
            low[u, v] = (grey * np.outer(down, across)).sum()
    bits = "".join("1" if value > np.median(low) else "0" for value in low.reshape(-1))
    assert phash(image) == f"{int(bits, 2):016x}"
