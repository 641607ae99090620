"""Parquet: typed, compressed, with what made the report in its metadata."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

METADATA_KEY = b"clipfake"


class ParquetFile:
    """Writes a row group for each list of rows."""

    def __init__(self, path: Path, schema: pa.Schema, about: dict[str, Any]) -> None:
        """Open the file.

        Args:
            path: written as it goes.
            schema: the report's.
            about: kept as JSON in the file's metadata under ``clipfake``.
        """
        self._schema = schema.with_metadata({METADATA_KEY: json.dumps(about)})
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Append rows."""
        self._writer.write_table(pa.Table.from_pylist(list(rows), schema=self._schema))

    def close(self) -> None:
        """Write the footer."""
        self._writer.close()
