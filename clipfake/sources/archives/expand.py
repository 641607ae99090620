"""A file as its members' items, when it is an archive."""

from collections.abc import Iterator

from clipfake.errors import ImageError
from clipfake.sources.archives.limits import ArchiveLimits
from clipfake.sources.archives.listing import Archive, Listing
from clipfake.sources.archives.names import Names
from clipfake.sources.archives.recognise import Form, recognise
from clipfake.sources.archives.store import FileStore
from clipfake.sources.content import LocalFile
from clipfake.sources.item import Item
from clipfake.sources.select import Selection


def expanded(
    item: Item, selection: Selection, *, below: str = "", taken: bool = True
) -> Iterator[Item]:
    """The members of an archive, or the file itself when it is none.

    Args:
        item: a file.
        selection: whether archives are looked into, and which members are taken.
        below: the file's path below the folder that is walked; empty for one named outright.
        taken: whether the file is wanted should it be no archive.

    Yields:
        Items whose path is the file's, ``!/`` and the member's name. A fault of the archive as a
        whole is an item of the file's own name, with its problem.
    """
    limits = selection.archives
    form = None
    if limits is not None and item.problem is None and item.content is None:
        form = _form(item.path, limits)
    if limits is None or form is None:
        if taken:
            yield item
        return
    try:
        store = FileStore(item.path)
    except (OSError, ImageError):  # it went away meanwhile; reading it tells how
        yield item
        return
    try:
        names = Names(selection, f"{below}/" if below else "")
        yield from Listing(item.path, limits).items(Archive(item, names, form, store))
    finally:
        store.close()


def _form(path: str, limits: ArchiveLimits) -> Form | None:
    try:
        with LocalFile(path).open() as reader:
            return recognise(reader, limits)
    except (OSError, ValueError, ImageError):  # reading it as a file tells what is wrong
        return None
