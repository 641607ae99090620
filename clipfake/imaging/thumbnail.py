"""The pictures that a page shows, small and larger: upright, sRGB, WebP."""

import io

from PIL import Image

SIDE = 192  # pixels of the long side, at most
LARGE_SIDE = 640  # likewise, of the larger picture
_QUALITY = 70
_METHOD = 1  # of libwebp's efforts 0 to 6; a higher one takes longer than the scaling


def shrink(image: Image.Image, side: int = SIDE) -> Image.Image:
    """A picture that fits into a square; a small one stays as it is.

    Args:
        image: mode L, RGB, CMYK or LAB.
        side: of the square, pixels.
    """
    scale = side / max(image.size)
    if scale >= 1.0:
        return image
    width, height = (max(1, round(scale * length)) for length in image.size)
    # whole pixels are averaged first, which takes a third of the time at no visible cost
    return image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=1.01)


def encode(image: Image.Image) -> bytes:
    """An RGB picture as WebP, without any metadata."""
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=_QUALITY, method=_METHOD, icc_profile=b"", exif=b"")
    return buffer.getvalue()
