"""Metadata of HEIF and AVIF files: boxes and items (ISO/IEC 14496-12, 8.11; 23008-12)."""

from collections.abc import Iterator

from clipfake.metadata.containers.block import MAX_BLOCK, Block, BlockKind

_C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
MAX_BOXES = 4096


def boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int, int]]:
    """Type, offset, start and end of the body of each box in a range."""
    at = start
    for _ in range(MAX_BOXES):
        if at + 8 > end:
            return
        size, head = int.from_bytes(data[at : at + 4], "big"), 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        elif size == 0:
            size = end - at
        if size < head or at + size > end:
            return
        yield data[at + 4 : at + 8], at, at + head, at + size
        at += size


def read_bmff(data: bytes) -> Iterator[Block]:
    """Blocks of the uuid boxes, and of the EXIF and XMP items."""
    for kind, at, body, end in boxes(data, 0, len(data)):
        if kind == b"uuid":
            name, content = data[body : body + 16], data[body + 16 : end]
            if name == _C2PA and len(content) <= MAX_BLOCK:
                yield Block(BlockKind.C2PA, _jumbf(content), "BMFF uuid", at)
            elif name == _XMP and len(content) <= MAX_BLOCK:
                yield Block(BlockKind.XMP, content, "BMFF uuid", at)
        elif kind == b"meta":
            yield from _items(data, body + 4, end)


def _jumbf(content: bytes) -> bytes:
    """What follows version, purpose and offset of a C2PA box (C2PA 2.1, section A.5.1)."""
    _purpose, zero, rest = content[4:].partition(b"\x00")
    return rest[8:] if zero else b""


def _items(data: bytes, start: int, end: int) -> Iterator[Block]:
    parts = {kind: (body, stop) for kind, _, body, stop in boxes(data, start, end)}
    if b"iinf" not in parts or b"iloc" not in parts:
        return
    kinds = _kinds(data, *parts[b"iinf"])
    for number, method, extents in _locations(data, *parts[b"iloc"]):
        kind = kinds.get(number)
        if kind is None or method > 1:
            continue
        base, limit = (0, len(data)) if method == 0 else parts.get(b"idat", (0, 0))
        if not 0 < sum(size for _, size in extents) <= MAX_BLOCK:
            continue
        if any(base + at + size > limit for at, size in extents):
            continue
        body = b"".join(data[base + at : base + at + size] for at, size in extents)
        if kind is BlockKind.EXIF:  # the TIFF structure lies behind a 4-byte offset
            body = body[4 + int.from_bytes(body[:4], "big") :]
        yield Block(kind, body, f"BMFF item {number} ({kind.value})", base + extents[0][0])


def _kinds(data: bytes, start: int, end: int) -> dict[int, BlockKind]:
    """Items that are EXIF or XMP, by number (8.11.6)."""
    found = {}
    head = start + 4 + (2 if data[start : start + 1] == b"\x00" else 4)
    for kind, _, body, stop in boxes(data, head, end):
        version = data[body] if body < stop else 0
        if kind != b"infe" or version < 2:
            continue
        wide = 4 if version >= 3 else 2
        number = int.from_bytes(data[body + 4 : body + 4 + wide], "big")
        at = body + 6 + wide
        item = data[at : at + 4]
        if item == b"Exif":
            found[number] = BlockKind.EXIF
        elif item == b"mime":
            texts = data[at + 4 : stop].split(b"\x00")
            if len(texts) > 1 and texts[1] == b"application/rdf+xml":
                found[number] = BlockKind.XMP
    return found


def _locations(
    data: bytes, start: int, end: int
) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
    """Number, construction method and extents of each item (8.11.3)."""
    at = start

    def take(size: int) -> int:
        nonlocal at
        if at + size > end:
            raise EOFError
        value = int.from_bytes(data[at : at + size], "big")
        at += size
        return value

    try:
        version = take(1)
        take(3)
        sizes = take(2)
        offset_size, length_size = sizes >> 12, sizes >> 8 & 15
        base_size, index_size = sizes >> 4 & 15, sizes & 15 if version else 0
        if not offset_size + length_size:  # extents that take no room, so there may be any number
            return
        for _ in range(min(take(4 if version >= 2 else 2), MAX_BOXES)):
            number = take(4 if version >= 2 else 2)
            method = take(2) & 15 if version else 0
            take(2)
            base = take(base_size)
            extents = []
            for _ in range(min(take(2), MAX_BOXES)):
                take(index_size)
                offset, size = base + take(offset_size), take(length_size)
                extents.append((offset, size))
            yield number, method, extents
    except EOFError:
        return
