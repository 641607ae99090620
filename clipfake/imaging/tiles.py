"""The whole picture as tiles: what a second look sees, at twice the scale of the first."""

import math

from PIL import Image

MOST = 8  # tiles of a picture
ROWS = 2  # tiles that the short side is cut into, where the picture is not too long for that

Box = tuple[float, float, float, float]


def tile_boxes(width: int, height: int) -> list[Box]:
    """Squares that together cover a picture.

    Two rows along the short side, so that a tile shows it at twice the scale of the centre square;
    as many columns as the long side needs, evenly spaced and overlapping where they do not fit
    exactly. A picture of which that would be more than ``MOST`` gets larger tiles, and one that is
    more than ``MOST`` times as long as wide is covered in part.

    Args:
        width: pixels.
        height: pixels.

    Returns:
        ``(left, top, right, bottom)`` in pixels, fractions of them allowed; row by row.
    """
    short, long = sorted((width, height))
    columns = MOST // ROWS
    side = max(short / ROWS, long / columns)
    if side > short:  # a strip: one row
        side = float(short)
    across, along = (math.ceil(length / side - 1e-9) for length in (short, long))
    along = min(along, MOST // across)
    counts = (along, across) if width >= height else (across, along)
    lefts, tops = (
        [at * (length - side) / max(1, count - 1) for at in range(count)]
        for length, count in zip((width, height), counts, strict=True)
    )
    return [(left, top, left + side, top + side) for top in tops for left in lefts]


def tiles(image: Image.Image, size: int) -> list[Image.Image]:
    """A picture's tiles, each resampled by antialiased bicubic from the box that it shows.

    Args:
        image: any mode that Pillow resizes.
        size: side of each, pixels.
    """
    return [
        image.resize((size, size), Image.Resampling.BICUBIC, box=box)
        for box in tile_boxes(*image.size)
    ]
