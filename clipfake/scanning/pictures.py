"""Pictures made from the files again: thumbnails that no scan made, and larger ones."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from clipfake.imaging.limits import Limits
from clipfake.imaging.thumbnail import SIDE
from clipfake.scanning.processes.worker import default_workers
from clipfake.scanning.reader import ReadOptions
from clipfake.scanning.workers import read_samples
from clipfake.sources.found_again import FoundAgain
from clipfake.sources.remote import is_url

CHUNK = 16  # files that a worker is handed at once


class PicturesAgain:
    """Finds the files of rows by path and sha256, and makes pictures of them.

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

    def __call__(
        self, rows: Sequence[Mapping[str, Any]], side: int = SIDE
    ) -> Iterator[bytes | None]:
        """A picture of each row, in order; None where its file is gone or another one now.

        Args:
            rows: of a report.
            side: pixels that neither side of a picture is longer than.
        """
        here = [row for row in rows if not is_url(row["path"])]
        items = (self._files.item(row) for row in here)
        workers = 0 if not here else self._workers
        options = replace(self._options, side=side)
        samples = read_samples(items, options, workers=workers, chunk=CHUNK)
        for row in rows:
            record = None if is_url(row["path"]) else next(samples)[0]
            same = record is not None and record.sha256 == row["sha256"]
            yield record.thumbnail if record is not None and same else None
