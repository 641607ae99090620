"""The journal: rows of a scan that is under way, kept so that no interruption loses them.

A journal is one file that only grows: a line of JSON that says which scan it belongs to, then
frames of a 4-byte length, a 4-byte CRC-32 and an Arrow record batch. What a crash leaves torn at
the end is told by its CRC and cut off. Where the lists that are scanned have changed, their rows
go into a journal of the present columns, which takes the old one's place when it is whole.
"""

import base64
import json
import os
import struct
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from clipfake.errors import ReportError, UsageError
from clipfake.report.files import remedy_of
from clipfake.report.lock import left_by_forks, lock
from clipfake.report.schema import COLUMNS

SUFFIX = ".journal"
SYNC_SECONDS = 1.0  # of rows, at most, that a power cut may cost; a killed process costs none
_FORMAT = 3
_FRAME = struct.Struct("<II")
_MAX_HEADER = 2**20
_MAX_FRAME = 2**30
_RENEWED = ".new"
_SAID = 80  # letters of a difference


def journal_path(output: Path) -> Path:
    """Where the journal of a report lies."""
    return output.with_name(output.name + SUFFIX)


class Journal:
    """Rows of one scan, appended batch by batch.

    Attributes:
        path: of the file.
        schema: of the rows that are added.
        outdated: what changed in the lists since the rows that are there; None when nothing did.
            Then ``renewed`` comes before ``add``.
    """

    def __init__(
        self,
        path: Path,
        schema: pa.Schema,
        scan: Mapping[str, Any],
        *,
        every: int,
        resume: bool,
        lists: Sequence[Sequence[Any]] = (),
    ) -> None:
        """Open a journal, or begin one.

        Args:
            path: of the file.
            schema: of the rows.
            scan: what makes the scan what it is; plain JSON values.
            every: rows of a frame.
            resume: go on with the journal that exists; False begins anew.
            lists: name, size and time of change of each list that is scanned; the rows that are
                there may be of other lists of the same scan.

        Raises:
            UsageError: the journal is of another scan, damaged, or in use by another process.
            ReportError: it cannot be written.
        """
        self.path, self.schema = path, schema
        self.outdated: str | None = None
        self._every = every
        self._held_schema = schema
        self._rows: list[dict[str, Any]] = []
        self._synced = time.monotonic()
        header = {
            "clipfake_journal": _FORMAT,
            "scan": dict(scan),
            "lists": [list(each) for each in lists],
            "schema": base64.b64encode(schema.serialize().to_pybytes()).decode(),
        }
        self._header = json.dumps(header).encode() + b"\n"
        exists = resume and _begun(path)
        try:
            self._file = open(path, "r+b" if exists else "a+b")  # noqa: SIM115
        except OSError as error:
            raise self._failure(error) from error
        try:
            lock(self._file.fileno(), path)
            if exists:
                self._check(header)
            else:
                self._file.truncate(0)
                self._file.write(self._header)
                self._sync()
        except OSError as error:
            self._file.close()
            raise self._failure(error) from error
        except UsageError:
            self._file.close()
            raise
        self._start = self._end_of_header()
        self._file.seek(0, os.SEEK_END)
        left_by_forks(self)

    def leave(self) -> None:
        """Let go of the file in a forked worker, which would hold the lock of a killed scan."""
        self._file.close()  # writes nothing: every frame is flushed as it is written

    def rows(self) -> Iterator[list[dict[str, Any]]]:
        """Rows that are there, frame by frame; a torn end is left out."""
        for _, batch in self._frames():
            yield batch.to_pylist()

    @contextmanager
    def renewed(self) -> Iterator[Callable[[Sequence[dict[str, Any]]], None]]:
        """Put a journal of the present lists in this one's place when the block ends.

        Yields:
            A function that takes the rows to keep, frame by frame, in order.

        Raises:
            ReportError: the file cannot be written; the old journal stays.
        """
        fresh = self.path.with_name(self.path.name + _RENEWED)
        try:
            with open(fresh, "wb") as file:
                file.write(self._header)
                yield lambda rows: self._write(file, rows)
                file.flush()
                os.fsync(file.fileno())
            self._file.close()  # not every system replaces a file that is open
            os.replace(fresh, self.path)
            self._file = open(self.path, "r+b")  # noqa: SIM115
            lock(self._file.fileno(), self.path)
        except OSError as error:
            raise self._failure(error) from error
        finally:
            fresh.unlink(missing_ok=True)
        self._held_schema, self.outdated = self.schema, None
        self._start = self._end_of_header()
        self._file.seek(0, os.SEEK_END)

    def keep(self, count: int) -> None:
        """Cut off all rows after the first ``count``, and a torn end; then rows may be added.

        Raises:
            ReportError: the file cannot be written.
        """
        kept, end, rest = 0, self._start, list[dict[str, Any]]()
        for after, batch in self._frames():
            if kept + len(batch) > count:
                rest = batch.slice(0, count - kept).to_pylist()
                break
            kept, end = kept + len(batch), after
        try:
            self._file.truncate(end)
            self._file.seek(0, os.SEEK_END)
        except OSError as error:
            raise self._failure(error) from error
        self._rows = rest
        self.commit()

    def add(self, row: dict[str, Any]) -> None:
        """Take a row; rows are written in frames.

        Raises:
            ReportError: the file cannot be written.
        """
        self._rows.append(row)
        if len(self._rows) >= self._every:
            self.commit()

    def commit(self) -> None:
        """Write the rows that wait.

        Raises:
            ReportError: the file cannot be written; the frames before are whole.
        """
        rows, self._rows = self._rows, []
        if not rows:
            return
        try:
            self._write(self._file, rows)
            self._file.flush()
            if time.monotonic() - self._synced >= SYNC_SECONDS:
                self._sync()
        except OSError as error:
            raise self._failure(error) from error

    def close(self) -> None:
        """Write what waits and close the file, which stays.

        Raises:
            ReportError: the file cannot be written.
        """
        self.commit()
        try:
            self._sync()
            self._file.close()
        except OSError as error:
            raise self._failure(error) from error

    def remove(self) -> None:
        """Close and delete the file: the report is whole.

        Raises:
            ReportError: the file cannot be deleted.
        """
        try:
            self.path.unlink(missing_ok=True)
            self._file.close()
        except OSError as error:
            raise self._failure(error) from error

    def _write(self, file: BinaryIO, rows: Sequence[dict[str, Any]]) -> None:
        batch = pa.RecordBatch.from_pylist(rows, schema=self.schema).serialize().to_pybytes()
        file.write(_FRAME.pack(len(batch), zlib.crc32(batch)) + batch)

    def _frames(self) -> Iterator[tuple[int, pa.RecordBatch]]:
        """End of each whole frame, and its batch."""
        with open(self.path, "rb") as file:
            file.seek(self._start)
            while len(head := file.read(_FRAME.size)) == _FRAME.size:
                size, check = _FRAME.unpack(head)
                data = file.read(size) if size <= _MAX_FRAME else b""
                if len(data) < size or zlib.crc32(data) != check or not data:
                    return
                yield file.tell(), pa.ipc.read_record_batch(pa.py_buffer(data), self._held_schema)

    def _check(self, header: Mapping[str, Any]) -> None:
        """Raise UsageError when the file is no journal of this scan; see what its lists are."""
        held = read_header(self.path)
        if held == header:
            return
        different = _different(held, header)
        if not different:
            try:
                self._held_schema = pa.ipc.read_schema(
                    pa.py_buffer(base64.b64decode(held["schema"]))
                )
            except (KeyError, TypeError, ValueError, OSError):
                different = ["columns"]
            if self._held_schema.names[: len(COLUMNS)] != self.schema.names[: len(COLUMNS)]:
                different = ["columns"]
        if different:
            raise UsageError(
                f"{self.path}: is of another scan (different: {', '.join(different)}); repeat "
                "that scan's options to go on with it, or give --no-resume to start anew"
            )
        self.outdated = _changed(held.get("lists"), header["lists"])

    def _end_of_header(self) -> int:
        self._file.seek(0)
        return len(self._file.readline(_MAX_HEADER))

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._synced = time.monotonic()

    def _failure(self, error: OSError) -> ReportError:
        remedy = remedy_of(self.path, error)
        first = f"{remedy}, then repeat" if remedy else "repeat"
        return ReportError(
            f"{self.path}: rows cannot be kept ({error.strerror or error}); {first} the command to "
            "go on from the last whole batch"
        )


