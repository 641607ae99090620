"""The text of lists: encodings told by their byte order mark, and lines of bounded length.

UTF-8 unless a mark says UTF-16, which Windows PowerShell writes (Unicode 15.0, section 23.8). Bytes
that are not UTF-8 survive as surrogates, as the operating system's calls take them.
"""

import codecs
import io
import sys
from collections.abc import Iterator
from typing import BinaryIO, Protocol, TextIO

MOST_LINE = 32 * 2**20  # characters
_CHUNK = 2**16
_MARKS = (
    (codecs.BOM_UTF8, "utf-8", "surrogateescape"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "replace"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "replace"),
)
_LONGEST_MARK = 3


class _Raw(Protocol):
    def read(self, count: int, /) -> bytes:
        """So many bytes; fewer only at the end."""

    def read1(self, count: int, /) -> bytes:
        """Up to so many bytes, as they come."""


def open_text(path: str) -> TextIO:
    """Open a list; line ends stay as they are.

    Raises:
        OSError: as the operating system has it.
    """
    file: BinaryIO = open(path, "rb")  # noqa: SIM115 - the caller closes it
    return _decoded(file, file)  # type: ignore[arg-type]


def standard_input() -> TextIO:
    """Standard input as a list; it is not closed with what is returned."""
    raw = getattr(sys.stdin, "buffer", None)
    if raw is None:  # text that a program put in its place, or nothing at all
        return io.StringIO(sys.stdin.read() if sys.stdin else "")
    return _decoded(raw, None)


def lines(file: TextIO, most: int = MOST_LINE) -> Iterator[tuple[str, bool]]:
    """Lines with their ends, and whether each is whole.

    Args:
        file: as ``open_text`` gives it.
        most: characters of a line; what a longer one has beyond them is passed over.
    """
    while line := file.readline(most):
        whole = len(line) < most or _ended(line)
        if not whole:
            while (rest := file.readline(_CHUNK)) and not _ended(rest):
                pass
        yield line, whole


def zero_separated(file: TextIO, most: int = MOST_LINE) -> Iterator[tuple[str, bool]]:
    """Names that zero bytes end, as ``find -print0`` writes them, and whether each is whole.

    Args:
        file: as ``open_text`` gives it.
        most: characters of a name; what a longer one has beyond them is passed over.
    """
    begun, whole = "", True
    while chunk := _some(file):
        *names, rest = chunk.split("\0")
        for name in names:
            yield (begun + name)[:most], whole and len(begun) + len(name) <= most
            begun, whole = "", True
        whole = whole and len(begun) + len(rest) <= most
        begun = (begun + rest)[:most]
    if begun:
        yield begun, whole


def _some(file: TextIO) -> str:
    """The next characters as they come; none at the end."""
    return file.read1() if isinstance(file, _Text) else file.read(_CHUNK)


def _ended(line: str) -> bool:
    return line.endswith(("\n", "\r"))


def _decoded(raw: _Raw, owned: BinaryIO | None) -> "_Text":
    # as little as tells, since a pipe's writer may wait for what comes of its first line
    head = raw.read(1)
    while len(head) < _LONGEST_MARK and any(mark.startswith(head) for mark, _, _ in _MARKS):
        if any(mark == head for mark, _, _ in _MARKS) or not (byte := raw.read(1)):
            break
        head += byte
    encoding, errors = "utf-8", "surrogateescape"
    for mark, *found in _MARKS:
        if head == mark:
            head, (encoding, errors) = b"", found
    return _Text(io.BufferedReader(_Resumed(head, raw, owned)), encoding, errors)


class _Text(io.TextIOWrapper):
    """Decoded text."""

    def __init__(self, buffer: io.BufferedReader, encoding: str, errors: str) -> None:
        super().__init__(buffer, encoding=encoding, errors=errors, newline="")
        self._decoder = codecs.getincrementaldecoder(encoding)(errors)
        self._bytes = buffer

    def read1(self) -> str:
        """The next characters as they come, in place of every other way to read."""
        while data := self._bytes.read1(_CHUNK):
            if text := self._decoder.decode(data):
                return text
        return self._decoder.decode(b"", final=True)


class _Resumed(io.RawIOBase):
    """Bytes of which the first were read already."""

    def __init__(self, head: bytes, rest: _Raw, owned: BinaryIO | None) -> None:
        super().__init__()
        self._head, self._rest, self._owned = head, rest, owned

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        if self._head:
            data, self._head = self._head[: len(buffer)], self._head[len(buffer) :]
        else:
            data = self._rest.read1(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if self._owned is not None:
            self._owned.close()
        super().close()
