"""Texts of IPTC-IIM records."""

import pytest

from clipfake.metadata.iptc import DATASETS, read_iptc
from tests.metadata.pieces import dataset


@pytest.mark.parametrize(("number", "name"), DATASETS.items())
def test_each_dataset_is_read_by_its_name(number: int, name: str) -> None:
    assert read_iptc(dataset(number, b"words")) == {name: "words"}


def test_other_datasets_and_records_are_stepped_over() -> None:
    data = dataset(0, b"\0\4") + dataset(90, b"\x1b%G", 1) + dataset(110, b"other record", 1)
    assert read_iptc(data + dataset(110, b"a credit")) == {"credit": "a credit"}


@pytest.mark.parametrize("text", ["größe 猫", "plain"])
def test_text_is_utf8(text: str) -> None:
    assert read_iptc(dataset(110, text.encode())) == {"credit": text}


def test_text_that_is_not_utf8_is_latin() -> None:
    assert read_iptc(dataset(110, b"gr\xf6\xdfe")) == {"credit": "größe"}


@pytest.mark.parametrize(
    ("mark", "value", "text"),
    [
        (b"\x1b%G", "größe".encode(), "größe"),
        (b"\x1b%/I", "größe".encode(), "größe"),
        (b"\x1b%G", b"gr\xf6\xdfe", "größe"),
        (b"\x1b.A", b"gr\xf6\xdfe", "größe"),
        (b"\x1b-A", b"Caf\xc3\xa9", "Caf\xc3\xa9"),
        (b"\x1b.B", "größe".encode(), "größe"),
        (b"", "größe".encode(), "größe"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_text_is_what_the_first_record_says(
    mark: bytes, value: bytes, text: str, first: bool
) -> None:
    parts = [dataset(90, mark, 1), dataset(110, value)]
    assert read_iptc(b"".join(parts if first else parts[::-1])) == {"credit": text}


@pytest.mark.parametrize("width", [1, 2, 4, 8])
def test_an_extended_dataset_says_how_wide_its_size_is(width: int) -> None:
    size = (6).to_bytes(width, "big")
    wide = b"\x1c\x02\x73" + (0x8000 | width).to_bytes(2, "big") + size + b"source"
    assert read_iptc(wide + dataset(110, b"a credit")) == {"source": "source", "credit": "a credit"}


def test_a_large_extended_dataset_is_stepped_over() -> None:
    body = bytes(70_000)
    wide = b"\x1c\x02\xca\x80\x04" + len(body).to_bytes(4, "big") + body
    assert read_iptc(wide + dataset(110, b"a credit")) == {"credit": "a credit"}


def test_text_is_trimmed_and_not_endless() -> None:
    assert read_iptc(dataset(110, b"  words \0\0")) == {"credit": "words"}
    assert read_iptc(dataset(120, b"x" * 30_000)) == {"caption": "x" * 2000}


def test_the_first_of_equal_datasets_counts() -> None:
    assert read_iptc(dataset(80, b"one") + dataset(80, b"two")) == {"by_line": "one"}


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\x1c",
        b"junk" + dataset(115, b"late"),
        b"\x1c\x02\x73\x80\x09" + bytes(8) + b"\4late",
        b"\x1c\x02\x73\xff\xff" + bytes(8) + b"\4late",
        b"\x1c\x02\x73\x80\x04\xff\0\0\4late",
        b"\x1c\x02\x73\0\5half",
        b"\x1d\x02\x73\0\4late",
    ],
)
def test_what_follows_a_broken_record_is_left_out(broken: bytes) -> None:
    assert read_iptc(dataset(110, b"a credit") + broken) == {"credit": "a credit"}


def test_no_truncation_raises() -> None:
    data = dataset(110, b"a credit") + dataset(115, b"a source")
    for end in range(len(data)):
        assert set(read_iptc(data[:end])) <= {"credit", "source"}
