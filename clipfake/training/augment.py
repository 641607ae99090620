"""Augmentation that teaches a detector to look past resizing, compression and sharpness.

The same chances hold for real and AI images, so that no step of it tells the label. Crops also
cut off corner watermarks, which some generators leave.
"""

import io
import random

import numpy as np
from PIL import Image, ImageFilter

FILTERS = (
    Image.Resampling.BICUBIC,
    Image.Resampling.BILINEAR,
    Image.Resampling.LANCZOS,
    Image.Resampling.BOX,
    Image.Resampling.HAMMING,
)
SMALLEST = 64


def augment(image: Image.Image, rng: random.Random, *, harsh: bool = False) -> Image.Image:
    """Crop, mirror, resize, blur, add noise and recompress an image, each by chance.

    Args:
        image: RGB, at least one pixel.
        rng: the only source of chance; the same state gives the same image.
        harsh: as pictures that were passed on: mostly uncropped, more often resized and to
            smaller sizes, with noise in half of them, in some after compression.

    Returns:
        A square RGB image, its side between 0.26 (harsh: 0.16) and 1.1 times the short side of
        the input (or ``SMALLEST``, where that is more and it was resized).
    """
    image = _crop(image, rng, 0.65 if rng.random() < (0.4 if harsh else 0.8) else 1.0)
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if rng.random() < (0.7 if harsh else 0.5):
        side = max(SMALLEST, round(image.width * rng.uniform(0.25 if harsh else 0.4, 1.1)))
        image = image.resize((side, side), rng.choice(FILTERS))
    if rng.random() < 0.15:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 1.0)))
    if rng.random() < (0.3 if harsh else 0.1):
        image = add_noise(image, rng.uniform(1.0, 8.0), rng.getrandbits(32))
    image = _recompress(image, rng)
    if harsh and rng.random() < 0.3:
        image = add_noise(image, rng.uniform(1.0, 8.0), rng.getrandbits(32))
    return image


def _crop(image: Image.Image, rng: random.Random, least: float) -> Image.Image:
    short = min(image.size)
    side = max(1, round(short * rng.uniform(least, 1.0)))
    left, top = rng.randint(0, image.width - side), rng.randint(0, image.height - side)
    return image.crop((left, top, left + side, top + side))


def add_noise(image: Image.Image, deviation: float, seed: int) -> Image.Image:
    """An RGB image with Gaussian noise, its standard deviation in grey levels of 256."""
    samples = np.asarray(image, dtype=np.float32)
    noise = np.random.default_rng(seed).normal(0.0, deviation, samples.shape)
    return Image.fromarray((samples + noise).round().clip(0, 255).astype(np.uint8))


def _recompress(image: Image.Image, rng: random.Random) -> Image.Image:
    kind = rng.random()
    if kind < 0.6:
        subsampling = rng.choice((0, 2))  # 4:4:4 or 4:2:0
        return reopened(image, "JPEG", quality=rng.randint(30, 98), subsampling=subsampling)
    if kind < 0.8:
        return reopened(image, "WEBP", quality=rng.randint(40, 95))
    return image


def reopened(image: Image.Image, form: str, **options: int) -> Image.Image:
    """An RGB image as it is after it was written in a format, with options of its writer."""
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return Image.open(buffer).convert("RGB")
