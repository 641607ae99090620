"""An earlier report in other formats: as a page or site, with reviews beside its rows."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from clipfake.errors import UsageError
from clipfake.report.custody import digest_of
from clipfake.report.page.pictures import HeatMaps, Pictures
from clipfake.report.parquet import parquet_files, read_about
from clipfake.report.report import Report
from clipfake.report.reviews import COLUMN, TYPE, Reviews
from clipfake.report.schema import COLUMNS
from clipfake.sources.parquet import parquet_batches, parquet_schema
from clipfake.sources.remote import shown

_BATCH = 2048
# without these a row is none of a report
_KINDS: tuple[Callable[[pa.DataType], bool], ...] = (
    lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind),
    lambda kind: pa.types.is_binary(kind) or pa.types.is_large_binary(kind),
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_boolean,
    pa.types.is_timestamp,
    lambda kind: pa.types.is_list(kind) and pa.types.is_struct(kind.value_type),
)
_NEEDED = ("path", "sha256", "score", "verdict", "error_code")


def rewrite_report(
    source: str | Path,
    outputs: Sequence[Path],
    *,
    reviews: Reviews | None = None,
    pictures: Pictures | None = None,
    heat_maps: HeatMaps | None = None,
    operating: Mapping[str, Any] | None = None,
) -> int:
    """Write the rows of a Parquet report as other reports.

    Args:
        source: of any version; columns that it has not are empty.
        outputs: the ending chooses the format.
        reviews: put beside the rows, in a column ``reviews``.
        pictures: finds the pictures that pages and sites show.
        heat_maps: of what drives scores, which they show too.
        operating: what is known of the thresholds, where the report does not say it.

    Returns:
        How many rows there are.

    Raises:
        UsageError: the source is no report.
        ReportError: an output cannot be written.
    """
    about = read_about(source)
    about.pop("unit", None)
    columns = _own_columns(source)
    if reviews is not None:
        columns[COLUMN] = TYPE
    more: dict[str, Any] = {}
    if isinstance(source, Path):
        more["report_sha256"] = digest_of(source)
    if operating is not None and "operating" not in about:
        more["operating"] = dict(operating)
    count = 0
    with Report(outputs, columns, {**about, **more}, pictures=pictures) as report:
        if heat_maps is not None:
            report.explain(heat_maps)
        for row in _rows(source):
            if reviews is not None:
                row[COLUMN] = reviews.of(row) or None
            report.restore(report.fit(row))
            count += 1
    return count


def _own_columns(source: str | Path) -> dict[str, pa.DataType]:
    """The columns of a manifest, once what must be there is seen to be what it must be."""
    schema, said = parquet_schema(parquet_files(source)[0]), shown(str(source))
    kinds = {each.name: each.type for each in schema}
    for name in _NEEDED:
        if name not in kinds:
            raise UsageError(f"{said}: has no column {name!r}; give the report of a scan")
    for name, kind in COLUMNS.items():
        if not _alike(kinds.get(name, kind), kind):
            raise UsageError(
                f"{said}: its column {name!r} is {kinds[name]}, not {kind}, as another version "
                "wrote it; scan again with this one"
            )
    return {name: kind for name, kind in kinds.items() if name not in COLUMNS}


def _alike(one: pa.DataType, other: pa.DataType) -> bool:
    """Whether the values of two types are of one kind, though perhaps of other widths."""
    return any(both(one) and both(other) for both in _KINDS)


def _rows(source: str | Path) -> Iterator[dict[str, Any]]:
    absent = dict.fromkeys(COLUMNS)
    for file in parquet_files(source):
        for batch in parquet_batches(file, _BATCH):
            for row in batch.to_pylist():
                yield {**absent, **row, **_sane(row)}


def _sane(row: Mapping[str, Any]) -> dict[str, Any]:
    """What every row has, and what a damaged or foreign report may have otherwise."""
    found: dict[str, Any] = {"path": row["path"] or "", "verdict": row["verdict"] or "error"}
    for name in ("score", "score_first", "score_second", "threshold"):
        value = row.get(name)
        found[name] = value if value is not None and math.isfinite(value) else None
    return found
