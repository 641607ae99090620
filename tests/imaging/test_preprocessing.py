"""The square that the backbone sees, and its form in an adapter's header."""

import numpy as np
import pytest
from PIL import Image

from clipfake.errors import AdapterError
from clipfake.imaging.preprocessing import Preprocessing, square
from tests.conftest import picture

TURNS = list(Image.Transpose)


def levels(a: Image.Image, b: Image.Image) -> int:
    """The largest difference of two images."""
    return int(np.abs(np.asarray(a, dtype=np.int16) - np.asarray(b, dtype=np.int16)).max())


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_square_of_the_right_size_is_left_alone(mode: str) -> None:
    image = picture(32, 32).convert(mode)
    assert levels(square(image, 32), image) == 0


@pytest.mark.parametrize(("width", "height"), [(64, 32), (32, 64), (40, 32), (32, 48)])
def test_the_middle_is_cut_out(width: int, height: int) -> None:
    image = picture(width, height)
    left, top = (width - 32) // 2, (height - 32) // 2
    assert levels(square(image, 32), image.crop((left, top, left + 32, top + 32))) == 0


def test_a_larger_square_is_resized_whole() -> None:
    image = picture(128, 128)
    assert levels(square(image, 32), image.resize((32, 32), Image.Resampling.BICUBIC)) == 0


def test_the_resize_is_antialiased() -> None:
    checks = np.indices((256, 256)).sum(axis=0) % 2 * 255
    small = np.asarray(square(Image.fromarray(checks.astype(np.uint8)), 32), dtype=np.int16)
    assert np.abs(small[2:-2, 2:-2] - 127.5).max() < 2


def test_a_small_image_is_enlarged() -> None:
    assert square(picture(10, 7), 32).size == (32, 32)
    assert square(Image.new("RGB", (1, 1), (9, 8, 7)), 4).getpixel((3, 3)) == (9, 8, 7)
    assert square(Image.new("L", (1, 5000), 77), 4).getextrema() == (77, 77)


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("size", [(64, 48), (65, 48), (97, 300), (33, 33)])
def test_turning_before_or_after_is_the_same(size: tuple[int, int], turn: Image.Transpose) -> None:
    image = picture(*size)
    assert levels(square(image.transpose(turn), 32), square(image, 32).transpose(turn)) <= 1


@pytest.mark.parametrize(
    "preprocessing",
    [Preprocessing(), Preprocessing(size=336), Preprocessing(draft=0)],
)
def test_a_header_gives_the_same_preprocessing(preprocessing: Preprocessing) -> None:
    assert Preprocessing.from_header(preprocessing.to_header()) == preprocessing


def test_the_header_says_all() -> None:
    assert Preprocessing().to_header() == {
        "size": 224,
        "interpolation": "bicubic",
        "draft": 2,
        "version": 1,
    }


@pytest.mark.parametrize(
    "change",
    [{"sharpen": True}, {"version": 2}, {"version": 0}, {"interpolation": "lanczos"}],
)
def test_an_unknown_header_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(AdapterError, match="update clipfake"):
        Preprocessing.from_header(Preprocessing().to_header() | change)
