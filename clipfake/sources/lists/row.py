"""A row of a list, and the columns that lists carry."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa

from clipfake.errors import UsageError

PATH_COLUMN = "path"
MOST_NAME = 2**16  # characters; no system takes longer paths
# of one list; each report and journal begins with them all
MOST_COLUMNS, MOST_LETTERS = 4_000, 2**16
_SHOWN_COLUMNS, _SHOWN_LETTERS = 10, 40


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a list.

    Attributes:
        number: of its line, or of the row where there are no lines; from 1.
        path: as the list has it; empty when the row names no file.
        extra: the other columns.
        fault: why it names no file.
        quoted: whether the path may be one that git put in quotes.
    """

    number: int
    path: str
    extra: dict[str, Any] = field(default_factory=dict)
    fault: str | None = None
    quoted: bool = False


class Rows(Protocol):
    """A list in one of the formats.

    Attributes:
        columns: name and Arrow type of the columns beside ``path``.
    """

    columns: dict[str, pa.DataType]

    def __iter__(self) -> Iterator[Row]:
        """Rows in order."""


def path_or_fault(value: Any) -> tuple[str, str | None]:
    """A path, or why a value is none."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return "", f"no path in this row; write one under {PATH_COLUMN!r}, or delete the row"
    if not isinstance(value, str):
        return "", f"the {PATH_COLUMN!r} of this row is no text; write a path there"
    if len(value) > MOST_NAME:
        return "", f"the {PATH_COLUMN!r} of this row is longer than any path; write one there"
    return value, None


def no_path_column(name: str, columns: Collection[str], how: str = "") -> UsageError:
    """The refusal of a list without paths.

    Args:
        name: of the list.
        columns: those that it has.
        how: they were told apart.
    """
    found = ", ".join(" ".join(c.split())[:_SHOWN_LETTERS] for c in list(columns)[:_SHOWN_COLUMNS])
    return UsageError(
        f"{name}: no column named {PATH_COLUMN!r} (columns: {found or 'none'}{how}); "
        "rename the column"
    )


def need_few_columns(name: str, columns: Collection[str]) -> None:
    """Raise UsageError for more columns, or longer names of them, than a report should carry."""
    if len(columns) > MOST_COLUMNS or sum(map(len, columns)) > MOST_LETTERS:
        raise UsageError(
            f"{name}: over {MOST_COLUMNS} columns, or {MOST_LETTERS} letters in their names; "
            "leave out those not needed"
        )


def fitted(value: Any, kind: pa.DataType) -> Any:
    """A value as its column's type holds it; what is nested becomes JSON text."""
    if isinstance(value, int) and pa.types.is_float64(kind):
        return float(value)
    if value is None or not pa.types.is_string(kind) or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)
