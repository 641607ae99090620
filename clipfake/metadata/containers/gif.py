"""Metadata extensions of a GIF file (GIF89a, sections 24 and 26; XMP part 3, section 1.1.2)."""

from collections.abc import Iterator

from clipfake.metadata.containers.block import MAX_BLOCK, Block, BlockKind

_XMP_TRAILER = 257  # bytes that let decoders skip the packet, which is no sub-blocks


def read_gif(data: bytes) -> Iterator[Block]:
    """Blocks of the XMP, C2PA and comment extensions."""
    at = 13 + _table(data, 10)
    while at < len(data):
        if data[at] == 0x2C:  # an image: descriptor, colour table, code size, data
            at = _skip(data, at + 11 + _table(data, at + 9))
        elif data[at] == 0x21 and data[at + 1 : at + 2] == b"\xfe":
            end = _skip(data, at + 2)
            yield Block(BlockKind.COMMENT, _join(data, at + 2), "GIF comment", at)
            at = end
        elif data[at] == 0x21 and data[at + 1 : at + 2] == b"\xff":
            name = data[at + 3 : at + 14]
            if name == b"XMP DataXMP":
                # the trailer counts down 01 FF FE ... 00 00, so any byte leads to its end
                end = data.find(b"\x01\xff\xfe\xfd", at + 14)
                if end < 0:
                    break
                if end - at <= MAX_BLOCK:
                    yield Block(BlockKind.XMP, data[at + 14 : end], "GIF XMP", at)
                at = end + _XMP_TRAILER + 1
                continue
            if name == b"C2PA_GIF\x01\x00\x00":
                yield Block(BlockKind.C2PA, _join(data, at + 14), "GIF C2PA", at)
            at = _skip(data, at + 14)
        elif data[at] == 0x21:
            at = _skip(data, at + 2)
        else:
            break


def _table(data: bytes, at: int) -> int:
    """Bytes of the colour table that the flags at ``at`` announce."""
    flags = data[at] if at < len(data) else 0
    return 3 << (1 + (flags & 7)) if flags & 0x80 else 0


def _skip(data: bytes, at: int) -> int:
    while at < len(data) and data[at]:
        at += 1 + data[at]
    return at + 1


def _join(data: bytes, at: int) -> bytes:
    parts, size = [], 0
    while at < len(data) and data[at] and size < MAX_BLOCK:
        parts.append(data[at + 1 : at + 1 + data[at]])
        size += len(parts[-1])
        at += 1 + data[at]
    return b"".join(parts)
