"""Parquet: typed, compressed, with what made the report in its metadata."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from clipfake.errors import UsageError
from clipfake.sources.parquet import parquet_schema

METADATA_KEY = b"clipfake"
SECOND_LOOKS_KEY = "clipfake_second_looks"  # how many rows are of two looks
PARTS = ".parts"
PART_BYTES = 256 * 2**20  # size from which the next row group begins a new part


class ParquetFile:
    """Writes a row group for each list of rows."""

    def __init__(self, path: Path, schema: pa.Schema, about: dict[str, Any]) -> None:
        """Open the file.

        Args:
            path: written as it goes.
            schema: the report's.
            about: kept as JSON in the file's metadata under ``clipfake``; beside it stands how
                many second looks were taken.
        """
        self._schema = schema.with_metadata({METADATA_KEY: json.dumps(about)})
        self._file = open(path, "wb")  # noqa: SIM115
        self._writer = pq.ParquetWriter(self._file, self._schema, compression="zstd")
        self._second_looks = 0

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Append rows."""
        self._writer.write_table(pa.Table.from_pylist(list(rows), schema=self._schema))
        self._second_looks += sum(row.get("looks") == 2 for row in rows)
        self._file.flush()

    def close(self) -> None:
        """Write the footer."""
        with self._file:
            told = {SECOND_LOOKS_KEY: str(self._second_looks)}
            self._writer.add_key_value_metadata(told)
            self._writer.close()


class ParquetParts:
    """A folder of Parquet files, each begun when the one before has grown to ``PART_BYTES``."""

    def __init__(self, path: Path, schema: pa.Schema, about: dict[str, Any]) -> None:
        """Make the folder, empty, and open its first file.

        Args:
            path: of the folder; parts that are there are deleted.
            schema: the report's.
            about: kept in the metadata of every part.
        """
        self._folder, self._schema, self._about = path, schema, about
        path.mkdir(exist_ok=True)
        for old in path.glob("part-*.parquet"):
            old.unlink()
        self._number = 0
        self._part = self._open()

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Append rows, to a new part if the present one is full."""
        if self._path.stat().st_size >= PART_BYTES:
            self._part.close()
            self._number += 1
            self._part = self._open()
        self._part.write(rows)

    def close(self) -> None:
        """Finish the last part."""
        self._part.close()

    @property
    def _path(self) -> Path:
        return self._folder / f"part-{self._number:05d}.parquet"

    def _open(self) -> ParquetFile:
        return ParquetFile(self._path, self._schema, self._about)


def parquet_files(report: Path) -> list[Path]:
    """The files of a report: itself, or the parts of a folder, in order.

    Raises:
        UsageError: there is no such report.
    """
    files = sorted(report.glob("part-*.parquet")) if report.is_dir() else [report]
    if not files or not files[0].is_file():
        raise UsageError(f"{report}: no such report")
    return files


def read_about(report: Path) -> dict[str, Any]:
    """What made a Parquet report.

    Raises:
        UsageError: there is no such report, or it is none of clipfake's.
    """
    try:
        held = (parquet_schema(parquet_files(report)[0]).metadata or {}).get(METADATA_KEY)
        about = json.loads(held) if held else None
    except (OSError, ValueError) as error:
        raise UsageError(f"{report}: not a readable Parquet report; give those of scans") from error
    if not isinstance(about, dict):
        raise UsageError(f"{report}: Parquet, but no report of clipfake's; give those of scans")
    return about
