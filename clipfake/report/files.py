"""A report file appears under its name only when it is whole."""

import os
import shutil
from pathlib import Path

from clipfake.errors import ReportError

PARTIAL = ".partial"


def partial_path(path: Path) -> Path:
    """Where a report is written until it is whole."""
    return path.with_name(path.name + PARTIAL)


def publish(path: Path) -> None:
    """Give a whole report its name, on disk before it is seen.

    Raises:
        ReportError: the file system refuses.
    """
    unfinished = partial_path(path)
    try:
        for part in sorted(unfinished.iterdir()) if unfinished.is_dir() else [unfinished]:
            with open(part, "rb+") as file:
                os.fsync(file.fileno())
        if unfinished.is_dir() and path.is_dir():
            shutil.rmtree(path)  # a folder cannot take the place of one that holds files
        os.replace(unfinished, path)
    except OSError as error:
        raise report_error(path, error) from error


def report_error(path: Path, error: OSError) -> ReportError:
    """The error that tells a user why a report cannot be written."""
    return ReportError(
        f"{path}: report cannot be written ({error.strerror or error}); "
        f"what was written is in {partial_path(path)}"
    )
