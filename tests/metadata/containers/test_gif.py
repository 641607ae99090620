"""Blocks of GIF files."""

import io

import numpy as np
import pytest
from PIL import Image

from clipfake.metadata.containers.block import MAX_BLOCK, Block, BlockKind
from clipfake.metadata.containers.gif import read_gif
from tests.conftest import encoded, picture
from tests.metadata.pieces import packet, store

PACKET = packet(attributes='xmp:CreatorTool="a tool"')
TRAILER = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
XMP = b"\x21\xff\x0bXMP DataXMP" + PACKET + TRAILER


def blocks_of(body: bytes) -> bytes:
    """Sub-blocks of at most 255 bytes."""
    parts = [body[at : at + 255] for at in range(0, len(body), 255)]
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


C2PA = b"\x21\xff\x0bC2PA_GIF\x01\0\0" + blocks_of(store(content=bytes(700)))
COMMENT = b"\x21\xfe" + blocks_of(b"words " * 100)


def gif(early: bytes = b"", late: bytes = b"") -> bytes:
    """A GIF with extensions before its first image and behind its last."""
    data = encoded(picture(), "GIF")
    head = 13 + (3 << (1 + (data[10] & 7)) if data[10] & 0x80 else 0)
    return b"GIF89a" + data[6:head] + early + data[head:-1] + late + data[-1:]


def test_a_comment_of_pillow_is_a_block() -> None:
    data = encoded(picture(), "GIF", comment=b"words " * 100)
    (found,) = read_gif(data)
    assert found == Block(
        BlockKind.COMMENT, b"words " * 100, "GIF comment", data.index(b"\x21\xfe")
    )


@pytest.mark.parametrize("options", [{}, {"interlace": 0}, {"optimize": True}])
def test_a_gif_without_metadata_has_no_blocks(options: dict[str, object]) -> None:
    assert list(read_gif(encoded(picture(), "GIF", **options))) == []


@pytest.mark.parametrize("place", ["early", "late"])
def test_blocks_stand_on_either_side_of_the_pixels(place: str) -> None:
    data = gif(**{place: XMP + C2PA + COMMENT})
    found = list(read_gif(data))
    assert [(block.kind, block.data, block.place) for block in found] == [
        (BlockKind.XMP, PACKET, "GIF XMP"),
        (BlockKind.C2PA, store(content=bytes(700)), "GIF C2PA"),
        (BlockKind.COMMENT, b"words " * 100, "GIF comment"),
    ]
    start = data.index(XMP)
    assert [block.offset for block in found] == [
        start,
        start + len(XMP),
        start + len(XMP) + len(C2PA),
    ]


def test_decoders_step_over_the_packet() -> None:
    with Image.open(io.BytesIO(gif(XMP))) as image:
        assert image.info["extension"][0].startswith(b"XMP DataXMP")
        assert np.array_equal(image.convert("RGB"), Image.open(io.BytesIO(gif())).convert("RGB"))


def test_xmp_behind_many_frames_is_found() -> None:
    frames = [picture(seed=seed) for seed in range(4)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    (found,) = read_gif(data[:-1] + XMP + data[-1:])
    assert (found.data, found.offset) == (PACKET, len(data) - 1)


def test_xmp_without_its_trailer_is_no_block() -> None:
    bare = b"\x21\xff\x0bXMP DataXMP" + PACKET
    assert list(read_gif(gif(bare))) == []


def test_an_endless_packet_is_no_block() -> None:
    endless = b"\x21\xff\x0bXMP DataXMP" + b" " * (MAX_BLOCK + 1) + TRAILER
    assert [block.kind for block in read_gif(gif(endless + COMMENT))] == [BlockKind.COMMENT]


def test_many_packets_without_a_trailer_take_no_time() -> None:
    assert list(read_gif(gif(b"\x21\xff\x0bXMP DataXMP\0" * 200_000))) == []


def test_other_extensions_are_no_blocks() -> None:
    strangers = b"\x21\xff\x0bNETSCAPE2.0" + blocks_of(b"\x01\0\0")
    strangers += b"\x21\xff\x0bXMP_DataXMP" + blocks_of(PACKET)
    strangers += b"\x21\xff\x0bC2PA_GIF\x02\0\0" + blocks_of(store())
    strangers += b"\x21\xf9" + blocks_of(bytes(4))
    assert list(read_gif(gif(strangers))) == []


def test_what_follows_the_end_is_no_block() -> None:
    assert list(read_gif(encoded(picture(), "GIF") + XMP)) == []


def test_no_truncation_raises() -> None:
    data = encoded(picture(8, 8), "GIF", comment=b"words")
    data = data[:-1] + XMP + C2PA + data[-1:]
    counts = [len(list(read_gif(data[:end]))) for end in range(len(data) + 1)]
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (0, 3)
