"""Camera raw files told by content."""

import struct
from pathlib import Path

import pytest
from PIL import ExifTags, Image, TiffImagePlugin

from clipfake.errors import ErrorCode, ImageError
from clipfake.imaging.decode import decode
from clipfake.imaging.formats import SNIFF_BYTES, TIFF_BYTES, sniff
from clipfake.imaging.limits import Limits
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.imaging.raw import raw_kind
from clipfake.scanning.reader import ReadOptions, read_item
from clipfake.sources import Item
from tests.conftest import encoded, picture

Entry = tuple[int, int, int]
SHAPES = [("<", False), (">", False), ("<", True), (">", True)]
PREVIEW = [(0x00FE, 4, 1), (0x0100, 4, 16), (0x0101, 4, 12), (0x0106, 3, 2)]


def structure(
    main: list[Entry],
    *children: list[Entry],
    order: str = "<",
    big: bool = False,
    pad: int = 0,
    chained: bool = False,
) -> bytes:
    """A TIFF structure of a directory and its children, or the directories after it.

    Entries are tag, type and one value; ``pad`` bytes lie before the directories.
    """
    word, width, count = ("Q", 8, "Q") if big else ("I", 4, "H")
    head = {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "H", 43 if big else 42)
    head += struct.pack(order + "HH", 8, 0) if big else b""
    first = len(head) + width + pad
    head += struct.pack(order + word, first) + bytes(pad)
    pointer = [] if chained or not children else [(0x014A, 13, 0)]
    listed = [*main, *pointer]
    sizes = [
        struct.calcsize("<" + count) + len(d) * (4 + 2 * width) + width for d in (listed, *children)
    ]
    starts = [first + sum(sizes[: index + 1]) for index in range(len(children))]
    links = [*starts, 0] if chained else [0] * (1 + len(children))
    tail, body = b"", b""
    end = first + sum(sizes)
    for index, entries in enumerate((listed, *children)):
        body += struct.pack(order + count, len(entries))
        for tag, kind, value in entries:
            amount = 1
            form = {3: "H", 4: "I", 13: "I", 1: "B"}[kind]
            packed = struct.pack(order + form, value)
            if tag == 0x014A:
                amount = len(starts)
                packed = struct.pack(f"{order}{amount}I", *starts)
                if len(packed) > width:
                    packed, tail = struct.pack(order + word, end), packed
            body += struct.pack(order + "HH" + word, tag, kind, amount) + packed.ljust(width, b"\0")
        body += struct.pack(order + word, links[index])
    return head + body + tail


def sensor(photometric: int = 32803, compression: int = 1) -> list[Entry]:
    return [(0x00FE, 4, 0), (0x0100, 4, 64), (0x0103, 3, compression), (0x0106, 3, photometric)]


@pytest.mark.parametrize(("order", "big"), SHAPES)
@pytest.mark.parametrize("photometric", [32803, 34892])
@pytest.mark.parametrize("chained", [False, True])
def test_sensor_data_in_any_directory_is_raw(
    order: str, big: bool, photometric: int, chained: bool
) -> None:
    other = [(0x00FE, 4, 1), (0x0106, 3, 6)]
    for children in ([sensor(photometric)], [other, sensor(photometric)]):
        data = structure(PREVIEW, *children, order=order, big=big, chained=chained)
        assert raw_kind(data) == "camera raw"
    assert raw_kind(structure(sensor(photometric), order=order, big=big)) == "camera raw"


@pytest.mark.parametrize("compression", [32767, 32769, 32770, 32867, 34713, 65000, 65535])
def test_a_makers_compression_is_raw(compression: int) -> None:
    assert raw_kind(structure(PREVIEW, sensor(2, compression))) == "camera raw"


def test_a_dng_is_raw_whatever_its_directories_say() -> None:
    assert raw_kind(structure([(0x0106, 3, 2), (0xC612, 1, 1)])) == "camera raw (DNG)"


def test_a_preview_of_a_larger_image_is_not_taken_for_it() -> None:
    larger = [(0x00FE, 4, 0), (0x0100, 4, 64), (0x0106, 3, 2)]
    assert raw_kind(structure(PREVIEW, larger)) == "TIFF that begins with a preview"
    # pyramids have the whole image first
    whole = [(0x00FE, 4, 0), (0x0100, 4, 64), (0x0106, 3, 2)]
    assert raw_kind(structure(whole, PREVIEW)) is None
    assert raw_kind(structure(PREVIEW)) is None


