"""A block of metadata, and what every container parser needs."""

import zlib
from dataclasses import dataclass
from enum import Enum

MAX_BLOCK = 16 * 2**20  # bytes of one block after joining or inflating
MAX_BLOCKS = 4 * MAX_BLOCK  # bytes of all blocks of a file
MAX_COUNT = 20_000  # blocks of a file


class BlockKind(str, Enum):
    """What a block holds."""

    EXIF = "EXIF"  # a TIFF structure
    XMP = "XMP"  # an XML packet
    IPTC = "IPTC"  # IIM records
    C2PA = "C2PA"  # a JUMBF superbox
    TEXT = "text"  # words under a keyword
    COMMENT = "comment"  # words that no standard gives a meaning
    DAMAGED = "damaged"  # a block that cannot be read: the data says why


@dataclass(frozen=True)
class Block:
    """Bytes of metadata and where they stand.

    Attributes:
        kind: what the bytes are.
        data: the bytes, joined and inflated; text is UTF-8.
        place: the segment, chunk or box, as the format's standard names it.
        offset: bytes from the start of the file to the block's first part.
        keyword: of a text block.
    """

    kind: BlockKind
    data: bytes
    place: str
    offset: int
    keyword: str = ""


def damaged(why: str, place: str, offset: int) -> Block:
    """A block that cannot be read, for a note."""
    return Block(BlockKind.DAMAGED, why.encode(), place, offset)


def inflate(data: bytes) -> bytes | None:
    """Decompress a zlib stream; None when it is corrupt or larger than ``MAX_BLOCK``."""
    stream = zlib.decompressobj()
    try:
        plain = stream.decompress(data, MAX_BLOCK)
    except zlib.error:
        return None
    return plain if stream.eof else None
