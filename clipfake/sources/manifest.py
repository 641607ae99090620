"""Manifests: lists of paths with columns of their own, read row by row.

``.txt`` has a path a line; ``.csv``, ``.jsonl`` and ``.parquet`` have a ``path`` column, and
their other columns go into the report. Relative paths start at the manifest's folder; URLs stay.
"""

import csv
import os
from collections.abc import Callable, Iterator
from functools import partial

import pyarrow as pa

from clipfake.errors import ErrorCode, ImageError, UsageError
from clipfake.sources.item import Item, native
from clipfake.sources.lists.csv_rows import CsvRows
from clipfake.sources.lists.json_rows import JsonRows
from clipfake.sources.lists.names import Names, unquoted
from clipfake.sources.lists.parquet_rows import ParquetRows
from clipfake.sources.lists.row import Row, Rows
from clipfake.sources.lists.text import open_text, standard_input
from clipfake.sources.remote.urls import is_url

_WITH_COLUMNS: dict[str, Callable[[str], Rows]] = {
    ".csv": CsvRows,
    ".jsonl": JsonRows,
    ".parquet": ParquetRows,
}
SUFFIXES = (".txt", *_WITH_COLUMNS)
STDIN = "-"
# csv.Error apart, each is what a reader raises for content: pa.ArrowInvalid, UnicodeDecodeError
# and times that Python cannot hold are ValueErrors or OverflowErrors
_UNREADABLE = (OSError, ValueError, OverflowError, csv.Error)
_TEXT_MARK = "'"  # what reports in CSV put before cells that a spreadsheet would run
_QUOTED = "no such file; were git's quotes meant, use its -z and --null here"


class Manifest:
    """A manifest file, checked when opened, read as often as asked.

    Attributes:
        columns: name and Arrow type of the columns beside ``path``.
        of_names: whether it holds names alone, so that zero bytes may end them.
    """

    def __init__(self, path: str, *, null: bool = False) -> None:
        """Check that the manifest can be read and learn its columns.

        Args:
            path: the file, or ``-`` for paths on standard input.
            null: zero bytes end the names of a list that has nothing else.

        Raises:
            UsageError: it cannot be read or has no ``path`` column.
        """
        self.path = path
        self._folder = "" if path == STDIN else os.path.dirname(path)
        try:
            self._rows = _rows(path, null)
        except _UNREADABLE as error:
            raise self._unreadable(error) from error
        self.columns: dict[str, pa.DataType] = self._rows.columns
        self.of_names = isinstance(self._rows, Names)

    def __iter__(self) -> Iterator[Item]:
        """Items in the manifest's order; a row that names no file is one with its problem.

        Raises:
            UsageError: the manifest cannot be read any further.
        """
        try:
            for row in self._rows:
                yield self._item(row)
        except _UNREADABLE as error:
            raise self._unreadable(error) from error

    def _item(self, row: Row) -> Item:
        if row.fault is not None:
            problem = ImageError(ErrorCode.MISSING, row.fault)
            return Item(f"{self.path}:{row.number}", row.extra, problem)
        path, meant = self._beside(row.path), _meant(row)
        if not meant or os.path.lexists(path):
            return Item(path, row.extra)
        for other in map(self._beside, meant):
            if os.path.lexists(other):
                return Item(other, row.extra)
        missing = ImageError(ErrorCode.MISSING, _QUOTED) if row.quoted else None
        return Item(path, row.extra, missing)

    def _beside(self, path: str) -> str:
        return path if is_url(path) else os.path.join(self._folder, native(path))

    def _unreadable(self, error: Exception) -> UsageError:
        return UsageError(f"{self.path}: manifest cannot be read ({_reason(error)})")


def is_manifest(path: str) -> bool:
    """Whether a name on the command line stands for a manifest."""
    return path == STDIN or path.lower().endswith(SUFFIXES)


def _rows(path: str, null: bool) -> Rows:
    if path == STDIN:
        return Names(standard_input, null=null)
    for ending, rows in _WITH_COLUMNS.items():
        if path.lower().endswith(ending):
            return rows(path)
    return Names(partial(open_text, path), null=null)


def _meant(row: Row) -> list[str]:
    """What a path may mean where no file has that very name."""
    bare = row.path.strip()
    found = [bare] if bare != row.path else []
    if row.quoted and (plain := unquoted(row.path)):
        found.append(plain)
    if row.path.startswith(_TEXT_MARK):
        found.append(row.path.removeprefix(_TEXT_MARK))
    return found


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).splitlines()[0]
