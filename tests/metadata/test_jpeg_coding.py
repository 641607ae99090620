"""Quality and subsampling of JPEGs."""

import pytest

from clipfake.metadata.containers.jpeg import JpegCoding, read_jpeg
from clipfake.metadata.jpeg_coding import estimated_quality, scaled_table, subsampling
from tests.conftest import encoded, picture
from tests.metadata.pieces import jpeg, segment


def coding(**options: object) -> JpegCoding:
    return read_jpeg(encoded(picture(), "JPEG", **options))[1]


@pytest.mark.parametrize("quality", range(1, 101))
def test_the_quality_that_pillow_was_asked_for_is_told(quality: int) -> None:
    assert estimated_quality(coding(quality=quality).tables[0]) == (quality, True)


def test_a_16_bit_table_is_read() -> None:
    body = b"\x10" + b"".join(value.to_bytes(2, "big") for value in scaled_table(40))
    data = jpeg(segment(0xDB, body))
    assert read_jpeg(data)[1].tables[0] == scaled_table(40)


def test_two_tables_may_share_a_segment() -> None:
    first, second = bytes(scaled_table(40)), bytes(scaled_table(60))
    data = jpeg(segment(0xDB, b"\0" + first + b"\1" + second))
    assert read_jpeg(data)[1].tables == {0: scaled_table(40), 1: scaled_table(60)}


def test_a_cut_table_is_none() -> None:
    data = jpeg(segment(0xDB, b"\5" + bytes(63)))
    assert 5 not in read_jpeg(data)[1].tables


def test_a_table_of_its_own_is_near_a_quality() -> None:
    own = list(scaled_table(80))
    own[7] += 1
    assert estimated_quality(tuple(own)) == (80, False)


@pytest.mark.parametrize(("option", "name"), [(0, "4:4:4"), (1, "4:2:2"), (2, "4:2:0")])
@pytest.mark.parametrize("progressive", [False, True])
def test_the_subsampling_that_pillow_was_asked_for_is_told(
    option: int, name: str, progressive: bool
) -> None:
    found = coding(subsampling=option, progressive=progressive)
    assert subsampling(found) == name
    assert found.process == ("progressive" if progressive else "baseline")


@pytest.mark.parametrize(
    ("sampling", "name"),
    [
        (((1, 2), (1, 1), (1, 1)), "4:4:0"),
        (((4, 1), (1, 1), (1, 1)), "4:1:1"),
        (((2, 2), (2, 2), (2, 2)), "4:4:4"),
        (((3, 1), (1, 1), (1, 1)), None),
        (((2, 1), (1, 1), (2, 1)), None),
        (((1, 1), (2, 1), (2, 1)), None),
        (((2, 2), (0, 0), (0, 0)), None),
        (((1, 1),), None),
        (((1, 1),) * 4, None),
        ((), None),
    ],
)
def test_odd_factors_have_no_name(sampling: tuple[tuple[int, int], ...], name: str | None) -> None:
    assert subsampling(JpegCoding(sampling=sampling)) == name


def test_grey_has_no_subsampling() -> None:
    found = read_jpeg(encoded(picture().convert("L"), "JPEG"))[1]
    assert found.sampling == ((1, 1),)
    assert subsampling(found) is None


@pytest.mark.parametrize(
    ("marker", "process"),
    [
        (0xC0, "baseline"),
        (0xC1, "extended sequential"),
        (0xC2, "progressive"),
        (0xC3, "lossless"),
    ],
)
def test_the_first_frame_names_the_process(marker: int, process: str) -> None:
    header = b"\x08\0\x10\0\x10\x03" + b"\x01\x22\0" + b"\x02\x11\1" + b"\x03\x11\1"
    found = read_jpeg(jpeg(segment(marker, header)))[1]
    assert (found.process, subsampling(found)) == (process, "4:2:0")


@pytest.mark.parametrize(
    "header", [b"", b"\x08\0\x10", b"\x08\0\x10\0\x10\xff", b"\x08" + bytes(5)]
)
def test_a_cut_frame_header_is_no_matter(header: bytes) -> None:
    found = read_jpeg(jpeg(segment(0xC0, header)))[1]
    assert found.process == "baseline"
    assert subsampling(found) is None
