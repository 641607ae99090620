"""Files without the damaged parts that no pixel needs, for decoders that stop at those."""

import zlib
from collections.abc import Callable

from clipfake.imaging.limits import MAX_PNG_TEXT

_SIGNATURE = 8  # bytes of PNG's own
_MAX_TEXTS = 4 * MAX_PNG_TEXT  # bytes of all texts of a PNG
_MAX_CHUNKS = 2**20
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_END = bytes(4) + b"IEND" + zlib.crc32(b"IEND").to_bytes(4, "big")
_ANIMATION = (b"acTL", b"fcTL", b"fdAT")
# bytes that a chunk has at least (PNG third edition, section 11.3)
_LEAST = {
    b"cHRM": 32,
    b"gAMA": 4,
    b"sRGB": 1,
    b"sBIT": 1,
    b"tRNS": 1,
    b"bKGD": 1,
    b"pHYs": 9,
    b"tIME": 7,
    b"acTL": 8,
    b"fcTL": 26,
    b"fdAT": 4,
}
_TRANSPARENCY = {0: 2, 2: 6, 3: 1}  # bytes of tRNS by colour type
# what holds the pixels of a WebP, or their colours (RFC 9649, section 2.7)
_WEBP_PIXELS = (b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP")
_WEBP_FRAMES = (b"VP8 ", b"VP8L", b"ANMF")
_WEBP_METADATA_FLAGS = 0x0C  # of VP8X: EXIF and XMP


def without_damage(data: bytes, form: str) -> tuple[bytes, str] | None:
    """Leave the damaged parts of a file out, as long as they hold no pixels.

    Args:
        data: the whole file, which a decoder refused.
        form: format as ``sniff`` names it.

    Returns:
        What is left, and which parts are not in it, for a note; None when no such part is damaged
        or the format does not tell where it ends.
    """
    reader = _READERS.get(form)
    return None if reader is None else reader(data)


def _png(data: bytes) -> tuple[bytes, str] | None:
    """Chunks with a wrong checksum or size, texts that inflate too far, animation out of order."""
    view = memoryview(data)
    kept: list[bytes | memoryview] = [view[:_SIGNATURE]]
    dropped: set[bytes] = set()
    at, room, sequence = _SIGNATURE, _MAX_TEXTS, 0
    colour = data[25] if len(data) > 25 else 0
    animation: list[int] = []
    for _ in range(_MAX_CHUNKS):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        end = at + 12 + size
        if not kind[:1].islower():
            kept.append(view[at:end])
            at = end
            if kind == b"IEND" or end > len(data):
                break
            continue
        if end > len(data):  # nothing can follow
            dropped.add(kind)
            kept.append(_END)
            break
        body = view[at + 8 : at + 8 + size]
        whole = zlib.crc32(body, zlib.crc32(kind)) == int.from_bytes(data[end - 4 : end], "big")
        least = _TRANSPARENCY.get(colour, 0) if kind == b"tRNS" else _LEAST.get(kind, 0)
        whole = whole and size >= least and (kind != b"cHRM" or size % 4 == 0)
        if kind in _TEXTS or kind == b"iCCP":
            taken = _inflated(kind, bytes(body), min(room, MAX_PNG_TEXT)) if whole else None
            whole = taken is not None
            room -= (taken or 0) if kind in _TEXTS else 0
        if kind in (b"fcTL", b"fdAT") and whole:
            whole = int.from_bytes(body[:4], "big") == sequence
            sequence += 1
        if not whole:
            dropped.add(kind)
        else:
            if kind in _ANIMATION:
                animation.append(len(kept))
            kept.append(view[at:end])
        at = end
    if not dropped:
        return None
    if dropped.intersection(_ANIMATION):  # one part of it is nothing without the others
        for place in animation:
            kept[place] = b""
    return b"".join(kept), _note("PNG", dropped)


def _inflated(kind: bytes, body: bytes, room: int) -> int | None:
    """Bytes of a chunk's text or profile; None when it is broken or takes more than ``room``."""
    _keyword, zero, rest = body.partition(b"\x00")
    if not zero:
        return None
    if kind == b"tEXt" or (kind == b"iTXt" and rest[:1] == b"\x00"):
        return len(rest) if len(rest) <= room else None
    start = rest[1:]
    if kind == b"iTXt":
        parts = rest[2:].split(b"\x00", 2)
        if len(parts) < 3:
            return None
        start = parts[2]
    stream = zlib.decompressobj()
    try:
        plain = stream.decompress(start, max(1, room))
    except zlib.error:
        return None
    return len(plain) if stream.eof else None


def _webp(data: bytes) -> tuple[bytes, str] | None:
    """Metadata, and what follows a chunk whose size leads nowhere."""
    view = memoryview(data)
    kept: list[bytes | memoryview] = []
    dropped: set[bytes] = set()
    at, frames = 12, 0
    while at + 8 <= len(data) and len(kept) < _MAX_CHUNKS:
        size, kind = int.from_bytes(data[at + 4 : at + 8], "little"), data[at : at + 4]
        end = at + 8 + size
        if kind not in _WEBP_PIXELS:
            dropped.add(kind if kind.isascii() and kind.decode().isprintable() else b"unknown")
        elif end > len(data):
            return None
        elif kind == b"VP8X" and size >= 10:
            head = bytearray(data[at:end])
            head[8] &= ~_WEBP_METADATA_FLAGS
            kept.append(bytes(head))
        else:
            kept.append(view[at:end])
            frames += kind in _WEBP_FRAMES
        if size % 2 and kind in _WEBP_PIXELS:
            kept.append(b"\x00")
        at = end + size % 2
    if not frames or not dropped:
        return None
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + len(body).to_bytes(4, "little") + body, _note("WebP", dropped)


def _avif(data: bytes) -> tuple[bytes, str] | None:
    """EXIF, whose item gets a type that decoders pass over (ISO/IEC 14496-12, 8.11.6)."""
    kept = bytearray(data)
    meta = _box(data, b"meta", 0, len(data), 4)
    infos = None if meta is None else _box(data, b"iinf", *meta, 0)
    if infos is None:
        return None
    found = False
    at, end = infos
    at += 6 if data[at] == 0 else 8
    while (info := _box(data, b"infe", at, end, 0)) is not None:
        place = info[0] + (10 if data[info[0]] >= 3 else 8)
        if data[place : place + 4] == b"Exif":
            kept[place : place + 4] = b"skip"
            found = True
        at = info[1]
    return (bytes(kept), _note("AVIF", {b"Exif"})) if found else None


def _box(data: bytes, wanted: bytes, at: int, end: int, head: int) -> tuple[int, int] | None:
    """Start of a box's body, past ``head`` bytes of it, and its end."""
    for _ in range(_MAX_CHUNKS):
        if at + 8 > end:
            return None
        size = int.from_bytes(data[at : at + 4], "big")
        size = size or end - at
        if size < 8 or at + size > end:
            return None
        if data[at + 4 : at + 8] == wanted and size > 8 + head:
            return at + 8 + head, at + size
        at += size
    return None


def _note(form: str, kinds: set[bytes]) -> str:
    names = ", ".join(sorted(kind.decode("latin-1") for kind in kinds)[:8])
    return f"decoded without damaged parts that hold no pixels ({form} {names})"


_READERS: dict[str, Callable[[bytes], tuple[bytes, str] | None]] = {
    "PNG": _png,
    "WEBP": _webp,
    "AVIF": _avif,
}
