"""Archives that are damaged, encrypted or meant to do harm: a row each, within bounds."""

import gzip
import io
import os
import struct
import tarfile
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clipfake.errors import ErrorCode
from clipfake.imaging.limits import Limits
from tests.conftest import PATIENCE
from tests.sources.archives import (
    FORMS,
    OTHER,
    PICTURE,
    headers,
    limited,
    packed,
    rows,
    scanned,
    tar_info,
    tarred,
    zipped,
)

LIMIT, DAMAGED = ErrorCode.ARCHIVE_LIMIT, ErrorCode.DAMAGED
# begins like an image, so that it is read on
BOMB = PICTURE[:64] + bytes(40 * 2**20)


@pytest.fixture(autouse=True)
def cheap(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test here comes to an end, and is held to tens of megabytes."""
    start = time.monotonic()
    yield
    assert time.monotonic() - start < PATIENCE, request.node.name


def peak(path: Path, **rules: object) -> float:
    """MiB that Python holds at most while everything is scanned."""
    tracemalloc.start()
    try:
        scanned(path, **rules)
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


def patched(data: bytes, local: int, central: int, value: bytes) -> bytes:
    """A zip with a field of each local and central header overwritten."""
    buffer = bytearray(data)
    for magic, at in ((b"PK\x03\x04", local), (b"PK\x01\x02", central)):
        place = buffer.find(magic)
        while place >= 0:
            buffer[place + at : place + at + len(value)] = value
            place = buffer.find(magic, place + 4)
    return bytes(buffer)


# zip


def test_encrypted_members_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    data = zipped({"a.png": PICTURE})
    for flags in (1, 0x41, 0x2001):
        path.write_bytes(patched(data, 6, 8, struct.pack("<H", flags)))
        [record] = scanned(path)
        assert record.error_code is ErrorCode.ENCRYPTED
        assert not ErrorCode.ENCRYPTED.skipped
        assert "password" in str(record.error)
    path.write_bytes(patched(data, 8, 10, struct.pack("<H", 99)))
    assert rows(path) == [("a.zip!/a.png", ErrorCode.ENCRYPTED)]


@pytest.mark.parametrize(("method", "name"), [(9, "Deflate64"), (93, "Zstandard"), (77, "77")])
def test_other_compressions_are_told(tmp_path: Path, method: int, name: str) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(patched(zipped({"a.png": PICTURE}), 8, 10, struct.pack("<H", method)))
    [record] = scanned(path)
    assert record.error_code is ErrorCode.UNSUPPORTED
    assert name in str(record.error)


@pytest.mark.parametrize("form", ["zip", "stored.zip", "bz2.zip", "lzma.zip"])
def test_a_wrong_checksum_is_damage(tmp_path: Path, form: str) -> None:
    path = tmp_path / "a.zip"
    data = packed({"a.png": PICTURE}, form)
    path.write_bytes(patched(data, 14, 16, b"\1\2\3\4"))
    assert rows(path) == [("a.zip!/a.png", DAMAGED)]


@pytest.mark.parametrize("form", ["zip", "stored.zip", "bz2.zip", "lzma.zip"])
@pytest.mark.parametrize("by", [-1, 1, 2**20, 2**31])
def test_a_false_size_is_damage(tmp_path: Path, form: str, by: int) -> None:
    path = tmp_path / "a.zip"
    data = packed({"a.png": PICTURE}, form)
    path.write_bytes(patched(data, 22, 24, struct.pack("<I", len(PICTURE) + by)))
    [(name, code)] = rows(path)
    assert name == "a.zip!/a.png"
    expected = {DAMAGED, ErrorCode.TRUNCATED} if by < 2**31 else {ErrorCode.TOO_LARGE}
    assert code in expected
    assert peak(path) < 20  # LZMA's window takes 16


def test_members_that_are_not_where_they_should_be_are_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    data = bytearray(zipped({"a.png": PICTURE, "b.png": OTHER}))
    at = data.rfind(b"PK\x01\x02")
    for offset in (3, len(data) - 5, 2**31):
        data[at + 42 : at + 46] = struct.pack("<I", offset)
        path.write_bytes(data)
        assert rows(path) == [("a.zip!/a.png", None), ("a.zip!/b.png", DAMAGED)]


def test_a_zip_that_was_cut_off_is_one_row(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    data = zipped({"a.png": PICTURE, "b.png": OTHER})
    for end in (4, 40, len(data) // 2, len(data) - 30, len(data) - 22):
        path.write_bytes(data[:end])
        assert rows(path) == [("a.zip", DAMAGED)]


def test_a_directory_that_breaks_off_keeps_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    data = zipped({"a.png": PICTURE, "b.png": OTHER})
    last = data.rfind(b"PK\x01\x02")
    path.write_bytes(data[:last] + b"PK\x01\x03" + data[last + 4 :])
    assert rows(path) == [("a.zip!/a.png", None), ("a.zip", DAMAGED)]


def test_one_of_several_volumes_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    data = zipped({"a.png": PICTURE})
    path.write_bytes(data[:-18] + b"\1\0" + data[-16:])
    assert rows(path) == [("a.zip", ErrorCode.UNSUPPORTED)]


def test_members_that_overlap_are_a_bomb(tmp_path: Path) -> None:
    # as in David Fifield's "A better zip bomb" (2019): many names for the same bytes
    path = tmp_path / "a.zip"
    data = zipped({"a.png": BOMB})
    start, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    header, count = data[start:end], 50_000
    stop = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0, 0, len(header) * count, start, 0)
    path.write_bytes(data[:start] + header * count + stop)
    found = rows(path)
    # those before it is noticed are no more than the archive's own size is good for
    assert found[-1] == ("a.zip", LIMIT)
    assert len(found) < 100
    assert {code for _, code in found} == {LIMIT}


def test_lzma_cannot_ask_for_any_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    data = packed({"a.png": PICTURE}, "lzma.zip")
    at = 30 + len("a.png")
    assert data[at + 2 : at + 4] == b"\5\0"
    path.write_bytes(data[: at + 5] + b"\xff\xff\xff\xff" + data[at + 9 :])
    assert rows(path) == [("a.zip!/a.png", DAMAGED)]


# bombs


@pytest.mark.parametrize("form", ["zip", "bz2.zip", "lzma.zip", "tar.gz", "tar.bz2", "tar.xz"])
def test_a_high_ratio_is_a_bomb_whatever_the_header_says(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"a.{form}"
    path.write_bytes(packed({"a.png": BOMB, "b.png": PICTURE}, form))
    found = rows(path)
    assert found[0] == (f"a.{form}!/a.png", LIMIT)
    # in a tar nothing behind it can be reached
    assert found[1:] == [(f"a.{form}!/b.png", None) if "zip" in form else (f"a.{form}", LIMIT)]
    assert peak(path) < 100
    if "zip" in form:
        path.write_bytes(patched(path.read_bytes(), 22, 24, struct.pack("<I", 20 * 2**20)))
        assert rows(path)[0] == (f"a.{form}!/a.png", LIMIT)


def test_what_is_no_image_is_not_inflated(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({"a.bin": bytes(64 * 2**20)}))
    assert rows(path) == [("a.zip!/a.bin", ErrorCode.NOT_AN_IMAGE)]
    assert peak(path) < 2


def test_plain_pictures_are_no_bombs(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({"white.bmp": PICTURE[:64] + bytes(8 * 2**20)}))
    assert rows(path) == [("a.zip!/white.bmp", None)]


@pytest.mark.parametrize("form", ["zip", "tar.gz"])
def test_members_over_the_limit_of_files_are_too_large(tmp_path: Path, form: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(packed({"a.png": PICTURE, "b.jpg": OTHER, "c.txt": b"t" * 99_999}, form))
    size = len(PICTURE) - 1
    assert len(OTHER) <= size
    found = scanned(path, limits=Limits(bytes=size), archives=limited(member_bytes=size))
    assert [record.error_code for record in found] == [
        ErrorCode.TOO_LARGE,
        None,
        ErrorCode.NOT_AN_IMAGE,
    ]
    assert "--max-bytes" in str(found[0].error)


@pytest.mark.parametrize("form", ["zip", "tar.gz"])
def test_one_archive_has_a_total(tmp_path: Path, form: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(packed({f"{n}.png": PICTURE for n in range(9)}, form))
    found = rows(path, archives=limited(total_bytes=4 * len(PICTURE) + 600))
    assert found[-1] == ("x", LIMIT)
    # a tar is inflated a little ahead
    assert len(found) <= 5
    stored = tmp_path / "y"
    stored.write_bytes(packed({f"{n}.png": PICTURE for n in range(9)}, "stored.zip"))
    assert len(rows(stored, archives=limited(total_bytes=1))) == 9


def test_a_false_size_does_not_use_up_the_total(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    data = bytearray(zipped({"a.png": PICTURE, "b.png": PICTURE}))
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = b"\xfe\xff\xff\xff"
    path.write_bytes(data)
    limits = limited(total_bytes=2**30)
    assert rows(path, archives=limits) == [
        ("a.zip!/a.png", ErrorCode.TOO_LARGE),
        ("a.zip!/b.png", None),
    ]


@pytest.mark.parametrize("form", FORMS)
def test_members_have_a_number(tmp_path: Path, form: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(packed({f"{n}.png": PICTURE for n in range(9)}, form))
    found = rows(path, archives=limited(entries=3))
    assert found == [*((f"x!/{n}.png", None) for n in range(3)), ("x", LIMIT)]


def test_all_nested_archives_count_as_one(tmp_path: Path) -> None:
    # 42.zip is 16 zips of 16 zips ... of 4 GiB of zeros
    inner = zipped({f"{n}.png": PICTURE for n in range(16)})
    path = tmp_path / "x"
    path.write_bytes(zipped({f"{n}.zip": inner for n in range(16)}))
    assert len(rows(path)) == 256
    found = rows(path, archives=limited(entries=40))
    assert [code for _, code in found].count(None) == 40 - 3
    assert found[-1] == ("x", LIMIT)
    assert len(found) < 45


def test_an_archive_that_holds_itself_ends(tmp_path: Path) -> None:
    # a zip quine unpacks to itself; here a gzip of which every member is the next
    data = packed({"a.png": PICTURE}, "tar.gz")
    for _ in range(60):
        data = packed({"self.tar.gz": data}, "tar.gz")
    path = tmp_path / "x"
    path.write_bytes(data)
    assert rows(path) == [("x!/self.tar.gz!/self.tar.gz", LIMIT)]


# tar


@pytest.mark.parametrize("mode", ["", "gz"])
@pytest.mark.parametrize("size", [b"77777777777\0", b"\x80" + b"\x7f" * 11])
def test_a_huge_size_is_told(tmp_path: Path, mode: str, size: bytes) -> None:
    header = bytearray(headers(tar_info("a.png", 5))[:512])
    header[124:136] = size
    header[148:156] = b"%06o\0 " % (256 + sum(header[:148]) + sum(header[156:]))
    data = tarred({"first.png": PICTURE})[: -10240 % 512 or None]
    body = tarred({"first.png": PICTURE}).rstrip(b"\0")
    body += bytes(-len(body) % 512)
    data = body + bytes(header) + PICTURE
    path = tmp_path / "a.tar"
    path.write_bytes(gzip.compress(data) if mode else data)
    found = rows(path)
    assert found[0] == ("a.tar!/first.png", None)
    assert found[1] == ("a.tar!/a.png", ErrorCode.TOO_LARGE)
    assert found[2] == ("a.tar", ErrorCode.TRUNCATED)
    assert peak(path) < 8


@pytest.mark.parametrize("size", [b"\xff" * 12, b"-0000000512\0", b"8888\0" + bytes(7)])
def test_a_size_that_is_no_number_ends_the_tar(tmp_path: Path, size: bytes) -> None:
    header = bytearray(headers(tar_info("a.png", 5))[:512])
    header[124:136] = size
    header[148:156] = b"%06o\0 " % (256 + sum(header[:148]) + sum(header[156:]))
    (tmp_path / "a.tar").write_bytes(bytes(header) + bytes(2048))
    assert rows(tmp_path / "a.tar") == [("a.tar", DAMAGED)]


def extended(kind: bytes, payload: bytes, size: int | None = None) -> bytes:
    """An extension header with its payload."""
    info = tar_info("ext", len(payload) if size is None else size, kind)
    return info.tobuf(tarfile.GNU_FORMAT) + payload + bytes(-len(payload) % 512)


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"19 size=-9999999999\n", DAMAGED),  # CVE-2025-8194: tarfile went back, for ever
        (b"0 path=a\n", DAMAGED),
        (b"99 path=a\n", DAMAGED),
        (b"9 pathaaa\n", DAMAGED),
        (b"9999999999999999999999999 a=b\n", DAMAGED),
        (b"no number", DAMAGED),
        (b"22 size=" + b"9" * 13 + b"\n", ErrorCode.TRUNCATED),
    ],
)
def test_a_pax_header_that_lies_ends_the_tar(
    tmp_path: Path, payload: bytes, code: ErrorCode
) -> None:
    data = extended(b"x", payload) + tarred({"a.png": PICTURE})
    (tmp_path / "a.tar").write_bytes(headers(tar_info("first"))[:512] + data)
    assert rows(tmp_path / "a.tar")[-1] == ("a.tar", code)


@pytest.mark.parametrize("kind", [b"x", b"g", b"L", b"K"])
def test_long_headers_are_not_held(tmp_path: Path, kind: bytes) -> None:
    data = extended(kind, b"", 2**33) + bytes(64 * 2**20)
    path = tmp_path / "a.tar"
    path.write_bytes(gzip.compress(headers(tar_info("first"))[:512] + data))
    assert rows(path)[-1] == ("a.tar", LIMIT)
    assert peak(path) < 8


@pytest.mark.parametrize("kind", [b"x", b"g", b"L", b"K"])
def test_many_headers_of_one_member_end_the_tar(tmp_path: Path, kind: bytes) -> None:
    payload = b"6 a=b\n" if kind in b"xg" else b"name\0"
    path = tmp_path / "a.tar"
    path.write_bytes(extended(kind, payload) * 20_000 + tarred({"a.png": PICTURE}))
    assert rows(path) == [("a.tar", LIMIT)]


def test_a_pax_header_of_many_records_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(extended(b"x", b"5 a=\n" * 200_000) + tarred({"a.png": PICTURE}))
    assert rows(path) == [("a.tar!/a.png", None)]


@pytest.mark.parametrize("form", ["tar", "tar.gz", "tar.bz2", "tar.xz"])
def test_a_tar_that_was_cut_off_keeps_what_it_has(tmp_path: Path, form: str) -> None:
    noise = {f"{n}.png": PICTURE[:64] + os.urandom(450_000) for n in range(8)}
    data = packed(noise, form)
    path = tmp_path / "x"
    path.write_bytes(data[: len(data) * 2 // 3])
    found = rows(path)
    assert found[0] == ("x!/0.png", None)
    assert found[-1] == ("x", ErrorCode.TRUNCATED)
    assert found[-2][1] is ErrorCode.TRUNCATED
    assert 1 < [code for _, code in found].count(None) < 7


@pytest.mark.parametrize("form", ["tar.gz", "tar.bz2", "tar.xz"])
def test_damage_inside_a_compressed_tar_is_told(tmp_path: Path, form: str) -> None:
    noise = {f"{n}.png": PICTURE[:64] + os.urandom(450_000) for n in range(8)}
    data = bytearray(packed(noise, form))
    data[len(data) // 2 : len(data) // 2 + 64] = bytes(64)
    path = tmp_path / "x"
    path.write_bytes(data)
    found = rows(path)
    assert any(code in (DAMAGED, ErrorCode.TRUNCATED) for _, code in found)
    assert len(found) <= 10


def test_a_damaged_header_ends_a_tar(tmp_path: Path) -> None:
    data = bytearray(tarred({"a.png": PICTURE, "b.png": OTHER}))
    at = data.index(b"b.png")
    data[at] = 0x63
    (tmp_path / "a.tar").write_bytes(data)
    assert rows(tmp_path / "a.tar") == [("a.tar!/a.png", None), ("a.tar", DAMAGED)]


# anything


SMALL = {form: packed({"a.png": PICTURE[:900], "d/b.txt": b"text" * 40}, form) for form in FORMS}


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@pytest.mark.parametrize("form", FORMS)
@given(data=st.data())
def test_no_bytes_stop_a_scan(tmp_path: Path, form: str, data: st.DataObject) -> None:
    content = bytearray(SMALL[form])
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        what = data.draw(
            st.binary(min_size=1, max_size=8) | st.sampled_from([b"\xff" * 8, bytes(8)])
        )
        content[at : at + len(what)] = what
    end = data.draw(st.integers(0, len(content)) | st.just(len(content)))
    path = tmp_path / "x"
    path.write_bytes(content[:end])
    assert len(scanned(path)) < 20


def test_a_member_may_be_any_zlib_stream(tmp_path: Path) -> None:
    # an endless supply of empty blocks, then nothing
    raw = zlib.compressobj(9, zlib.DEFLATED, -15)
    empty = b"".join(raw.flush(zlib.Z_FULL_FLUSH) or b"\0\0\0\xff\xff" for _ in range(1000))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("a.png", b"x" * len(empty))
    data = buffer.getvalue().replace(b"x" * len(empty), empty)
    path = tmp_path / "a.zip"
    path.write_bytes(patched(data, 8, 10, struct.pack("<H", 8)))
    assert rows(path) == [("a.zip!/a.png", ErrorCode.TRUNCATED)]
