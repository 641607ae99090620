"""Parquet files by any name that the operating system has; Arrow itself takes UTF-8 names alone."""

import os
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq


def parquet_schema(path: str | os.PathLike[str]) -> pa.Schema:
    """The schema of a file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no Parquet file.
    """
    with open(path, "rb") as file:
        return pq.read_schema(file)


def parquet_batches(
    path: str | os.PathLike[str], rows: int, columns: list[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """The rows of a file, so many at once.

    Args:
        path: of the file.
        rows: of a batch, at most.
        columns: those that are read; None for all.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no Parquet file.
    """
    with open(path, "rb") as file:
        yield from pq.ParquetFile(file).iter_batches(rows, columns=columns)
