"""Everything named on the command line, as one stream of items."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pyarrow as pa

from clipfake.errors import UsageError
from clipfake.sources.archives.expand import expanded
from clipfake.sources.archives.finder import Finder
from clipfake.sources.changes import ChangedFiles, Changes
from clipfake.sources.content import Carried
from clipfake.sources.ignore import Ignored, Ignoring
from clipfake.sources.item import Item
from clipfake.sources.manifest import STDIN, Manifest, is_manifest
from clipfake.sources.remote import as_local, is_url, need_permission, remote_item, remote_items
from clipfake.sources.remote.driver import need_driver
from clipfake.sources.select import IGNORED, STREAMS, PassedOver, Selection
from clipfake.sources.walk import walk


class Count(NamedTuple):
    """How many files there are.

    Attributes:
        files: as far as listing tells.
        exact: False where compressed tars, which may hold many, count as one.
    """

    files: int
    exact: bool


class Sources:
    """Files, folders, manifests and URLs in the order in which they were named, or what git says.

    Attributes:
        columns: name and Arrow type of the manifests' own columns, all manifests together;
            a name that two manifests hold with different types becomes text.
        rereadable: whether the stream can be iterated twice at little cost (standard input
            cannot, other machines would be asked twice).
        passed_over: hidden files and folders, symbolic links, and archives not looked into, that
            the iteration under way or the last one left out, by their kind.
    """

    def __init__(
        self,
        paths: Sequence[str | os.PathLike[str]],
        selection: Selection,
        *,
        null: bool = False,
        changes: Changes | None = None,
    ) -> None:
        """Check each name; nothing is listed yet but archives of which members are named.

        Args:
            paths: files, folders, members of archives, manifests, URLs, or ``-`` for paths on
                standard input.
            selection: which files of a folder are taken, and whether URLs may be opened.
            null: zero bytes end the names on standard input and in ``.txt`` lists.
            changes: take only what git calls new of the files and folders; None for all of them.

        Raises:
            UsageError: a name does not exist, a manifest cannot be read, or a URL may not be
                opened, or not without a driver that is not installed; or git cannot answer.
        """
        self._selection = selection
        self._parts: list[str | Manifest | ChangedFiles] = []
        self._finder = Finder(selection.archives)
        self.columns: dict[str, pa.DataType] = {}
        self.rereadable = True
        self.passed_over = PassedOver()
        if changes is not None:
            self._parts.append(_changed(paths, changes))
            paths = ()
        for given in paths:
            path = self._local(os.fspath(given))
            if is_url(path):
                self._parts.append(path)
                self.rereadable = False
                continue
            exists = path == STDIN or os.path.lexists(path)
            if not exists:
                self._need_member(path)
            if exists and is_manifest(path) and not os.path.isdir(path):
                manifest = Manifest(path, null=null)
                self._parts.append(manifest)
                self._add_columns(manifest.columns)
                self.rereadable = self.rereadable and path != STDIN
            else:
                self._parts.append(path)
        manifests = [part for part in self._parts if isinstance(part, Manifest)]
        if null and not any(manifest.of_names for manifest in manifests):
            raise UsageError("--null is about names on standard input (-) or in a .txt list")

    @property
    def only_lists(self) -> bool:
        """Whether all that was named may well hold no image: lists, and what git calls new.

        So may names that ignore files are asked about.
        """
        return bool(self._parts) and all(
            not isinstance(part, str)
            or (self._selection.ignoring is Ignoring.ALL and not os.path.isdir(part))
            for part in self._parts
        )

    def __iter__(self) -> Iterator[Item]:
        """Items of all parts, in order; ``passed_over`` begins anew.

        Raises:
            UsageError: a manifest cannot be read any further, or its URL may not be opened.
        """
        self.passed_over.clear()
        return self._items(self._finder, self.passed_over, self._selection)

    def count(self) -> "Count":
        """How many items there are; a compressed tar, which only inflating tells, counts as one.

        Another thread may iterate meanwhile.
        """
        files, left = 0, PassedOver()
        selection = replace(self._selection, streams=False)
        for item in self._items(Finder(selection.archives), left, selection):
            files += 1
            left[STREAMS] += isinstance(item.content, Carried)  # inside a zip, and listed whole
        return Count(files, exact=not left[STREAMS])

    def _items(
        self, finder: Finder, passed_over: PassedOver, selection: Selection
    ) -> Iterator[Item]:
        ignored = Ignored(os.curdir) if selection.ignoring is Ignoring.ALL else None
        for part in self._parts:
            if isinstance(part, ChangedFiles):
                yield from part.items(selection, passed_over)
            elif isinstance(part, Manifest):
                for item in part:
                    if _leaves_out(ignored, item.path):
                        passed_over[IGNORED] += 1
                    else:
                        yield from self._listed(item, finder, passed_over, selection)
                    yield from ignored.faults() if ignored else ()
            elif is_url(part):
                yield from remote_items(part, selection, passed_over)
            elif os.path.isdir(part):
                yield from walk(part, selection, passed_over)
            elif _leaves_out(ignored, part):
                passed_over[IGNORED] += 1
                yield from ignored.faults() if ignored else ()
            else:
                item = finder.found(Item(part, named=True))
                yield from expanded(item, selection, passed_over=passed_over)

    def _listed(
        self, item: Item, finder: Finder, passed_over: PassedOver, selection: Selection
    ) -> Iterator[Item]:
        """Items of a manifest's row."""
        path = item.path if item.problem else self._local(item.path)
        if item.problem is None and is_url(path):
            yield replace(remote_item(path), extra=item.extra)
            return
        item = finder.found(item if path == item.path else replace(item, path=path))
        yield from expanded(item, selection, passed_over=passed_over)

    def _need_member(self, path: str) -> None:
        """Raise UsageError for what is neither a file nor a member of an archive."""
        found = self._finder.found(Item(path))
        if found.problem is not None:
            raise UsageError(f"{path}: {found.problem}")
        if found.content is None and not os.path.lexists(found.path):
            raise UsageError(f"{path}: no such file or folder")

    def _local(self, name: str) -> str:
        """A name as given, where ``file://`` URLs are names of files; other URLs are checked."""
        if not is_url(name):
            return name
        need_permission(name, network=self._selection.network)
        local = as_local(name)
        if local is None:
            need_driver(name)
        return local or name

    def stamps(self) -> list[list[Any]]:
        """Path, size and time of change (ns since 1970) of each manifest that is a file."""
        found = []
        for part in self._parts:
            if isinstance(part, Manifest) and part.path != STDIN:
                status = os.stat(part.path)
                found.append([part.path, status.st_size, status.st_mtime_ns])
        return found

    def _add_columns(self, columns: dict[str, pa.DataType]) -> None:
        for name, kind in columns.items():
            known = self.columns.get(name, kind)
            self.columns[name] = kind if known == kind else pa.string()


def _leaves_out(ignored: Ignored | None, path: str) -> bool:
    """Whether ignore files leave out a name that was given."""
    return ignored is not None and not is_url(path) and ignored.leaves_out(path)


def _changed(paths: Sequence[str | os.PathLike[str]], changes: Changes) -> ChangedFiles:
    """What git calls new below names.

    Raises:
        UsageError: a name is a list or a URL, which git does not know, or is not there; or git
            cannot answer.
    """
    names = [os.fspath(path) for path in paths]
    for name in names:
        if is_url(name) or name == STDIN or (is_manifest(name) and os.path.isfile(name)):
            asked = "--staged" if changes.staged else "--changed-since"
            raise UsageError(f"{name}: {asked} asks git, not a list; name folders and files")
        if not os.path.lexists(name):
            raise UsageError(f"{name}: no such file or folder")
    return ChangedFiles(names, changes)
