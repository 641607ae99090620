"""Everything named on the command line, as one stream of items."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from clipfake.errors import UsageError
from clipfake.sources.archives.expand import expanded
from clipfake.sources.content import Carried
from clipfake.sources.item import Item
from clipfake.sources.manifest import STDIN, Manifest, is_manifest
from clipfake.sources.remote import as_local, is_url, need_permission, remote_item, remote_items
from clipfake.sources.remote.driver import need_driver
from clipfake.sources.select import Selection
from clipfake.sources.walk import walk


class Sources:
    """Files, folders, manifests and URLs in the order in which they were named.

    Attributes:
        columns: name and Arrow type of the manifests' own columns, all manifests together;
            a name that two manifests hold with different types becomes text.
        rereadable: whether the stream can be iterated twice at little cost (standard input
            cannot, other machines would be asked twice).
    """

    def __init__(self, paths: Sequence[str | os.PathLike[str]], selection: Selection) -> None:
        """Check each name; nothing is listed yet.

        Args:
            paths: files, folders, manifests, URLs, or ``-`` for paths on standard input.
            selection: which files of a folder are taken, and whether URLs may be opened.

        Raises:
            UsageError: a name does not exist, a manifest cannot be read, or a URL may not be
                opened, or not without a driver that is not installed.
        """
        self._selection = selection
        self._parts: list[str | Manifest] = []
        self.columns: dict[str, pa.DataType] = {}
        self.rereadable = True
        for given in paths:
            path = self._local(os.fspath(given))
            if is_url(path):
                self._parts.append(path)
                self.rereadable = False
                continue
            if path != STDIN and not os.path.lexists(path):
                raise UsageError(f"{path}: no such file or folder")
            if is_manifest(path) and not os.path.isdir(path):
                manifest = Manifest(path)
                self._parts.append(manifest)
                self._add_columns(manifest.columns)
                self.rereadable = self.rereadable and path != STDIN
            else:
                self._parts.append(path)

    def __iter__(self) -> Iterator[Item]:
        """Items of all parts, in order.

        Raises:
            UsageError: a row of a manifest cannot be read, or its URL may not be opened.
        """
        for part in self._parts:
            if isinstance(part, Manifest):
                for item in part:
                    yield from self._listed(item)
            elif is_url(part):
                yield from remote_items(part, self._selection)
            elif os.path.isdir(part):
                yield from walk(part, self._selection)
            else:
                yield from expanded(Item(part), self._selection)

    def count(self) -> int | None:
        """How many items there are; None when only reading a compressed archive would tell."""
        count = 0
        for item in self:
            if isinstance(item.content, Carried):
                return None
            count += 1
        return count

    def _listed(self, item: Item) -> Iterator[Item]:
        """Items of a manifest's row."""
        path = self._local(item.path)
        if is_url(path):
            yield replace(remote_item(path), extra=item.extra)
        else:
            yield from expanded(
                item if path == item.path else replace(item, path=path), self._selection
            )

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
