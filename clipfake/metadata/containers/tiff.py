"""Metadata blocks of a TIFF file (TIFF 6.0; XMP part 3, section 1.1.4)."""

from collections.abc import Iterator

from clipfake.imaging.tiff import tags
from clipfake.metadata.containers.block import Block, BlockKind
from clipfake.metadata.containers.photoshop import iptc_blocks

_BLOCKS = {700: BlockKind.XMP, 33723: BlockKind.IPTC, 34377: BlockKind.IPTC, 52545: BlockKind.C2PA}
_FIRST = frozenset(_BLOCKS)


def read_tiff(data: bytes) -> Iterator[Block]:
    """The EXIF structure, which is the file itself, and blocks of tags 700, 33723, 34377, 52545."""
    yield Block(BlockKind.EXIF, data, "TIFF", 0)
    for tag in tags(data, _FIRST):
        place = f"TIFF {tag.ifd} tag {tag.number}"
        if tag.ifd == "Exif":
            continue
        if tag.number == 34377:
            yield from iptc_blocks([(tag.offset, tag.value)], place)
        else:
            yield Block(_BLOCKS[tag.number], tag.value, place, tag.offset)
