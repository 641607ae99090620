"""Photoshop image resources (Adobe Photoshop File Formats Specification, Image Resources)."""

import re
from collections.abc import Iterator, Sequence

from clipfake.metadata.containers.block import MAX_BLOCK, MAX_COUNT, Block, BlockKind, damaged

# Photoshop's own, and those of ImageReady, PhotoDeluxe, Lightroom and Album
SIGNATURES = (b"8BIM", b"MeSa", b"PHUT", b"AgHg", b"DCSR")
_SIGNATURE = re.compile(b"|".join(SIGNATURES))
# an odd size is padded, though not by every writer
_PADDING = re.compile(b"\\x00{0,4096}(?=\\Z|" + b"|".join(SIGNATURES) + b")")
_IPTC = 0x0404


def iptc_blocks(segments: Sequence[tuple[int, bytes]], place: str) -> Iterator[Block]:
    """IIM records of every resource 0x0404, and what is damaged around them.

    Args:
        segments: offset and bytes of each; resources may go on in the next one, which then begins
            with no signature.
        place: as blocks name it.
    """
    found = 0
    for offset, resources in _joined(segments):
        faults: list[str] = []
        for number, body in image_resources(resources, faults):
            if number == _IPTC and body and found < MAX_COUNT:
                found += 1
                yield Block(BlockKind.IPTC, body, place, offset)
        for fault in dict.fromkeys(faults):
            yield damaged(fault, place, offset)


def image_resources(data: bytes, faults: list[str]) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of each resource; behind a fault, of those from the next signature on.

    Args:
        data: resources one behind the other.
        faults: gets a text for each thing that is wrong.
    """
    at = _next(data, 0)
    if data[:at].strip(b"\x00"):  # foreign, or the end of one whose start is lost
        faults.append("bytes that are no image resource")
    for _ in range(MAX_COUNT):
        if at + 7 > len(data):
            return
        number = int.from_bytes(data[at + 4 : at + 6], "big")
        name = 1 + data[at + 6]
        start = at + 6 + name + name % 2 + 4
        size = int.from_bytes(data[start - 4 : start], "big")
        end = start + size
        padding = _PADDING.match(data, end) if end <= len(data) else None
        if padding:
            at = padding.end()
        else:  # its size is wrong or it is cut off; it ends where another one begins
            faults.append("an image resource has another size than it says")
            at = end = _next(data, min(start, len(data)))
        yield number, data[start:end]


def _next(data: bytes, start: int) -> int:
    """Where the next signature stands; the end of the data without one."""
    found = _SIGNATURE.search(data, start)
    return found.start() if found else len(data)


def _joined(segments: Sequence[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Segments with those that go on from them."""
    offset, size = 0, 0
    parts: list[bytes] = []
    for at, body in segments:
        if parts and (body.startswith(SIGNATURES) or size + len(body) > MAX_BLOCK):
            yield offset, b"".join(parts)
            parts, size = [], 0
        if not parts:
            offset = at
        parts.append(body)
        size += len(body)
    if parts:
        yield offset, b"".join(parts)
