"""Tags of TIFF structures."""

import struct
from collections.abc import Sequence

import pytest

from clipfake.imaging.tiff import EXIF_IFD, MAX_IFDS, Tag, tags

ARTIST, WORDS = 0x013B, b"some words\0"
SHAPES = [("<", False), (">", False), ("<", True), (">", True)]

Entry = tuple[int, int, int, int | bytes]


def structure(
    *directories: Sequence[Entry],
    order: str = "<",
    big: bool = False,
    links: Sequence[int] | None = None,
    tail: bytes = b"",
) -> bytes:
    """A TIFF structure of directories, one behind the other, then a tail.

    A value is an integer (an offset counts from the tail when it is negative: -1 is its first
    byte) or the bytes of the entry itself. ``links`` are the directories that follow each.
    """
    word, width, count = ("Q", 8, "Q") if big else ("I", 4, "H")
    head = {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "H", 43 if big else 42)
    head += struct.pack(order + "HHQ", 8, 0, 16) if big else struct.pack(order + "I", 8)
    sizes = [struct.calcsize(count) + len(d) * (4 + 2 * width) + width for d in directories]
    starts = [len(head) + sum(sizes[:index]) for index in range(len(directories))]
    end = len(head) + sum(sizes)
    following = list(links if links is not None else range(1, len(directories)))
    body = b""
    for index, entries in enumerate(directories):
        body += struct.pack(order + count, len(entries))
        for number, kind, amount, value in entries:
            body += struct.pack(order + "HH" + word, number, kind, amount)
            if isinstance(value, int):
                value = struct.pack(order + word, end - value - 1 if value < 0 else value)
            body += value.ljust(width, b"\0")
        inside = index < len(following) and following[index] < len(starts)
        body += struct.pack(order + word, starts[following[index]] if inside else 0)
    return head + body + tail


def found(data: bytes, *wanted: int) -> list[Tag]:
    return list(tags(data, frozenset(wanted or (ARTIST,))))


@pytest.mark.parametrize(("order", "big"), SHAPES)
def test_a_value_is_found_by_its_offset(order: str, big: bool) -> None:
    data = structure([(ARTIST, 2, len(WORDS), -1)], order=order, big=big, tail=WORDS)
    (tag,) = found(data)
    assert tag == Tag("IFD0", ARTIST, 2, WORDS, len(data) - len(WORDS), order)
    assert tag.integer is None


@pytest.mark.parametrize(("order", "big"), SHAPES)
@pytest.mark.parametrize(("kind", "form"), [(3, "H"), (4, "I"), (13, "I")])
def test_a_short_value_stands_in_its_entry(order: str, big: bool, kind: int, form: str) -> None:
    value = struct.pack(order + form, 4711)
    (tag,) = found(structure([(ARTIST, kind, 1, value)], order=order, big=big))
    assert tag.integer == 4711
    assert tag.offset < (16 + 8 + 20 if big else 8 + 2 + 12)


@pytest.mark.parametrize(("order", "big"), SHAPES)
def test_directories_are_named_in_their_order(order: str, big: bool) -> None:
    entry = [(ARTIST, 2, 2, b"a\0")]
    data = structure(entry, entry, entry, order=order, big=big)
    assert [tag.ifd for tag in found(data)] == ["IFD0", "IFD1", "IFD2"]


@pytest.mark.parametrize(
    ("order", "big", "kind"),
    [
        ("<", False, 4),
        (">", False, 4),
        ("<", False, 13),
        (">", True, 4),
        ("<", True, 16),
        (">", True, 16),
        ("<", True, 18),
        (">", True, 18),
    ],
)
def test_the_exif_directory_is_followed(order: str, big: bool, kind: int) -> None:
    wide = kind in (16, 18)
    inner = structure([(ARTIST, 2, 2, b"a\0")], order=order, big=big)[16 if big else 8 :]
    start = len(structure([(EXIF_IFD, kind, 1, 0)], order=order, big=big))
    pointer = struct.pack(order + ("Q" if wide else "I"), start)
    data = structure([(EXIF_IFD, kind, 1, pointer)], order=order, big=big, tail=inner)
    assert [(tag.ifd, tag.value) for tag in found(data)] == [("Exif", b"a\0")]


def test_only_the_wanted_tags_are_given_each_once() -> None:
    data = structure([(ARTIST, 2, 2, b"a\0"), (ARTIST, 2, 2, b"b\0"), (270, 2, 2, b"c\0")])
    assert [tag.value for tag in found(data)] == [b"a\0"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"II",
        b"II*\0",
        b"XX*\0\x08\0\0\0",
        b"II*\0\0\0\0\0",
        b"II*\0\xff\xff\xff\xff",
        b"II+\0\x08\0\0\0" + b"\xff" * 8,
        structure([(ARTIST, 99, 1, 0)]),
        structure([(ARTIST, 2, 0, 0)]),
        structure([(ARTIST, 2, 2**32 - 1, 8)]),
        structure([(ARTIST, 2, 10, 0)]),
        structure([(ARTIST, 2, 10, 2**32 - 1)]),
        structure([(EXIF_IFD, 4, 1, 2**32 - 1)]),
        structure([(EXIF_IFD, 4, 1, 0)]),
        structure([(ARTIST, 2, 2**64 - 1, 2**64 - 1)], big=True),
    ],
)
def test_nonsense_gives_no_tags(data: bytes) -> None:
    assert found(data) == []


@pytest.mark.parametrize("links", [[0], [1, 0], [1, 1], [0, 0]])
def test_directories_that_lead_back_are_read_once(links: list[int]) -> None:
    entry = [(ARTIST, 2, 2, b"a\0")]
    data = structure(*[entry] * len(links), links=links)
    assert 1 <= len(found(data)) <= len(links)


def test_an_exif_directory_that_is_the_main_one_is_read_once() -> None:
    assert len(found(structure([(EXIF_IFD, 4, 1, 8), (ARTIST, 2, 2, b"a\0")]))) == 1


def test_directories_without_end_are_bounded() -> None:
    assert len(found(structure(*[[(ARTIST, 2, 2, b"a\0")]] * (MAX_IFDS + 8)))) == MAX_IFDS
