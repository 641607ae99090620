"""Manifests: lists of paths with columns of their own, read row by row.

``.txt`` has a path a line; ``.csv``, ``.jsonl`` and ``.parquet`` have a ``path`` column, and
their other columns go into the report. Relative paths start at the manifest's folder; URLs stay.
"""

import csv
import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, TextIO

import pyarrow as pa

from clipfake.errors import UsageError
from clipfake.sources.item import Item, native
from clipfake.sources.parquet import parquet_batches, parquet_schema
from clipfake.sources.remote.urls import is_url

SUFFIXES = (".txt", ".csv", ".jsonl", ".parquet")
STDIN = "-"
PATH_COLUMN = "path"
_BATCH_ROWS = 4096
# csv.Error apart, each is what a reader raises for content: pa.ArrowInvalid, UnicodeDecodeError
# and times that Python cannot hold are ValueErrors or OverflowErrors
_UNREADABLE = (OSError, ValueError, OverflowError, csv.Error)


class Manifest:
    """A manifest file, checked when opened, read as often as asked.

    Attributes:
        columns: name and Arrow type of the columns beside ``path``.
    """

    columns: dict[str, pa.DataType]

    def __init__(self, path: str) -> None:
        """Check that the manifest can be read and learn its columns.

        Args:
            path: the file, or ``-`` for paths on standard input.

        Raises:
            UsageError: it cannot be read or has no ``path`` column.
        """
        self.path = path
        self.columns = {}
        if path == STDIN:
            return
        self._folder = os.path.dirname(path)
        try:
            if self._is(".parquet"):
                self._read_parquet_schema()
            elif self._is(".csv"):
                self._read_csv_header()
            elif self._is(".jsonl"):
                self._read_jsonl_keys()
        except _UNREADABLE as error:
            raise UsageError(f"{path}: manifest cannot be read ({_reason(error)})") from error

    def __iter__(self) -> Iterator[Item]:
        """Items in the manifest's order.

        Raises:
            UsageError: a row cannot be read; the message names its line.
        """
        try:
            if self.path == STDIN:
                yield from (Item(native(path)) for path in _lines(_stdin()))
            else:
                for path, extra in self._rows():
                    yield Item(
                        path if is_url(path) else os.path.join(self._folder, native(path)), extra
                    )
        except _UNREADABLE as error:
            raise UsageError(f"{self.path}: manifest cannot be read ({_reason(error)})") from error

    def _is(self, suffix: str) -> bool:
        return self.path.lower().endswith(suffix)

    def _rows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        if self._is(".parquet"):
            yield from self._parquet_rows()
        elif self._is(".csv"):
            yield from self._csv_rows()
        elif self._is(".jsonl"):
            yield from self._jsonl_rows()
        else:
            with _open(self.path) as file:
                for line in _lines(file):
                    yield line, {}

    def _read_parquet_schema(self) -> None:
        schema = parquet_schema(self.path)
        self._need_path(schema.names)
        for field in schema:
            if field.name != PATH_COLUMN:
                simple = not pa.types.is_nested(field.type) and not pa.types.is_dictionary(
                    field.type
                )
                self.columns[field.name] = _python_time(field.type) if simple else pa.string()

    def _parquet_rows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        number = 0
        for batch in parquet_batches(self.path, _BATCH_ROWS):
            for row in _python_times(batch).to_pylist():
                number += 1
                path = row.pop(PATH_COLUMN)
                if not isinstance(path, str) or not path:
                    raise UsageError(f"{self.path}: a row without path (row {number})")
                yield path, {name: self._fit(name, value) for name, value in row.items()}

    def _read_csv_header(self) -> None:
        with _open(self.path) as file:
            header = next(csv.reader(file), [])
        self._need_path(header)
        self.columns = {name: pa.string() for name in header if name and name != PATH_COLUMN}

    def _csv_rows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        with _open(self.path) as file:
            reader = csv.DictReader(file)
            for row in reader:
                path = row.pop(PATH_COLUMN)
                if not path:
                    raise UsageError(f"{self.path}:{reader.line_num}: a row without path")
                yield path, {name: row.get(name) for name in self.columns}

    def _read_jsonl_keys(self) -> None:
        types: dict[str, set[type]] = {}
        for _, row in self._jsonl_objects():
            for name, value in row.items():
                if name != PATH_COLUMN and value is not None:
                    types.setdefault(name, set()).add(_kind(value))
        self.columns = {name: _arrow_type(found) for name, found in types.items()}

    def _jsonl_rows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for _, row in self._jsonl_objects():
            extra = {name: self._fit(name, row.get(name)) for name in self.columns}
            yield row[PATH_COLUMN], extra

    def _jsonl_objects(self) -> Iterator[tuple[int, dict[str, Any]]]:
        with _open(self.path) as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError) as error:
                    reason = getattr(error, "msg", str(error))
                    raise UsageError(f"{self.path}:{number}: not JSON ({reason})") from error
                path = row.get(PATH_COLUMN) if isinstance(row, dict) else None
                if not isinstance(path, str) or not path:
                    raise UsageError(f'{self.path}:{number}: not an object with a "path"')
                yield number, row

    def _need_path(self, names: list[str]) -> None:
        if PATH_COLUMN not in names:
            found = ", ".join(names[:10]) or "none"
            raise UsageError(
                f"{self.path}: no column named 'path' (columns: {found}); rename the column"
            )

    def _fit(self, name: str, value: Any) -> Any:
        """A value as its column's type holds it; what is nested becomes JSON text."""
        kind = self.columns[name]
        if isinstance(value, int) and pa.types.is_float64(kind):
            return float(value)
        if value is None or not pa.types.is_string(kind) or isinstance(value, str):
            return value
        return json.dumps(value, ensure_ascii=False, default=str)


def is_manifest(path: str) -> bool:
    """Whether a name on the command line stands for a manifest."""
    return path == STDIN or path.lower().endswith(SUFFIXES)


def _open(path: str) -> TextIO:
    # names that are not UTF-8 survive as surrogates, as the operating system's calls take them
    return open(path, encoding="utf-8-sig", errors="surrogateescape", newline="")


def _stdin() -> TextIO:
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8-sig", errors="surrogateescape")  # as _open
    return sys.stdin


def _lines(file: TextIO) -> Iterator[str]:
    for line in file:
        path = line.rstrip("\r\n")
        if path:
            yield path


def _kind(value: Any) -> type:
    """The type of a JSON value; whole numbers that Arrow cannot hold count as text."""
    return str if type(value) is int and not -(2**63) <= value < 2**63 else type(value)


def _python_time(kind: pa.DataType) -> pa.DataType:
    """The type that Python's values have: its times end at microseconds."""
    if getattr(kind, "unit", None) != "ns":
        return kind
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz)
    return pa.time64("us") if pa.types.is_time64(kind) else pa.duration("us")


def _python_times(batch: pa.RecordBatch) -> pa.Table:
    table = pa.Table.from_batches([batch])
    for index, field in enumerate(batch.schema):
        kind = _python_time(field.type)
        if kind != field.type:
            table = table.set_column(index, field.name, table[index].cast(kind, safe=False))
    return table


def _arrow_type(found: set[type]) -> pa.DataType:
    by_type: list[tuple[set[type], Callable[[], pa.DataType]]] = [
        ({bool}, pa.bool_),
        ({int}, pa.int64),
        ({int, float}, pa.float64),
    ]
    for types, arrow in by_type:
        if found <= types:
            return arrow()
    return pa.string()


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).splitlines()[0]
