"""Inflate forwards, within bounds on time and memory, whatever the bytes are."""

from collections.abc import Iterator
from contextlib import contextmanager

from clipfake.errors import ErrorCode, ImageError
from clipfake.sources.archive_limits import ArchiveLimits, Tally
from clipfake.sources.archives.decompressors import (
    BROKEN,
    MAGIC,
    Compression,
    Decompressor,
    decompressor,
)
from clipfake.sources.content import Stream

_CHUNK = 2**16


class Inflated:
    """What compressed bytes become, read in order.

    Attributes:
        position: bytes read or passed over so far.
    """

    def __init__(
        self,
        source: Stream,
        compression: Compression,
        limits: ArchiveLimits,
        tally: Tally | None = None,
    ) -> None:
        """Begin at the source's next byte.

        Args:
            source: compressed bytes; streams that follow one another are read as one.
            compression: how they are compressed; any but ``STORED``.
            limits: ``ratio``, ``ratio_from`` and ``window_bytes`` hold.
            tally: told of every inflated byte.
        """
        self.position = 0
        self._source = source
        self._compression = compression
        self._limits = limits
        self._tally = tally
        self._consumed = self._produced = 0
        self._stream: Decompressor | None = None
        self._begun = False
        self._unfed = b""  # read from the source, not yet given to a decompressor
        self._ready, self._at = b"", 0
        self._failure: ImageError | None = None

    def read(self, count: int) -> bytes:
        """Up to ``count`` bytes; fewer only at the end.

        Raises:
            ImageError: ``damaged``, ``truncated`` or ``archive_limit``.
        """
        parts = []
        while count > 0:
            if self._at == len(self._ready):
                self._ready, self._at = self._inflate_or_fail(), 0
                if not self._ready:
                    break
            part = self._ready[self._at : self._at + count]
            self._at += len(part)
            count -= len(part)
            self.position += len(part)
            parts.append(part)
        return b"".join(parts)

    def skip(self, count: int) -> bool:
        """Pass over bytes; whether there were as many. Raises as ``read`` does."""
        while count > 0:
            passed = len(self.read(min(count, _CHUNK)))
            if not passed:
                return False
            count -= passed
        return True

    def _inflate_or_fail(self) -> bytes:
        if self._failure is not None:  # what has failed once has no state to go on from
            raise self._failure
        try:
            return self._inflate()
        except ImageError as error:
            self._failure = error
            raise

    def _inflate(self) -> bytes:
        """The next bytes; none at the end."""
        while stream := self._stream or self._next_stream():
            if stream.eof:
                self._unfed, self._stream = stream.unused_data, None
                continue
            hungry = stream.needs_input
            fed = (self._unfed or self._take()) if hungry else b""
            self._unfed = self._unfed if not hungry else b""
            with _broken_is_damaged():
                inflated = stream.decompress(fed, _CHUNK)
            if inflated:
                self._count(len(inflated))
                return inflated
            if hungry and not fed and not stream.eof:
                if self._compression is Compression.LZMA:  # it need not mark its end
                    break
                raise ImageError(ErrorCode.TRUNCATED, "the compressed data end too early")
        return b""

    def _next_stream(self) -> Decompressor | None:
        if self._begun and not self._another_follows():
            return None
        self._begun = True
        with _broken_is_damaged():
            self._stream = decompressor(self._compression, self._source, self._limits.window_bytes)
        return self._stream

    def _another_follows(self) -> bool:
        magic = MAGIC.get(self._compression)
        if magic is None:
            return False
        while not (head := self._unfed.lstrip(b"\0")):  # padding may follow a stream
            self._unfed = self._take()
            if not self._unfed:
                return False
        self._unfed = head + (self._take() if len(head) < len(magic) else b"")
        return self._unfed.startswith(magic)  # what else follows is not looked at

    def _take(self) -> bytes:
        taken = self._source.read(_CHUNK)
        self._consumed += len(taken)
        return taken

    def _count(self, inflated: int) -> None:
        self._produced += inflated
        if self._tally is not None:
            self._tally.add_inflated(inflated)
        if self._produced > max(self._limits.ratio_from, self._limits.ratio * self._consumed):
            raise ImageError(
                ErrorCode.ARCHIVE_LIMIT,
                f"inflates to over {self._limits.ratio} times its size, as a bomb does; "
                "unpack it to scan it",
            )


@contextmanager
def _broken_is_damaged() -> Iterator[None]:
    try:
        yield
    except BROKEN as error:
        raise ImageError(ErrorCode.DAMAGED, f"cannot be inflated ({error})") from error
