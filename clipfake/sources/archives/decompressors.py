"""Decompressors of one stream each, all with the interface that bz2 and lzma share.

Formats: RFC 1951 (deflate), RFC 1952 (gzip), bzip2, the .xz file format 1.2.1, and LZMA as in
section 5.8 of PKWARE's APPNOTE 6.3.10.
"""

import bz2
import lzma
import struct
import zlib
from enum import Enum
from typing import Protocol

from clipfake.sources.content import Stream

# what they raise for bytes that are not theirs
BROKEN = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError)


class Compression(str, Enum):
    """How bytes are compressed."""

    STORED = "stored"
    DEFLATE = "deflate"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    LZMA = "lzma"


# of those whose streams may follow one another
MAGIC = {
    Compression.GZIP: b"\x1f\x8b",
    Compression.BZIP2: b"BZh",
    Compression.XZ: b"\xfd7zXZ\0",
}


class Decompressor(Protocol):
    """One stream, inflated piece by piece."""

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""

    @property
    def needs_input(self) -> bool:
        """Whether more can come only of more input."""

    @property
    def unused_data(self) -> bytes:
        """What follows the stream's end."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Inflate to at most ``max_length`` bytes; raises one of ``BROKEN``."""


def decompressor(compression: Compression, source: Stream, window_bytes: int) -> Decompressor:
    """A decompressor for a source's next stream.

    Args:
        compression: any but ``STORED``.
        source: only LZMA's header is read from it.
        window_bytes: memory that it may ask for.

    Raises:
        ValueError, EOFError: LZMA's header is not one.
    """
    if compression is Compression.BZIP2:
        return bz2.BZ2Decompressor()
    if compression is Compression.XZ:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=window_bytes)
    if compression is Compression.LZMA:
        return _lzma_of_zip(source, window_bytes)
    return _Zlib(-zlib.MAX_WBITS if compression is Compression.DEFLATE else 16 + zlib.MAX_WBITS)


class _Zlib:
    """zlib's decompressor."""

    def __init__(self, wbits: int) -> None:
        self._inner = zlib.decompressobj(wbits)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


def _lzma_of_zip(source: Stream, window_bytes: int) -> lzma.LZMADecompressor:
    head = source.read(9)
    if len(head) < 9:
        raise EOFError("no LZMA header")
    _version, size, packed, window = struct.unpack("<HHBI", head)
    if size != 5 or window > window_bytes:
        raise ValueError("LZMA properties are out of range")
    packed, lc = divmod(packed, 9)
    pb, lp = divmod(packed, 5)
    form = {"id": lzma.FILTER_LZMA1, "dict_size": window, "lc": lc, "lp": lp, "pb": pb}
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[form])
