"""Files that are made to harm: each gives one row, soon, and for little memory."""

import functools
import io
import multiprocessing
import random
import struct
import zlib
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from benchmarks.hostile import mutate
from clipfake.errors import ErrorCode
from clipfake.imaging.limits import Limits
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.records import Record
from clipfake.scanning.batches import read_batches
from clipfake.scanning.processes.confine import cap_memory
from clipfake.scanning.reader import ReadOptions, read_item
from clipfake.sources import Item
from tests.conftest import PATIENCE, encoded, picture

OPTIONS = ReadOptions(Preprocessing(size=32), Limits(seconds=PATIENCE))
MEMORY = 2**28  # bytes that a file made here may cost
SIDE = 60_000
forks = pytest.mark.skipif(
    multiprocessing.get_start_method() != "fork", reason="needs a copy of the process"
)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*chunks: bytes, width: int = 8, height: int = 8, data: bytes | None = None) -> bytes:
    """A grey PNG; ``chunks`` come before its data."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(b"\0" * (width + 1) * height) if data is None else data
    parts = [chunk(b"IHDR", header), *chunks, chunk(b"IDAT", data), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff(*entries: tuple[int, int, int, int], following: int = 0, strip: bytes = b"") -> bytes:
    """A little-endian TIFF of one directory at byte 8; the strip follows it."""
    directory = struct.pack("<H", len(entries)) + b"".join(
        struct.pack("<HHII", *entry) for entry in sorted(entries)
    )
    return b"II*\0" + struct.pack("<I", 8) + directory + struct.pack("<I", following) + strip


def grey_tiff(width: int, height: int, following: int = 0) -> bytes:
    strip = bytes(min(width * height, 64))
    places = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1)]
    places += [(262, 3, 1, 1), (273, 4, 1, 8 + 2 + 9 * 12 + 4), (277, 3, 1, 1)]
    places += [(278, 4, 1, height), (279, 4, 1, len(strip))]
    return tiff(*places, following=following, strip=strip)


def gif(frames: int, width: int = 4, height: int = 4) -> bytes:
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x4c\x01\x00"
    return head + frame * frames + b";"


def bmp(width: int, height: int) -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + header + bytes(64)


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def jpeg_of(width: int, height: int) -> bytes:
    """A JPEG whose frame header is overwritten."""
    data = bytearray(encoded(picture(), "JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def with_segments(*segments: bytes) -> bytes:
    data = encoded(picture(), "JPEG")
    return data[:2] + b"".join(segments) + data[2:]


def icc(tags: int) -> bytes:
    """A profile that claims so many tags."""
    head = bytearray(128)
    head[12:24] = b"mntrRGB XYZ "
    head[36:40] = b"acsp"
    body = struct.pack(">I", tags) + struct.pack(">4sII", b"desc", 128, 2**31) * 8
    head[:4] = struct.pack(">I", 128 + len(body))
    return bytes(head) + body


ZEROS = zlib.compress(bytes(100 * 2**20), 9)  # 100 MiB of nothing, in 100 KB
TOO_MANY, FINE = ErrorCode.TOO_MANY_PIXELS, None
BROKEN = (ErrorCode.TRUNCATED, ErrorCode.DAMAGED)

# content, and the codes that it may have
HOSTILE: dict[str, tuple[bytes, tuple[ErrorCode | None, ...]]] = {
    "pixels.png": (png(width=SIDE, height=SIDE, data=ZEROS), (TOO_MANY,)),
    "pixels.gif": (gif(1, SIDE, SIDE), (TOO_MANY,)),
    "pixels.tif": (grey_tiff(SIDE, SIDE), (TOO_MANY,)),
    "pixels.bmp": (bmp(SIDE, SIDE), (TOO_MANY,)),
    "pixels.jpg": (jpeg_of(65_535, 65_535), (TOO_MANY,)),
    "2^31 pixels.png": (png(width=2**31 - 1, height=2**31 - 1, data=b""), (TOO_MANY,)),
    "2^31 pixels.tif": (grey_tiff(2**31 - 1, 2**31 - 1), (TOO_MANY, *BROKEN)),
    "2^31 pixels.bmp": (bmp(2**31 - 1, -(2**31)), (TOO_MANY, *BROKEN)),
    "no pixels.png": (png(width=0, height=0, data=b""), BROKEN),
    "no pixels.bmp": (bmp(0, 0), BROKEN),
    "no pixels.jpg": (jpeg_of(0, 0), BROKEN),
    "a long row.png": (png(width=200_000_000, height=1, data=ZEROS), (FINE, *BROKEN)),
    "text.png": (png(chunk(b"zTXt", b"Comment\0\0" + ZEROS)), (FINE, *BROKEN)),
    "many texts.png": (png(*[chunk(b"tEXt", b"key\0" + b"x" * 99)] * 50_000), (FINE, *BROKEN)),
    "xmp.png": (
        png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + ZEROS)),
        (FINE, *BROKEN),
    ),
    "profile.png": (png(chunk(b"iCCP", b"icc\0\0" + ZEROS)), (FINE, *BROKEN)),
    "tags.png": (png(chunk(b"iCCP", b"icc\0\0" + zlib.compress(icc(2**31)))), (FINE,)),
    "data.png": (png(data=ZEROS), (FINE, *BROKEN)),
    "empty chunks.png": (png(*[chunk(b"IDAT", b"")] * 100_000), (FINE, *BROKEN)),
    "endless chunk.png": (png(data=b"")[:33] + struct.pack(">I4s", 2**32 - 1, b"IDAT"), BROKEN),
    "frames.png": (png(chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))), (FINE, *BROKEN)),
    "endless frames.gif": (gif(200_000), (FINE,)),
    "endless blocks.gif": (gif(1)[:-1] + b"!\xfe\x01x\x00" * 500_000, (FINE, *BROKEN)),
    "loop.tif": (grey_tiff(8, 8, following=8), (FINE,)),
    "far.tif": (grey_tiff(8, 8, following=2**32 - 4), (FINE, *BROKEN)),
    "no end.tif": (b"II*\0" + struct.pack("<IH", 8, 65_535), BROKEN),
    "a million values.tif": (
        tiff((256, 4, 2**31, 8), (257, 4, 2**30, 8), (273, 4, 2**32 - 1, 8)),
        BROKEN,
    ),
    "profile.jpg": (
        with_segments(*[segment(0xE2, b"ICC_PROFILE\0\xff\xff" + bytes(65_000))] * 200),
        (FINE,),
    ),
    "tags.jpg": (with_segments(segment(0xE2, b"ICC_PROFILE\0\1\1" + icc(2**31))), (FINE,)),
    "loop in exif.jpg": (
        with_segments(segment(0xE1, b"Exif\0\0" + tiff((0x8769, 4, 1, 8), following=8))),
        (FINE,),
    ),
    "deep xmp.jpg": (
        with_segments(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + b"<a>" * 20_000)),
        (FINE,),
    ),
    "entities.jpg": (
        with_segments(
            segment(
                0xE1,
                b'http://ns.adobe.com/xap/1.0/\0<!DOCTYPE x [<!ENTITY a "'
                + b"x" * 9999
                + b'"><!ENTITY b "'
                + b"&a;" * 9999
                + b'">]><x>&b;</x>',
            )
        ),
        (FINE,),
    ),
    "comments.jpg": (with_segments(*[segment(0xFE, b"")] * 200_000), (FINE, *BROKEN)),
    "sizes.webp": (b"RIFF\xff\xff\xff\xffWEBPVP8X\x0a\0\0\0\x02\0\0\0" + b"\xff" * 6, BROKEN),
    "sizes.avif": (struct.pack(">I4s4sI4s", 2**31, b"ftyp", b"avif", 0, b"mif1"), BROKEN),
    "boxes.avif": (
        struct.pack(">I4s4sI4s", 20, b"ftyp", b"avif", 0, b"mif1")
        + struct.pack(">I4s", 8, b"free") * 200_000,
        BROKEN,
    ),
    "script.svg": (
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        (ErrorCode.NOT_AN_IMAGE,),
    ),
    "page.html.jpg": (
        b"<html><img src=x onerror=alert(1)></html>",
        (ErrorCode.NOT_AN_IMAGE,),
    ),
    "gif and script.gif": (b"GIF89a=0;alert(1)//" + bytes(90), BROKEN),
    "jpeg and page.jpg": (
        with_segments(segment(0xFE, b"--><script>alert(1)</script><!--")),
        (FINE,),
    ),
    "png and zip.png": (png() + b"PK\x03\x04" + bytes(99), (FINE,)),
    "bmp and program.bmp": (b"BM\x90\x90" + b"\xeb\xfe" * 99, (ErrorCode.NOT_AN_IMAGE,)),
    "pdf.jpg": (b"%PDF-1.7\n" + encoded(picture(), "JPEG"), (ErrorCode.NOT_AN_IMAGE,)),
    "layers.psd": (b"8BPS\0\1" + bytes(99), (ErrorCode.UNSUPPORTED,)),
    "program.png": (b"\x7fELF" + bytes(99), (ErrorCode.NOT_AN_IMAGE,)),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("hostile")
    for name, (content, _) in HOSTILE.items():
        (root / name).write_bytes(content)
    return root


def read(path: Path) -> Record:
    """The row of a file; it comes long before the limit, or the code is another."""
    record, pixels = read_item(Item(str(path)), OPTIONS)
    assert (pixels is None) == (record.error_code is not None)
    assert (record.error is None) == (record.error_code is None)
    return record


@functools.cache
def told(path: Path) -> Record:
    """The row of a file that stays as it is."""
    return read(path)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_told_soon(folder: Path, name: str) -> None:
    record = told(folder / name)
    assert record.error_code in HOSTILE[name][1]
    if record.error is not None:
        assert record.error.startswith(f"{folder / name}: ")
        assert "\n" not in record.error


def send_codes(sender: Connection, paths: list[Path]) -> None:
    cap_memory(MEMORY)
    codes = []
    for path in paths:
        try:
            codes.append(read_item(Item(str(path)), OPTIONS)[0].error_code)
        except BaseException as error:
            codes.append(repr(error))
    sender.send(codes)


@forks
def test_no_hostile_file_costs_memory(folder: Path) -> None:
    # the same codes where hardly anything can be allocated; a long row has its pixels
    paths = [folder / name for name in HOSTILE if name != "a long row.png"]
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=send_codes, args=(sender, paths))
    process.start()
    codes = receiver.recv()
    process.join()
    assert dict(zip(paths, codes, strict=True)) == {path: told(path).error_code for path in paths}


def test_workers_give_a_row_a_file(folder: Path) -> None:
    items = [Item(str(folder / name)) for name in HOSTILE]
    batches = list(read_batches(items, OPTIONS, batch_size=8, workers=1))
    records = [record for batch in batches for record in batch.records]
    assert [record.path for record in records] == [item.text for item in items]
    for record in records:
        assert record.error_code in HOSTILE[Path(record.path).name][1]


def samples() -> Iterator[tuple[str, bytes]]:
    for form in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"):
        yield form, encoded(picture(), form)
    yield "progressive", encoded(picture(), "JPEG", progressive=True)
    yield "packed", encoded(picture(), "TIFF", compression="tiff_lzw")
    buffer = io.BytesIO()
    frames = [picture(seed=seed) for seed in range(3)]
    frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:])
    yield "animated", buffer.getvalue()
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    yield "HEIF", encoded(picture(), "HEIF")


@pytest.fixture(scope="module")
def whole() -> dict[str, bytes]:
    return dict(samples())


def test_a_file_that_ends_early_is_told(whole: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "cut"
    for form, data in whole.items():
        sizes = {0, 1, 2, 4, 8, 12, 16, 20, 26, 54, 64, 100, 200, len(data) // 4, len(data) // 2}
        for size in sorted(size for size in sizes if size < 0.9 * len(data)):
            path.write_bytes(data[:size])
            record = read(path)
            early = size < 20 and record.error_code is ErrorCode.NOT_AN_IMAGE
            # of a few formats, what is left is an image still
            drawn = record.error_code is None and form in ("GIF", "animated") and size > 99
            assert early or drawn or record.error_code in BROKEN, (form, size, record.error)


def test_mutants_give_a_row_each(whole: dict[str, bytes], tmp_path: Path) -> None:
    path, others = tmp_path / "mutant", list(whole.values())
    for form, data in whole.items():
        for number in range(25):
            rng = random.Random(f"{form}/{number}")
            path.write_bytes(mutate(data, rng.choice(others), rng))
            read(path)


def test_known_hostile_files_give_a_row_each(shared: Path) -> None:
    root = shared / "hostile"
    if not root.is_dir():
        pytest.skip("reference data is not on this machine")
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    records = [read(path) for path in paths]
    assert len(records) == len(paths) >= 308
    failed = sum(record.error_code is not None for record in records)
    assert 0.3 * len(records) < failed < 0.9 * len(records)
