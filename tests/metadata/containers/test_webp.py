"""Blocks of WebP files."""

import struct

import pytest

from clipfake.metadata.containers.block import MAX_BLOCK, Block, BlockKind
from clipfake.metadata.containers.webp import read_webp
from tests.conftest import encoded, picture
from tests.metadata.pieces import packet, store

PACKET = packet(attributes='xmp:CreatorTool="a tool"')
TIFF_HEAD = b"II*\0\x08\0\0\0\0\0\0"


def part(kind: bytes, body: bytes) -> bytes:
    """A RIFF chunk."""
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def webp(*parts: bytes) -> bytes:
    """A WebP with chunks behind its pixels."""
    body = encoded(picture(), "WEBP")[8:] + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"save_all": True}])
def test_blocks_of_pillow_stand_where_they_are_told_to(options: dict[str, object]) -> None:
    data = encoded(picture(), "WEBP", exif=b"Exif\0\0" + TIFF_HEAD, xmp=PACKET, **options)
    found = list(read_webp(data))
    assert [(block.kind, block.data, block.place) for block in found] == [
        (BlockKind.EXIF, TIFF_HEAD, "WebP EXIF"),
        (BlockKind.XMP, PACKET, "WebP XMP"),
    ]
    assert [data[block.offset :][:4] for block in found] == [b"EXIF", b"XMP "]


def test_a_webp_without_metadata_has_no_blocks() -> None:
    assert list(read_webp(encoded(picture(), "WEBP"))) == []


def test_a_manifest_store_is_a_block() -> None:
    data = webp(part(b"C2PA", store()))
    (found,) = read_webp(data)
    assert found == Block(BlockKind.C2PA, store(), "WebP C2PA", data.index(b"C2PA"))


def test_odd_chunks_are_padded() -> None:
    found = list(read_webp(webp(part(b"EXIF", b"odd"), part(b"XMP ", PACKET))))
    assert [block.data for block in found] == [b"odd", PACKET]


def test_xmp_megabytes_into_the_file_is_found() -> None:
    (found,) = read_webp(webp(part(b"JUNK", bytes(3_000_001)), part(b"XMP ", PACKET)))
    assert found.data == PACKET
    assert found.offset > 3_000_000


def test_chunks_of_another_kind_are_no_blocks() -> None:
    assert list(read_webp(webp(part(b"exif", TIFF_HEAD), part(b"XMP_", PACKET)))) == []


def test_what_follows_the_end_is_no_block() -> None:
    assert list(read_webp(encoded(picture(), "WEBP") + part(b"XMP ", PACKET))) == []


def test_an_endless_block_is_none() -> None:
    parts = part(b"XMP ", bytes(MAX_BLOCK + 1)), part(b"EXIF", TIFF_HEAD)
    endless, found = read_webp(webp(*parts))
    assert (endless.kind, endless.place) == (BlockKind.DAMAGED, "WebP XMP")
    assert found.data == TIFF_HEAD


def test_a_block_that_is_cut_off_is_damaged() -> None:
    data = webp(part(b"XMP ", PACKET))[:-10]
    (found,) = read_webp(data)
    assert (found.kind, found.place) == (BlockKind.DAMAGED, "WebP XMP")


def test_no_truncation_raises() -> None:
    data = encoded(picture(8, 8), "WEBP", exif=TIFF_HEAD, xmp=PACKET)
    counts = [
        sum(block.kind is not BlockKind.DAMAGED for block in read_webp(data[:end]))
        for end in range(len(data) + 1)
    ]
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (0, 2)
