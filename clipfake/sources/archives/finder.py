"""Members of archives by the names that reports give them: ``a.zip!/inner/x.jpg``.

A name is never used as a path of the file system beyond the outermost archive's own.
"""

import os
import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from clipfake.errors import ErrorCode, ImageError
from clipfake.sources.archive_limits import ArchiveLimits, Tally
from clipfake.sources.archives.decompressors import Compression
from clipfake.sources.archives.entry import Entry
from clipfake.sources.archives.inflate import Inflated
from clipfake.sources.archives.member import Member, Step
from clipfake.sources.archives.names import MAX_BYTES, as_text
from clipfake.sources.archives.not_images import HEAD_BYTES, told
from clipfake.sources.archives.recognise import Form, recognise
from clipfake.sources.archives.store import FileStore, MemoryStore, Part, Store
from clipfake.sources.archives.tar_headers import tar_entries
from clipfake.sources.archives.zip_directory import zip_entries
from clipfake.sources.item import Item

SEPARATOR = "!/"
_HELD_ARCHIVES = 16
_HELD_ENTRIES = 1_000_000  # of all of them together, save that the last one is held whole
_MOST_NAME = 4 * MAX_BYTES
_ESCAPE = re.compile(r"\\x([89a-f][0-9a-f])")  # as reports show bytes that are not UTF-8


@dataclass
class _Members:
    """The members of one archive.

    Attributes:
        steps: from the outermost file's bytes to those in which the members lie.
        entries: by their names; the first of those that share one.
        shown: names as reports show them, of those that are shown otherwise.
        fault: why there may be more.
    """

    steps: tuple[Step, ...] = ()
    entries: dict[str, Entry] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)
    fault: ImageError | None = None

    def entry(self, name: str) -> Entry | None:
        """The member of a name."""
        return self.entries.get(name) or self.entries.get(self.shown.get(name, name))


