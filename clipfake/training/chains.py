"""Chains of changes, as pictures meet that are passed on: a detector is to look past them.

The same chances hold for real and AI images, so that no step tells the label. Proportions stay, so
that a copy is cut into as many tiles as its original.
"""

import random
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

from clipfake.training.augment import FILTERS, add_noise, reopened

CHAINED_SIDE = 1024  # short side from which a chain starts, at most
_SMALLEST = 160  # short side below which nothing is scaled down
_STEPS = (2, 5)
_PHOTO_NETWORKS = ((1080, 76), (1600, 70), (2048, 82), (960, 71), (720, 80))


def chain(image: Image.Image, rng: random.Random) -> Image.Image:
    """A copy after two to five changes, the last of them mostly a compression.

    Args:
        image: RGB.
        rng: the only source of chance; the same state gives the same image.
    """
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for _ in range(rng.randint(*_STEPS) - 1):
        image = rng.choices(_CHANGES, _CHANCES)[0](image, rng)
    return _compress(image, rng) if rng.random() < 0.8 else image


def _resize(image: Image.Image, rng: random.Random) -> Image.Image:
    scale = rng.uniform(0.3, 1.2)
    return _scaled(image, max(scale, min(1.0, _SMALLEST / min(image.size))), rng)


def _scaled(image: Image.Image, scale: float, rng: random.Random) -> Image.Image:
    width, height = (max(1, round(side * scale)) for side in image.size)
    return image.resize((width, height), rng.choice(FILTERS))


def _compress(image: Image.Image, rng: random.Random) -> Image.Image:
    if rng.random() < 0.75:
        sampling = rng.choice((0, 2, 2))  # 4:4:4 or, as most writers do, 4:2:0
        return reopened(image, "JPEG", quality=rng.randint(35, 96), subsampling=sampling)
    return reopened(image, "WEBP", quality=rng.randint(35, 95), method=2)


def _crop(image: Image.Image, rng: random.Random) -> Image.Image:
    shares = [rng.uniform(0.75, 1.0) for _ in image.size]
    width, height = (max(1, round(s * share)) for s, share in zip(image.size, shares, strict=True))
    left, top = rng.randint(0, image.width - width), rng.randint(0, image.height - height)
    return image.crop((left, top, left + width, top + height))


def _blur(image: Image.Image, rng: random.Random) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.5)))


def _noise(image: Image.Image, rng: random.Random) -> Image.Image:
    return add_noise(image, rng.uniform(1.0, 8.0), rng.getrandbits(32))


def _sharpen(image: Image.Image, rng: random.Random) -> Image.Image:
    radius, percent = rng.uniform(0.6, 2.0), rng.randint(40, 160)
    return image.filter(ImageFilter.UnsharpMask(radius, percent, threshold=0))


def _screenshot(image: Image.Image, rng: random.Random) -> Image.Image:
    # shown at another size by a browser's bilinear filter, then kept without loss
    scale = max(rng.uniform(0.4, 1.0), min(1.0, _SMALLEST / min(image.size)))
    width, height = (max(1, round(side * scale)) for side in image.size)
    shown = image.resize((width, height), Image.Resampling.BILINEAR)
    return _crop(shown, rng) if rng.random() < 0.5 else shown


def _network(image: Image.Image, rng: random.Random) -> Image.Image:
    # photo networks scale the long side down and write JPEG 4:2:0
    side, quality = rng.choice(_PHOTO_NETWORKS)
    if max(image.size) > side:
        image = _scaled(image, side / max(image.size), rng)
    return reopened(image, "JPEG", quality=quality + rng.randint(-5, 5), subsampling=2)


def _tone(image: Image.Image, rng: random.Random) -> Image.Image:
    gamma, gain = rng.uniform(0.85, 1.18), rng.uniform(0.92, 1.08)
    table = np.clip(255 * gain * (np.arange(256) / 255) ** gamma, 0, 255).round()
    return image.point(table.astype(int).tolist() * 3)


_Step = Callable[[Image.Image, random.Random], Image.Image]
_CHANGES: tuple[_Step, ...] = (
    _resize,
    _compress,
    _network,
    _screenshot,
    _crop,
    _blur,
    _noise,
    _sharpen,
    _tone,
)
_CHANCES = (0.24, 0.2, 0.14, 0.1, 0.08, 0.07, 0.08, 0.05, 0.04)
