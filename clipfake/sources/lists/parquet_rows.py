"""Parquet: a row group at a time, columns with their own types."""

from collections.abc import Iterator

import pyarrow as pa

from clipfake.sources.lists.row import (
    PATH_COLUMN,
    Row,
    fitted,
    need_few_columns,
    no_path_column,
    path_or_fault,
)
from clipfake.sources.parquet import parquet_batches, parquet_schema

BATCH_ROWS = 4096


class ParquetRows:
    """A Parquet file; nested and dictionary columns become text."""

    def __init__(self, path: str) -> None:
        """Read the schema.

        Raises:
            OSError, ValueError: it cannot be read.
            UsageError: it has no column ``path``.
        """
        self._path = path
        schema = parquet_schema(path)
        if PATH_COLUMN not in schema.names:
            raise no_path_column(path, schema.names)
        need_few_columns(path, schema.names)
        self.columns = {
            field.name: _column_type(field.type) for field in schema if field.name != PATH_COLUMN
        }

    def __iter__(self) -> Iterator[Row]:
        """Rows in order.

        Raises:
            ValueError, OverflowError: a value that Python cannot hold.
        """
        number = 0
        for batch in parquet_batches(self._path, BATCH_ROWS):
            for values in _python_times(batch).to_pylist():
                number += 1
                path, fault = path_or_fault(values.pop(PATH_COLUMN))
                extra = {name: fitted(value, self.columns[name]) for name, value in values.items()}
                yield Row(number, path, extra, fault)


def _column_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_nested(kind) or pa.types.is_dictionary(kind):
        return pa.string()
    return _python_time(kind)


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
