"""Chain of custody: a statement of what was scanned, by what, and what came of it.

The statement is plain JSON with sorted keys, so that it can be signed with any tool; clipfake signs
nothing itself.
"""

import hashlib
import json
import os
import platform
import socket
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from clipfake.errors import ReportError
from clipfake.report.files import files_of

SUFFIX = ".custody.json"
_CHUNK = 2**20


def custody_path(report: Path) -> Path:
    """Where the statement of a report lies."""
    return report.with_name(report.name + SUFFIX)


def digest_of(path: Path) -> str:
    """The sha256 of a file, hex; of a folder's files in the order of their names, if it is one.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    for part in files_of(path):
        with open(part, "rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    return digest.hexdigest()


class Inputs:
    """Counts and digests what was scanned, row by row.

    The digest is the sha256 of each row's name, a zero byte, its sha256 in hex (empty for a file
    that was not read whole) and a line feed, in the order of the report.

    Attributes:
        files: rows so far.
        bytes: of the files, together.
    """

    def __init__(self) -> None:
        self.files = 0
        self.bytes = 0
        self._digest = hashlib.sha256()

    def add(self, row: Mapping[str, Any]) -> None:
        """Take a row of the report."""
        name = row["path_raw"] or str(row["path"]).encode("utf-8", "backslashreplace")
        self._digest.update(name + b"\x00" + (row["sha256"] or "").encode() + b"\n")
        self.files += 1
        self.bytes += row["bytes"] or 0

    @property
    def digest(self) -> str:
        """Of all rows so far, hex."""
        return self._digest.hexdigest()


def write_custody(
    inputs: Inputs, about: Mapping[str, Any], reports: Sequence[Path], *, restored: int
) -> Path:
    """Write the statement beside the first report.

    Args:
        inputs: what was scanned.
        about: what made the report.
        reports: whole.
        restored: rows that earlier, interrupted runs of the same scan wrote.

    Returns:
        Where it lies.

    Raises:
        ReportError: it cannot be written, or a report cannot be read again.
    """
    path = custody_path(reports[0])
    try:
        statement = {
            **about,
            "ended": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "host": socket.gethostname(),
            "user_id": os.getuid() if hasattr(os, "getuid") else None,
            "platform": platform.platform(),
            "python": platform.python_version(),
            "inputs": {
                "files": inputs.files,
                "bytes": inputs.bytes,
                "sha256": inputs.digest,
                "restored_from_journal": restored,
            },
            "reports": [{"path": str(report), "sha256": digest_of(report)} for report in reports],
        }
        path.write_text(json.dumps(statement, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    except OSError as error:
        raise ReportError(
            f"{path}: statement of custody cannot be written ({error.strerror or error}); "
            "the report itself is whole"
        ) from error
    return path