def read_header(path: Path) -> dict[str, Any]:
    """First line of a journal.

    Raises:
        UsageError: the file is no journal.
    """
    try:
        with open(path, "rb") as file:
            header = json.loads(file.readline(_MAX_HEADER))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path}: not a readable journal; give --no-resume to start anew"
        ) from error
    if not isinstance(header, dict) or "clipfake_journal" not in header:
        raise UsageError(f"{path}: not a journal; move it away, or give another --output")
    return header


def _different(held: Mapping[str, Any], header: Mapping[str, Any]) -> list[str]:
    """What of a scan another one does otherwise, with both values where they are short."""
    if held.get("clipfake_journal") != header["clipfake_journal"]:
        return ["the journal's format"]
    known = held["scan"] if isinstance(held.get("scan"), dict) else {}
    return different(known, header["scan"])


def different(known: Mapping[str, Any], scan: Mapping[str, Any]) -> list[str]:
    """What of a scan another one does otherwise, with both values where they are short.

    Args:
        known: of the scan that was begun before.
        scan: of the one that is to go on with it.
    """
    names = [name for name in scan if known.get(name) != scan[name]]
    names += [name for name in known if name not in scan]
    return [_said(name, known.get(name), scan.get(name)) for name in names]


def _said(name: str, was: Any, now: Any) -> str:
    said = f"{name} was {json.dumps(was)}, is {json.dumps(now)}"
    return said if len(said) <= _SAID else name


def _changed(held: Any, lists: Sequence[Sequence[Any]]) -> str:
    """Which lists are not those that a journal was of."""
    known = held if isinstance(held, list) else []
    names = [str(each[0]) for each in lists if list(each) not in known]
    return f"{', '.join(names) or 'the columns'} changed since"


def _begun(path: Path) -> bool:
    """Whether a file holds more than a header that a crash tore."""
    try:
        with open(path, "rb") as file:
            return b"\n" in file.readline(_MAX_HEADER)
    except FileNotFoundError:
        return False


def matching(rows: Sequence[Mapping[str, Any]], texts: Sequence[str]) -> int:
    """How many rows, from the first on, are of these paths."""
    for number, (row, text) in enumerate(zip(rows, texts, strict=False)):
        if row["path"] != text:
            return number
    return min(len(rows), len(texts))
