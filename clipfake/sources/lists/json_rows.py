"""JSON Lines: an object a line."""

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from clipfake.errors import UsageError
from clipfake.sources.lists.row import (
    PATH_COLUMN,
    Row,
    fitted,
    need_few_columns,
    no_path_column,
    path_or_fault,
)
from clipfake.sources.lists.text import MOST_LINE, lines, open_text


class JsonRows:
    """JSON Lines; each column has a type that holds all its values."""

    def __init__(self, path: str) -> None:
        """Read every row, to learn the columns.

        Raises:
            OSError: it cannot be read.
            UsageError: no row has a path.
        """
        self._path = path
        types: dict[str, set[type]] = {}
        has_path, first_fault = False, None
        for number, row, fault in self._objects():
            if fault is not None:
                first_fault = first_fault or f"{path}:{number}: {fault}"
            has_path = has_path or PATH_COLUMN in row
            known = len(types)
            for name, value in row.items():
                if name != PATH_COLUMN and value is not None:
                    types.setdefault(name, set()).add(_kind(value))
            if len(types) > known:
                need_few_columns(path, types)
        if not has_path and types:
            raise no_path_column(path, list(types))
        if not has_path and first_fault:
            raise UsageError(first_fault)
        self.columns = {name: _arrow_type(found) for name, found in types.items()}

    def __iter__(self) -> Iterator[Row]:
        """Rows in order; a line that is no object is a row with a fault."""
        for number, row, fault in self._objects():
            extra = {name: fitted(row.get(name), kind) for name, kind in self.columns.items()}
            path, blank = path_or_fault(row.get(PATH_COLUMN))
            yield Row(number, path, extra, fault or blank)

    def _objects(self) -> Iterator[tuple[int, dict[str, Any], str | None]]:
        """Number, object and fault of each line that is not blank."""
        with open_text(self._path) as file:
            for number, (line, whole) in enumerate(lines(file), start=1):
                if whole and not line.strip():
                    continue
                yield number, *_object(line, whole)


def _object(line: str, whole: bool) -> tuple[dict[str, Any], str | None]:
    if not whole:
        return {}, f"over {MOST_LINE} characters in a line; write an object a line"
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = getattr(error, "msg", str(error))
        return {}, f"not JSON ({reason}); write an object a line"
    if not isinstance(row, dict):
        return {}, f'not an object; write an object with a "{PATH_COLUMN}" a line'
    return row, None


def _kind(value: Any) -> type:
    """The type of a JSON value; whole numbers that Arrow cannot hold count as text."""
    return str if type(value) is int and not -(2**63) <= value < 2**63 else type(value)


def _arrow_type(found: set[type]) -> pa.DataType:
    by_type: list[tuple[set[type], pa.DataType]] = [
        ({bool}, pa.bool_()),
        ({int}, pa.int64()),
        ({int, float}, pa.float64()),
    ]
    return next((arrow for types, arrow in by_type if found <= types), pa.string())
