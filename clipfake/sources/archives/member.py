"""Members that a worker reads for itself, straight from the archive."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from clipfake.errors import ImageError
from clipfake.sources.archive_limits import ArchiveLimits
from clipfake.sources.archives.decompressors import Compression
from clipfake.sources.archives.entry import Span
from clipfake.sources.archives.inflate import Inflated
from clipfake.sources.archives.span_reader import SpanReader, read_span
from clipfake.sources.archives.store import FileStore, MemoryStore, Part, Store
from clipfake.sources.content import Reader

# how to come to an archive in an archive: where it lies, or how the whole around is compressed
Step = Span | Compression


@dataclass(frozen=True)
class Member:
    """A member's place.

    Attributes:
        archive: name of the file.
        steps: from the file's bytes to those of the archive that holds the member.
        span: where the member lies in that archive.
        limits: hold while it is inflated.
    """

    archive: str
    steps: tuple[Step, ...]
    span: Span
    limits: ArchiveLimits

    @contextmanager
    def open(self) -> Iterator[Reader]:
        """Read it; the archive stays open for the next one.

        Raises:
            OSError: the file is gone or cannot be read.
            ImageError: what the archive holds is damaged or beyond the limits.
        """
        archive = _held.reach(self.archive, self.steps, self.limits)
        try:
            if isinstance(archive, Rewindable):
                yield SpanReader(archive.at(self.span.offset), self.span)
            else:
                yield read_span(archive, self.span, self.limits)
        except BaseException as error:
            # only what is known to be no image leaves a stream where it is known to stand
            if not (isinstance(error, ImageError) and error.code.skipped):
                _held.drop()
            raise


class Rewindable:
    """What a compressed archive becomes, kept where it was read last."""

    def __init__(self, store: Store, compression: Compression, limits: ArchiveLimits) -> None:
        self._store, self._compression, self._limits = store, compression, limits
        self._inflated = self._anew()

    def at(self, offset: int) -> Inflated:
        """The bytes from an offset on."""
        if offset < self._inflated.position:
            self._inflated = self._anew()
        self._inflated.skip(offset - self._inflated.position)
        return self._inflated

    def close(self) -> None:
        """Close what is compressed."""
        self._store.close()

    def _anew(self) -> Inflated:
        return Inflated(Part(self._store), self._compression, self._limits)


class _Held(threading.local):
    """The archive that this thread read from last, so that it is not opened for each member."""

    def __init__(self) -> None:
        self._key: object = None
        self._archive: Store | Rewindable = MemoryStore(b"")

    def reach(
        self, path: str, steps: tuple[Step, ...], limits: ArchiveLimits
    ) -> Store | Rewindable:
        """The archive at the end of the steps."""
        status = os.stat(path)
        # by process too, since a forked one would share the file's position with its parent
        key = (os.getpid(), path, status.st_mtime_ns, status.st_size, status.st_ino, steps)
        if key != self._key:
            self.drop()
            self._archive = _reach(path, steps, limits)
            self._key = key
        return self._archive

    def drop(self) -> None:
        """Close it."""
        self._key = None
        self._archive.close()


_held = _Held()


def _reach(path: str, steps: tuple[Step, ...], limits: ArchiveLimits) -> Store | Rewindable:
    archive: Store | Rewindable = FileStore(path)
    for step in steps:
        outer = archive
        try:
            archive = follow(outer, step, limits)
        except BaseException:
            outer.close()
            raise
        if isinstance(archive, MemoryStore):
            outer.close()
    return archive


def follow(archive: Store | Rewindable, step: Step, limits: ArchiveLimits) -> Store | Rewindable:
    """One step from an archive's bytes to those of an archive inside it."""
    if isinstance(step, Compression):
        assert not isinstance(archive, Rewindable)  # noqa: S101 - tars hold members only
        return Rewindable(archive, step, limits)
    if isinstance(archive, Rewindable):
        return MemoryStore(SpanReader(archive.at(step.offset), step).read(step.size))
    return MemoryStore(read_span(archive, step, limits).read(step.size))
