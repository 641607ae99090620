"""The members of a tar archive, header by header, forwards.

Sources: POSIX.1-2024 pax ("pax Interchange Format", "ustar Interchange Format") and GNU tar's
manual, "Basic Tar Format". Names are kept as bytes. Python's tarfile reads headers of any length
into memory and keeps each member; here both are bounded.
"""

from collections.abc import Iterator
from typing import Protocol

from clipfake.errors import ErrorCode, ImageError
from clipfake.sources.archives.entry import Entry, Span, no_file

BLOCK = 512
_END = bytes(BLOCK)

_EXTENSION_BYTES = 2**20  # of long names and attributes of one member
_PADDING_BYTES = 64 * 2**20  # of zeros between archives that follow one another
_FILES = b"0\x007"
_GNU_SPARSE = b"S"
_LINKS = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a character device",
    b"4": "a block device",
    b"6": "a FIFO",
}
_FOLDERS = b"5D"
_OF_THE_ARCHIVE = b"VM"  # a volume's name, and the rest of another volume's member

_Attributes = dict[bytes, bytes]


class Forward(Protocol):
    """Bytes read in order, of which some are passed over.

    Attributes:
        position: bytes read or passed over so far.
    """

    position: int

    def read(self, count: int) -> bytes:
        """Up to ``count`` bytes; fewer only at the end."""

    def skip(self, count: int) -> bool:
        """Pass over bytes; whether there were as many."""


def is_tar(head: bytes) -> bool:
    """Whether bytes begin with a tar header, by its checksum."""
    return len(head) >= BLOCK and head[0] != 0 and _checksum_fits(head[:BLOCK])


def tar_entries(tar: Forward) -> Iterator[Entry]:
    """Members in their order, of all archives that follow one another.

    What lies behind the end of an archive and is none itself is not looked at. Between two
    members the consumer may read the first one's bytes, and no others.

    Args:
        tar: the archive, from its start.

    Raises:
        ImageError: ``damaged`` or ``truncated``, where the rest cannot be found;
            ``archive_limit`` for headers or zeros of unreasonable length; what ``tar`` raises.
    """
    common: _Attributes = {}
    while header := _next_header(tar, common):
        attributes, extended = dict(common), 0
        while (kind := header[156:157]) in b"xXgLK":
            size = _number(header[124:136])
            extended += size + BLOCK
            if extended > _EXTENSION_BYTES:
                raise ImageError(ErrorCode.ARCHIVE_LIMIT, "its headers are too long; unpack it")
            data = _read_padded(tar, size)
            if kind == b"L":
                attributes[b"path"] = data.split(b"\0", 1)[0]
            elif kind == b"g":
                common |= _attributes(data)
                attributes |= common
            elif kind in b"xX":
                attributes |= _attributes(data)
            following = _block(tar)
            if following is None or following == _END:
                raise ImageError(ErrorCode.TRUNCATED, "the tar archive ends inside a header")
            header = _checked(following)
        entry = _entry(header, attributes, tar)
        if header[156:157] not in _OF_THE_ARCHIVE:
            yield entry
        end = entry.span.offset + _padded(entry.span.stored)
        data_left = entry.span.offset + entry.span.stored - tar.position
        if not tar.skip(data_left):
            raise ImageError(ErrorCode.TRUNCATED, "the tar archive ends inside a member")
        tar.skip(end - tar.position)


def _entry(header: bytes, attributes: _Attributes, tar: Forward) -> Entry:
    kind = header[156:157]
    name = attributes.get(b"path") or _name(header)
    is_folder = kind in _FOLDERS or (kind in _FILES and name.endswith(b"/"))
    size = _decimal(attributes[b"size"]) if b"size" in attributes else _number(header[124:136])
    problem = None
    if kind in _LINKS:
        problem = no_file(_LINKS[kind])
    elif kind == _GNU_SPARSE or any(key.startswith(b"GNU.sparse.") for key in attributes):
        name = attributes.get(b"GNU.sparse.name", name)
        problem = ImageError(ErrorCode.UNSUPPORTED, "a sparse file; unpack it to scan it")
        if kind == _GNU_SPARSE:
            _pass_sparse_map(header, tar)
    elif kind not in _FILES and not is_folder:
        problem = no_file(f"a member of type {kind!r}")
    stored = 0 if kind in _LINKS or kind == b"5" else size
    return Entry(name, Span(tar.position, stored, stored), is_folder, problem)


