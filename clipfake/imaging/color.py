"""Any Pillow mode to something that resizes well, and ICC colours to sRGB."""

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

UNUSABLE_PROFILE = "ICC profile not usable, colours taken as sRGB"
RESIZABLE = ("L", "RGB", "CMYK", "LAB")


def flatten(image: Image.Image) -> Image.Image:
    """Bring any mode to L, RGB, CMYK or LAB: alpha on white, deep samples to 8 bits.

    Args:
        image: a loaded image of any mode.
    """
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _to_8_bits(image)
    if image.has_transparency_data:
        rgba = image if image.mode == "RGBA" else image.convert("RGBA")
        on_white = Image.new("RGB", rgba.size, "white")
        on_white.paste(rgba, mask=rgba.getchannel("A"))
        return on_white
    if image.mode in RESIZABLE:
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def to_srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, str | None]:
    """Convert to RGB, through the embedded ICC profile when there is one.

    Args:
        image: mode L, RGB, CMYK or LAB.
        profile: the file's ICC profile.

    Returns:
        The image in sRGB, and a note when the profile could not be used.
    """
    note = None
    if profile or image.mode == "LAB":
        try:
            transform = _transform(profile, image.mode)
            converted = ImageCms.applyTransform(image, transform) if transform else image
            if converted is not None:
                image = converted
        except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
            note = UNUSABLE_PROFILE
    if image.mode == "LAB":
        image = image.getchannel(0)
    return image.convert("RGB"), note


@lru_cache(maxsize=64)
def _transform(profile: bytes | None, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Transform to sRGB, or None for an image that is in sRGB already."""
    srgb = ImageCms.createProfile("sRGB")
    if mode == "LAB":
        source = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    else:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile or b""))
        if mode == "RGB" and "srgb" in ImageCms.getProfileDescription(source).lower():
            return None
    return ImageCms.buildTransform(
        source, srgb, mode, "RGB", renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC
    )


def _to_8_bits(image: Image.Image) -> Image.Image:
    """Grey samples of 16, 32 or floating bits to 8, by the range that the type implies."""
    samples = np.array(image, dtype=np.float32)
    np.nan_to_num(samples, copy=False, posinf=0.0, neginf=0.0)  # in place: it may be a gigabyte
    low, high = float(samples.min()), float(samples.max())
    if image.mode.startswith("I;16") or (image.mode == "I" and 255 < high <= 65535 and low >= 0):
        samples /= 257.0
    elif image.mode == "F" and low >= 0.0 and high <= 1.0:
        samples *= 255.0
    elif low < 0.0 or high > 255.0:
        samples -= low
        samples *= 255.0 / ((high - low) or 1.0)
    samples += 0.5
    return Image.fromarray(samples.clip(0, 255, out=samples).astype(np.uint8))
