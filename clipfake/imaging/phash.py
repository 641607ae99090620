"""A perceptual hash: 64 bits that stay nearly the same when a picture is scaled or recompressed.

Source: Zauner 2010, "Implementation and Benchmarking of Perceptual Image Hash Functions", section
3.2.1: the DCT-II of the picture in grey at 32 x 32, of which the 8 x 8 lowest frequencies without
the constant rows are compared with their median. The mean filter that the paper puts first is that
of the antialiased resize here.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image

BITS = 64
SIDE = 32  # pixels of the grey square
_KEPT = 8  # frequencies of each axis
# grey levels of the strongest kept frequency below which rounding alone makes the bits
_LEAST_CONTRAST = 2.0


def _dct_rows() -> npt.NDArray[np.float64]:
    """Rows 1 to ``_KEPT`` of the orthonormal DCT-II of length ``SIDE``, ``[_KEPT, SIDE]``."""
    frequency = np.arange(1, _KEPT + 1)[:, None]
    place = np.arange(SIDE)[None, :]
    waves = np.cos(np.pi * frequency * (2 * place + 1) / (2 * SIDE))
    scaled: npt.NDArray[np.float64] = np.sqrt(2 / SIDE) * waves
    return scaled


_ROWS = _dct_rows()


def squeeze(image: Image.Image) -> Image.Image:
    """The whole picture in a square of ``SIDE`` pixels.

    Args:
        image: mode L, RGB, CMYK or LAB.
    """
    return image.resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)


def phash(small: Image.Image) -> str | None:
    """The hash of an upright picture.

    Args:
        small: RGB, squeezed.

    Returns:
        16 hex digits; None for a picture of nearly one colour, whose bits would say nothing.
    """
    samples = np.asarray(small.convert("L"), dtype=np.float64)
    low = _ROWS @ samples @ _ROWS.T
    if np.abs(low).max() < _LEAST_CONTRAST * SIDE / 2:
        return None
    bits = np.packbits((low > np.median(low)).reshape(-1))
    return bits.tobytes().hex()
