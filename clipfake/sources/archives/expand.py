"""A file as its members' items, when it is an archive."""

from collections.abc import Iterator

from clipfake.errors import ImageError
from clipfake.sources.archive_limits import ArchiveLimits
from clipfake.sources.archives.decompressors import Compression
from clipfake.sources.archives.entry import Span
from clipfake.sources.archives.listing import Archive, Listing
from clipfake.sources.archives.member import Member
from clipfake.sources.archives.names import Names
from clipfake.sources.archives.recognise import Form, recognise
from clipfake.sources.archives.store import FileStore, MemoryStore
from clipfake.sources.item import Item
from clipfake.sources.select import ARCHIVES, STREAMS, PassedOver, Selection


def expanded(
    item: Item,
    selection: Selection,
    *,
    below: str = "",
    taken: bool = True,
    passed_over: PassedOver | None = None,
) -> Iterator[Item]:
    """The members of an archive, or the file itself when it is none.

    Args:
        item: a file, or a member of an archive that may be one itself.
        selection: whether archives are looked into, and which members are taken.
        below: the file's path below the folder that is walked; empty for one named outright.
        taken: whether the file is wanted should it be no archive.
        passed_over: counts hidden members, and archives where none are looked into.

    Yields:
        Items whose path is the file's, ``!/`` and the member's name. A fault of the archive as a
        whole is an item of the file's own name, with its problem.
    """
    limits = selection.archives
    if limits is None and isinstance(item.content, Member):
        limits = item.content.limits  # asked for by its name
    looks = limits is not None or passed_over is not None
    form = _form(item, limits or ArchiveLimits()) if looks else None
    if limits is None or form is None:
        if taken:
            if passed_over is not None:
                passed_over[ARCHIVES] += form is not None
            yield item
        return
    if not selection.streams and form.compression is not Compression.STORED:
        if passed_over is not None:
            passed_over[STREAMS] += 1
        yield item
        return
    names = Names(selection, f"{below}/" if below else "", passed_over)
    try:
        listing, archive = _opened(item, names, form, limits)
    except (OSError, ImageError):  # it went away meanwhile; reading it tells how
        yield item
        return
    try:
        yield from listing.inner(archive) if archive.steps else listing.items(archive)
    finally:
        archive.store.close()


def _form(item: Item, limits: ArchiveLimits) -> Form | None:
    if item.problem is not None or not isinstance(item.content, Member | None):
        return None
    try:
        with item.open() as reader:
            return recognise(reader, limits)
    except (OSError, ValueError, ImageError):  # reading it as a file tells what is wrong
        return None


def _opened(item: Item, names: Names, form: Form, limits: ArchiveLimits) -> tuple[Listing, Archive]:
    if not isinstance(item.content, Member):
        return Listing(item.path, limits), Archive(item, names, form, FileStore(item.path))
    member, data = item.content, b""
    if member.span.size <= limits.nested_bytes:
        with member.open() as reader:
            data = reader.read(member.span.size)
    steps = (*member.steps, member.span)
    depth = 1 + sum(isinstance(step, Span) for step in steps)
    archive = Archive(item, names, form, MemoryStore(data), steps, depth)
    return Listing(member.archive, limits), archive
