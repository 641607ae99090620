"""Watermarks for tests: an encoder of dwtDct of its own, after the description in dwt_dct."""

import numpy as np
import numpy.typing as npt
from PIL import Image

from clipfake.metadata.dwt_dct import Reading
from clipfake.metadata.watermark import WATERMARKS
from tests.conftest import picture

BITS = {mark.name: mark.bits for mark in WATERMARKS}
XL = "Stable Diffusion XL (reference pipeline)"
INPAINTING = "Stable Diffusion 1 inpainting (reference script)"
_ZEROS = {Reading.BYTES: 256.0, Reading.BYTES_EXCHANGED: 256.0}


def marked(
    message: npt.NDArray[np.bool_],
    reading: Reading = Reading.FLOATS,
    *,
    size: tuple[int, int] = (320, 256),
    seed: int = 0,
    image: Image.Image | None = None,
) -> Image.Image:
    """A picture of width and height, mode RGB, with a message in its blocks."""
    rgb = np.asarray(image or picture(*size, seed)).astype(np.float64)
    if reading in (Reading.BYTES_EXCHANGED, Reading.FLOATS_EXCHANGED):
        rgb = rgb[:, :, ::-1]
    luma = rgb @ [0.299, 0.587, 0.114]
    u = 0.492 * (rgb[:, :, 2] - luma)
    change = np.zeros_like(u)
    number = 0
    for top in range(0, u.shape[0] // 8 * 8, 8):
        for left in range(0, u.shape[1] // 8 * 8, 8):
            block = u[top : top + 8, left : left + 8].reshape(4, 2, 4, 2).sum(axis=(1, 3)) / 2
            block += _ZEROS.get(reading, 1.0)
            at = 1 + int(np.argmax(np.abs(block).reshape(-1)[1:]))
            old = block.reshape(-1)[at]
            new = (abs(old) // 36 + 0.25 + 0.5 * message[number % len(message)]) * 36
            row, column = top + at // 4 * 2, left + at % 4 * 2
            change[row : row + 2, column : column + 2] = (np.copysign(new, old) - old) / 2
            number += 1
    rgb = rgb + change[:, :, None] * [0.0, -0.395, 2.032]
    if reading in (Reading.BYTES_EXCHANGED, Reading.FLOATS_EXCHANGED):
        rgb = rgb[:, :, ::-1]
    return Image.fromarray(np.rint(rgb.clip(0, 255)).astype(np.uint8))
