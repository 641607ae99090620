"""Files that are no image but are known: archives, compressed files, disk images, pointers."""

import bz2
import gzip
import lzma
import struct
from pathlib import Path

import pytest

from clipfake.errors import ErrorCode
from clipfake.sources.archives.not_images import told
from tests.sources.archives import PICTURE, TEXT, packed, rows, scanned, zipped

REST = bytes(range(1, 200))
ISO = bytes(0x8001) + b"CD001\x01"
ARCHIVES = {
    "7z": b"7z\xbc\xaf\x27\x1c\0\4" + REST,
    "rar4": b"Rar!\x1a\x07\0" + REST,
    "rar5": b"Rar!\x1a\x07\1\0" + REST,
    "cab": b"MSCF" + bytes(4) + REST,
    "deb": b"!<arch>\ndebian-binary   1410122664  0     0     100644  4         `\n2.0\n",
    "rpm": b"\xed\xab\xee\xdb\3\0" + REST,
    "cpio": b"070701" + b"0" * 104 + b"a.png\0",
    "cpio.le": struct.pack("<13H", 0x71C7, 1, 2, 0o100644, 0, 0, 1, 0, 0, 0, 6, 0, 9) + b"a.png\0",
    "cpio.be": struct.pack(">13H", 0x71C7, 1, 2, 0o100644, 0, 0, 1, 0, 0, 0, 6, 0, 9) + b"a.png\0",
    "xar": b"xar!\0\x1c\0\1" + REST,
    "ace": b"\x11\x22\x33\0\0\0\0**ACE**" + REST,
    "lzh": b"\x22\x33-lh5-" + REST,
    "arj": b"\x60\xea\x2a\0\x1e" + REST,
    "wim": b"MSWIM\0\0\0" + REST,
    "zst": b"\x28\xb5\x2f\xfd" + REST,
    "zst.skippable": b"\x50\x2a\x4d\x18" + REST,
    "lz4": b"\x04\x22\x4d\x18" + REST,
    "lz4.legacy": b"\x02\x21\x4c\x18" + REST,
    "lz": b"LZIP\1" + REST,
    "lzo": b"\x89LZO\0\r\n\x1a\n" + REST,
    "Z": b"\x1f\x9d\x90" + REST,
    "sz": b"\xff\x06\0\0sNaPpY" + REST,
    "lzma": lzma.compress(PICTURE, lzma.FORMAT_ALONE),
    "e01": b"EVF\x09\r\n\xff\0\1" + REST,
    "squashfs": b"hsqs" + REST,
    "vhdx": b"vhdxfile" + REST,
    "iso": ISO,
    "png.gz": gzip.compress(PICTURE),
    "png.bz2": bz2.compress(PICTURE),
    "png.xz": lzma.compress(PICTURE),
    "zip.gz": gzip.compress(zipped({"a.png": PICTURE})),
    "7z.gz": gzip.compress(b"7z\xbc\xaf\x27\x1c\0\4" + REST),
    "png.gz.gz": gzip.compress(gzip.compress(PICTURE)),
    "large.bz2": bz2.compress(bytes(range(256)) * 2**14)[:200],
}
POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)


@pytest.mark.parametrize("name", ARCHIVES)
def test_what_is_not_read_is_unsupported_wherever_it_lies(tmp_path: Path, name: str) -> None:
    data = ARCHIVES[name]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "photo.jpg").write_bytes(data)
    for path in (tmp_path / "in", tmp_path / "in" / "photo.jpg"):
        [record] = scanned(path)
        assert record.error_code is ErrorCode.UNSUPPORTED
        assert record.error.endswith(("unpack it first", "mount it first"))  # type: ignore[union-attr]
        assert record.bytes == len(data)
    for form in ("zip", "tar"):
        path = tmp_path / f"x.{form}"
        path.write_bytes(packed({"inner": data}, form))
        assert rows(path) == [(f"x.{form}!/inner", ErrorCode.UNSUPPORTED)]


@pytest.mark.parametrize("form", ["tar.gz", "tar.bz2", "tar.xz"])
def test_what_travels_with_its_item_is_told_too(tmp_path: Path, form: str) -> None:
    (tmp_path / "x").write_bytes(packed({"a": ARCHIVES["7z"], "b": POINTER, "c": TEXT}, form))
    codes = [ErrorCode.UNSUPPORTED, ErrorCode.LFS_POINTER, ErrorCode.NOT_AN_IMAGE]
    assert [code for _, code in rows(tmp_path / "x")] == codes


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"7z",
        b"7zip is a program",
        b"Rar! said the lion",
        b"MSCF stands for",
        b"070701",
        b"version 2 of the text",
        b"see https://git-lfs.github.com/spec/v1",
        b"\x1f\x8b",
        b"BZh9 no",
        b"\x5d\0\0\0\0" + bytes(60),
        b"]\0\0\x80\0and then text follows",
        bytes(0x9000),
        gzip.compress(TEXT, mtime=0),
        bz2.compress(TEXT),
        lzma.compress(TEXT),
        TEXT * 999,
    ],
    ids=lambda data: repr(data[:16]),
)
def test_other_files_are_no_image(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)
    assert rows(tmp_path / "x") == [("x", ErrorCode.NOT_AN_IMAGE)]


@pytest.mark.parametrize("length", [1, 5, 12, 63, 512])
@pytest.mark.parametrize("name", ARCHIVES)
def test_a_head_may_break_off_anywhere(name: str, length: int) -> None:
    found = told(ARCHIVES[name][:length])
    assert found is None or found.code is ErrorCode.UNSUPPORTED


def test_a_bomb_behind_a_head_is_not_inflated() -> None:
    bomb = gzip.compress(bytes(200 * 2**20), 9)
    assert told(bomb[: 2**15]) is None


@pytest.mark.parametrize(
    "data",
    [
        POINTER,
        POINTER.replace(b"\n", b"\r\n"),
        POINTER.replace(b"git-lfs.github.com", b"hawser.github.com"),
        b"version https://git-lfs.github.com/spec/v1\next-0-foo sha256:" + b"a" * 64 + b"\n",
    ],
)
def test_pointers_of_git_lfs_are_known(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.png").write_bytes(data)
    [record] = scanned(tmp_path / "a.png")
    assert record.error_code is ErrorCode.LFS_POINTER
    assert "git lfs pull" in str(record.error)
    (tmp_path / "a.zip").write_bytes(zipped({"a.png": data}))
    assert rows(tmp_path / "a.zip") == [("a.zip!/a.png", ErrorCode.LFS_POINTER)]
