"""Bits that the library invisible-watermark hides by its method ``dwtDct``, read from a picture.

The library (ShieldMnt/invisible-watermark 0.2.0, ``imwatermark/maxDct.py``) takes the U channel of
OpenCV's YUV, U = 0.492 (B - Y) with Y = 0.299 R + 0.587 G + 0.114 B, and its Haar approximation of
level 1: twice the mean of each 2 x 2 pixels. In each block of 4 x 4 of these numbers, row by row,
it moves the one of the largest magnitude, the first aside, to a quarter (0) or three quarters (1)
of its step of 36. Despite the name there is no cosine transform. Bit k of a message of L bits lies
in the blocks n with n mod L = k.
"""

from enum import Enum

import numpy as np
import numpy.typing as npt
from PIL import Image

BLOCK = 8  # pixels of a side
LEAST_PIXELS = 256 * 256  # the library embeds nothing in less
MOST_PIXELS = 4 * 2**20  # read from the top: 65,536 blocks are votes enough
_STEP = 36
_ZERO = 128  # of U, as a byte
# 0.492 (B - Y) + 128 of red, green and blue; then of blue, green and red
_U = tuple(
    0.492 * (blue - luma) for blue, luma in zip((0, 0, 1), (0.299, 0.587, 0.114), strict=True)
)
_PLANES = ((*_U, _ZERO), (*_U[::-1], _ZERO))

Votes = npt.NDArray[np.float64]


class Reading(Enum):
    """How a program handed its picture to the library: the channel order, and where U is zero.

    OpenCV adds 128 to the U of bytes and 0.5 to that of floats, which counts twice here. Programs
    that pass red, green and blue in this order get U of the exchanged channels.
    """

    BYTES = (0, 256)
    FLOATS = (0, 1)
    BYTES_EXCHANGED = (1, 256)
    FLOATS_EXCHANGED = (1, 1)


def read_bits(
    image: Image.Image, width: int, height: int
) -> dict[Reading, npt.NDArray[np.bool_]] | None:
    """The bit of every block, by each reading.

    The mean of 2 x 2 pixels is rounded before U is taken, the library rounds after: that moves a
    number by two at most, where nine are needed to turn an embedded bit.

    Args:
        image: as stored, not turned; scaled by one half at most, which leaves the approximation
            of a JPEG's subsampled colours as it is.
        width: pixels of a row as stored.
        height: rows as stored.

    Returns:
        bool ``[N]`` of the blocks row by row, at most ``MOST_PIXELS / 64``; None for a picture
        without red, green and blue, too small for the library, or scaled by more.
    """
    reduced = round(width / image.width)
    if image.getbands()[:3] != ("R", "G", "B") or width * height < LEAST_PIXELS or reduced > 2:
        return None
    columns = width // BLOCK
    rows = min(height, MOST_PIXELS // width) // BLOCK
    if not rows or not columns:
        return None
    side = BLOCK // reduced
    box = (0, 0, columns * side, rows * side)
    rgb = image if image.mode == "RGB" else image.crop(box).convert("RGB")
    half = rgb.crop(box) if reduced == 2 else rgb.reduce(2, box)
    found = [_extremes(half.convert("L", plane)) for plane in _PLANES]
    return {each: _bits(*found[each.value[0]], each.value[1]) for each in Reading}


def votes(bits: npt.NDArray[np.bool_], length: int) -> Votes:
    """Share of blocks that say 1, of each bit of a message; float64 ``[length]``, 0..1.

    Args:
        bits: bool ``[N]``, at least as many as the message has.
        length: bits of the message.
    """
    counts = np.full(length, len(bits) // length)
    counts[: len(bits) % length] += 1
    turns = np.zeros((len(bits) // length + 1, length), bool)
    turns.reshape(-1)[: len(bits)] = bits
    ones: Votes = turns.sum(axis=0) / counts
    return ones


def _extremes(u: Image.Image) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int16]]:
    """Lowest and highest number of each block of 4 x 4, around 0; int16 ``[N]`` each."""
    numbers = np.array(u)  # a copy
    numbers[0::4, 0::4] = numbers[0::4, 1::4]  # the first of a block never holds the bit
    found = []
    for extreme in (np.minimum, np.maximum):
        rows = extreme.reduce(numbers.reshape(-1, 4, u.width), axis=1)
        block = extreme.reduce([rows[:, each::4] for each in range(4)])
        found.append(2 * (block.astype(np.int16).reshape(-1) - _ZERO))
    return found[0], found[1]


def _bits(
    low: npt.NDArray[np.int16], high: npt.NDArray[np.int16], zero: int
) -> npt.NDArray[np.bool_]:
    """The bit of the largest magnitude of each block."""
    return np.maximum(high + zero, -(low + zero)) % _STEP > _STEP // 2
