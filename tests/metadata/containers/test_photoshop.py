"""Photoshop image resources, whole and broken."""

import struct
import time

import pytest

from clipfake.metadata.containers.block import BlockKind
from clipfake.metadata.containers.photoshop import SIGNATURES, image_resources, iptc_blocks
from clipfake.metadata.read import MetadataOptions, read_metadata
from tests.conftest import PATIENCE
from tests.metadata.pieces import dataset, jpeg, resource, segment

CREDIT = dataset(110, b"a credit")
OTHER = dataset(115, b"a source")
FOREIGN = resource(0x0BB8, b"abcde", kind=b"PHUT")


def records(*segments: bytes) -> list[bytes]:
    """IIM records of segments that are whole."""
    found = list(iptc_blocks(list(enumerate(segments)), "here"))
    assert [block for block in found if block.kind is BlockKind.DAMAGED] == []
    return [block.data for block in found]


def broken(*segments: bytes) -> list[bytes]:
    """IIM records of segments with a fault, which is told."""
    found = list(iptc_blocks(list(enumerate(segments)), "here"))
    assert [block for block in found if block.kind is BlockKind.DAMAGED] != []
    return [block.data for block in found if block.kind is BlockKind.IPTC]


@pytest.mark.parametrize("name", [b"", b"a", b"ab"])
@pytest.mark.parametrize("kind", SIGNATURES)
def test_records_are_found_among_resources_of_any_signature(name: bytes, kind: bytes) -> None:
    before = resource(0x0425, b"odd", name, kind) + resource(0x03ED, b"even", name, kind)
    assert records(before + resource(0x0404, CREDIT, name, kind) + before) == [CREDIT]


@pytest.mark.parametrize("body", [CREDIT, CREDIT + b"\0", dataset(80, b"a name!")])
@pytest.mark.parametrize("padded", [True, False])
def test_an_odd_size_may_be_padded_or_not(body: bytes, padded: bool) -> None:
    whole = resource(0x0404, body)
    if not padded and len(body) % 2:
        whole = whole[:-1]
    assert records(FOREIGN + whole + resource(0x0404, OTHER)) == [body, OTHER]
    assert records(whole) == [body]


def test_zeros_between_resources_are_padding() -> None:
    assert records(bytes(9) + FOREIGN + bytes(7) + resource(0x0404, CREDIT) + bytes(400)) == [
        CREDIT
    ]


def test_every_block_of_records_is_read() -> None:
    assert records(resource(0x0404, CREDIT) + FOREIGN + resource(0x0404, OTHER)) == [CREDIT, OTHER]
    assert records(resource(0x0404, CREDIT), resource(0x0404, OTHER)) == [CREDIT, OTHER]


@pytest.mark.parametrize("cut", [2, 5, 9, 12, 14, 20])
def test_resources_go_on_in_a_segment_that_begins_with_no_signature(cut: int) -> None:
    whole = FOREIGN + resource(0x0404, CREDIT)
    assert records(whole[:cut], whole[cut : cut + 7], whole[cut + 7 :]) == [CREDIT]


def test_a_segment_may_end_with_a_resource() -> None:
    assert records(FOREIGN, resource(0x0404, CREDIT)) == [CREDIT]


@pytest.mark.parametrize(
    "junk", [b"garbage", b"\0\0\0\0garbage", b"8BIN" + bytes(20), b"\x1c\x02", b"8BI"]
)
def test_what_is_no_resource_costs_no_other_one(junk: bytes) -> None:
    whole = resource(0x0404, CREDIT)
    assert broken(junk, whole) == [CREDIT]
    assert broken(junk + whole) == [CREDIT]
    assert broken(FOREIGN + junk + whole) == [CREDIT]
    assert broken(whole + junk)[0].startswith(CREDIT)


@pytest.mark.parametrize("lie", [0, 3, 7, 20, 60, 5000, 2**31, 2**32 - 1])
def test_a_wrong_size_costs_no_other_resource(lie: int) -> None:
    foreign = bytearray(FOREIGN)
    foreign[-10:-6] = struct.pack(">I", lie)
    for parts in (
        [bytes(foreign) + resource(0x0404, CREDIT)],
        [bytes(foreign), resource(0x0404, CREDIT)],
    ):
        found = broken(*parts)
        assert found == [CREDIT]


@pytest.mark.parametrize("lie", [0, 3, 12, 60, 2**32 - 1])
@pytest.mark.parametrize("tail", [b"", FOREIGN])
def test_records_of_a_wrong_size_are_read_up_to_the_next_signature(lie: int, tail: bytes) -> None:
    whole = bytearray(resource(0x0404, CREDIT))
    whole[8:12] = struct.pack(">I", lie)
    (found,) = broken(bytes(whole) + tail)
    assert found.rstrip(b"\0") == CREDIT


@pytest.mark.parametrize("resources", [b"", resource(0x0425, b"digest"), bytes(40)])
def test_resources_without_records_are_none(resources: bytes) -> None:
    assert records(resources) == []


@pytest.mark.parametrize("resources", [b"8BIM", b"8BIM\x04\x04", b"8BIM\x04\x04\0\0", b"8BPS"])
def test_resources_that_break_off_give_no_records(resources: bytes) -> None:
    found = [b for b in iptc_blocks([(0, resources)], "here") if b.kind is BlockKind.IPTC]
    assert found == []


def test_no_truncation_raises() -> None:
    data = FOREIGN + resource(0x0404, CREDIT) + resource(0x0404, OTHER)
    for end in range(len(data)):
        for _number, body in image_resources(data[:end], []):
            assert len(body) <= len(data)


@pytest.mark.parametrize("piece", [b"8BIM", b"8BIM" + bytes(8), b"8BIM" + b"\xff" * 8, b"8", b"\0"])
def test_the_time_for_broken_resources_is_bounded(piece: bytes) -> None:
    data = piece * (2**23 // len(piece))
    start = time.process_time()
    list(iptc_blocks([(0, data)], "here"))
    assert time.process_time() - start < PATIENCE


def test_a_fault_is_noted_with_its_segment() -> None:
    parts = [
        segment(0xED, b"Photoshop 3.0\0" + body) for body in (b"junk", resource(0x0404, CREDIT))
    ]
    found = read_metadata(jpeg(*parts), "JPEG", MetadataOptions())
    assert found.notes == ("JPEG APP13: bytes that are no image resource",)
    assert {f.key: f.value for f in found.facts}["iptc.credit"] == "a credit"
