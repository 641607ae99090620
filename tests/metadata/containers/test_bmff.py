"""Blocks of HEIF and AVIF files."""

import io
import struct
from collections.abc import Sequence

import pytest
from PIL import features

from clipfake.metadata.containers.block import MAX_BLOCK, Block, BlockKind
from clipfake.metadata.containers.bmff import boxes, read_bmff
from clipfake.metadata.containers.read import read_blocks
from tests.conftest import encoded, picture
from tests.metadata.pieces import box, packet, store

PACKET = packet(attributes='xmp:CreatorTool="a tool"')
TIFF_HEAD = b"II*\0\x08\0\0\0\0\0\0\0\0\0"
C2PA_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
FTYP = box(b"ftyp", b"avif\0\0\0\0mif1")

Item = tuple[bytes, int, Sequence[tuple[int, int]]]  # type, construction method, extents


def full(kind: bytes, body: bytes, version: int = 0) -> bytes:
    """A box with version and flags."""
    return box(kind, bytes([version, 0, 0, 0]) + body)


def infe(number: int, kind: bytes, version: int = 2) -> bytes:
    wide = ">I" if version == 3 else ">H"
    mime = b"application/rdf+xml\0" if kind == b"mime" else b""
    body = struct.pack(wide, number) + b"\0\0" + kind + b"a name\0" + mime
    return full(b"infe", body, version)


def iloc(items: Sequence[Item], version: int, *, base: int = 0) -> bytes:
    """Locations with 4-byte fields, or with 8-byte ones in version 2."""
    wide, sizes = ("Q", 0x8880) if version == 2 else ("I", 0x4440)
    count = ">I" if version == 2 else ">H"
    body = struct.pack(">H", sizes) + struct.pack(count, len(items))
    for number, (_, method, extents) in enumerate(items, 1):
        body += struct.pack(count, number)
        body += struct.pack(">H", method) if version else b""
        body += struct.pack(">H" + wide + "H", 0, base, len(extents))
        for offset, size in extents:
            body += struct.pack(">" + wide + wide, offset, size)
    return full(b"iloc", body, version)


