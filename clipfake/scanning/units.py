"""Units: a scan cut into fixed numbers of items, each of which is done when its part is whole.

What sources list is kept beside the parts, a file of items a unit, so that units are the same on
every run and can be begun again anywhere. A part says which items it is of; where the list of a
unit changes before everything was listed, its part counts no more.
"""

import base64
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from clipfake.errors import ReportError, UsageError
from clipfake.report.files import remedy_of
from clipfake.report.journal import different
from clipfake.report.lock import left_by_forks, lock
from clipfake.report.parts import (
    FORMAT,
    SCAN,
    about_part,
    clear_parts,
    part_numbers,
    read_head,
    read_part,
    write_part,
)
from clipfake.report.schema import COLUMNS, report_schema
from clipfake.scanning.kept_items import items_digest, read_items, write_items
from clipfake.sources import Item
from clipfake.sources.place import Place

ITEMS = "_items"

Row = dict[str, Any]


def items_name(number: int) -> str:
    """The file of a unit's items."""
    return f"{ITEMS}/items-{number:06d}.parquet"


@dataclass(frozen=True)
class Unit:
    """Some consecutive items.

    Attributes:
        number: from 0.
        first: number of its first item in the listing.
        count: items.
        items: digest of what was listed, hex.
        held: the items themselves, where they have just been listed.
    """

    number: int
    first: int
    count: int
    items: str
    held: list[Item] | None = field(default=None, compare=False, repr=False)

    def to_json(self) -> dict[str, Any]:
        """As a part's metadata have it."""
        return {
            "number": self.number,
            "first": self.first,
            "rows": self.count,
            "items": self.items,
        }


@dataclass(frozen=True)
class Parts:
    """The folder of a scan's parts, as whoever does its units needs it; it can be pickled.

    Attributes:
        place: the folder.
        schema: of the rows.
        scan: what tells the scan from every other.
    """

    place: Place
    schema: pa.Schema
    scan: str

    def items(self, unit: Unit) -> list[Item]:
        """The items of a unit.

        Raises:
            ReportError: their list is gone or damaged.
        """
        name = items_name(unit.number)
        try:
            found, digest = read_items(self.place.read(name))
        except (OSError, ValueError) as error:
            raise _failure(self.place, error, f"{name} cannot be read") from error
        if digest != unit.items or len(found) != unit.count:
            raise ReportError(
                f"{self.place}/{name}: is not what was listed; another scan writes there, or "
                "--no-resume starts anew"
            )
        return found

    def write(self, unit: Unit, rows: Sequence[Row], about: Mapping[str, Any]) -> None:
        """Write the part of a unit.

        Raises:
            ReportError: it cannot be written, or is not of the unit's items.
        """
        if len(rows) != unit.count:
            raise ReportError(
                f"{self.place}: unit {unit.number} has {unit.count} items, and {len(rows)} rows "
                "came of them; repeat the command"
            )
        held = {**about, "scan": self.scan, "unit": unit.to_json()}
        try:
            write_part(self.place, unit.number, rows, self.schema, held)
        except OSError as error:
            raise _failure(self.place, error, f"part {unit.number} cannot be written") from error

    def done(self, unit: Unit) -> pq.ParquetFile | None:
        """The part of a unit if it is whole, and of just these items and this scan.

        Raises:
            ReportError: the folder cannot be read.
        """
        try:
            part = read_part(self.place, unit.number)
        except OSError as error:
            raise _failure(self.place, error, f"part {unit.number} cannot be read") from error
        if part is None or part.metadata.num_rows != unit.count:
            return None
        about = about_part(part)
        same = about.get("scan") == self.scan and about.get("unit") == unit.to_json()
        return part if same and part.schema_arrow.names == self.schema.names else None


@dataclass
class Listed:
    """What is known once everything was listed.

    Attributes:
        items: how many there are.
        units: in how many units.
        passed_over: what was left out, by kind.
    """

    items: int
    units: int
    passed_over: dict[str, int] = field(default_factory=dict)


