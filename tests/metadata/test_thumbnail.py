"""Thumbnails against the images that they came with."""

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageOps

from clipfake.errors import ErrorCode, ImageError
from clipfake.metadata.thumbnail import AGREES, compare_thumbnail
from tests.conftest import encoded, picture

# EXIF orientation, and what a camera did to the upright picture to store it
STORED = {
    1: None,
    3: Image.Transpose.ROTATE_180,
    6: Image.Transpose.ROTATE_90,
    8: Image.Transpose.ROTATE_270,
}


def square(image: Image.Image, side: int = 64) -> npt.NDArray[np.uint8]:
    """The middle of an image, as the detector sees it."""
    return np.asarray(ImageOps.fit(image, (side, side))).transpose(2, 0, 1)


def small(image: Image.Image, size: tuple[int, int] = (160, 120)) -> bytes:
    return encoded(image.resize(size, Image.Resampling.BOX), "JPEG", quality=80)


PHOTO = picture(320, 240)


def test_a_thumbnail_of_the_image_agrees() -> None:
    found = compare_thumbnail(small(PHOTO), square(PHOTO), 1)
    assert found is not None
    assert found[0] == "160x120"
    assert found[1] > 0.95


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_thumbnail_of_another_image_differs(seed: int) -> None:
    found = compare_thumbnail(small(picture(320, 240, seed)), square(PHOTO), 1)
    assert found is not None
    assert found[1] < AGREES


@pytest.mark.parametrize(("orientation", "turn"), STORED.items())
def test_a_thumbnail_may_be_stored_like_the_image(
    orientation: int, turn: Image.Transpose | None
) -> None:
    stored = PHOTO if turn is None else PHOTO.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.info["exif"] = exif.tobytes()
    size = (160, 120) if orientation in (1, 3) else (120, 160)
    found = compare_thumbnail(small(stored, size), square(PHOTO), orientation)
    assert found is not None
    assert found[1] > 0.95


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_thumbnail_may_be_upright(orientation: int) -> None:
    found = compare_thumbnail(small(PHOTO), square(PHOTO), orientation)
    assert found is not None
    assert found[1] > 0.95


def test_black_bars_are_cut_off() -> None:
    wide = picture(320, 180)
    barred = ImageOps.pad(wide.resize((160, 90)), (160, 120))
    found = compare_thumbnail(encoded(barred, "JPEG"), square(wide), 1)
    assert found is not None
    assert found[0] == "160x120"
    assert found[1] > 0.9


def test_flat_pictures_agree_only_with_flat_ones() -> None:
    flat = Image.new("RGB", (160, 120), "grey")
    both = compare_thumbnail(small(flat), square(flat), 1)
    one = compare_thumbnail(small(flat), square(PHOTO), 1)
    other = compare_thumbnail(small(PHOTO), square(flat), 1)
    assert both == ("160x120", 1.0)
    assert one == other == ("160x120", 0.0)


def test_a_black_thumbnail_is_compared() -> None:
    black = Image.new("RGB", (160, 120))
    assert compare_thumbnail(small(black), square(black), 1) == ("160x120", 1.0)


def test_a_tiny_thumbnail_is_compared() -> None:
    found = compare_thumbnail(small(PHOTO, (1, 1)), square(PHOTO), 6)
    assert found == ("1x1", 0.0)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8",
        encoded(PHOTO, "PNG"),
        encoded(PHOTO, "JPEG")[:700],
        b"\xff\xd8" + bytes(99),
    ],
)
def test_a_thumbnail_that_cannot_be_decoded_is_none(data: bytes) -> None:
    assert compare_thumbnail(data, square(PHOTO), 1) is None


def test_a_large_thumbnail_is_none() -> None:
    assert compare_thumbnail(encoded(PHOTO.resize((1025, 40)), "JPEG"), square(PHOTO), 1) is None


def test_the_time_limit_is_not_taken_for_corruption(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object, **__: object) -> None:
        raise ImageError(ErrorCode.TOO_SLOW, "slow")

    monkeypatch.setattr(Image, "open", slow)
    with pytest.raises(ImageError, match="slow"):
        compare_thumbnail(small(PHOTO), square(PHOTO), 1)
