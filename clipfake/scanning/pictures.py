"""Thumbnails made from the files again, for rows that come from a journal, a cache or a report."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from clipfake.imaging.limits import Limits
from clipfake.scanning.processes.worker import default_workers
from clipfake.scanning.reader import ReadOptions
from clipfake.scanning.workers import read_samples
from clipfake.sources.found_again import FoundAgain
from clipfake.sources.remote import is_url

CHUNK = 16  # files that a worker is handed at once


class PicturesAgain:
    """Finds the files of rows by path and sha256, and makes their thumbnails.

    Files are read in worker processes, so that one that kills or hangs its decoder costs its own
    picture alone. Files on other machines are not asked for.
    """

    def __init__(
        self, folder: str | Path, limits: Limits | None = None, workers: int | None = None
    ) -> None:
        """Nothing is read yet.

        Args:
            folder: in which the scan ran.
            limits: what one file may cost.
            workers: reading processes; None suits the machine, 0 reads in this process.
        """
        self._files = FoundAgain(str(folder))
        self._options = ReadOptions(None, limits or Limits(), None, thumbnail=True)
        self._workers = default_workers() if workers is None else workers

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Iterator[bytes | None]:
        """The thumbnail of each row, in order; None where its file is gone or another one now."""
        here = [row for row in rows if not is_url(row["path"])]
        items = (self._files.item(row) for row in here)
        workers = 0 if not here else self._workers
        samples = read_samples(items, self._options, workers=workers, chunk=CHUNK)
        for row in rows:
            record = None if is_url(row["path"]) else next(samples)[0]
            same = record is not None and record.sha256 == row["sha256"]
            yield record.thumbnail if record is not None and same else None
