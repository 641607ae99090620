"""Blocks of a file, whatever its format."""

from collections.abc import Callable, Iterator

from clipfake.metadata.containers.block import MAX_BLOCKS, MAX_COUNT, Block
from clipfake.metadata.containers.bmff import read_bmff
from clipfake.metadata.containers.gif import read_gif
from clipfake.metadata.containers.jpeg import JpegCoding, read_jpeg
from clipfake.metadata.containers.png import read_png
from clipfake.metadata.containers.tiff import read_tiff
from clipfake.metadata.containers.webp import read_webp

_READERS: dict[str, Callable[[bytes], Iterator[Block]]] = {
    "PNG": read_png,
    "WEBP": read_webp,
    "GIF": read_gif,
    "TIFF": read_tiff,
    "AVIF": read_bmff,
    "HEIF": read_bmff,
}


def read_blocks(data: bytes, form: str) -> tuple[list[Block], JpegCoding | None]:
    """Metadata blocks of a file, each from the place that its format keeps it in.

    Args:
        data: the whole file.
        form: format as ``sniff`` names it.

    Returns:
        The blocks in the order of the file, and how it was coded if it is a JPEG. A file that
        ends early or breaks off gives the blocks before that; so does one whose blocks hold more
        than ``MAX_BLOCKS`` bytes, or are more than ``MAX_COUNT``.
    """
    if form == "JPEG":
        return read_jpeg(data)
    reader = _READERS.get(form)
    blocks: list[Block] = []
    total = 0
    for block in () if reader is None else reader(data):
        total += 0 if block.data is data else len(block.data)  # a TIFF is its own block
        if total > MAX_BLOCKS or len(blocks) == MAX_COUNT:
            break
        blocks.append(block)
    return blocks, None
