"""Blocks of JPEG files."""

import struct

import pytest

from clipfake.metadata.containers.block import MAX_BLOCK, MAX_COUNT, Block, BlockKind
from clipfake.metadata.containers.jpeg import read_jpeg, segments
from tests.conftest import encoded, picture
from tests.metadata.pieces import XMP_HEAD, dataset, jpeg, packet, resource, segment, store

GUID = b"0123456789ABCDEF0123456789ABCDEF"
PACKET = packet(attributes='xmp:CreatorTool="a tool"')
EXTENDED_PACKET = packet(attributes=f'xmpNote:HasExtendedXMP="{GUID.decode()}"')
CREDIT = dataset(110, b"a credit")


def blocks(*parts: bytes, kind: BlockKind | None = None) -> list[Block]:
    """The blocks of a JPEG with segments, of one kind if told."""
    found, _ = read_jpeg(jpeg(*parts))
    return [block for block in found if kind is None or block.kind is kind]


def extension(body: bytes, position: int = 0, size: int | None = None) -> bytes:
    """A segment of an extended XMP packet."""
    head = b"http://ns.adobe.com/xmp/extension/\0" + GUID
    numbers = struct.pack(">II", len(body) if size is None else size, position)
    return segment(0xE1, head + numbers + body)


def jumbf_segments(box: bytes, size: int, number: int = 0x0211) -> list[bytes]:
    """A box in segments of at most ``size`` bytes, each with the box's head."""
    bodies = [box[8:][at : at + size] for at in range(0, len(box) - 8, size)]
    return [
        segment(0xEB, b"JP" + struct.pack(">HI", number, index) + box[:8] + body)
        for index, body in enumerate(bodies, 1)
    ]


def test_blocks_of_pillow_stand_where_they_are_told_to() -> None:
    data = encoded(picture(), "JPEG", exif=b"Exif\0\0MM\0*rest", xmp=PACKET, comment=b"words")
    found, _ = read_jpeg(data)
    assert [(block.kind, block.data, block.place) for block in found] == [
        (BlockKind.EXIF, b"MM\0*rest", "JPEG APP1"),
        (BlockKind.XMP, PACKET, "JPEG APP1"),
        (BlockKind.COMMENT, b"words", "JPEG COM"),
    ]
    for block in found:
        assert data[block.offset] == 0xFF
        assert data.index(block.data) - block.offset < 40


def test_a_jpeg_without_metadata_has_no_blocks() -> None:
    assert blocks() == []


def test_fill_bytes_before_a_marker_are_stepped_over() -> None:
    filled = b"\xff\xff\xff" + segment(0xE1, b"Exif\0\0II*\0")
    assert [block.data for block in blocks(filled)] == [b"II*\0"]


def test_xmp_megabytes_into_the_file_is_found() -> None:
    profiles = [segment(0xE2, b"ICC_PROFILE\0" + bytes(65_000)) for _ in range(50)]
    (found,) = blocks(*profiles, segment(0xE1, XMP_HEAD + PACKET))
    assert found.data == PACKET
    assert found.offset > 3_000_000


def test_the_zero_behind_the_name_of_xmp_may_be_missing() -> None:
    (found,) = blocks(segment(0xE1, XMP_HEAD.rstrip(b"\0") + PACKET))
    assert (found.kind, found.data) == (BlockKind.XMP, PACKET)


def test_xmp_behind_the_scan_is_found() -> None:
    data = encoded(picture(), "JPEG")
    late = data[:-2] + segment(0xE1, XMP_HEAD + PACKET) + data[-2:]
    (found,) = read_jpeg(late)[0]
    assert (found.data, found.offset) == (PACKET, len(data) - 2)


def test_a_progressive_scan_is_stepped_over() -> None:
    data = encoded(picture(), "JPEG", progressive=True, restart_marker_blocks=1)
    late = data[:-2] + segment(0xFE, b"last") + data[-2:]
    assert [block.data for block in read_jpeg(late)[0]] == [b"last"]


def test_no_more_than_so_many_segments_are_read() -> None:
    late, spare = segment(0xE1, XMP_HEAD + PACKET), 100
    assert blocks(*[segment(0xE2, b"")] * (MAX_COUNT - spare), late)
    assert not blocks(*[segment(0xE2, b"")] * MAX_COUNT, late)


def test_what_follows_the_end_is_no_block() -> None:
    data = encoded(picture(), "JPEG")
    assert read_jpeg(data + segment(0xE1, XMP_HEAD + PACKET))[0] == []
    assert read_jpeg(data + encoded(picture(), "JPEG", comment=b"second image"))[0] == []


def test_blocks_in_segments_of_another_kind_are_no_blocks() -> None:
    strangers = [
        segment(0xE2, XMP_HEAD + PACKET),
        segment(0xE2, b"Exif\0\0II*\0"),
        segment(0xED, XMP_HEAD + PACKET),
        segment(0xE1, b"JP" + bytes(6) + store()),
        segment(0xEB, b"C2" + bytes(6) + store()),
        segment(0xE1, b"http://ns.example.com/\0" + PACKET),
    ]
    assert blocks(*strangers) == []


# extended XMP


def test_an_extended_packet_is_joined_by_its_positions() -> None:
    parts = [extension(b"second", 5), extension(b"first", 0)]
    main = segment(0xE1, XMP_HEAD + EXTENDED_PACKET)
    found = blocks(main, *parts)[-1]
    assert (found.data, found.place) == (b"firstsecond", "JPEG APP1 extended")
    assert found.offset == 2 + len(main)


def test_an_extended_packet_that_is_not_named_is_no_block() -> None:
    assert [b.data for b in blocks(segment(0xE1, XMP_HEAD + PACKET), extension(b"x"))] == [PACKET]
    assert blocks(extension(b"x")) == []


