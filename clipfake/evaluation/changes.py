"""Single changes to an image, by kind: compression, size, blur, noise, print and scan.

Each takes an 8-bit RGB image, a strength, and a seed for what chance decides.
"""

import io
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter, ImageOps

from clipfake.errors import ErrorCode, ImageError

WHOLE = 2**20  # a short side that no image has, pixels
# what compresses gives a file
Change = Callable[[Image.Image, float, int], Image.Image | bytes]
# degrees to which the screens of cyan, magenta and yellow are turned, so that no moire is seen
_SCREENS = (15.0, 75.0, 0.0)
# pixels from dot to dot: 100 lines per inch, cells of 6 x 6 dots at 600 dpi, scanned at 300 dpi
# (http://www.scantips.com/basics03.html)
_DOT = 3.0
_LIGHTS = 4  # a side of the grid by which light falls unevenly


@dataclass(frozen=True)
class Strength:
    """What the number beside a kind may be.

    Attributes:
        said: the rule in words.
        most: the highest.
        least: the lowest; None for anything above 0.
        whole: whether it is a whole number.
    """

    said: str
    most: float
    least: float | None = None
    whole: bool = False

    def check(self, value: float) -> None:
        """Raise ValueError unless the number will do."""
        low = value > 0 if self.least is None else value >= self.least
        if not (low and value <= self.most and (not self.whole or value == int(value))):
            raise ValueError(self.said)


@dataclass(frozen=True)
class Kind:
    """A kind of change.

    Attributes:
        change: does it.
        strength: what its number may be; None where it has none.
    """

    change: Change
    strength: Strength | None


KINDS: dict[str, Kind] = {}

_QUALITY = Strength("a quality is a whole number from 1 to 100", 100, 1, whole=True)
_SIDE = Strength("a side is a whole number of pixels", WHOLE, 1, whole=True)
_SHARE = Strength("a share is above 0 and at most 1", 1)
_SCALE = Strength("a scale is above 0 and at most 4", 4)
_DEVIATION = Strength("a standard deviation is above 0 and at most 100", 100)
_LEVELS = Strength("a depth in grey levels is above 0 and at most 127", 127)
_PERCENT = Strength("per cent are above 0 and at most 100", 100)
_UNSHARP = Strength("sharpening in per cent is a whole number from 1 to 500", 500, 1, whole=True)
_EXPONENT = Strength("an exponent is from 0.1 to 10", 10, 0.1)
_DEGREES = Strength("degrees are above 0 and at most 45", 45)


def _kind(name: str, strength: Strength | None) -> Callable[[Change], Change]:
    def register(change: Change) -> Change:
        KINDS[name] = Kind(change, strength)
        return change

    return register


@_kind("jpeg", _QUALITY)
def _jpeg(image: Image.Image, quality: float, _seed: int) -> bytes:
    """Colour at half the resolution (4:2:0), as Pillow and most services write it."""
    return saved(image, "JPEG", quality=int(quality))


@_kind("webp", _QUALITY)
def _webp(image: Image.Image, quality: float, _seed: int) -> bytes:
    return saved(image, "WEBP", quality=int(quality))


@_kind("resize", _SCALE)
def _resize(image: Image.Image, scale: float, _seed: int) -> Image.Image:
    return _scaled(image, scale, Image.Resampling.BICUBIC)


@_kind("fit", _SIDE)
def _fit(image: Image.Image, side: float, _seed: int) -> Image.Image:
    """The long side made at most so many pixels, as social networks do."""
    return _shrunk(image, side / max(image.size), Image.Resampling.BICUBIC)


@_kind("lanczos", _SIDE)
def _lanczos(image: Image.Image, side: float, _seed: int) -> Image.Image:
    """As ``fit``, by Lanczos resampling."""
    return _shrunk(image, side / max(image.size), Image.Resampling.LANCZOS)


@_kind("bilinear", _SIDE)
def _bilinear(image: Image.Image, side: float, _seed: int) -> Image.Image:
    """As ``fit``, bilinear, as viewers draw and phones scale."""
    return _shrunk(image, side / max(image.size), Image.Resampling.BILINEAR)


@_kind("width", _SIDE)
def _width(image: Image.Image, width: float, _seed: int) -> Image.Image:
    """The width made at most so many pixels by Lanczos resampling, as pages are served."""
    return _shrunk(image, width / image.width, Image.Resampling.LANCZOS)


@_kind("blur", _DEVIATION)
def _blur(image: Image.Image, deviation: float, _seed: int) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(deviation))


@_kind("noise", _DEVIATION)
def _noise(image: Image.Image, deviation: float, seed: int) -> Image.Image:
    samples = np.asarray(image, dtype=np.float32)
    noise = np.random.default_rng(seed).normal(0.0, deviation, samples.shape)
    return _rounded(samples + noise)


@_kind("crop", _SHARE)
def _crop(image: Image.Image, share: float, _seed: int) -> Image.Image:
    """The centre, ``share`` of each side."""
    width, height = max(1, round(image.width * share)), max(1, round(image.height * share))
    return _centre(image, width, height)


@_kind("randomcrop", _SHARE)
def _randomcrop(image: Image.Image, share: float, seed: int) -> Image.Image:
    """``share`` of each side, where chance puts it: no hand crops to the centre."""
    width, height = max(1, round(image.width * share)), max(1, round(image.height * share))
    rng = np.random.default_rng(seed)
    left = int(rng.integers(image.width - width + 1))
    top = int(rng.integers(image.height - height + 1))
    return image.crop((left, top, left + width, top + height))