class Finder:
    """Finds files and members by name; archives asked for lately stay listed.

    An archive is listed once however many of its members are asked for, in any order.
    """

    def __init__(self, limits: ArchiveLimits | None = None) -> None:
        """Nothing is opened yet.

        Args:
            limits: what an archive may cost; None for the usual.
        """
        self._limits = limits or ArchiveLimits()
        self._listed: OrderedDict[str, _Members] = OrderedDict()
        self._held = 0

    def found(self, item: Item) -> Item:
        """What an item's name stands for.

        Args:
            item: named by a path, or by an archive's path, ``!/`` and a member's name, also of
                an archive inside an archive; as a report's ``path`` has it, or with the bytes
                of ``path_raw``.

        Returns:
            The item with its content, or with the problem ``missing``, or what keeps its
            archive from being listed. A path of the file system comes back as it is.
        """
        path = item.path
        marked = SEPARATOR in path or "\\x" in path
        if item.problem is not None or item.content is not None or not marked:
            return item
        if len(path) > _MOST_NAME or os.path.lexists(path):
            return item
        plain = _unescaped(path)
        if plain != path and os.path.lexists(plain):
            return replace(item, path=plain)
        for candidate in dict.fromkeys((path, plain)):
            for archive, name in _splits(candidate):
                if os.path.isfile(archive):
                    return self._member(item, archive, name)
        return item

    def _member(self, item: Item, archive: str, name: str) -> Item:
        members, entry, path = self._reach(archive, name)
        if entry is not None:
            content = Member(archive, members.steps, entry.span, self._limits)
            return replace(item, path=path, content=content, problem=entry.problem)
        problem = ImageError(ErrorCode.MISSING, "no such member in the archive; check the name")
        if members.fault is not None:
            text = f"not found in its archive: {members.fault}"
            problem = ImageError(members.fault.code, text)
        return replace(item, problem=problem)

    def _reach(self, path: str, name: str) -> tuple[_Members, Entry | None, str]:
        """The archive that holds a member, the member if it is there, and its full name."""
        outermost, depth = path, 1
        members = self._members(path, outermost, None, depth)
        while (entry := members.entry(name)) is None:
            for inner, rest in _splits(name):
                if (holder := members.entry(inner)) is not None and holder.problem is None:
                    path, name, depth = f"{path}{SEPARATOR}{as_text(holder.name)}", rest, depth + 1
                    place = Member(outermost, members.steps, holder.span, self._limits)
                    members = self._members(path, outermost, place, depth)
                    break
            else:
                return members, None, path
        return members, entry, f"{path}{SEPARATOR}{as_text(entry.name)}"

    def _members(self, path: str, outermost: str, place: Member | None, depth: int) -> _Members:
        known = self._listed.get(path)
        if known is not None:
            self._listed.move_to_end(path)
            return known
        try:
            store = self._store(outermost, place, depth)
            try:
                members = self._list(store, () if place is None else (*place.steps, place.span))
            finally:
                store.close()
        except ImageError as error:
            members = _Members(fault=error)
        except OSError as error:
            text = f"cannot be read ({error.strerror or error})"
            members = _Members(fault=ImageError(ErrorCode.UNREADABLE, text))
        self._listed[path] = members
        self._held += len(members.entries)
        while len(self._listed) > 1 and (
            len(self._listed) > _HELD_ARCHIVES or self._held > _HELD_ENTRIES
        ):
            self._held -= len(self._listed.popitem(last=False)[1].entries)
        return members

    def _store(self, outermost: str, place: Member | None, depth: int) -> Store:
        if place is None:
            return FileStore(outermost)
        size = place.span.size
        if depth > self._limits.depth:
            text = f"archives nested deeper than {self._limits.depth}; unpack the outer one"
            raise ImageError(ErrorCode.ARCHIVE_LIMIT, text)
        if size > self._limits.nested_bytes:
            text = f"an archive of {size} bytes inside an archive; unpack the outer one"
            raise ImageError(ErrorCode.ARCHIVE_LIMIT, text)
        with place.open() as reader:
            return MemoryStore(reader.read(size))

    def _list(self, store: Store, steps: tuple[Step, ...]) -> _Members:
        form = recognise(Part(store), self._limits)
        if form is None:
            raise told(store.read_at(0, HEAD_BYTES)) or ImageError(
                ErrorCode.MISSING, "what stands before !/ is no archive; check the name"
            )
        compression = form.compression
        members = _Members(steps if compression is Compression.STORED else (*steps, compression))
        tally = Tally(self._limits)
        try:
            for entry in self._entries(store, form, tally):
                tally.add_entry()
                if entry.is_folder:
                    continue
                name = as_text(entry.name)
                known = members.entries.setdefault(name, entry)
                if known is entry and not name.isascii() and (shown := Item(name).text) != name:
                    members.shown.setdefault(shown, name)
        except ImageError as error:
            members.fault = error
        return members

    def _entries(self, store: Store, form: Form, tally: Tally) -> Iterator[Entry]:
        if form.is_zip:
            return zip_entries(store)
        if form.compression is Compression.STORED:
            return tar_entries(Part(store))
        return tar_entries(Inflated(Part(store), form.compression, self._limits, tally))


def _splits(name: str) -> Iterator[tuple[str, str]]:
    """What may be an archive's name, and what is inside it, from the left."""
    at = name.find(SEPARATOR)
    while at > 0:
        yield name[:at], name[at + len(SEPARATOR) :]
        at = name.find(SEPARATOR, at + 1)


def _unescaped(path: str) -> str:
    """A name with the escapes of a report turned back into bytes."""
    if "\\x" not in path:
        return path
    escaped = _ESCAPE.sub(lambda found: chr(0xDC00 + int(found[1], 16)), path)
    try:
        return os.fsdecode(os.fsencode(escaped))
    except UnicodeEncodeError:  # no file can have this name
        return path