@pytest.mark.parametrize(
    "head",
    [
        b"IIRO\x08\0\0\0",
        b"IIRS\x08\0\0\0",
        b"MMOR\0\0\0\x08",
        b"IIU\0\x18\0\0\0",
        b"FUJIFILMCCD-RAW 0201",
        b"FOVb\0\0\3\0",
        b"\0MRM\0\1\2\3",
        b"II\x1a\0\0\0HEAPCCDR",
        b"II*\0\x10\0\0\0CR\2\0",
        b"II*\0\x08\0\0\0IIIITSR",
        b"IIIITwaR\1\0\0\0",
        b"MM\0*\0\0\0\x20" + bytes(8) + b"MMMMRawT",
        b"NOKIARAW\0",
        b"MM\0*\0\0\0\x08MMMMRaw",
        b"\0\0\0\x18ftypcrx \0\0\0\1crx isom",
    ],
)
def test_makers_marks_are_raw_with_a_remedy(head: bytes) -> None:
    with pytest.raises(ImageError, match=r"camera raw .*export it to TIFF") as caught:
        sniff(head + bytes(SNIFF_BYTES))
    assert caught.value.code is ErrorCode.UNSUPPORTED


@pytest.mark.parametrize("text", [b"MMORPG is a kind of game", b"IIRO, IIRO!", b"ARRIVALS today"])
def test_words_that_begin_like_a_mark_are_not_raw(text: bytes) -> None:
    with pytest.raises(ImageError) as caught:
        sniff(text)
    assert caught.value.code is ErrorCode.NOT_AN_IMAGE


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "jpeg", "tiff_adobe_deflate"])
@pytest.mark.parametrize("mode", ["RGB", "L", "1", "CMYK"])
def test_a_tiff_of_a_camera_or_a_scanner_is_read(big: bool, compression: str, mode: str) -> None:
    if (compression, mode) in (("jpeg", "1"),):
        pytest.skip("JPEG has no single bits")
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[ExifTags.Base.Make], info[ExifTags.Base.Model] = "NIKON CORPORATION", "NIKON D7200"
    info[ExifTags.Base.Software] = "Adobe Photoshop Lightroom Classic 13.0 (Windows)"
    image = picture().convert(mode)
    data = encoded(image, "TIFF", tiffinfo=info, compression=compression, big_tiff=big)
    assert sniff(data) == "TIFF"
    assert decode(data, Preprocessing(size=16), Limits()).format == "TIFF"


def test_a_tiff_of_several_pages_is_read() -> None:
    pages = [picture(seed=seed) for seed in range(3)]
    data = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert sniff(data) == "TIFF"


def test_damage_gives_an_answer_all_the_same() -> None:
    data = structure(PREVIEW, sensor())
    answers = {raw_kind(data[:end]) for end in range(len(data))}
    assert answers == {None, "TIFF that begins with a preview", "camera raw"}


# files


def raw_file(path: Path, *, pad: int = 0, behind: int = 0) -> Path:
    """A decodable preview, with sensor data in a child that lies behind so many bytes."""
    whole = encoded(Image.new("RGB", (16, 12)), "TIFF")
    data = structure(PREVIEW, sensor(), pad=pad)
    assert whole.startswith(b"II*\0")
    path.write_bytes(data + bytes(behind))
    return path


@pytest.mark.parametrize("pad", [0, 3 * TIFF_BYTES])
@pytest.mark.parametrize("pixels", [Preprocessing(size=16), None])
def test_a_raw_file_is_unsupported_with_or_without_its_pixels(
    tmp_path: Path, pad: int, pixels: Preprocessing | None
) -> None:
    path = raw_file(tmp_path / "photo.tif", pad=pad)
    record, found = read_item(Item(str(path)), ReadOptions(pixels))
    assert found is None
    assert record.error_code is ErrorCode.UNSUPPORTED
    assert str(record.error) == (
        f"{path}: camera raw is not read; export it to TIFF, PNG or JPEG first"
    )
    assert (record.format, record.facts, record.exif) == (None, None, None)


def test_a_raw_file_whose_start_tells_is_not_read_whole(tmp_path: Path) -> None:
    path = raw_file(tmp_path / "photo.nef", behind=5_000_000)
    record, _ = read_item(Item(str(path)), ReadOptions(None, Limits(bytes=1_000_000)))
    assert record.error_code is ErrorCode.UNSUPPORTED
    assert record.sha256 is None