def test_a_short_extension_is_no_block() -> None:
    short = segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + GUID + b"\0\0")
    assert len(blocks(segment(0xE1, XMP_HEAD + EXTENDED_PACKET), short)) == 1


def test_an_endless_extended_packet_is_no_block() -> None:
    body = bytes(65_000)
    count = MAX_BLOCK // len(body) + 1
    parts = [extension(body, index * len(body)) for index in range(count)]
    assert len(blocks(segment(0xE1, XMP_HEAD + EXTENDED_PACKET), *parts)) == 1


# APP11


@pytest.mark.parametrize("size", [7, 100, 60_000])
def test_a_jumbf_box_is_joined_from_its_segments(size: int) -> None:
    box = store(content=bytes(range(256)))
    (found,) = blocks(*jumbf_segments(box, size))
    assert (found.kind, found.data, found.place, found.offset) == (
        BlockKind.C2PA,
        box,
        "JPEG APP11",
        2,
    )


def test_segments_of_a_box_may_stand_in_any_order() -> None:
    box = store(content=bytes(range(256)))
    (found,) = blocks(*reversed(jumbf_segments(box, 100)))
    assert found.data == box


def test_boxes_with_other_numbers_are_kept_apart() -> None:
    first, second = store(content=b"first"), store(content=b"second")
    parts = jumbf_segments(first, 20, 1), jumbf_segments(second, 20, 2)
    mixed = [part for pair in zip(*parts, strict=False) for part in pair]
    assert [block.data for block in blocks(*mixed)] == [first, second]


def test_a_jumbf_box_is_not_endless() -> None:
    box = store(content=bytes(MAX_BLOCK))
    (found,) = blocks(*jumbf_segments(box, 65_000))
    assert len(found.data) == MAX_BLOCK


# APP13


@pytest.mark.parametrize("head", [b"Photoshop 3.0\0", b"Adobe_Photoshop2.5:"])
def test_iptc_is_found_among_image_resources(head: bytes) -> None:
    resources = resource(0x0425, b"odd") + resource(0x0404, CREDIT)
    (found,) = blocks(segment(0xED, head + resources))
    assert found == Block(BlockKind.IPTC, CREDIT, "JPEG APP13", 2)


def test_image_resources_may_go_on_in_a_second_segment() -> None:
    resources = resource(0x0404, CREDIT)
    parts = [segment(0xED, b"Photoshop 3.0\0" + half) for half in (resources[:9], resources[9:])]
    assert [block.data for block in blocks(*parts)] == [CREDIT]


# EXIF in several segments

EXIF = b"II*\0\x08\0\0\0" + bytes(range(256)) * 600


def exif_segments(block: bytes, size: int = 65_527) -> list[bytes]:
    return [segment(0xE1, b"Exif\0\0" + block[at : at + size]) for at in range(0, len(block), size)]


@pytest.mark.parametrize("size", [65_527, 60_000, 1000])
@pytest.mark.parametrize("order", [b"II*\0", b"MM\0*"])
def test_exif_longer_than_a_segment_goes_on_in_the_next(size: int, order: bytes) -> None:
    block = order + EXIF[4:]
    other = segment(0xE1, XMP_HEAD + PACKET)
    first, *rest = exif_segments(block, size)
    for parts in ([first, *rest], [other, first, *rest], [first, other, *rest]):
        (found,) = blocks(*parts, kind=BlockKind.EXIF)
        assert (found.data, found.place) == (block, "JPEG APP1")
        assert jpeg(*parts)[found.offset :].startswith(first)


def test_exif_blocks_that_are_whole_are_kept_apart() -> None:
    first, second = b"II*\0\x08\0\0\0first", b"MM\0*\0\0\0\x08second"
    found = blocks(*exif_segments(first), *exif_segments(second), *exif_segments(first))
    assert [block.data for block in found] == [first, second, first]
    found = blocks(*exif_segments(second), *exif_segments(EXIF))
    assert [block.data for block in found] == [second, EXIF]


def test_exif_that_goes_on_from_nothing_is_a_block_that_says_nothing() -> None:
    (found,) = blocks(segment(0xE1, b"Exif\0\0the rest"))
    assert found.data == b"the rest"


def test_exif_in_segments_is_not_endless() -> None:
    (found,) = blocks(*exif_segments(b"II*\0" + bytes(MAX_BLOCK)))
    assert len(found.data) == MAX_BLOCK


# damage


def test_no_truncation_raises() -> None:
    data = encoded(picture(8, 8), "JPEG", exif=b"Exif\0\0II*\0", xmp=PACKET, comment=b"words")
    parts = [*jumbf_segments(store(), 20), segment(0xED, b"Photoshop 3.0\0" + resource(4, b"x"))]
    whole = data[:2] + b"".join(parts) + data[2:]
    kinds = [len(read_jpeg(whole[:end])[0]) for end in range(len(whole) + 1)]
    assert kinds[0] == 0
    assert kinds[-1] == 4


@pytest.mark.parametrize("length", [0, 1])
def test_an_impossible_length_ends_the_file(length: int) -> None:
    broken = b"\xff\xe1" + struct.pack(">H", length)
    assert blocks(broken, segment(0xFE, b"words")) == []


def test_bytes_that_are_no_marker_end_the_file() -> None:
    assert blocks(segment(0xFE, b"before"), b"junk", segment(0xFE, b"after"))[0].data == b"before"
    assert len(blocks(segment(0xFE, b"before"), b"junk", segment(0xFE, b"after"))) == 1


def test_segments_give_marker_offset_and_payload() -> None:
    assert next(segments(jpeg(segment(0xFE, b"words")))) == (0xFE, 2, b"words")
