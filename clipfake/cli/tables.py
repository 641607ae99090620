"""Tables whose words stay whole, on a narrow terminal and in a log."""

from collections.abc import Sequence
from typing import TypeVar

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table

LISTED = 15  # rows that a screen lists of what may be hundreds; files keep all

_Row = TypeVar("_Row")
_WIDEST = 100_000  # columns; a log's line is as long as it is


class _Whole:
    def __init__(self, table: Table) -> None:
        self._table = table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        widest = options.update(width=_WIDEST)
        measured = Measurement.get(console, widest, self._table)
        width = max(console.width, measured.minimum) if console.is_terminal else measured.maximum
        yield from console.render(self._table, options.update(width=width))


def print_table(console: Console, table: Table) -> None:
    """Print a table; lines break between words on a terminal, and nowhere else.

    Args:
        console: to print on.
        table: its title goes on a line of its own.
    """
    for column in table.columns:
        cells = [column.header, *column.cells]
        column.min_width = max(len(word) for cell in cells for word in [*str(cell).split(), ""])
    title, table.title = table.title, None
    if title:
        console.print(title, style="table.title", soft_wrap=True)
    console.print(_Whole(table), crop=False)


def first(rows: Sequence[_Row], what: str) -> tuple[Sequence[_Row], str]:
    """The rows that a screen lists, and a sentence on the others.

    Args:
        rows: the worst first.
        what: they are, in the plural.

    Returns:
        At most ``LISTED`` rows, and the sentence, empty where these are all.
    """
    more = len(rows) - LISTED
    if more <= 0:
        return rows, ""
    return rows[:LISTED], f"and {more} more {what}; --output figures.json has all"
