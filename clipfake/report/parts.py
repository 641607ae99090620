"""Folders of parts: Parquet files of a fixed number of rows each, with their digests.

A folder holds ``part-000000.parquet`` and on, one for each unit of a scan, and beside them what
readers of Parquet pass over: ``_digests`` (a line of ``sha256sum`` for each part), ``_items`` (what
was listed) and ``_scan.json`` (which scan it is of, and how many parts there will be). A part is
whole when its digest is there and fits.
"""

import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from clipfake.errors import UsageError
from clipfake.sources.place import Place

PARTS = ".parts"
UNIT = 4096  # items of a unit, and rows of a part
METADATA_KEY = b"clipfake"
SECOND_LOOKS_KEY = "clipfake_second_looks"  # how many rows are of two looks
SCAN, DIGESTS = "_scan.json", "_digests"
FORMAT = 1
_PART = re.compile(r"part-(\d{5,9})\.parquet")
_MOST_HEAD = 2**24


def part_name(number: int) -> str:
    """The file of a part."""
    return f"part-{number:06d}.parquet"


def digest_name(number: int) -> str:
    """The file of a part's digest."""
    return f"{DIGESTS}/part-{number:06d}.sha256"


def part_numbers(place: Place) -> dict[int, str]:
    """Numbers of the parts that are there, in order, and their files.

    Raises:
        OSError: the folder cannot be listed.
    """
    found = ((_PART.fullmatch(name), name) for name in place.names())
    return dict(sorted((int(match[1]), name) for match, name in found if match))


def write_part(
    place: Place,
    number: int,
    rows: Sequence[Mapping[str, Any]],
    schema: pa.Schema,
    about: Mapping[str, Any],
) -> None:
    """Write a part, and its digest when it is there.

    Args:
        place: the folder.
        number: of the part, from 0.
        rows: all of it.
        schema: the report's.
        about: kept as JSON in the file's metadata under ``clipfake``; beside it stands how many
            second looks were taken.

    Raises:
        OSError: it cannot be written.
    """
    buffer = io.BytesIO()
    told = {METADATA_KEY: json.dumps(about), SECOND_LOOKS_KEY: str(taken_twice(rows))}
    held = schema.with_metadata(told)
    pq.write_table(pa.Table.from_pylist(list(rows), schema=held), buffer, compression="zstd")
    data = buffer.getvalue()
    place.write(part_name(number), data)
    line = f"{hashlib.sha256(data).hexdigest()}  {part_name(number)}\n"
    place.write(digest_name(number), line.encode())


def taken_twice(rows: Iterable[Mapping[str, Any]]) -> int:
    """How many rows are of two looks."""
    return sum(row.get("looks") == 2 for row in rows)


def said_digest(place: Place, number: int) -> str | None:
    """The sha256 that a part should have, hex; None where none is told.

    Raises:
        OSError: the folder cannot be read.
    """
    try:
        return place.read(digest_name(number))[:64].decode("ascii", "replace")
    except FileNotFoundError:
        return None


def read_part(place: Place, number: int) -> pq.ParquetFile | None:
    """A part that is whole; None where it is absent, has no digest, or another one.

    Raises:
        OSError: the folder cannot be read.
    """
    try:
        data = place.read(part_name(number))
    except FileNotFoundError:
        return None
    if said_digest(place, number) != hashlib.sha256(data).hexdigest():
        return None
    try:
        return pq.ParquetFile(pa.BufferReader(data))
    except (pa.ArrowException, ValueError, OSError):
        return None


def about_part(part: pq.ParquetFile) -> dict[str, Any]:
    """What made a part; empty where it does not say."""
    try:
        about = json.loads((part.schema_arrow.metadata or {}).get(METADATA_KEY, b"{}"))
    except ValueError:
        return {}
    return about if isinstance(about, dict) else {}


def read_head(place: Place) -> dict[str, Any] | None:
    """What ``_scan.json`` says; None where there is none.

    Raises:
        OSError: it cannot be read.
        UsageError: it is damaged.
    """
    try:
        head = json.loads(place.read(SCAN)[:_MOST_HEAD])
    except FileNotFoundError:
        return None
    except ValueError:
        head = None
    if not isinstance(head, dict) or head.get("clipfake_parts") != FORMAT:
        raise UsageError(f"{place}/{SCAN}: not a readable list of parts; name another folder")
    return head


def parts_expected(head: Mapping[str, Any] | None) -> int | None:
    """How many parts there will be; None where that is not known yet, or not told at all."""
    listed = (head or {}).get("listed")
    units = listed.get("units") if isinstance(listed, dict) else None
    return units if isinstance(units, int) and units >= 0 else None


