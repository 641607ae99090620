"""CSV for spreadsheets: UTF-8 and marked so, one header line, no cell that runs as a formula."""

import csv
import json
from collections.abc import Sequence
from datetime import datetime
from numbers import Number
from pathlib import Path
from typing import Any

import pyarrow as pa

# with a byte order mark, without which a spreadsheet takes the text for that of its own code page
ENCODING = "utf-8-sig"
# OWASP, "CSV Injection": what makes a spreadsheet take a cell for a formula
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class CsvFile:
    """Writes rows as CSV (RFC 4180, lines end with CRLF)."""

    def __init__(self, path: Path, schema: pa.Schema, about: dict[str, Any]) -> None:
        """Open the file and write the header; ``about`` has no place in CSV."""
        del about
        self._file = open(path, "w", encoding=ENCODING, newline="")  # noqa: SIM115
        self._writer = csv.writer(self._file)
        self._writer.writerow([cell(name) for name in schema.names])

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Append rows."""
        self._writer.writerows([cell(value) for value in row.values()] for row in rows)
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def cell(value: Any) -> str:
    """A value as CSV text; text that would run as a formula gets a ``'`` before it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (list, dict)):
        value = json.dumps(value, ensure_ascii=False)
    text = str(value)
    runs = text.startswith(_FORMULA_STARTS) and not isinstance(value, Number)
    return f"'{text}" if runs else text
