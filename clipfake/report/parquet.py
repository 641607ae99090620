"""Parquet: typed, compressed, with what made the report in its metadata."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from clipfake.errors import UsageError
from clipfake.report.parts import METADATA_KEY, PARTS, SECOND_LOOKS_KEY, files_of_parts, taken_twice
from clipfake.sources.parquet import parquet_schema
from clipfake.sources.place import Place
from clipfake.sources.remote import shown


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
        self._second_looks += taken_twice(rows)
        self._file.flush()

    def close(self) -> None:
        """Write the footer."""
        with self._file:
            told = {SECOND_LOOKS_KEY: str(self._second_looks)}
            self._writer.add_key_value_metadata(told)
            self._writer.close()


def parquet_files(report: str | Path) -> list[str | Path]:
    """The files of a report: itself, or the parts of a folder, in order; URLs for a URL.

    Raises:
        UsageError: there is no such report, or parts of it are missing.
    """
    place = Place(report)
    try:
        if place.path is None:
            folder = place.name.lower().endswith(PARTS)
            return list(files_of_parts(place)) if folder else [place.name]
        if not place.path.is_dir():
            files = [place.path]
        else:
            files = [Path(name) for name in files_of_parts(place)]
    except OSError as error:
        raise UsageError(f"{place}: cannot be read ({error.strerror or error})") from error
    if not files or not files[0].is_file():
        raise UsageError(f"{place}: no such report")
    return list(files)


def read_about(report: str | Path) -> dict[str, Any]:
    """What made a Parquet report.

    Raises:
        UsageError: there is no such report, or it is none of clipfake's.
    """
    name = shown(str(report))
    try:
        files = parquet_files(report)
        if not files:
            raise UsageError(f"{name}: no such report")
        held = (parquet_schema(files[0]).metadata or {}).get(METADATA_KEY)
        about = json.loads(held) if held else None
    except (OSError, ValueError) as error:
        raise UsageError(f"{name}: not a readable Parquet report; give those of scans") from error
    if not isinstance(about, dict):
        raise UsageError(f"{name}: Parquet, but no report of clipfake's; give those of scans")
    return about