@dataclass
class Checked:
    """What a folder of parts lacks.

    Attributes:
        whole: numbers of the parts whose digests fit, or that have none to compare.
        missing: numbers of those that are not there.
        damaged: numbers of those whose digests do not fit.
        doubled: files of parts whose number another file has.
        undigested: how many have no digest.
        over: whether the scan has listed everything, so that no part is missing unseen.
    """

    whole: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    undigested: int = 0
    over: bool = True


def check_parts(place: Place) -> Checked:
    """Read every part once, and compare its digest.

    Raises:
        OSError: the folder cannot be read.
        UsageError: its head is damaged.
    """
    head, found = read_head(place), Checked()
    expected = parts_expected(head)
    found.over = head is None or expected is not None
    names = part_numbers(place)
    every = [name for name in place.names() if _PART.fullmatch(name)]
    found.doubled = sorted(set(every) - set(names.values()))
    last = expected if expected is not None else max(names, default=-1) + 1
    for number in range(last):
        if number not in names:
            found.missing.append(number)
            continue
        said = said_digest(place, number)
        if said is None and head is None:
            found.undigested += 1
            found.whole.append(number)
        elif said != hashlib.sha256(place.read(names[number])).hexdigest():
            found.damaged.append(number)
        else:
            found.whole.append(number)
    return found


class ParquetParts:
    """Writes rows into a folder of parts, as a scan's units would be."""

    def __init__(self, path: Path, schema: pa.Schema, about: dict[str, Any]) -> None:
        """Make the folder, empty.

        Args:
            path: of the folder; parts that are there are deleted.
            schema: the report's.
            about: kept in the metadata of every part.
        """
        path.mkdir(exist_ok=True)
        self._place, self._schema, self._about = Place(path), schema, about
        clear_parts(self._place)
        self._rows: list[dict[str, Any]] = []
        self._number = self._first = 0

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Append rows; each ``UNIT`` of them is a part."""
        self._rows += rows
        while len(self._rows) >= UNIT:
            rows, self._rows = self._rows[:UNIT], self._rows[UNIT:]
            self._write(rows)

    def close(self) -> None:
        """Write what waits, and how many parts there are."""
        if self._rows or not self._number:
            self._write(self._rows)
        listed = {"items": self._first, "units": self._number}
        head = {"clipfake_parts": FORMAT, "scan": None, "listed": listed}
        self._place.write(SCAN, json.dumps(head).encode())

    def _write(self, rows: Sequence[dict[str, Any]]) -> None:
        unit = {"number": self._number, "first": self._first, "rows": len(rows)}
        about = {**self._about, "unit": unit}
        write_part(self._place, self._number, rows, self._schema, about)
        self._number += 1
        self._first += len(rows)


def clear_parts(place: Place, *more: str) -> None:
    """Delete all parts of a folder, with what belongs to them.

    Args:
        place: the folder.
        more: folders in it whose files go too.

    Raises:
        OSError: a file cannot be deleted.
    """
    for name in place.names():
        if name == SCAN or name.startswith("part-"):
            place.delete(name)
    for folder in (DIGESTS, *more):
        for name in place.names(folder):
            place.delete(f"{folder}/{name}")


def open_report(name: str | Path, *, network: bool = False) -> str | Path:
    """The name of a report that is read, seen to be there.

    Args:
        name: path or URL.
        network: whether URLs of other machines may be opened.

    Returns:
        A path, or the URL of another machine.

    Raises:
        UsageError: there is no such report, or its URL may not be opened.
    """
    place = Place(name, network=network)
    if place.path is None:
        return place.name
    if not place.path.exists():
        raise UsageError(f"{place}: no such report")
    return place.path


def files_of_parts(place: Place) -> Iterator[str]:
    """Paths or URLs of a folder's parts, in order.

    Raises:
        UsageError: the scan is not over, or parts are missing.
        OSError: the folder cannot be read.
    """
    head, found = read_head(place), part_numbers(place)
    expected = parts_expected(head)
    if head is not None and expected is None:
        raise UsageError(
            f"{place}: its scan is not over; repeat its command to go on, or join what there is by "
            "clipfake merge"
        )
    missing = [number for number in range(expected or 0) if number not in found]
    if missing:
        raise UsageError(
            f"{place}: {len(missing)} of {expected} parts are missing (first {missing[0]}); repeat "
            "the scan's command, which makes them alone"
        )
    for number, name in found.items():
        if expected is None or number < expected:
            yield place.at(name)