def _pass_sparse_map(header: bytes, tar: Forward) -> None:
    more, blocks = header[482], 0
    while more:
        block = _block(tar)
        blocks += 1
        if block is None or blocks * BLOCK > _EXTENSION_BYTES:
            raise ImageError(ErrorCode.DAMAGED, "the map of a sparse file in it breaks off")
        more = block[504]


def _next_header(tar: Forward, common: _Attributes) -> bytes | None:
    """The next header; None at the end, which need not be marked."""
    header = _block(tar)
    if header is None or header != _END:
        return None if header is None else _checked(header)
    common.clear()  # attributes of all members end with their archive
    zeros = BLOCK
    # a file may break off here, or hold what is no archive
    while len(block := tar.read(BLOCK)) == BLOCK:
        if block != _END:
            return block if _checksum_fits(block) else None
        zeros += BLOCK
        if zeros > _PADDING_BYTES:
            text = f"over {_PADDING_BYTES} zeros behind its end; what follows is not scanned"
            raise ImageError(ErrorCode.ARCHIVE_LIMIT, text)
    return None


def _checked(header: bytes) -> bytes:
    if not _checksum_fits(header):
        raise ImageError(ErrorCode.DAMAGED, "a header of the tar archive is damaged")
    return header


def _block(tar: Forward) -> bytes | None:
    block = tar.read(BLOCK)
    if not block:
        return None
    if len(block) < BLOCK:
        raise ImageError(ErrorCode.TRUNCATED, "the tar archive ends inside a header")
    return block


def _read_padded(tar: Forward, size: int) -> bytes:
    data = tar.read(_padded(size))
    if len(data) < size:
        raise ImageError(ErrorCode.TRUNCATED, "the tar archive ends inside a header")
    return data[:size]


def _padded(size: int) -> int:
    return (size + BLOCK - 1) // BLOCK * BLOCK


def _name(header: bytes) -> bytes:
    name = header[:100].split(b"\0", 1)[0]
    prefix = header[345:500].split(b"\0", 1)[0] if header[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _checksum_fits(header: bytes) -> bool:
    try:
        stated = int(header[148:156].split(b"\0", 1)[0].strip() or b"0", 8)
    except ValueError:
        return False
    rest = header[:148] + header[156:]
    unsigned = 256 + sum(rest)
    # some old programs took bytes to be signed
    return stated in (unsigned, unsigned - 256 * sum(byte > 127 for byte in rest))


def _number(field: bytes) -> int:
    """An octal number, or a binary one after 0x80 (GNU)."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    try:
        size = int(field.split(b"\0", 1)[0].strip() or b"0", 8)
    except ValueError:
        size = -1
    return _plausible(size)


def _decimal(value: bytes) -> int:
    return _plausible(int(value) if value.isdigit() and len(value) < 20 else -1)


def _plausible(size: int) -> int:
    if size < 0:
        raise ImageError(ErrorCode.DAMAGED, "a size in the tar archive is no number")
    return size


def _attributes(data: bytes) -> _Attributes:
    """The records of a pax header: length, space, key, ``=``, value, line feed."""
    found: _Attributes = {}
    at, end = 0, len(data.rstrip(b"\0"))
    while at < end:
        space = data.find(b" ", at, at + 20)
        after = at + _decimal(data[at:space])
        equals = data.find(b"=", space, after)
        if space < 0 or equals < 0 or data[after - 1 : after] != b"\n":
            raise ImageError(ErrorCode.DAMAGED, "a pax header of the tar archive is damaged")
        found[data[space + 1 : equals]] = data[equals + 1 : after - 1]
        at = after
    return found
