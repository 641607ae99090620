"""What becomes of an image on its way through the web: made smaller, then compressed."""

import io

from PIL import Image

SCALE, QUALITY = 0.5, 75


def degrade(image: Image.Image, scale: float = SCALE, quality: int = QUALITY) -> bytes:
    """Resize by antialiased bicubic, then compress.

    Args:
        image: RGB.
        scale: of both sides; 1 leaves them.
        quality: of the JPEG, 1 to 100.

    Returns:
        A JPEG file.
    """
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    if size != image.size:
        image = image.resize(size, Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
