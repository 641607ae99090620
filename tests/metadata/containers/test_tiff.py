"""Blocks of TIFF files."""

import pytest
from PIL import TiffImagePlugin

from clipfake.imaging.tiff import EXIF_IFD
from clipfake.metadata.containers.block import MAX_BLOCK, MAX_BLOCKS, BlockKind
from clipfake.metadata.containers.read import read_blocks
from clipfake.metadata.containers.tiff import read_tiff
from tests.conftest import encoded, picture
from tests.imaging.test_tiff import structure
from tests.metadata.pieces import dataset, packet, resource, store

PACKET = packet(attributes='xmp:CreatorTool="a tool"')
CREDIT = dataset(110, b"a credit!")


@pytest.mark.parametrize("big", [False, True])
def test_blocks_of_pillow_stand_where_they_are_told_to(big: bool) -> None:
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info.tagtype[33723] = info.tagtype[34377] = info.tagtype[52545] = 7
    info[33723], info[34377], info[52545] = CREDIT, resource(0x0404, CREDIT), store()
    info.tagtype[700], info[700] = 1, PACKET
    data = encoded(picture(), "TIFF", tiffinfo=info, big_tiff=big)
    first, *rest = read_tiff(data)
    assert (first.kind, first.data, first.place, first.offset) == (
        BlockKind.EXIF,
        data,
        "TIFF",
        0,
    )
    assert [(block.kind, block.data, block.place) for block in rest] == [
        (BlockKind.XMP, PACKET, "TIFF IFD0 tag 700"),
        (BlockKind.IPTC, CREDIT, "TIFF IFD0 tag 33723"),
        (BlockKind.IPTC, CREDIT, "TIFF IFD0 tag 34377"),
        (BlockKind.C2PA, store(), "TIFF IFD0 tag 52545"),
    ]
    for block in rest:
        inside = resource(0x0404, CREDIT) if "34377" in block.place else block.data
        assert data[block.offset :].startswith(inside)


def test_a_plain_tiff_is_its_own_exif_block_alone() -> None:
    data = encoded(picture(), "TIFF")
    assert [block.kind for block in read_tiff(data)] == [BlockKind.EXIF]


def test_xmp_in_an_exif_directory_is_no_block() -> None:
    inner = structure([(700, 1, 4, b"<a/>")])[8:]
    start = len(structure([(EXIF_IFD, 4, 1, 0)]))
    data = structure([(EXIF_IFD, 4, 1, start)], tail=inner)
    assert [block.kind for block in read_tiff(data)] == [BlockKind.EXIF]


def test_blocks_that_share_their_bytes_are_bounded_together() -> None:
    body = bytes(MAX_BLOCK)
    data = structure(*[[(700, 1, MAX_BLOCK, -1)]] * 20, tail=body)
    kept = [block for block in read_blocks(data, "TIFF")[0] if block.kind is BlockKind.XMP]
    assert len(kept) == MAX_BLOCKS // MAX_BLOCK
    endless = structure([(700, 1, MAX_BLOCK + 1, -1)], tail=body + b"\0")
    assert [block.kind for block in read_tiff(endless)] == [BlockKind.EXIF, BlockKind.DAMAGED]


@pytest.mark.parametrize("number", [700, 33723, 34377, 34675, 52545])
def test_a_value_outside_of_the_file_is_damaged(number: int) -> None:
    data = structure([(number, 7, 100, 2**31)])
    _, found = read_tiff(data)
    assert (found.kind, found.place) == (BlockKind.DAMAGED, f"TIFF IFD0 tag {number}")
    assert len(list(read_tiff(structure([(number, 7, 0, 2**31)])))) == 1


def test_no_truncation_raises() -> None:
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info.tagtype[34377], info[34377] = 7, resource(0x0404, CREDIT)
    info.tagtype[700], info[700] = 1, PACKET
    data = encoded(picture(8, 8), "TIFF", tiffinfo=info)
    for end in range(len(data) + 1):
        found = [block for block in read_tiff(data[:end]) if block.kind is not BlockKind.DAMAGED]
        assert 1 <= len(found) <= 3
