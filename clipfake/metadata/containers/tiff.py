"""Metadata blocks of a TIFF file (TIFF 6.0; XMP part 3, section 1.1.4)."""

from collections.abc import Iterator

from clipfake.imaging.tiff import MAX_VALUE, tags
from clipfake.metadata.containers.block import Block, BlockKind, damaged
from clipfake.metadata.containers.photoshop import iptc_blocks

_BLOCKS = {700: BlockKind.XMP, 33723: BlockKind.IPTC, 34377: BlockKind.IPTC, 52545: BlockKind.C2PA}
_PROFILE = 34675  # ICC: no metadata, but worth a note where it cannot be read
_WANTED = frozenset((*_BLOCKS, _PROFILE))


def read_tiff(data: bytes) -> Iterator[Block]:
    """The EXIF structure, which is the file itself, and blocks of tags 700, 33723, 34377, 52545."""
    yield Block(BlockKind.EXIF, data, "TIFF", 0)
    broken: list[tuple[str, int]] = []
    for tag in tags(data, _WANTED, broken=broken):
        place = f"TIFF {tag.ifd} tag {tag.number}"
        if tag.ifd == "Exif" or tag.number == _PROFILE:
            continue
        if tag.number == 34377:
            yield from iptc_blocks([(tag.offset, tag.value)], place)
        else:
            yield Block(_BLOCKS[tag.number], tag.value, place, tag.offset)
    for ifd, number in broken:
        text = f"it lies outside of the file, or has over {MAX_VALUE} bytes"
        yield damaged(text, f"TIFF {ifd} tag {number}", 0)
