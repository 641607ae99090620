"""Metadata chunks of a PNG file (PNG third edition, sections 11.3 and 5.3)."""

import zlib
from collections.abc import Iterator

from clipfake.metadata.containers.block import MAX_BLOCK, Block, BlockKind, damaged, inflate
from clipfake.metadata.containers.photoshop import iptc_blocks

_XMP_KEYWORD = "XML:com.adobe.xmp"
# ImageMagick keeps blocks as hex text under these keywords
_RAW_PROFILES = {"exif": BlockKind.EXIF, "APP1": BlockKind.EXIF, "xmp": BlockKind.XMP}
_RAW = "Raw profile type "


def read_png(data: bytes) -> Iterator[Block]:
    """Blocks of the eXIf, caBX, tEXt, zTXt and iTXt chunks, and those of them that are damaged."""
    at = 8
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        end = at + 12 + size
        if kind == b"IEND" or end > len(data):
            break
        if kind in (b"eXIf", b"caBX", b"tEXt", b"zTXt", b"iTXt"):
            body = data[at + 8 : at + 8 + size]
            if zlib.crc32(kind + body) == int.from_bytes(data[end - 4 : end], "big"):
                yield from _chunk(kind.decode(), body, at)
            else:
                yield damaged("its checksum does not fit", f"PNG {kind.decode()}", at)
        at = end


def _chunk(kind: str, body: bytes, at: int) -> list[Block]:
    place = f"PNG {kind}"
    if kind == "eXIf":
        return [Block(BlockKind.EXIF, body.removeprefix(b"Exif\x00\x00"), place, at)]
    if kind == "caBX":
        return [Block(BlockKind.C2PA, body[:MAX_BLOCK], place, at)]
    found = _text(kind, body)
    if found is None or len(found[1]) > MAX_BLOCK:
        return [damaged(f"no text, or more than {MAX_BLOCK} bytes of it", place, at)]
    keyword, text = found
    if keyword == _XMP_KEYWORD and kind == "iTXt":
        return [Block(BlockKind.XMP, text, place, at)]
    if keyword.startswith(_RAW):
        return _raw_profile(keyword.removeprefix(_RAW), text, f"{place} {keyword}", at)
    return [Block(BlockKind.TEXT, text, f"{place} {keyword}", at, keyword)]


def _text(kind: str, body: bytes) -> tuple[str, bytes] | None:
    """Keyword and UTF-8 text of a text chunk."""
    name, zero, rest = body.partition(b"\x00")
    if not zero or not 1 <= len(name) <= 79:
        return None
    keyword = name.decode("latin-1")
    if kind == "tEXt":
        return keyword, _utf8(rest)
    if kind == "zTXt":
        plain = inflate(rest[1:]) if rest[:1] == b"\x00" else None
        return None if plain is None else (keyword, _utf8(plain))
    if len(rest) < 2:
        return None
    compressed, method = rest[0], rest[1]
    parts = rest[2:].split(b"\x00", 2)  # language, translated keyword, text
    if len(parts) < 3:
        return None
    if not compressed:
        return keyword, parts[2]
    inflated = inflate(parts[2]) if method == 0 else None
    return None if inflated is None else (keyword, inflated)


def _utf8(text: bytes) -> bytes:
    """Latin-1 of the standard as UTF-8; writers that put UTF-8 there are believed."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1").encode("utf-8")
    return text


def _raw_profile(name: str, text: bytes, place: str, at: int) -> list[Block]:
    """Hex of a profile behind a line with its name and one with its length."""
    try:
        _, size, digits = text.split(None, 2)
        body = bytes.fromhex(digits.decode("ascii"))[: int(size)]
    except ValueError:
        return [damaged("no profile in hexadecimal digits", place, at)]
    if name in ("iptc", "8bim"):  # image resources, or their records alone
        if body.startswith(b"\x1c"):
            return [Block(BlockKind.IPTC, body, place, at)]
        return list(iptc_blocks([(at, body)], place))
    if name not in _RAW_PROFILES:
        return []
    kind = _RAW_PROFILES[name]
    if body.startswith(b"http://ns.adobe.com/xap/1.0/\x00"):
        kind, body = BlockKind.XMP, body[29:]
    return [Block(kind, body.removeprefix(b"Exif\x00\x00"), place, at)]
