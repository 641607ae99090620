"""What becomes of images on their way, by name: compression, resizing, cropping, blur, noise.

A name is a kind and its strength, ``jpeg-75``; several are joined by ``+`` and happen in that
order, ``resize-0.5+jpeg-75``.
"""

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from clipfake.errors import ErrorCode, ImageError, UsageError
from clipfake.imaging.decode import thumbnail
from clipfake.imaging.limits import Limits

WHOLE = 2**20  # a short side that no image has, pixels
_SOCIAL_SIDE = 1080
_SCREEN = 0.8

# an image and a strength in, and a seed for what chance decides; what compresses gives a file
Change = Callable[[Image.Image, float, int], Image.Image | bytes]
_KINDS: dict[str, Change] = {}

SUITE = (
    *(f"jpeg-{quality}" for quality in (95, 85, 75, 50, 30)),
    *(f"webp-{quality}" for quality in (80, 50)),
    *(f"resize-{scale}" for scale in (0.75, 0.5, 0.25)),
    *(f"blur-{deviation}" for deviation in (1, 2)),
    *(f"noise-{deviation}" for deviation in (4, 8)),
    "crop-0.75",
    f"screenshot-{_SCREEN}",
    f"fit-{_SOCIAL_SIDE}+jpeg-75",
    "resize-0.5+jpeg-75",
    "flip",
)


@dataclass(frozen=True)
class Perturbation:
    """A chain of named changes; picklable, so that workers can be given one.

    Attributes:
        name: as it was asked for.
        steps: kinds with their strengths, in order.
    """

    name: str
    steps: tuple[tuple[str, float], ...]

    def __call__(self, data: bytes) -> bytes:
        """A file whose image is changed; PNG unless the last change compresses.

        What chance decides follows from the bytes and the name.

        Args:
            data: the whole file.

        Raises:
            ImageError: it cannot be decoded.
        """
        image: Image.Image | bytes = thumbnail(data, WHOLE, Limits())
        digest = hashlib.sha256(data + self.name.encode()).digest()
        seed = int.from_bytes(digest[:8], "big")
        for kind, strength in self.steps:
            image = _KINDS[kind](_opened(image), strength, seed)
        return image if isinstance(image, bytes) else _saved(image, "PNG", compress_level=1)


def perturbation(name: str) -> Perturbation:
    """The perturbation of a name.

    Raises:
        UsageError: a kind is unknown, or its strength is out of range.
    """
    steps = []
    for part in name.split("+"):
        kind, _, strength = part.partition("-")
        if kind not in _KINDS:
            raise UsageError(f"perturbation {part}: unknown; kinds are {', '.join(_KINDS)}")
        try:
            value = float(strength or 1)
            _check(kind, value)
        except ValueError as error:
            raise UsageError(f"perturbation {part}: {error}; such as {_such_as(kind)}") from error
        steps.append((kind, value))
    return Perturbation(name, tuple(steps))


def perturbations(names: Sequence[str]) -> list[Perturbation]:
    """Those of some names, where ``all`` stands for ``SUITE`` and commas part names.

    Raises:
        UsageError: as ``perturbation``.
    """
    wanted: dict[str, None] = {}
    for name in (part.strip() for given in names for part in given.split(",") if part.strip()):
        wanted |= dict.fromkeys(SUITE if name == "all" else (name,))
    return [perturbation(name) for name in wanted]


def _check(kind: str, value: float) -> None:
    if kind in ("jpeg", "webp") and not (1 <= value <= 100 and value == int(value)):
        raise ValueError("a quality is a whole number from 1 to 100")
    if kind in ("crop", "screenshot") and not 0 < value <= 1:
        raise ValueError("a share is above 0 and at most 1")
    if kind == "resize" and not 0 < value <= 4:
        raise ValueError("a scale is above 0 and at most 4")
    if kind == "fit" and not (1 <= value <= WHOLE and value == int(value)):
        raise ValueError("a side is a whole number of pixels")
    if kind in ("blur", "noise") and not 0 < value <= 100:
        raise ValueError("a standard deviation is above 0 and at most 100")


def _such_as(kind: str) -> str:
    return next(part for name in SUITE for part in name.split("+") if part.startswith(kind))


def _kind(name: str) -> Callable[[Change], Change]:
    def register(change: Change) -> Change:
        _KINDS[name] = change
        return change

    return register


@_kind("jpeg")
def _jpeg(image: Image.Image, quality: float, _seed: int) -> bytes:
    return _saved(image, "JPEG", quality=int(quality))


@_kind("webp")
def _webp(image: Image.Image, quality: float, _seed: int) -> bytes:
    return _saved(image, "WEBP", quality=int(quality))


@_kind("resize")
def _resize(image: Image.Image, scale: float, _seed: int) -> Image.Image:
    return _scaled(image, scale, Image.Resampling.BICUBIC)


@_kind("fit")
def _fit(image: Image.Image, side: float, _seed: int) -> Image.Image:
    """The long side made at most so many pixels, as social networks do."""
    scale = side / max(image.size)
    return _scaled(image, scale, Image.Resampling.BICUBIC) if scale < 1 else image


@_kind("blur")
def _blur(image: Image.Image, deviation: float, _seed: int) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(deviation))


@_kind("noise")
def _noise(image: Image.Image, deviation: float, seed: int) -> Image.Image:
    samples = np.asarray(image, dtype=np.float32)
    noise = np.random.default_rng(seed).normal(0.0, deviation, samples.shape)
    return Image.fromarray((samples + noise).round().clip(0, 255).astype(np.uint8))


@_kind("crop")
def _crop(image: Image.Image, share: float, _seed: int) -> Image.Image:
    """The centre, ``share`` of each side."""
    width, height = max(1, round(image.width * share)), max(1, round(image.height * share))
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


@_kind("screenshot")
def _screenshot(image: Image.Image, scale: float, _seed: int) -> Image.Image:
    """As a viewer shows it: bilinear, to a part of its size; kept without loss."""
    return _scaled(image, scale, Image.Resampling.BILINEAR)


@_kind("flip")
def _flip(image: Image.Image, _strength: float, _seed: int) -> Image.Image:
    return ImageOps.mirror(image)


def _scaled(image: Image.Image, scale: float, resampling: Image.Resampling) -> Image.Image:
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, resampling)


def _opened(image: Image.Image | bytes) -> Image.Image:
    if isinstance(image, Image.Image):
        return image
    with Image.open(io.BytesIO(image)) as opened:
        return opened.convert("RGB")


def _saved(image: Image.Image, form: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    try:
        image.save(buffer, form, **options)
    except (OSError, ValueError) as error:  # a side over what the format can hold
        text = f"cannot be stored as {form}: {error}"
        raise ImageError(ErrorCode.UNSUPPORTED, text) from error
    return buffer.getvalue()
