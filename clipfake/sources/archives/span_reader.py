"""A member's bytes, held to what its archive says of them."""

import zlib

from clipfake.errors import ErrorCode, ImageError
from clipfake.sources.archive_limits import ArchiveLimits
from clipfake.sources.archives.decompressors import Compression
from clipfake.sources.archives.entry import Span
from clipfake.sources.archives.inflate import Inflated
from clipfake.sources.archives.store import Part, Store
from clipfake.sources.archives.zip_directory import LOCAL_HEADER
from clipfake.sources.content import Stream


def read_span(store: Store, span: Span, limits: ArchiveLimits) -> "SpanReader":
    """The bytes of a member.

    Args:
        store: the archive.
        span: where in it.
        limits: hold while it is inflated.

    Raises:
        ImageError: ``damaged``: a zip's local header is not where it should be.
    """
    offset = span.offset
    if span.headed:
        header = store.read_at(offset, LOCAL_HEADER.size)
        if len(header) < LOCAL_HEADER.size or not header.startswith(b"PK\x03\x04"):
            text = "it is not where the archive's directory says; the archive is damaged"
            raise ImageError(ErrorCode.DAMAGED, text)
        _, name_length, extra_length = LOCAL_HEADER.unpack(header)
        offset += LOCAL_HEADER.size + name_length + extra_length
    part = Part(store, offset, span.stored)
    plain = span.compression is Compression.STORED
    return SpanReader(part if plain else Inflated(part, span.compression, limits), span)


class SpanReader:
    """A member's bytes, held to what the archive says of their number and checksum.

    Attributes:
        size: as the archive says.
    """

    def __init__(self, reader: Stream, span: Span) -> None:
        self.size = span.size
        self._reader = reader
        self._span = span
        self._read = 0
        self._crc = 0
        self._ahead = b""

    def peek(self, count: int) -> bytes:
        """The first bytes, up to ``count``; raises as ``read`` does."""
        if len(self._ahead) < count:
            self._ahead += self._next(count - len(self._ahead))
        return self._ahead[:count]

    def read(self, count: int) -> bytes:
        """Up to ``count`` bytes; fewer only at the end.

        Raises:
            ImageError: ``truncated``, ``damaged`` or ``archive_limit``.
        """
        ahead, self._ahead = self._ahead[:count], self._ahead[count:]
        return ahead + self._next(count - len(ahead)) if len(ahead) < count else ahead

    def _next(self, count: int) -> bytes:
        count = min(count, self.size - self._read)
        data = self._reader.read(count)
        self._read += len(data)
        if len(data) < count:
            raise ImageError(ErrorCode.TRUNCATED, "the archive holds only a part of it")
        if self._span.crc is not None and count:
            self._crc = zlib.crc32(data, self._crc)
            if self._read == self.size:
                self._check(self._span.crc)
        return data

    def _check(self, crc: int) -> None:
        if self._span.compression is not Compression.STORED and self._reader.read(1):
            raise ImageError(ErrorCode.DAMAGED, "it is longer than its archive says")
        if self._crc != crc:
            raise ImageError(ErrorCode.DAMAGED, "its checksum in the archive does not fit")
