"""Tiles that cover a picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from clipfake.imaging.decode import decode, to_views
from clipfake.imaging.limits import Limits
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.imaging.tiles import MOST, tile_boxes, tiles
from tests.conftest import encoded, picture

SIDES = st.integers(1, 4000)


@pytest.mark.parametrize(
    ("size", "count"),
    [((448, 448), 4), ((640, 480), 6), ((600, 400), 6), ((1920, 1080), 8), ((1080, 1920), 8)],
)
def test_common_pictures_are_shown_at_twice_the_scale(size: tuple[int, int], count: int) -> None:
    boxes = tile_boxes(*size)
    assert len(boxes) == count
    assert all(right - left == min(size) / 2 for left, _, right, _ in boxes)


@given(SIDES, SIDES)
def test_tiles_lie_in_the_picture_and_cover_it(width: int, height: int) -> None:
    boxes = tile_boxes(width, height)
    assert 1 <= len(boxes) <= MOST
    for left, top, right, bottom in boxes:
        assert 0 <= left < right <= width + 1e-6
        assert 0 <= top < bottom <= height + 1e-6
        assert right - left == pytest.approx(bottom - top)
    if max(width, height) > MOST * min(width, height):
        return  # such a strip is covered in part
    for at, length in ((0, width), (1, height)):
        reached = 0.0
        for start, end in sorted({(box[at], box[at + 2]) for box in boxes}):
            assert start <= reached + 1e-6
            reached = max(reached, end)
        assert reached == pytest.approx(length)


@given(SIDES, SIDES)
def test_a_picture_on_its_side_has_the_same_tiles_turned(width: int, height: int) -> None:
    turned = {(top, left, bottom, right) for left, top, right, bottom in tile_boxes(width, height)}
    assert turned == set(tile_boxes(height, width))


def test_a_tile_shows_its_part_of_the_picture() -> None:
    image = Image.new("RGB", (96, 64))
    image.paste((255, 0, 0), (0, 0, 32, 32))
    cut = tiles(image, 16)
    assert len(cut) == 6
    assert all(tile.size == (16, 16) for tile in cut)
    reds = [np.asarray(tile)[..., 0].mean() for tile in cut]
    assert reds[0] > 245  # the filter reaches a little beyond the box
    assert max(reds[1:]) < 10


def test_decoded_tiles_are_those_of_the_loaded_picture_and_upright() -> None:
    image = picture(120, 80, seed=4)
    size = Preprocessing(size=32)
    decoded = decode(encoded(image), size, Limits(), tiled=True)
    loaded, _note = to_views(image, size, tiled=True)
    assert decoded.tiles is not None
    assert decoded.tiles.shape == (6, 3, 32, 32)
    assert np.array_equal(decoded.tiles, loaded.tiles)
    assert np.array_equal(decoded.pixels, loaded.square)
    assert decode(encoded(image), size, Limits()).tiles is None

    exif = Image.Exif()
    exif[0x0112] = 6  # stored on its side
    stored = image.transpose(Image.Transpose.ROTATE_90)
    turned = decode(encoded(stored, exif=exif), size, Limits(), tiled=True)
    assert turned.tiles is not None
    # in another order, and rounded otherwise: the two passes of a resize are not alike
    apart = np.abs(turned.tiles[:, None].astype(int) - decoded.tiles[None]).max(axis=(2, 3, 4))
    assert (apart.min(axis=0) <= 2).all()
    assert (apart.min(axis=1) <= 2).all()
