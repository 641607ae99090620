"""Everything named on the command line, as one stream of items."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from clipfake.errors import UsageError
from clipfake.sources.item import Item
from clipfake.sources.manifest import STDIN, Manifest, is_manifest
from clipfake.sources.select import Selection
from clipfake.sources.walk import walk


class Sources:
    """Files, folders and manifests in the order in which they were named.

    Attributes:
        columns: name and Arrow type of the manifests' own columns, all manifests together;
            a name that two manifests hold with different types becomes text.
        rereadable: whether the stream can be iterated twice (standard input cannot).
    """

    def __init__(self, paths: Sequence[str | os.PathLike[str]], selection: Selection) -> None:
        """Check each name; nothing is listed yet.

        Args:
            paths: files, folders, manifests, or ``-`` for paths on standard input.
            selection: which files of a folder are taken.

        Raises:
            UsageError: a name does not exist, or a manifest cannot be read.
        """
        self._selection = selection
        self._parts: list[str | Manifest] = []
        self.columns: dict[str, pa.DataType] = {}
        self.rereadable = True
        for given in paths:
            path = os.fspath(given)
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
            UsageError: a row of a manifest cannot be read.
        """
        for part in self._parts:
            if isinstance(part, Manifest):
                yield from part
            elif os.path.isdir(part):
                yield from walk(part, self._selection)
            else:
                yield Item(part)

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
