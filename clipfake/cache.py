"""The content cache: what is known of bytes that were scanned before.

An entry is found by the sha256 of the bytes and by a key of everything that its content depends on,
never by a name, a size or a time. SQLite in WAL mode lets several scans use one cache at once.
"""

import hashlib
import importlib.metadata
import json
import os
import sqlite3
import time
import zlib
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from clipfake.errors import ErrorCode, UsageError
from clipfake.metadata.facts import Claim, Fact, Strength
from clipfake.records import TOOK_TOO_LONG, TOOK_TOO_MUCH, Exif, Record

FILE_NAME = "clipfake-cache.sqlite3"
_FORMAT = 1
_BUSY_SECONDS = 60.0
# errors that the bytes themselves cause, so that another try gives the same
_LASTING = {ErrorCode.TRUNCATED, ErrorCode.DAMAGED, ErrorCode.TOO_MANY_PIXELS}
_TABLE = """
CREATE TABLE IF NOT EXISTS entries (
    sha256 BLOB NOT NULL, key TEXT NOT NULL, content BLOB NOT NULL, added INTEGER NOT NULL,
    PRIMARY KEY (sha256, key)
) WITHOUT ROWID
"""
_INSERT = "INSERT OR IGNORE INTO entries VALUES (?, ?, ?, ?)"
_STATS = "SELECT COUNT(*), COUNT(DISTINCT key), MIN(added), MAX(added) FROM entries"
_DELETE_OLDEST = """
DELETE FROM entries WHERE (sha256, key) IN
(SELECT sha256, key FROM entries ORDER BY added DESC, sha256 LIMIT -1 OFFSET ?)
"""
# libraries whose versions change what is read of the same bytes
_READERS = ("pillow", "exifread", "sd-parsers", "c2pa-python", "pillow-heif", "torch")


@dataclass(frozen=True)
class CacheUse:
    """How a worker looks entries up.

    Attributes:
        file: the SQLite file.
        key: of entries that a scan like this one made.
    """

    file: str
    key: str


