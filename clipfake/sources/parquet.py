"""Parquet files by any name that the operating system has; Arrow itself takes UTF-8 names alone."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq


def parquet_schema(path: str | os.PathLike[str]) -> pa.Schema:
    """The schema of a file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no Parquet file.
    """
    with open(path, "rb") as file, _value_errors():
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
    with open(path, "rb") as file, _value_errors():
        yield from pq.ParquetFile(file).iter_batches(rows, columns=columns)


@contextmanager
def _value_errors() -> Iterator[None]:
    """What Arrow raises of a file's content, as ValueError: it has an exception for each reason."""
    try:
        yield
    except (ValueError, MemoryError):
        raise
    except pa.ArrowException as error:
        raise ValueError(str(error)) from error
