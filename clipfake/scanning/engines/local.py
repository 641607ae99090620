"""One machine: units one after another, in this process."""

from collections.abc import Iterable, Iterator

from clipfake.scanning.engines.work import Came, Work, rows_of_part
from clipfake.scanning.units import Unit


def run_here(units: Iterable[Unit], work: Work) -> Iterator[Came]:
    """Do the units that are not done, and give the rows of all.

    Args:
        units: in order; consumed lazily.
        work: does one.

    Raises:
        ReportError: a part cannot be read or written.
    """
    for unit in units:
        part = work.parts.done(unit)
        if part is None:
            yield from work.rows(unit)
        else:
            for row in rows_of_part(part):
                yield Came(row, None, restored=True)
