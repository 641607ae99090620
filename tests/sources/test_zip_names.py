"""Names in zips of many programs: backslashes, code page 437, Unicode paths and the UTF-8 flag."""

import io
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipfake.sources.archives.store import MemoryStore
from clipfake.sources.archives.zip_directory import zip_entries
from tests.sources.archives import PICTURE, rows

DOS, UNIX, NTFS, MACOS = 0, 3, 10, 19


class Raw(zipfile.ZipInfo):
    """A member whose name is written as these bytes, with no flag that is not asked for."""

    def __init__(self, name: bytes, host: int, *, utf8: bool = False, extra: bytes = b"") -> None:
        super().__init__(repr(name))
        self.raw, self.create_system, self.utf8, self.extra = name, host, utf8, extra

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802
        return self.raw, self.flag_bits | 0x800 * self.utf8


def zip_of(*members: Raw) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for member in members:
            archive.writestr(member, PICTURE)
    return buffer.getvalue()


def name_of(member: Raw) -> str:
    [entry] = zip_entries(MemoryStore(zip_of(member)))
    return entry.name.decode("utf-8", "surrogateescape")


def unicode_path(name: bytes, path: str, *, crc: int | None = None, version: int = 1) -> bytes:
    data = struct.pack("<BI", version, zlib.crc32(name) if crc is None else crc) + path.encode()
    return struct.pack("<HH", 0x7075, len(data)) + data


@pytest.mark.parametrize("host", [DOS, UNIX, NTFS, MACOS])
def test_backslashes_separate_folders(tmp_path: Path, host: int) -> None:
    names = [b"thumbs\\a.png", b"photos\\b.png", b"photos\\thumbs\\c.png", b"photos\\empty\\"]
    path = tmp_path / "w.zip"
    path.write_bytes(zip_of(*(Raw(name, host) for name in names)))
    found = [name for name, _ in rows(path)]
    assert found == [f"w.zip!/{n}" for n in ("thumbs/a.png", "photos/b.png", "photos/thumbs/c.png")]
    assert rows(path, exclude=["thumbs"]) == [("w.zip!/photos/b.png", None)]
    assert rows(path, include=["photos/*.png"]) == [("w.zip!/photos/b.png", None)]


def test_a_backslash_beside_slashes_is_a_letter_on_unix_alone() -> None:
    assert name_of(Raw(b"a/b\\c.png", UNIX)) == "a/b\\c.png"
    assert name_of(Raw(b"a/b\\c.png", DOS)) == "a/b/c.png"


@pytest.mark.parametrize(
    ("raw", "host", "name"),
    [
        ("Größe.png".encode("cp437"), DOS, "Größe.png"),
        ("Größe.png".encode("cp437"), UNIX, "Größe.png"),
        ("été\\ñ.png".encode("cp437"), NTFS, "été/ñ.png"),
        (b"\xc9\xcd\xbb.png", DOS, "╔═╗.png"),
        (b"\xc9\xcd\xcb.png", UNIX, "\udcc9\udccd\udccb.png"),  # of any encoding: kept
        (b"caf\xe9.png", UNIX, "caf\udce9.png"),
        ("日本.png".encode(), DOS, "日本.png"),  # without the flag all the same
        ("日本.png".encode(), UNIX, "日本.png"),
    ],
)
def test_names_without_a_flag(raw: bytes, host: int, name: str) -> None:
    assert name_of(Raw(raw, host)) == name


@pytest.mark.parametrize("host", [DOS, UNIX, NTFS])
def test_the_flag_says_utf8(host: int) -> None:
    assert name_of(Raw("é日.png".encode(), host, utf8=True)) == "é日.png"
    assert name_of(Raw(b"\x82.png", host, utf8=True)) == "\udc82.png"  # a lie keeps its bytes


@pytest.mark.parametrize("host", [DOS, UNIX, NTFS])
@pytest.mark.parametrize("raw", [b"caf\x82.png", b"\x93\xfa\x96\x7b.png", b"caf_.png"])
def test_a_unicode_path_counts_by_its_checksum(host: int, raw: bytes) -> None:
    before = struct.pack("<HH", 0x5455, 5) + bytes(5)
    member = Raw(raw, host, extra=before + unicode_path(raw, "d\\café.png"))
    assert name_of(member) == "d/café.png"
    for bad in (
        unicode_path(raw, "other.png", crc=1),
        unicode_path(raw, "other.png", version=2),
        unicode_path(raw, "other.png")[:-9] + b"\xff" * 9,
        unicode_path(raw, ""),
        unicode_path(raw, "other.png")[:7],
        struct.pack("<HH", 0x7075, 0),
    ):
        assert name_of(Raw(raw, host, extra=bad)) == name_of(Raw(raw, host))


def test_the_flag_has_the_last_word() -> None:
    raw = "é.png".encode()
    assert name_of(Raw(raw, DOS, utf8=True, extra=unicode_path(raw, "other.png"))) == "é.png"


def test_a_hidden_unicode_path_is_told_like_other_hidden_files(tmp_path: Path) -> None:
    path = tmp_path / "w.zip"
    path.write_bytes(zip_of(Raw(b"a.png", DOS, extra=unicode_path(b"a.png", ".a.png"))))
    assert rows(path) == []
    assert rows(path, hidden=True) == [("w.zip!/.a.png", None)]


@given(st.binary(min_size=1, max_size=40), st.binary(max_size=40), st.sampled_from([0, 3, 10, 19]))
def test_any_name_and_field_give_one_member(raw: bytes, extra: bytes, host: int) -> None:
    member = Raw(raw.replace(b"/", b"_"), host)
    data = zip_of(member)
    at = data.index(b"PK\x01\x02")
    central, end = bytearray(data[at : data.index(b"PK\x05\x06")]), data.index(b"PK\x05\x06")
    central[30:32] = struct.pack("<H", len(extra))
    stop = bytearray(data[end:])
    stop[12:16] = struct.pack("<I", len(central) + len(extra))
    [entry] = zip_entries(MemoryStore(data[:at] + bytes(central) + extra + bytes(stop)))
    assert entry.name
