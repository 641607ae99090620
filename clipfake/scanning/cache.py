"""The content cache: what is known of bytes that were scanned before.

An entry is found by the sha256 of the bytes and by a key of everything that its content depends
on. Names, sizes and times never count, unless a scan asks to trust them: then a file whose stamp is
that of when it was hashed is not read again. SQLite in WAL mode lets several scans use one cache at
once.
"""

import hashlib
import importlib.metadata
import json
import os
import sqlite3
import stat
import time
import zlib
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from clipfake.errors import ErrorCode, UsageError
from clipfake.records import (
    NOT_READ,
    TOOK_TOO_LONG,
    TOOK_TOO_MUCH,
    Attribution,
    Claim,
    Exif,
    Fact,
    GeneratorBasis,
    Record,
    Stamp,
    Strength,
)

FILE_NAME = "clipfake-cache.sqlite3"
_FORMAT = 4
_BUSY_SECONDS = 60.0
_SETTLED_NS = 2_000_000_000  # since when a file must stand unchanged to be known by its times
# errors that the bytes themselves cause, so that another try gives the same
_LASTING = {ErrorCode.TRUNCATED, ErrorCode.DAMAGED, ErrorCode.TOO_MANY_PIXELS}
_TABLES = """
CREATE TABLE IF NOT EXISTS entries (
    sha256 BLOB NOT NULL, key TEXT NOT NULL, content BLOB NOT NULL, added INTEGER NOT NULL,
    PRIMARY KEY (sha256, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (
    name BLOB PRIMARY KEY, stamp TEXT NOT NULL, sha256 BLOB NOT NULL
) WITHOUT ROWID;
"""
_INSERT = "INSERT OR IGNORE INTO entries VALUES (?, ?, ?, ?)"
_INSERT_FILE = "INSERT OR REPLACE INTO files VALUES (?, ?, ?)"
_SHA256_OF_FILE = "SELECT lower(hex(sha256)) FROM files WHERE name = ? AND stamp = ?"
_STATS = "SELECT COUNT(*), COUNT(DISTINCT key), MIN(added), MAX(added) FROM entries"
_DELETE_FILES = "DELETE FROM files WHERE sha256 NOT IN (SELECT sha256 FROM entries)"
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
        trust_times: do not read a file again whose stamp is that of when it was hashed.
    """

    file: str
    key: str
    trust_times: bool = False


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

    def __init__(
        self,
        folder: Path,
        *,
        trust_times: bool = False,
        content: Mapping[str, Any] | None = None,
    ) -> None:
        """Open the cache, or begin one.

        Args:
            folder: which holds it.
            trust_times: what ``use`` says of that.
            content: options of the scan that change what the same bytes give; plain JSON values.

        Raises:
            UsageError: the folder cannot be written, or holds something else under the name.
        """
        self.file = folder / FILE_NAME
        self.trust_times = trust_times
        self.content = dict(content or {})
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(self.file, timeout=_BUSY_SECONDS)
            self._database.execute("PRAGMA journal_mode=WAL")
            # a power cut may lose the last entries, which are then computed again
            self._database.execute("PRAGMA synchronous=NORMAL")
            self._database.executescript(_TABLES)
        except (OSError, sqlite3.Error) as error:
            raise _failure(self.file, error) from error

    def use(self, key: str) -> CacheUse:
        """How workers look entries of a key up."""
        return CacheUse(str(self.file), key, self.trust_times)

    def add(self, key: str, records: Sequence[Record]) -> None:
        """Keep what these records say of their bytes; those that say nothing lasting are left out.

        Stamps of files that were read are kept too.

        Raises:
            UsageError: the cache cannot be written.
        """
        now = int(time.time())
        rows = [
            (bytes.fromhex(record.sha256 or ""), key, _pack(record), now)
            for record in records
            if _lasts(record)
        ]
        files = [
            (*record.stamp, bytes.fromhex(record.sha256))
            for record in records
            if record.stamp is not None and record.sha256 is not None
        ]
        try:
            with self._database:
                self._database.executemany(_INSERT, rows)
                self._database.executemany(_INSERT_FILE, files)
        except sqlite3.Error as error:
            raise _failure(self.file, error) from error

    def stats(self) -> dict[str, Any]:
        """Numbers of entries and keys, bytes of the file, and times of the oldest and newest."""
        count, keys, oldest, newest = self._query(_STATS)[0]
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
                self._database.execute(_DELETE_FILES)
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
    if record.sha256 is None:
        return False
    try:
        row = _first(
            use.file,
            "SELECT content FROM entries WHERE sha256 = ? AND key = ?",
            (bytes.fromhex(record.sha256), use.key),
        )
        if row is None:
            return False
        _unpack(row[0], record)
    except (sqlite3.Error, ValueError, KeyError, TypeError, zlib.error):
        return False
    return True


def recall(use: CacheUse, stamp: Stamp, record: Record, *, most: int) -> bool:
    """Fill a record from the entry of a file that is the one that was hashed, by its stamp.

    Args:
        use: which entries count.
        stamp: of the file as it is now.
        record: filled with its sha256, its size and all that depends on the bytes, and with a note.
        most: bytes of a file that a scan takes; larger ones are not recalled either.
    """
    size = int(stamp[1].partition(" ")[0])
    if size > most:
        return False
    try:
        row = _first(use.file, _SHA256_OF_FILE, stamp)
    except sqlite3.Error:
        return False
    record.sha256 = None if row is None else row[0]
    if not look_up(use, record):
        record.sha256 = None
        return False
    record.bytes = size
    record.notes += (NOT_READ,)
    return True


def stamp_of(path: str) -> Stamp | None:
    """Absolute name, and size, times, inode and device of a regular file, which a change changes.

    None for what is no such file, and for one that was changed within the last seconds: another
    change then need not show, since clocks of file systems are coarse.
    """
    try:
        status = os.stat(path)
        name = os.fsencode(os.path.abspath(path))
    except (OSError, ValueError):
        return None
    changed = max(status.st_mtime_ns, status.st_ctime_ns)
    if not stat.S_ISREG(status.st_mode) or time.time_ns() - changed < _SETTLED_NS:
        return None
    facts = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev)
    return name, " ".join(map(str, facts))


def _first(file: str, statement: str, values: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """The first row of an answer, by this process's connection."""
    name = (os.getpid(), file)
    connection = _open.get(name)
    if connection is None:
        connection = sqlite3.connect(file, timeout=_BUSY_SECONDS)
        _open[name] = connection
    with closing(connection.execute(statement, values)) as cursor:
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row


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
        "score_first": record.score_first,
        "score_second": record.score_second,
        "phash": record.phash,
        "looks_like": record.looks_like and asdict(record.looks_like),
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
    opinion = content["looks_like"]
    if opinion is not None:
        opinion = Attribution(**{**opinion, "basis": GeneratorBasis(opinion["basis"])})
    code = content["error_code"]
    record.format = content["format"]
    record.width, record.height = content["width"], content["height"]
    record.animated = content["animated"]
    if content["score_first"] is not None:
        record.scored(content["score_first"], content["score_second"])
    record.phash, record.looks_like = content["phash"], opinion
    record.exif, record.cached = exif, True
    record.facts = facts if content["described"] else None
    record.notes = tuple(content["notes"])
    record.error_code = code and ErrorCode(code)
    record.error = content["error"] and f"{record.path}: {content['error']}"


def _failure(file: Path, error: Exception) -> UsageError:
    return UsageError(f"{file}: cache cannot be used ({error}); give another --cache, or none")
