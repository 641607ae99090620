"""Metadata chunks of a WebP file (RFC 9649, section 2.7)."""

from collections.abc import Iterator

from clipfake.metadata.containers.block import MAX_BLOCK, Block, BlockKind, damaged

_KINDS = {b"EXIF": BlockKind.EXIF, b"XMP ": BlockKind.XMP, b"C2PA": BlockKind.C2PA}


def read_webp(data: bytes) -> Iterator[Block]:
    """Blocks of the EXIF, XMP and C2PA chunks."""
    at, end = 12, min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    while at + 8 <= end:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        kind = _KINDS.get(data[at : at + 4])
        if kind and (size > MAX_BLOCK or at + 8 + size > end):
            text = f"it is cut off, or has over {MAX_BLOCK} bytes"
            yield damaged(text, f"WebP {kind.value}", at)
        elif kind:
            body = data[at + 8 : at + 8 + size].removeprefix(b"Exif\x00\x00")
            yield Block(kind, body, f"WebP {kind.value}", at)
        at += 8 + size + size % 2  # RIFF pads chunks to even sizes
