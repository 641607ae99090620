"""Parquet files by any name that the operating system has, or by URL.

Arrow itself takes UTF-8 names alone.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from clipfake.errors import ImageError
from clipfake.sources.place import os_error
from clipfake.sources.remote import as_local, is_url
from clipfake.sources.remote.driver import attempt, connect


def parquet_schema(path: str | os.PathLike[str]) -> pa.Schema:
    """The schema of a file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no Parquet file.
    """
    with _opened(path) as file, _value_errors():
        return pq.read_schema(file)


def parquet_batches(
    path: str | os.PathLike[str], rows: int, columns: list[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """The rows of a file, so many at once.

    Args:
        path: of the file, or a URL.
        rows: of a batch, at most.
        columns: those that are read; None for all.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no Parquet file.
    """
    with _opened(path) as file, _value_errors():
        yield from pq.ParquetFile(file).iter_batches(rows, columns=columns)


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    name = os.fspath(path)
    if is_url(name):
        name = as_local(name) or name
    if not is_url(name):
        with open(path if name == os.fspath(path) else name, "rb") as local:
            yield local
        return

    def opened() -> Any:
        system, there = connect(name)
        return system.open(there, "rb")

    try:
        file = attempt(opened)
    except ImageError as error:
        raise os_error(error) from None
    with file:
        yield cast(BinaryIO, file)


@contextmanager
def _value_errors() -> Iterator[None]:
    """What Arrow raises of a file's content, as ValueError: it has an exception for each reason."""
    try:
        yield
    except (ValueError, MemoryError):
        raise
    except pa.ArrowException as error:
        raise ValueError(str(error)) from error