class Units:
    """The units of one scan, and what is kept of them in the folder of its parts.

    Attributes:
        parts: the folder.
        started: when the scan was begun first, ISO 8601.
        columns: the manifests' own.
        listed: what there is; None until all is listed.
        went_on: whether the folder held this scan already.
        changed: lists that changed since they were listed.
    """

    def __init__(
        self,
        place: Place,
        columns: Mapping[str, pa.DataType],
        scan: Mapping[str, Any],
        *,
        size: int,
        resume: bool,
        lists: Sequence[Sequence[Any]] = (),
    ) -> None:
        """Open a folder, or make it.

        Args:
            place: the folder.
            columns: the manifests' own.
            scan: what makes the scan what it is; plain JSON values.
            size: items of a unit.
            resume: go on with what the folder holds; False deletes it.
            lists: name, size and time of change of each list that is scanned.

        Raises:
            UsageError: the folder holds the parts of another scan, or another process writes it.
            ReportError: it cannot be written.
        """
        self._size, self.columns = size, dict(columns)
        self._lock = _Lock(place)
        self.changed: list[str] = []
        self.listed: Listed | None = None
        try:
            head = read_head(place) if resume else None
            if not resume:
                clear_parts(place, ITEMS)
            elif head is None and part_numbers(place):
                raise UsageError(
                    f"{place}: holds parts and does not say of which scan; give another --output, "
                    "or --no-resume to delete them"
                )
            self.went_on = head is not None
            if head is None:
                head = self._new(place, scan, lists)
            schema = self._held(place, head, scan)
        except OSError as error:
            self.close()
            raise _failure(place, error, "parts cannot be kept") from error
        except BaseException:
            self.close()
            raise
        self._head, self.started = head, str(head["started"])
        own = [each for each in schema if each.name not in COLUMNS]
        self.columns = self.columns if head["listed"] is None else {e.name: e.type for e in own}
        listed = head["listed"]
        if listed is not None:
            self.listed = Listed(listed["items"], listed["units"], listed["passed_over"])
            known = head.get("lists") or []
            self.changed = [str(each[0]) for each in lists if list(each) not in known]
        self.parts = Parts(place, schema, str(head["id"]))

    def _new(
        self, place: Place, scan: Mapping[str, Any], lists: Sequence[Sequence[Any]]
    ) -> dict[str, Any]:
        started = datetime.now(timezone.utc)
        schema = report_schema(self.columns)
        head = {
            "clipfake_parts": FORMAT,
            "id": os.urandom(8).hex(),
            "scan": dict(scan),
            "started": started.isoformat(timespec="seconds"),
            "schema": base64.b64encode(schema.serialize().to_pybytes()).decode(),
            "lists": [list(each) for each in lists],
            "listed": None,
        }
        place.write(SCAN, _json(head))
        return head

    def _held(self, place: Place, head: Mapping[str, Any], scan: Mapping[str, Any]) -> pa.Schema:
        """The schema of the rows, once the folder is seen to be of this scan."""
        held = head.get("scan")
        found = different(held if isinstance(held, dict) else {}, scan)
        if not found:
            try:
                schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(head["schema"])))
                _need_head(head)
            except (KeyError, TypeError, ValueError, OSError, pa.ArrowException):
                raise UsageError(
                    f"{place}/{SCAN}: damaged; --no-resume deletes the parts and starts anew"
                ) from None
            if schema.names[: len(COLUMNS)] == list(COLUMNS):
                return schema
            found = ["columns"]
        raise UsageError(
            f"{place}: holds parts of another scan (different: {', '.join(found)}); repeat that "
            "scan's options to go on with it, give another --output, or --no-resume to delete them"
        )

    def cut(self, source: Iterable[Item], passed_over: Mapping[str, int]) -> Iterator[Unit]:
        """The units in order, as they are listed; what was listed once is not asked for again.

        Args:
            source: everything, in order.
            passed_over: what its iteration leaves out, by kind.

        Raises:
            ReportError: what is listed cannot be kept.
        """
        if self.listed is not None:
            for number in range(self.listed.units):
                yield self._kept(number)
            return
        items, number, first = iter(source), 0, 0
        while group := list(islice(items, self._size)):
            unit = self._keep(number, first, group)
            number, first = number + 1, first + len(group)
            yield unit
        if number == 0:
            yield self._keep(0, 0, [])
            number = 1
        self.listed = Listed(first, number, dict(passed_over))
        self._head["listed"] = {
            "items": first,
            "units": number,
            "passed_over": self.listed.passed_over,
        }
        place = self.parts.place
        try:
            place.write(SCAN, _json(self._head))
            for late in [n for n in part_numbers(place) if n >= number]:
                place.delete(f"part-{late:06d}.parquet")  # of what was listed before, and is gone
        except OSError as error:
            raise _failure(place, error, "parts cannot be kept") from error

    def _kept(self, number: int) -> Unit:
        name, place = items_name(number), self.parts.place
        try:
            metadata = pq.read_metadata(pa.BufferReader(data := place.read(name)))
        except (OSError, ValueError, pa.ArrowException) as error:
            raise _failure(place, error, f"{name} cannot be read") from error
        digest = items_digest(data) or ""
        return Unit(number, number * self._size, metadata.num_rows, digest)

    def _keep(self, number: int, first: int, group: list[Item]) -> Unit:
        data, digest = write_items(group, first, self.columns)
        name, place = items_name(number), self.parts.place
        try:
            try:
                known = items_digest(place.read(name)) if self.went_on else None
            except FileNotFoundError:
                known = None
            if known != digest:
                place.write(name, data, private=True)
        except OSError as error:
            raise _failure(place, error, f"{name} cannot be written") from error
        return Unit(number, first, len(group), digest, group)

    def close(self) -> None:
        """Let other processes write the folder."""
        self._lock.leave()


