"""How an image becomes the square that the backbone sees; kept in the adapter."""

from dataclasses import asdict, dataclass
from typing import Any

from PIL import Image

from clipfake.errors import AdapterError


@dataclass(frozen=True)
class Preprocessing:
    """Resize of the short side and centre crop, in one antialiased step.

    Attributes:
        size: side of the square, pixels.
        interpolation: only ``bicubic``, antialiased (Pillow's, support scaled with the ratio).
        draft: large JPEGs are decoded at 1/2, 1/4 or 1/8 as long as their short side stays
            at least ``draft * size``; 0 decodes them whole.
        version: changed whenever the same bytes would give other pixels.
    """

    size: int = 224
    interpolation: str = "bicubic"
    draft: int = 2
    version: int = 1

    def to_header(self) -> dict[str, Any]:
        """The form kept in an adapter's header."""
        return asdict(self)

    @classmethod
    def from_header(cls, header: dict[str, Any]) -> "Preprocessing":
        """Read the form kept in an adapter's header.

        Raises:
            AdapterError: it asks for something that this version does not do.
        """
        try:
            preprocessing = cls(**header)
        except TypeError as error:
            raise AdapterError(f"unknown preprocessing ({error}); update clipfake") from error
        whole = type(preprocessing.size) is type(preprocessing.draft) is int
        if not whole or preprocessing.size < 1 or preprocessing.draft < 0:
            raise AdapterError("preprocessing with a size or draft that is no number of pixels")
        if preprocessing.interpolation != "bicubic" or preprocessing.version != cls.version:
            raise AdapterError(f"unknown preprocessing {header}; update clipfake")
        return preprocessing


def square(image: Image.Image, size: int) -> Image.Image:
    """Centre square of an image, resampled to ``size`` by antialiased bicubic.

    The crop is the resize's source box, so its centre is exact to a fraction of a pixel and
    an image and its rotation give the same square, rotated.

    Args:
        image: any mode that Pillow resizes (L, RGB, CMYK, LAB, ...).
        size: side of the result, pixels.
    """
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    box = (left, top, left + side, top + side)
    return image.resize((size, size), Image.Resampling.BICUBIC, box=box)
