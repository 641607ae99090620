"""How the encoder's square is cut: the whole short side resized, or pixels as they are."""

from enum import Enum

import numpy as np
import numpy.typing as npt
from PIL import Image

from clipfake.evaluation.changes import WHOLE
from clipfake.imaging.decode import decode, thumbnail
from clipfake.imaging.limits import Limits
from clipfake.imaging.preprocessing import Preprocessing, square


class Cut(str, Enum):
    """A way to cut the square."""

    RESIZED = "resized"
    NATIVE = "native"


def whole(data: bytes) -> Image.Image:
    """The image of a file, upright sRGB, mode RGB, at its own size.

    Raises:
        ImageError: it cannot be decoded.
    """
    return thumbnail(data, WHOLE, Limits())


def native_square(image: Image.Image, size: int) -> Image.Image:
    """Centre crop of ``size`` pixels without resampling; a smaller image is resized up."""
    if min(image.size) < size:
        return square(image, size)
    left, top = (image.width - size) // 2, (image.height - size) // 2
    return image.crop((left, top, left + size, top + size))


def cut_square(data: bytes, cut: Cut, preprocessing: Preprocessing) -> npt.NDArray[np.uint8]:
    """The square of a file, uint8 sRGB ``[3, S, S]``.

    Raises:
        ImageError: it cannot be decoded.
    """
    if cut is Cut.RESIZED:
        return decode(data, preprocessing, Limits()).pixels
    pixels = np.asarray(native_square(whole(data), preprocessing.size))
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))