def file_of(
    *items: tuple[bytes, bytes], version: int = 0, inside: bool = False, split: int = 1
) -> bytes:
    """A file of items; inside, their bytes stand in ``idat``, else behind the meta box."""

    def meta(start: int) -> bytes:
        listed, body = [], b""
        for kind, content in items:
            step = -(-len(content) // split)
            parts = [content[at : at + step] for at in range(0, len(content), step)]
            extents = []
            for part in parts:
                extents.append((start + len(body), len(part)))
                body += part + b"gap"
            listed.append((kind, int(inside), extents))
        infos = [infe(number, kind) for number, (kind, _) in enumerate(items, 1)]
        content = full(b"iinf", struct.pack(">H", len(items)) + b"".join(infos))
        content += iloc(listed, version)
        whole = full(b"meta", content + (box(b"idat", body) if inside else b""))
        return whole if inside else whole + box(b"mdat", body)

    if inside:
        return FTYP + meta(0)
    head = len(FTYP) + meta(0).index(b"mdat") + 4
    return FTYP + meta(head)


EXIF_ITEM = struct.pack(">I", 6) + b"Exif\0\0" + TIFF_HEAD


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_items_of_an_avif_by_pillow_are_found() -> None:
    data = encoded(picture(), "AVIF", exif=b"Exif\0\0" + TIFF_HEAD, xmp=PACKET)
    found, _ = read_blocks(data, "AVIF")
    assert [(block.kind, block.data) for block in found] == [
        (BlockKind.EXIF, TIFF_HEAD),
        (BlockKind.XMP, PACKET),
    ]
    for block in found:
        assert block.place.startswith("BMFF item ")
        assert 0 <= data.index(block.data) - block.offset <= 10


def test_items_of_a_heic_by_pillow_heif_are_found() -> None:
    heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    heif.from_pillow(picture()).save(buffer, exif=b"Exif\0\0" + TIFF_HEAD, xmp=PACKET)
    data = buffer.getvalue()
    found, _ = read_blocks(data, "HEIF")
    assert [(block.kind, block.data) for block in found] == [
        (BlockKind.EXIF, TIFF_HEAD),
        (BlockKind.XMP, PACKET),
    ]
    for block in found:
        assert 0 <= data.index(block.data) - block.offset <= 10


@pytest.mark.parametrize("version", [0, 1, 2])
@pytest.mark.parametrize("split", [1, 3])
def test_items_are_joined_from_their_extents(version: int, split: int) -> None:
    data = file_of((b"Exif", EXIF_ITEM), (b"mime", PACKET), version=version, split=split)
    found = list(read_bmff(data))
    assert [(block.kind, block.data, block.place) for block in found] == [
        (BlockKind.EXIF, TIFF_HEAD, "BMFF item 1 (EXIF)"),
        (BlockKind.XMP, PACKET, "BMFF item 2 (XMP)"),
    ]
    assert found[0].offset == data.index(EXIF_ITEM[:8])
    assert found[1].offset == data.index(PACKET[:20])


@pytest.mark.parametrize("version", [1, 2])
def test_items_in_idat_are_found(version: int) -> None:
    data = file_of((b"mime", PACKET), version=version, inside=True)
    assert list(read_bmff(data)) == [
        Block(BlockKind.XMP, PACKET, "BMFF item 1 (XMP)", data.index(PACKET))
    ]


def test_an_exif_item_may_have_no_prefix() -> None:
    (found,) = read_bmff(file_of((b"Exif", bytes(4) + TIFF_HEAD)))
    assert found.data == TIFF_HEAD


def test_wide_item_numbers_are_read() -> None:
    content = full(b"iinf", struct.pack(">I", 1) + infe(1, b"mime", 3), 1)
    start = len(FTYP) + 12 + len(content) + len(iloc([(b"", 0, [(0, 0)])], 2))
    content += iloc([(b"", 0, [(start, len(PACKET))])], 2)
    (found,) = read_bmff(FTYP + full(b"meta", content) + PACKET)
    assert (found.data, found.offset) == (PACKET, start)


@pytest.mark.parametrize("kind", [b"uri ", b"hvc1", b"av01", b"xmp "])
def test_items_of_another_type_are_no_blocks(kind: bytes) -> None:
    assert list(read_bmff(file_of((kind, PACKET)))) == []


def test_mime_items_of_another_type_are_no_blocks() -> None:
    data = file_of((b"mime", PACKET)).replace(b"application/rdf+xml", b"application/rdf-xml")
    assert list(read_bmff(data)) == []


# uuid boxes


def c2pa_box(content: bytes, purpose: bytes = b"manifest") -> bytes:
    return box(b"uuid", C2PA_UUID + bytes(4) + purpose + b"\0" + bytes(8) + content)


def test_uuid_boxes_are_blocks() -> None:
    data = FTYP + c2pa_box(store()) + box(b"uuid", XMP_UUID + PACKET)
    assert list(read_bmff(data)) == [
        Block(BlockKind.C2PA, store(), "BMFF uuid", len(FTYP)),
        Block(BlockKind.XMP, PACKET, "BMFF uuid", len(FTYP) + len(c2pa_box(store()))),
    ]


def test_uuid_boxes_megabytes_into_the_file_are_found() -> None:
    large = struct.pack(">I4sQ", 1, b"mdat", 16 + 3_000_000) + bytes(3_000_000)
    (found,) = read_bmff(FTYP + large + box(b"uuid", XMP_UUID + PACKET))
    assert (found.data, found.offset) == (PACKET, len(FTYP) + len(large))


def test_the_last_box_may_reach_to_the_end() -> None:
    last = bytes(4) + b"uuid" + XMP_UUID + PACKET
    assert [block.data for block in read_bmff(FTYP + last)] == [PACKET]


def test_other_boxes_are_no_blocks() -> None:
    strangers = box(b"uuid", bytes(16) + PACKET) + box(b"free", XMP_UUID + PACKET)
    strangers += box(b"mdat", box(b"uuid", XMP_UUID + PACKET))
    assert list(read_bmff(FTYP + strangers)) == []
    assert not any(block.data for block in read_bmff(FTYP + box(b"uuid", C2PA_UUID + b"cut")))


def test_endless_boxes_are_no_blocks() -> None:
    assert list(read_bmff(FTYP + box(b"uuid", XMP_UUID + bytes(MAX_BLOCK + 1)))) == []


# damage


@pytest.mark.parametrize("extents", [[(0, 2**32 - 1)], [(2**32 - 1, 8)], [(0, 0)], []])
def test_extents_outside_the_file_give_no_block(extents: list[tuple[int, int]]) -> None:
    content = full(b"iinf", struct.pack(">H", 1) + infe(1, b"mime"))
    for version in (0, 1):
        data = FTYP + full(b"meta", content + iloc([(b"", 0, extents)], version)) + PACKET
        assert list(read_bmff(data)) == []


def test_a_list_of_items_without_locations_gives_no_block() -> None:
    content = full(b"iinf", struct.pack(">H", 1) + infe(1, b"mime"))
    assert list(read_bmff(FTYP + full(b"meta", content))) == []


def test_old_item_infos_give_no_block() -> None:
    content = full(b"iinf", struct.pack(">H", 1) + infe(1, b"mime", 1))
    content += iloc([(b"", 0, [(0, 8)])], 0)
    assert list(read_bmff(FTYP + full(b"meta", content))) == []


def test_locations_that_break_off_give_the_items_before() -> None:
    content = full(b"iinf", struct.pack(">H", 2) + infe(1, b"mime") + infe(2, b"mime"))
    cut = full(b"iloc", iloc([(b"", 0, [(0, 8)])] * 2, 0)[12:-4])
    found = list(read_bmff(FTYP + full(b"meta", content + cut)))
    assert [block.data for block in found] == [FTYP[:8]]


def test_extents_that_share_their_bytes_are_bounded() -> None:
    content = full(b"iinf", struct.pack(">H", 1) + infe(1, b"mime"))
    content += iloc([(b"", 0, [(0, 2**20)] * 4000)], 0)
    assert list(read_bmff(FTYP + full(b"meta", content) + bytes(2**20))) == []


def test_extents_that_take_no_room_take_no_time() -> None:
    content = full(b"iinf", struct.pack(">H", 1) + infe(1, b"mime"))
    items = b"".join(struct.pack(">HHH", number, 0, 65535) for number in range(65535))
    content += full(b"iloc", struct.pack(">HH", 0, 65535) + items)
    assert list(read_bmff(FTYP + full(b"meta", content))) == []


def test_no_truncation_raises() -> None:
    data = file_of((b"Exif", EXIF_ITEM), (b"mime", PACKET)) + c2pa_box(store())
    counts = [len(list(read_bmff(data[:end]))) for end in range(len(data) + 1)]
    assert (counts[0], counts[-1]) == (0, 3)


def test_boxes_end_where_their_size_is_impossible() -> None:
    data = box(b"free", b"") + struct.pack(">I", 7) + b"free" + box(b"free", b"")
    assert list(boxes(data, 0, len(data))) == [(b"free", 0, 8, 8)]