def cache_key(parts: Mapping[str, Any]) -> str:
    """Digest of what an entry's content depends on, beside the bytes.

    Args:
        parts: digests of adapter and backbone, precision, options; plain JSON values. Versions of
            clipfake and of the libraries that read files are added.
    """
    versions = {name: _version(name) for name in ("clipfake", *_READERS)}
    text = json.dumps([_FORMAT, versions, dict(parts)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


class Cache:
    """A cache in a folder, open for writing."""

    def __init__(self, folder: Path) -> None:
        """Open the cache, or begin one.

        Raises:
            UsageError: the folder cannot be written, or holds something else under the name.
        """
        self.file = folder / FILE_NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(self.file, timeout=_BUSY_SECONDS)
            self._database.execute("PRAGMA journal_mode=WAL")
            # a power cut may lose the last entries, which are then computed again
            self._database.execute("PRAGMA synchronous=NORMAL")
            self._database.execute(_TABLE)
            self._database.commit()
        except (OSError, sqlite3.Error) as error:
            raise _failure(self.file, error) from error

    def add(self, key: str, records: Iterable[Record]) -> None:
        """Keep what these records say of their bytes; those that say nothing lasting are left out.

        Raises:
            UsageError: the cache cannot be written.
        """
        now = int(time.time())
        rows = [
            (bytes.fromhex(record.sha256 or ""), key, _pack(record), now)
            for record in records
            if _lasts(record)
        ]
        try:
            with self._database:
                self._database.executemany(
                    "INSERT OR IGNORE INTO entries VALUES (?, ?, ?, ?)", rows
                )
        except sqlite3.Error as error:
            raise _failure(self.file, error) from error

    def stats(self) -> dict[str, Any]:
        """Numbers of entries and keys, bytes of the file, and times of the oldest and newest."""
        row = self._query(
            "SELECT COUNT(*), COUNT(DISTINCT key), MIN(added), MAX(added) FROM entries"
        )
        count, keys, oldest, newest = row[0]
        return {
            "file": str(self.file),
            "entries": count,
            "kinds": keys,
            "bytes": self.file.stat().st_size,
            "oldest": None if oldest is None else datetime.fromtimestamp(oldest).isoformat(),
            "newest": None if newest is None else datetime.fromtimestamp(newest).isoformat(),
        }

    def prune(self, *, before: float | None = None, entries: int | None = None) -> int:
        """Delete entries and give their space back.

        Args:
            before: delete those added before this time, seconds since 1970.
            entries: keep the newest so many.

        Returns:
            How many were deleted.
        """
        start = self._database.total_changes
        try:
            with self._database:
                if before is not None:
                    self._database.execute("DELETE FROM entries WHERE added < ?", (int(before),))
                if entries is not None:
                    self._database.execute(_DELETE_OLDEST, (entries,))
            deleted = self._database.total_changes - start
            self._database.execute("VACUUM")
        except sqlite3.Error as error:
            raise _failure(self.file, error) from error
        return deleted

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _query(self, statement: str) -> list[tuple[Any, ...]]:
        try:
            return self._database.execute(statement).fetchall()
        except sqlite3.Error as error:
            raise _failure(self.file, error) from error


_open: dict[tuple[int, str], sqlite3.Connection] = {}


def look_up(use: CacheUse, record: Record) -> bool:
    """Fill a record from the entry of its sha256, if there is one.

    Connections are kept a process, since SQLite's must not cross a fork. A cache that cannot be
    read is as good as an empty one: the file is then scanned.

    Args:
        use: which entries count.
        record: with its sha256; filled with all that depends on the bytes.
    """
    name = (os.getpid(), use.file)
    try:
        connection = _open.get(name)
        if connection is None:
            connection = sqlite3.connect(use.file, timeout=_BUSY_SECONDS)
            _open[name] = connection
        with closing(
            connection.execute(
                "SELECT content FROM entries WHERE sha256 = ? AND key = ?",
                (bytes.fromhex(record.sha256 or ""), use.key),
            )
        ) as cursor:
            row = cursor.fetchone()
        if row is None:
            return False
        _unpack(row[0], record)
    except (sqlite3.Error, ValueError, KeyError, TypeError, zlib.error):
        return False
    return True


def _lasts(record: Record) -> bool:
    """Whether a record is new, and all that it says of its bytes will be said again."""
    lasting = record.error_code is None or record.error_code in _LASTING
    hurried = TOOK_TOO_LONG in record.notes or TOOK_TOO_MUCH in record.notes
    return record.sha256 is not None and lasting and not hurried and not record.cached


def _pack(record: Record) -> bytes:
    exif = record.exif and asdict(record.exif)
    taken = record.exif and record.exif.datetime_original
    content = {
        "format": record.format,
        "width": record.width,
        "height": record.height,
        "animated": record.animated,
        "score": record.score,
        "exif": exif and {**exif, "datetime_original": taken and taken.isoformat()},
        "facts": record.facts
        and [[f.key, f.value, f.place, f.offset, f.strength.value, f.claim] for f in record.facts],
        "described": record.facts is not None,
        "notes": list(record.notes),
        "error_code": record.error_code and record.error_code.value,
        "error": record.error and record.error.removeprefix(f"{record.path}: "),
    }
    # surrogates of undecodable text survive as JSON escapes
    return zlib.compress(json.dumps(content).encode("ascii"), 1)


def _unpack(data: bytes, record: Record) -> None:
    content = json.loads(zlib.decompress(data))
    exif = content["exif"]
    if exif is not None:
        taken = exif.pop("datetime_original")
        exif = Exif(**exif, datetime_original=taken and datetime.fromisoformat(taken))
    facts = tuple(
        Fact(key, value, place, offset, Strength(strength), claim and Claim(claim))
        for key, value, place, offset, strength, claim in content["facts"] or ()
    )
    code = content["error_code"]
    record.format = content["format"]
    record.width, record.height = content["width"], content["height"]
    record.animated, record.score = content["animated"], content["score"]
    record.exif, record.cached = exif, True
    record.facts = facts if content["described"] else None
    record.notes = tuple(content["notes"])
    record.error_code = code and ErrorCode(code)
    record.error = content["error"] and f"{record.path}: {content['error']}"


def _failure(file: Path, error: Exception) -> UsageError:
    return UsageError(f"{file}: cache cannot be used ({error}); give another --cache, or none")
