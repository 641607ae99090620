"""CSV: commas, semicolons, tabs or bars, with or without the ``sep=`` line of spreadsheets.

Sources: RFC 4180; the ``sep=`` line is what Excel reads and writes to tell the delimiter.
"""

import csv
import re
from collections.abc import Iterator
from typing import TextIO

import pyarrow as pa

from clipfake.sources.lists.row import (
    PATH_COLUMN,
    Row,
    need_few_columns,
    no_path_column,
    path_or_fault,
)
from clipfake.sources.lists.text import MOST_LINE, lines, open_text

_DELIMITERS = (",", ";", "\t", "|")
_SEP = re.compile(r'"?sep=([^\w"\r\n]|\\t)"?[\r\n]*', re.IGNORECASE)
_MOST_CELL = 16 * 2**20  # characters
_MOST_RECORD = 2 * MOST_LINE


class CsvRows:
    """A CSV; all its columns are text."""

    def __init__(self, path: str) -> None:
        """Read the header.

        Raises:
            OSError, csv.Error: it cannot be read.
            UsageError: it has no column ``path``.
        """
        self._path = path
        self.columns: dict[str, pa.DataType] = {}
        tried = {}
        for delimiter in _DELIMITERS:
            with open_text(path) as file:
                records = _Records(file, delimiter)
                tried[records.delimiter] = header = records.header()
            self._delimiter = records.delimiter
            if PATH_COLUMN in header:
                break
        else:
            # the delimiter that takes the header apart is the one in use
            self._delimiter = max(tried, key=lambda each: len(tried[each]))
            header = tried[self._delimiter]
            if header:
                how = f"; delimiter {self._delimiter!r}"
                raise no_path_column(path, header, how)
        need_few_columns(path, header)
        self.columns = {name: pa.string() for name in header if name and name != PATH_COLUMN}

    def __iter__(self) -> Iterator[Row]:
        """Rows in order; what cannot be taken apart is a row with a fault."""
        with open_text(self._path) as file:
            records = _Records(file, self._delimiter)
            header = records.header()
            for number, cells, fault in records:
                row = dict(zip(header, cells, strict=False))
                extra = {name: row.get(name) for name in self.columns}
                path, blank = path_or_fault(row.get(PATH_COLUMN))
                yield Row(number, "" if fault else path, extra, fault or blank)


class _TooLong(csv.Error):
    """More than is held at once."""


class _Records:
    """Rows of cells.

    Attributes:
        delimiter: of the cells; a ``sep=`` line has the last word.
    """

    def __init__(self, file: TextIO, delimiter: str) -> None:
        # the module's own limit of 128 KiB is the same for every reader of the process
        csv.field_size_limit(max(_MOST_CELL, csv.field_size_limit()))
        self._lines = _Lines(file)
        self.delimiter = delimiter
        first = next(self._lines, "")
        if found := _SEP.fullmatch(first) if len(first) < 16 else None:
            self.delimiter = found[1].replace("\\t", "\t")
        else:
            self._lines.give_back(first)

    def header(self) -> list[str]:
        """The first row that is not empty."""
        for cells in csv.reader(self._lines, delimiter=self.delimiter):
            if cells:
                return [cell.strip() for cell in cells]
        return []

    def __iter__(self) -> Iterator[tuple[int, list[str], str | None]]:
        """Number of its first line, cells, and fault of each row that is not empty."""
        reader = csv.reader(self._lines, delimiter=self.delimiter)
        while True:
            number = self._lines.begin_record()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield number, [], f"cannot be read ({error}); is a quote open?"
                reader = csv.reader(self._lines, delimiter=self.delimiter)
                continue
            if self._lines.ended:  # the reader asked for more of this row
                yield number, cells, "a quote is opened here and never closed; close it"
            elif cells:
                yield number, cells, None


class _Lines:
    """Lines, counted and bounded.

    Attributes:
        ended: whether more were asked for than there are.
    """

    def __init__(self, file: TextIO) -> None:
        self.ended = False
        self._lines = lines(file)
        self._given_back: str | None = None
        self._number = 0
        self._held = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line, whole = self._given_back, True
        if line is None:
            line, whole = next(self._lines, ("", True))
        self._given_back = None
        if not line:
            self.ended = True
            raise StopIteration
        self._number += 1
        self._held += len(line)
        if not whole or self._held > _MOST_RECORD:
            raise _TooLong(f"over {MOST_LINE} characters")
        return line

    def give_back(self, line: str) -> None:
        """Have the line come again."""
        if line:
            self._given_back = line
            self._number -= 1

    def begin_record(self) -> int:
        """Number of the line with which the next row begins."""
        self._held = 0
        return self._number + 1
