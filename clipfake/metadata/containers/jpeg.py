"""Metadata blocks and coding facts of a JPEG file (ITU-T T.81 annex B)."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from clipfake.imaging.tiff import HEADS
from clipfake.metadata.containers.block import MAX_BLOCK, MAX_COUNT, Block, BlockKind
from clipfake.metadata.containers.photoshop import iptc_blocks

_EXIF = b"Exif\x00"
_XMP = b"http://ns.adobe.com/xap/1.0/"  # and a zero, which some writers leave out
_EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\x00"
_PHOTOSHOP = (b"Photoshop 3.0\x00", b"Adobe_Photoshop2.5:")
_SOS, _EOI, _COM, _DQT = 0xDA, 0xD9, 0xFE, 0xDB
_FRAMES = {0xC0: "baseline", 0xC1: "extended sequential", 0xC2: "progressive", 0xC3: "lossless"}
_ALONE = {0x01, *range(0xD0, 0xD9)}  # TEM, RSTn and SOI carry no length
# what ends entropy-coded data: a marker that is neither stuffing, nor a restart, nor fill
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


@dataclass
class JpegCoding:
    """How a JPEG was coded.

    Attributes:
        process: of the first frame header, e.g. ``progressive``.
        sampling: horizontal and vertical factors of each component.
        tables: quantisation tables in zigzag order, by their number.
    """

    process: str | None = None
    sampling: tuple[tuple[int, int], ...] = ()
    tables: dict[int, tuple[int, ...]] = field(default_factory=dict)


def segments(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Marker, offset and payload of each segment up to the end of the first image."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return  # not a marker: what follows cannot be told
        marker = data[at + 1]
        if marker == 0xFF or marker in _ALONE:
            at += 1 if marker == 0xFF else 2
            continue
        if marker == _EOI:
            return
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if length < 2 or at + 2 + length > len(data):
            return
        yield marker, at, data[at + 4 : at + 2 + length]
        at += 2 + length
        if marker == _SOS:
            found = _NEXT_MARKER.search(data, at)
            if found is None:
                return
            at = found.start()


def read_jpeg(data: bytes) -> tuple[list[Block], JpegCoding]:
    """Blocks of the APP1, APP11, APP13 and COM segments, and how the image was coded.

    No more than ``MAX_COUNT`` segments are read.
    """
    blocks: list[Block] = []
    coding = JpegCoding()
    exif: list[tuple[int, list[bytes]]] = []
    extended: dict[bytes, dict[int, bytes]] = {}
    extended_at: dict[bytes, int] = {}
    jumbf: dict[int, list[tuple[int, int, bytes]]] = {}
    photoshop: list[tuple[int, bytes]] = []
    for marker, at, body in islice(segments(data), MAX_COUNT):
        if marker == 0xE1 and body.startswith(_EXIF):
            if exif and body[6:10] not in HEADS:
                exif[-1][1].append(body[6:])
            else:
                exif.append((at, [body[6:]]))
        elif marker == 0xE1 and body.startswith(_XMP):
            packet = body[len(_XMP) :].removeprefix(b"\x00")
            blocks.append(Block(BlockKind.XMP, packet, "JPEG APP1", at))
        elif marker == 0xE1 and body.startswith(_EXTENDED_XMP):
            head = len(_EXTENDED_XMP)
            guid = body[head : head + 32]
            if len(body) >= head + 40:
                (position,) = struct.unpack(">I", body[head + 36 : head + 40])
                extended.setdefault(guid, {})[position] = body[head + 40 :]
                extended_at.setdefault(guid, at)
        elif marker == 0xEB and body.startswith(b"JP") and len(body) >= 16:
            number, sequence = struct.unpack(">HI", body[2:8])
            jumbf.setdefault(number, []).append((sequence, at, body[8:]))
        elif marker == 0xED and (mark := next(filter(body.startswith, _PHOTOSHOP), b"")):
            photoshop.append((at, body[len(mark) :]))
        elif marker == _COM:
            blocks.append(Block(BlockKind.COMMENT, body, "JPEG COM", at))
        elif marker == _DQT:
            _read_tables(body, coding)
        elif marker in _FRAMES and coding.process is None:
            coding.process = _FRAMES[marker]
            coding.sampling = tuple(
                (factors >> 4, factors & 15) for factors in body[7::3][: body[5] if body[5:] else 0]
            )
    blocks += _joined_exif(exif)
    blocks += _extended_xmp(blocks, extended, extended_at)
    blocks += _joined_jumbf(jumbf)
    blocks += iptc_blocks(photoshop, "JPEG APP13")
    return sorted(blocks, key=lambda block: block.offset), coding


def _joined_exif(parts: list[tuple[int, list[bytes]]]) -> Iterator[Block]:
    """EXIF blocks; what does not begin like one goes on from the segment before.

    The standard ends EXIF with its segment (Exif 2.32, 4.7.2); what writers do with more is to
    repeat the segment's head. A block of its own begins with a head of TIFF.
    """
    for at, bodies in parts:
        yield Block(BlockKind.EXIF, b"".join(bodies)[:MAX_BLOCK], "JPEG APP1", at)


def _extended_xmp(
    blocks: list[Block], parts: dict[bytes, dict[int, bytes]], offsets: dict[bytes, int]
) -> list[Block]:
    """Extended packets that the main packet names (XMP part 3, section 1.1.3.1)."""
    main = b"".join(block.data for block in blocks if block.kind is BlockKind.XMP)
    found = []
    for guid, chunks in parts.items():
        size = sum(map(len, chunks.values()))
        if guid not in main or size > MAX_BLOCK:
            continue
        joined = b"".join(chunks[position] for position in sorted(chunks))
        found.append(Block(BlockKind.XMP, joined, "JPEG APP1 extended", offsets[guid]))
    return found


def _joined_jumbf(parts: dict[int, list[tuple[int, int, bytes]]]) -> list[Block]:
    """JUMBF boxes joined from their segments (ISO 19566-5 annex D.2)."""
    found = []
    for pieces in parts.values():
        ordered = sorted(pieces)
        joined = bytearray(ordered[0][2])
        for _, _, piece in ordered[1:]:
            joined += piece[8:]  # each repeats the box's length and type
            if len(joined) > MAX_BLOCK:
                break
        box = bytes(joined[:MAX_BLOCK])
        found.append(Block(BlockKind.C2PA, box, "JPEG APP11", ordered[0][1]))
    return found


def _read_tables(body: bytes, coding: JpegCoding) -> None:
    at = 0
    while at < len(body):
        wide, number = body[at] >> 4, body[at] & 15
        size = 128 if wide else 64
        values = body[at + 1 : at + 1 + size]
        if len(values) < size:
            return
        table = struct.unpack(">64H", values) if wide else tuple(values)
        coding.tables.setdefault(number, table)
        at += 1 + size
