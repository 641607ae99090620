"""The work on one unit, wherever it is done: its items read and judged, its part written."""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq

from clipfake.records import Record
from clipfake.report.baseline import Baseline
from clipfake.report.schema import to_row
from clipfake.scanning.scanner import Scanner
from clipfake.scanning.units import Parts, Row, Unit

_BATCH = 1024


@dataclass(frozen=True)
class Came:
    """A row of the scan, in order.

    Attributes:
        row: of the report.
        record: what it was made of; None for a row that was read from a part.
        restored: its part was whole before this run.
    """

    row: Row
    record: Record | None
    restored: bool = False


@dataclass
class Work:
    """Does units.

    Attributes:
        scanner: what is done with each item.
        parts: where the rows go.
        about: what makes the scan, for the metadata of parts.
        baseline: marks rows that it knows; None without one.
        thumbnails: make a small picture of each image.
    """

    scanner: Scanner
    parts: Parts
    about: Mapping[str, Any]
    baseline: Baseline | None = None
    thumbnails: bool = False

    def rows(self, unit: Unit, *, alone: bool = False) -> Generator[Came, None, None]:
        """The rows of a unit as they come; its part is written when the last one was taken.

        Args:
            unit: to be done.
            alone: read each item in a process of its own.

        Raises:
            ReportError: the items cannot be read, or the part not be written.
        """
        items = self.parts.items(unit) if unit.held is None else unit.held
        rows: list[Row] = []
        records = self.scanner.records(items, thumbnails=self.thumbnails, alone=alone)
        for record in records:
            row = to_row(record, self.parts.schema)
            if self.baseline is not None:
                self.baseline.mark(row)
            rows.append(row)
            yield Came(row, record)
        self.parts.write(unit, rows, self.about)


def rows_of_part(part: pq.ParquetFile) -> Iterator[Row]:
    """The rows of a part, in order."""
    for batch in part.iter_batches(_BATCH):
        yield from batch.to_pylist()
