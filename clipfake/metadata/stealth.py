"""Parameters hidden in the lowest bits of the alpha channel, as NovelAI and WebUIs write them.

The bits run down the columns from the left: the words ``stealth_pngcomp`` (gzip) or
``stealth_pnginfo``, the length in bits as a 32-bit number, then the text.
"""

import json
import zlib

import numpy as np
import numpy.typing as npt

_MAGIC = {b"stealth_pngcomp": True, b"stealth_pnginfo": False}
_HEAD = 15
MAX_STEALTH = 2 * 2**20  # bytes of the text


def read_stealth(alpha: npt.NDArray[np.uint8]) -> dict[str, str]:
    """Texts hidden in an alpha channel.

    Args:
        alpha: uint8 ``[H, W]``, all of it, not scaled.

    Returns:
        Texts by keyword: NovelAI's own, or ``parameters``; empty when there are none.
    """
    height = alpha.shape[0]

    def read(start: int, size: int) -> bytes:
        """Bytes of a range of the hidden stream."""
        columns = slice(start * 8 // height, (start + size) * 8 // height + 1)
        bits = (alpha[:, columns] & 1).T.reshape(-1)
        first = start * 8 - columns.start * height
        return np.packbits(bits[first : first + size * 8]).tobytes()

    if alpha.size < (_HEAD + 4) * 8:
        return {}
    compressed = _MAGIC.get(read(0, _HEAD))
    if compressed is None:
        return {}
    size = int.from_bytes(read(_HEAD, 4), "big") // 8
    if not 0 < size <= min(MAX_STEALTH, alpha.size // 8 - _HEAD - 4):
        return {}
    data = read(_HEAD + 4, size)
    if compressed:
        stream = zlib.decompressobj(wbits=31)
        try:
            data = stream.decompress(data, MAX_STEALTH)
        except zlib.error:
            return {}
    text = data.decode("utf-8", errors="replace")
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return {"parameters": text}
    if not isinstance(values, dict):
        return {}
    return {key: value for key, value in values.items() if isinstance(value, str)}
