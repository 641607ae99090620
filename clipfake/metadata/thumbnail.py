"""Whether the thumbnail in an EXIF block shows the image that it came with."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from clipfake.errors import ImageError

_SIDE = 32
AGREES = 0.7  # correlation of grey values from which two pictures are taken for the same
_BAR = 24  # grey level up to which a border counts as a letterbox bar
_MAX_SIDE = 1024
# EXIF 2.32 tag 0x0112: quarter turns, anticlockwise, that bring stored rows upright
_QUARTERS = {3: 2, 6: 3, 8: 1}


def compare_thumbnail(
    thumbnail: bytes, pixels: npt.NDArray[np.uint8], orientation: int
) -> tuple[str, float] | None:
    """Correlate the grey values of a thumbnail and of the image.

    Args:
        thumbnail: JPEG.
        pixels: the image's middle square, upright, uint8 ``[3, S, S]``.
        orientation: the image's, 1..8; the thumbnail is taken to be stored like the image, or
            upright.

    Returns:
        Its size as ``WxH`` and the correlation, -1..1; None when it cannot be decoded.

    Raises:
        ImageError: a time limit ran out.
    """
    try:
        with Image.open(io.BytesIO(thumbnail), formats=["JPEG"]) as image:
            if max(image.size) > _MAX_SIDE:
                return None
            size = f"{image.width}x{image.height}"
            grey = image.convert("L")
    except ImageError:
        raise
    except Exception:  # a thumbnail may be as broken as any file
        return None
    bright = grey.point([0] * _BAR + [255] * (256 - _BAR))
    grey = grey.crop(bright.getbbox())
    side = min(grey.size)
    left, top = (grey.width - side) // 2, (grey.height - side) // 2
    square = grey.crop((left, top, left + side, top + side))
    small = np.asarray(square.resize((_SIDE, _SIDE), Image.Resampling.BOX), dtype=np.float64)
    whole = Image.fromarray(pixels.transpose(1, 2, 0)).convert("L")
    upright = np.asarray(whole.resize((_SIDE, _SIDE), Image.Resampling.BOX), dtype=np.float64)
    turned = np.rot90(small, _QUARTERS.get(orientation, 0))
    return size, max(_correlation(each, upright) for each in (small, turned))


def _correlation(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float:
    first, second = first - first.mean(), second - second.mean()
    scale = float(np.sqrt((first**2).sum() * (second**2).sum()))
    if scale > 1e-6:
        return float((first * second).sum()) / scale
    # two flat pictures are the same for all that can be told; one alone shows something else
    return 1.0 if first.std() < 1 and second.std() < 1 else 0.0
