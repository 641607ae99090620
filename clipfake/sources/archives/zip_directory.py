"""The central directory of a zip archive, read entry by entry.

Source: PKWARE's APPNOTE 6.3.10, sections 4.3.12 to 4.3.16, 4.5.3, 4.6.9 and D. Only the central
directory counts, as for every common reader.
"""

import stat
import struct
from collections.abc import Iterator
from zlib import crc32

from clipfake.errors import ErrorCode, ImageError
from clipfake.sources.archives.decompressors import Compression
from clipfake.sources.archives.entry import Entry, Span, no_file
from clipfake.sources.archives.store import Part, Store

ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06", b"PK00PK\x03\x04", b"PK\x07\x08PK\x03\x04")
LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, lengths of name and extra field

_CENTRAL = struct.Struct("<4sxB2xHH4x3I3H4xII")
_END = struct.Struct("<4s2H4x2IH")  # signature, two disks, size and offset of all, comment
_END64 = struct.Struct("<4s12x2I16x2Q")
_END64_LOCATOR = 20
_MAX_COMMENT = 2**16 - 1
_BUFFER = 2**16
_ENCRYPTED = 0x2041  # by the old scheme, by a strong one, or with masked headers
_AES = 99
_COMPRESSIONS = {
    0: Compression.STORED,
    8: Compression.DEFLATE,
    12: Compression.BZIP2,
    14: Compression.LZMA,
}
_OTHERS = {1: "Shrink", 6: "Implode", 9: "Deflate64", 93: "Zstandard", 95: "XZ", 98: "PPMd"}
_UNIX = (3, 19)  # and macOS
_UTF8 = 0x800
_ZIP64, _UNICODE_PATH = 1, 0x7075
# bytes that are letters of European languages in code page 437, and none in ISO 8859
_LETTERS_437 = frozenset(range(0x80, 0xA6)) | {0xE1}


def zip_entries(store: Store) -> Iterator[Entry]:
    """Members in the order of the central directory.

    Args:
        store: the archive; what lies before the first member does not matter.

    Raises:
        ImageError: ``damaged`` when there is no directory or it breaks off, ``unsupported`` for
            one of several volumes, ``archive_limit`` when members share bytes (a bomb's do).
    """
    start, length, before = _find_directory(store)
    directory, used = _Buffered(Part(store, start, length)), 0
    while head := directory.read(_CENTRAL.size):
        if len(head) < _CENTRAL.size or not head.startswith(b"PK\x01\x02"):
            raise _damaged("its directory breaks off")
        host, flags, method, crc, stored, size, n, m, k, mode, offset = _CENTRAL.unpack(head)[1:]
        name, extra = directory.read(n), directory.read(m)
        if len(name) < n or len(extra) < m or len(directory.read(k)) < k:
            raise _damaged("its directory breaks off")
        size, stored, offset = _widened(extra, size, stored, offset)
        used += LOCAL_HEADER.size + n + stored
        if used > store.size:
            text = "its members overlap, as those of a bomb do; the rest is not scanned"
            raise ImageError(ErrorCode.ARCHIVE_LIMIT, text)
        compression = _COMPRESSIONS.get(method, Compression.STORED)
        span = Span(before + offset, stored, size, compression, crc, headed=True)
        kind = stat.S_IFMT(mode >> 16) if host in _UNIX else 0
        name = _name(name, host, flags, extra)
        is_folder = name.endswith(b"/")
        problem = None if is_folder else _problem(flags, method, kind)
        yield Entry(name, span, is_folder, problem)


def _problem(flags: int, method: int, kind: int) -> ImageError | None:
    if flags & _ENCRYPTED or method == _AES:
        return ImageError(ErrorCode.ENCRYPTED, "encrypted; unpack it with its password to scan it")
    if kind == stat.S_IFLNK:
        return no_file("a symbolic link")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return no_file("a device, FIFO or socket")
    if method not in _COMPRESSIONS:
        how = _OTHERS.get(method, f"method {method}")
        text = f"compressed by {how}, which is not read; unpack it to scan it"
        return ImageError(ErrorCode.UNSUPPORTED, text)
    return None


