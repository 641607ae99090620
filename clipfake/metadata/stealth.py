"""Parameters hidden in the lowest bits of the pixels, as NovelAI and WebUIs write them.

The bits run down the columns from the left, in the alpha channel or in red, green and blue of one
pixel after the other: the words ``stealth_pnginfo`` or ``stealth_pngcomp`` (gzip), in the colours
``stealth_rgbinfo`` or ``stealth_rgbcomp``, the length in bits as a 32-bit number, then the text.
"""

import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

_HEAD = 15
MAX_STEALTH = 2 * 2**20  # bytes of the text
# by the channels that hold the stream: its place, and whether it is compressed by its first words
_KINDS = {
    "A": ("alpha channel", {b"stealth_pngcomp": True, b"stealth_pnginfo": False}),
    "RGB": ("lowest bits of RGB", {b"stealth_rgbcomp": True, b"stealth_rgbinfo": False}),
}


def read_stealth(image: Image.Image) -> Iterator[tuple[str, str]]:
    """Texts hidden in an image: the place and the text of each.

    Only the columns that can hold the first words are looked at in an image without a stream.

    Args:
        image: as stored, not scaled; modes without alpha and without RGB hold nothing.
    """
    for channels, (place, magic) in _KINDS.items():
        if set(channels) <= set(image.getbands()):
            text = _Stream(image, channels).text(magic)
            if text:
                yield place, text


class _Stream:
    """Bytes in the lowest bits of some channels."""

    def __init__(self, image: Image.Image, channels: str) -> None:
        self._image = image
        self._bands = [image.getbands().index(name) for name in channels]
        self._column = image.height * len(channels)  # bits
        self.size = image.width * self._column // 8  # bytes

    def read(self, start: int, size: int) -> bytes:
        """Bytes of a range."""
        left = start * 8 // self._column
        right = min((start + size) * 8 // self._column + 1, self._image.width)
        box = (left, 0, right, self._image.height)
        columns = np.atleast_3d(np.asarray(self._image.crop(box)))[:, :, self._bands] & 1
        bits = columns.transpose(1, 0, 2).reshape(-1)
        first = start * 8 - left * self._column
        return np.packbits(bits[first : first + size * 8]).tobytes()

    def text(self, magic: dict[bytes, bool]) -> str:
        """The text behind one of the first words; empty where there is none."""
        start = _HEAD + 4
        if self.size < start:
            return ""
        compressed = magic.get(self.read(0, _HEAD))
        if compressed is None:
            return ""
        size = int.from_bytes(self.read(_HEAD, 4), "big") // 8
        if not 0 < size <= min(MAX_STEALTH, self.size - start):
            return ""
        data = self.read(start, size)
        if compressed:
            stream = zlib.decompressobj(wbits=31)
            try:
                data = stream.decompress(data, MAX_STEALTH)
            except zlib.error:
                return ""
        return data.decode("utf-8", errors="replace")