def check_place(place: Place) -> None:
    """Find out before the work whether a folder by URL can be written.

    Raises:
        ReportError: it cannot.
    """
    if place.path is not None:
        return
    try:
        place.probe()
    except OSError as error:
        raise _failure(place, error, "cannot be written") from error


class _Lock:
    """Keeps other processes of this machine from a folder, where the system has such locks."""

    def __init__(self, place: Place) -> None:
        self._number: int | None = None
        if place.path is None or os.name == "nt":  # which opens no folders
            return
        try:
            place.path.mkdir(exist_ok=True)
            self._number = os.open(place.path, os.O_RDONLY)
            lock(self._number, place)
        except UsageError:
            self.leave()
            raise
        except OSError as error:
            self.leave()
            raise _failure(place, error, "parts cannot be kept") from error
        left_by_forks(self)

    def leave(self) -> None:
        """Let go."""
        number, self._number = self._number, None
        if number is not None:
            os.close(number)


def _need_head(head: Mapping[str, Any]) -> None:
    """Raise KeyError, TypeError or ValueError where a head lacks what is read of it."""
    str(head["started"]), str(head["id"])
    listed = head["listed"]
    if listed is not None:
        int(listed["items"]), int(listed["units"]), dict(listed["passed_over"])


def _json(head: Mapping[str, Any]) -> bytes:
    return json.dumps(head, indent=1).encode("ascii")


def _failure(place: Place, error: Exception, what: str) -> ReportError:
    remedy = ""
    if isinstance(error, OSError) and place.path is not None:
        remedy = remedy_of(place.path / SCAN, error)
    reason = getattr(error, "strerror", None) or error
    first = f"{remedy}, then repeat" if remedy else "repeat"
    return ReportError(
        f"{place}: {what} ({reason}); {first} the command to go on from the parts that are whole"
    )
