"""An archive's members as items, chosen by the rules for files below a folder."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from clipfake.errors import ErrorCode, ImageError
from clipfake.imaging.formats import SNIFF_BYTES, sniff
from clipfake.sources.archive_limits import ArchiveLimits, Tally
from clipfake.sources.archives.decompressors import Compression
from clipfake.sources.archives.entry import Entry, Span
from clipfake.sources.archives.inflate import Inflated
from clipfake.sources.archives.member import Member, Step
from clipfake.sources.archives.names import Names, as_text
from clipfake.sources.archives.recognise import HEAD_BYTES, Form, recognise, recognise_head
from clipfake.sources.archives.span_reader import SpanReader, read_span
from clipfake.sources.archives.store import MemoryStore, Part, Store
from clipfake.sources.archives.tar_headers import tar_entries
from clipfake.sources.archives.zip_directory import zip_entries
from clipfake.sources.content import Content, Stream, can_carry, carry
from clipfake.sources.item import Item

_Open = Callable[[Span], Stream]


@dataclass(frozen=True)
class Archive:
    """An archive that is listed.

    Attributes:
        item: what stands for it; its members' items are made of it.
        names: which of its members are taken.
        form: what it is.
        store: its bytes.
        steps: from the outermost file's bytes to its own.
        depth: archives around its members.
    """

    item: Item
    names: Names
    form: Form
    store: Store
    steps: tuple[Step, ...] = ()
    depth: int = 1

    @property
    def to_members(self) -> tuple[Step, ...]:
        """From the outermost file's bytes to those in which the members lie."""
        compression = self.form.compression
        return self.steps + (() if compression is Compression.STORED else (compression,))


class Listing:
    """Lists one file that is an archive, with the archives inside it."""

    def __init__(self, path: str, limits: ArchiveLimits) -> None:
        """Nothing is read yet.

        Args:
            path: the file.
            limits: what all of it may cost.
        """
        self._path = path
        self._limits = limits
        self._tally = Tally(limits)

    def items(self, archive: Archive) -> Iterator[Item]:
        """Items of an archive's members, in its order, and of its own faults."""
        try:
            entries, opened = self._entries(archive)
            for entry in entries:
                self._tally.add_entry()
                if not entry.is_folder:
                    yield from self._member(archive, entry, opened)
        except ImageError as error:
            yield replace(archive.item, problem=error)
        except OSError as error:
            text = f"cannot be read ({error.strerror or error})"
            yield replace(archive.item, problem=ImageError(ErrorCode.UNREADABLE, text))

    def _entries(self, archive: Archive) -> tuple[Iterator[Entry], _Open]:
        store, compression = archive.store, archive.form.compression
        if archive.form.is_zip:
            return zip_entries(store), lambda span: read_span(store, span, self._limits)
        whole = Part(store)
        if compression is Compression.STORED:
            return tar_entries(whole), lambda span: SpanReader(whole, span)
        inflated = Inflated(whole, compression, self._limits, self._tally)
        return tar_entries(inflated), lambda span: SpanReader(inflated, span)

    def _member(self, archive: Archive, entry: Entry, opened: _Open) -> Iterator[Item]:
        name, span = as_text(entry.name), entry.span
        item = replace(archive.item, path=f"{archive.item.path}!/{name}", named=False)
        try:
            relative = archive.names.relative(name)
        except ImageError as error:
            yield replace(item, problem=error)
            return
        if relative is None or not archive.names.enters(relative):
            return
        taken = archive.names.takes(relative)
        if entry.problem is not None:
            if taken:
                yield replace(item, problem=entry.problem)
            return
        try:
            reader = opened(span)
            form, data = self._look(archive, reader, span.size)
        except ImageError as error:
            if taken:
                yield replace(item, problem=error)
            return
        if span.compression is not Compression.STORED and (form or _is_image(data)):
            self._tally.add_inflated(self._cost(span))
        if form is not None:
            yield from self._nested(archive, item, relative, form, data, span)
        elif taken:
            try:
                yield replace(item, content=self._content(archive, span, data, reader))
            except ImageError as error:
                yield replace(item, problem=error)

    def _look(self, archive: Archive, reader: Stream, size: int) -> tuple[Form | None, bytes]:
        """What archive a member is, if any, and its first bytes; all bytes of one to be listed."""
        data = reader.read(min(HEAD_BYTES, size))
        form = recognise_head(data)
        if form is None:
            return None, data
        plain = form.compression is Compression.STORED
        if size > self._limits.nested_bytes or (plain and archive.depth >= self._limits.depth):
            # whether a tar is inside what is compressed is only known when it is held whole
            return form if plain else None, data
        data += reader.read(size - len(data))
        return recognise(Part(MemoryStore(data)), self._limits), data

    def _cost(self, span: Span) -> int:
        """What inflating a member may come to; beyond its limits it is not inflated."""
        if span.size > self._limits.member_bytes:
            return 0
        return min(span.size, max(self._limits.ratio_from, self._limits.ratio * span.stored))

    def _nested(
        self, archive: Archive, item: Item, relative: str, form: Form, data: bytes, span: Span
    ) -> Iterator[Item]:
        """Items of an archive inside an archive."""
        inner = Archive(
            item,
            archive.names.inside(relative),
            form,
            MemoryStore(data),
            (*archive.to_members, span),
            archive.depth + 1,
        )
        yield from self.inner(inner)

    def inner(self, archive: Archive) -> Iterator[Item]:
        """Items of an archive inside an archive, as ``items`` gives them, within the limits."""
        problem = self._refusal(archive)
        if problem is None:
            yield from self.items(archive)
        else:
            yield replace(archive.item, problem=problem)

    def _refusal(self, archive: Archive) -> ImageError | None:
        """Why an archive inside an archive is not looked into."""
        place = archive.steps[-1]
        size = place.size if isinstance(place, Span) else 0
        if archive.depth > self._limits.depth:
            text = f"archives nested deeper than {self._limits.depth}; unpack the outer one"
        elif size > self._limits.nested_bytes:
            text = f"an archive of {size} bytes inside an archive; unpack the outer one"
        else:
            return None
        return ImageError(ErrorCode.ARCHIVE_LIMIT, text)

    def _content(self, archive: Archive, span: Span, data: bytes, reader: Stream) -> Content:
        """Where a worker finds a member's bytes.

        Those inside a compressed tar travel with the item, since each worker would have to
        inflate all that lies before them.
        """
        steps = archive.to_members
        place = Member(self._path, steps, span, self._limits)
        if not any(isinstance(step, Compression) for step in steps):
            return place
        if not _is_image(data):
            return carry(data[:HEAD_BYTES], span.size, place)  # no more would be looked at
        if span.size > self._limits.member_bytes:
            raise ImageError(
                ErrorCode.TOO_LARGE,
                f"{span.size} bytes, over the limit of {self._limits.member_bytes}; "
                "raise --max-bytes",
            )
        if not can_carry(span.size, self._limits.carried_bytes):
            return place
        return carry(data + reader.read(span.size - len(data)), span.size, place)


def _is_image(head: bytes) -> bool:
    try:
        sniff(head[:SNIFF_BYTES])
    except ImageError:
        return False
    return True