@_kind("screenshot", _SHARE)
def _screenshot(image: Image.Image, scale: float, _seed: int) -> Image.Image:
    """As a viewer shows it: bilinear, to a part of its size; kept without loss."""
    return _scaled(image, scale, Image.Resampling.BILINEAR)


@_kind("flip", None)
def _flip(image: Image.Image, _strength: float, _seed: int) -> Image.Image:
    return ImageOps.mirror(image)


@_kind("rotate", _DEGREES)
def _rotate(image: Image.Image, degrees: float, seed: int) -> Image.Image:
    """Turned, to the side that chance decides, and cut to the part that is filled.

    That part keeps the proportions of the image: of a rectangle of sides a >= b, turned by t, one
    of 1 / (cos t + a / b sin t) of its sides lies within it.
    """
    clockwise = bool(np.random.default_rng(seed).integers(2))
    turned = image.rotate(-degrees if clockwise else degrees, Image.Resampling.BICUBIC)
    t = math.radians(degrees)
    share = 1 / (math.cos(t) + max(image.size) / min(image.size) * math.sin(t))
    # a pixel less at each edge, where the filter would reach beyond the image
    width, height = (max(1, math.floor(side * share) - 2) for side in image.size)
    return _centre(turned, width, height)


@_kind("gamma", _EXPONENT)
def _gamma(image: Image.Image, exponent: float, _seed: int) -> Image.Image:
    """Grey levels from 0 to 1 raised to a power; over 1 darkens."""
    return image.point([round(255 * (v / 255) ** exponent) for v in range(256)] * 3)


@_kind("contrast", _SHARE)
def _contrast(image: Image.Image, share: float, _seed: int) -> Image.Image:
    """``share`` of the range of grey levels, about its middle."""
    return image.point([round(127.5 + share * (v - 127.5)) for v in range(256)] * 3)


@_kind("halftone", _LEVELS)
def _halftone(image: Image.Image, depth: float, _seed: int) -> Image.Image:
    """What is left of a printer's dots in a scan: waves on turned screens, one for each colour.

    The fundamental wave of dots that cover a share c of their cells goes as sin(pi c) and is most
    in middle greys (the Fourier series of a pulse).

    Args:
        image: what is printed.
        depth: grey levels by which middle greys rise and fall at most.
    """
    samples = np.array(image, dtype=np.float32)
    rows = np.arange(image.height, dtype=np.float32)[:, None]
    columns = np.arange(image.width, dtype=np.float32)[None, :]
    for channel, degrees in enumerate(_SCREENS):
        t = math.radians(degrees)
        x, y = 2 * math.pi / _DOT * math.cos(t), 2 * math.pi / _DOT * math.sin(t)
        screen = np.cos(x * columns + y * rows) + np.cos(x * rows - y * columns)
        grey = samples[..., channel]
        grey += depth / 2 * np.sin(np.pi / 255 * grey) * screen
    return _rounded(samples)


@_kind("shade", _PERCENT)
def _shade(image: Image.Image, percent: float, seed: int) -> Image.Image:
    """Light that falls unevenly: smoothly darker by up to so many per cent, where chance has it."""
    light = np.random.default_rng(seed).random((_LIGHTS, _LIGHTS), dtype=np.float32)
    light = (light - light.min()) / (light.max() - light.min())
    smooth = np.asarray(Image.fromarray(light).resize(image.size, Image.Resampling.BICUBIC))
    factor = 1 - np.float32(percent / 100) * smooth.clip(0, 1)
    return _rounded(np.asarray(image, dtype=np.float32) * factor[..., None])


@_kind("sharpen", _UNSHARP)
def _sharpen(image: Image.Image, percent: float, _seed: int) -> Image.Image:
    """An unsharp mask of a radius of one pixel."""
    return image.filter(ImageFilter.UnsharpMask(radius=1, percent=int(percent), threshold=0))


def _shrunk(image: Image.Image, scale: float, resampling: Image.Resampling) -> Image.Image:
    return _scaled(image, scale, resampling) if scale < 1 else image


def _scaled(image: Image.Image, scale: float, resampling: Image.Resampling) -> Image.Image:
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, resampling)


def _centre(image: Image.Image, width: int, height: int) -> Image.Image:
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def _rounded(samples: npt.NDArray[np.floating]) -> Image.Image:
    return Image.fromarray(samples.round().clip(0, 255).astype(np.uint8))


def opened(image: Image.Image | bytes) -> Image.Image:
    """An image, decoded if it is a file that a change wrote."""
    if isinstance(image, Image.Image):
        return image
    with Image.open(io.BytesIO(image)) as file:
        return file.convert("RGB")


def saved(image: Image.Image, form: str, **options: int) -> bytes:
    """A file of a format of Pillow's.

    Raises:
        ImageError: the format cannot hold the image.
    """
    buffer = io.BytesIO()
    try:
        image.save(buffer, form, **options)
    except (OSError, ValueError) as error:  # a side over what the format can hold
        text = f"cannot be stored as {form}: {error}"
        raise ImageError(ErrorCode.UNSUPPORTED, text) from error
    return buffer.getvalue()