def _find_directory(store: Store) -> tuple[int, int, int]:
    """Where the central directory starts, its length, and the bytes before the archive."""
    tail_at = max(0, store.size - _END.size - _MAX_COMMENT)
    tail = store.read_at(tail_at, store.size - tail_at)
    found = len(tail)
    while (found := tail.rfind(b"PK\x05\x06", 0, found)) >= 0:
        if found + _END.size <= len(tail):
            *fields, comment = _END.unpack_from(tail, found)
            if found + _END.size + comment <= len(tail):
                break
    if found < 0:
        raise _damaged("its directory is missing, so it may have been cut off")
    end = tail_at + found
    wide = _find_end64(store, end)
    if wide is not None:
        end, fields = wide
    _, disk, first_disk, length, offset = fields
    if disk or first_disk:
        text = "one of several volumes; join them to scan it"
        raise ImageError(ErrorCode.UNSUPPORTED, text)
    start = end - length
    if start - offset < 0:
        raise _damaged("its directory is not where it should be")
    return start, length, start - offset


def _find_end64(store: Store, end: int) -> tuple[int, list[int]] | None:
    """Where the zip64 end record is and its fields, when there is one."""
    locator = store.read_at(end - _END64_LOCATOR, _END64_LOCATOR) if end >= _END64_LOCATOR else b""
    if not locator.startswith(b"PK\x06\x07"):
        return None
    # before its locator, unless it is longer than it was defined to be
    for at in (end - _END64_LOCATOR - _END64.size, int.from_bytes(locator[8:16], "little")):
        record = store.read_at(at, _END64.size) if at >= 0 else b""
        if len(record) == _END64.size and record.startswith(b"PK\x06\x06"):
            return at, list(_END64.unpack(record))
    raise _damaged("its zip64 directory is missing")


def _widened(extra: bytes, *values: int) -> tuple[int, ...]:
    """Values with those that do not fit 32 bits taken from the zip64 extra field, in order."""
    field = _extra_field(extra, _ZIP64) if 0xFFFFFFFF in values else None
    if field is None:
        return values
    wide = iter(struct.unpack(f"<{len(field) // 8}Q", field[: len(field) // 8 * 8]))
    return tuple(next(wide, v) if v == 0xFFFFFFFF else v for v in values)


def _name(name: bytes, host: int, flags: int, extra: bytes) -> bytes:
    """A member's name in UTF-8 with slashes, or its own bytes where no rule tells their meaning.

    The flag says UTF-8; without it a Unicode path field counts whose checksum is that of the
    name, else code page 437, unless the bytes are UTF-8 all the same, as many programs write
    without the flag, or come from Unix, whose names may be of any encoding.
    """
    if not flags & _UTF8:
        name = _unicode_path(name, extra) or _of_437(name, host) or name
    # no system that takes backslashes for parts of names writes them beside slashes by mistake
    if host not in _UNIX or b"/" not in name:
        name = name.replace(b"\\", b"/")
    return name


def _unicode_path(name: bytes, extra: bytes) -> bytes | None:
    field = _extra_field(extra, _UNICODE_PATH) or b""
    if len(field) <= 5 or field[0] != 1 or int.from_bytes(field[1:5], "little") != crc32(name):
        return None
    return field[5:] if _is_utf8(field[5:]) else None


def _of_437(name: bytes, host: int) -> bytes | None:
    high = {byte for byte in name if byte > 127}
    if _is_utf8(name) or (host in _UNIX and not high <= _LETTERS_437):
        return None
    return name.decode("cp437").encode("utf-8")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _extra_field(extra: bytes, wanted: int) -> bytes | None:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == wanted:
            return extra[at + 4 : at + 4 + length]
        at += 4 + length
    return None


def _damaged(what: str) -> ImageError:
    return ImageError(ErrorCode.DAMAGED, f"a zip archive, but {what}")


class _Buffered:
    """A part read in small steps."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._ready, self._at = b"", 0

    def read(self, count: int) -> bytes:
        while len(self._ready) - self._at < count and (more := self._part.read(_BUFFER)):
            self._ready, self._at = self._ready[self._at :] + more, 0
        data = self._ready[self._at : self._at + count]
        self._at += len(data)
        return data
