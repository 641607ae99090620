"""Going on with a scan that was interrupted."""

import logging
from collections.abc import Generator, Iterable
from contextlib import nullcontext
from itertools import chain, islice
from typing import Any

from clipfake.report.journal import Journal, matching
from clipfake.report.schema import carrying
from clipfake.sources import Item

logger = logging.getLogger(__name__)

Row = dict[str, Any]


class Resumed:
    """Items that a journal has rows of, and those that are left.

    The listing is compared with the journal path by path. Where the two part, because files or
    lists changed since, the rows from there on are dropped and their files scanned again. Of a row
    that is kept the columns of a changed list are those that the list has now.

    Attributes:
        items: everything, in order; once ``rows`` has ended, what is left of it.
    """

    def __init__(self, items: Iterable[Item], journal: Journal) -> None:
        """Nothing is read yet.

        Args:
            items: everything, in order.
            journal: of the interrupted scan; ready to be added to when ``rows`` has ended.
        """
        self.items = iter(items)
        self._journal = journal

    def rows(self) -> Generator[Row, None, None]:
        """Rows that are kept, in order.

        Raises:
            ReportError: the journal cannot be written.
        """
        journal, source = self._journal, self.items
        kept = 0
        left_over: list[Item] = []
        if journal.outdated:
            logger.warning(
                "%s: %s; rows of the same paths are kept", journal.path, journal.outdated
            )
        with journal.renewed() if journal.outdated else nullcontext() as renew:
            for rows in journal.rows():
                listed = list(islice(source, len(rows)))
                same = matching(rows, [item.text for item in listed])
                whole, rows, left_over = same == len(rows), rows[:same], listed[same:]
                if renew is not None:
                    rows = [
                        carrying(row, item.extra, journal.schema)
                        for row, item in zip(rows, listed, strict=False)
                    ]
                    renew(rows)
                yield from rows
                kept += same
                if not whole:
                    logger.warning(
                        "%s: the files changed after %d rows; the scan goes on from there",
                        journal.path,
                        kept,
                    )
                    break
        journal.keep(kept)
        self.items = chain(left_over, source)
