"""What reviewers decided: read from the files that a page exports, and put beside a report's rows.

A review never changes a score or a verdict; it is a column of its own, with who and when.
"""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from clipfake.errors import UsageError
from clipfake.records import cut
from clipfake.report.schema import clean
from clipfake.sources.lists.csv_rows import CsvRows
from clipfake.sources.lists.row import path_or_fault

COLUMN = "reviews"
DECISIONS = ("confirmed", "cleared", "unsure")
MOST_BYTES = 64 * 2**20  # of a JSON file, which is read whole
MOST_REVIEWS = 1_000_000
TYPE = pa.list_(pa.struct([(name, pa.string()) for name in ("decision", "note", "who", "when")]))
_SHA256 = re.compile(r"[0-9a-f]{64}")
_BLANK = path_or_fault("")[1]
_MARKED = re.compile(r"'(?=[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20])")  # see clipfake.report.csv


@dataclass(frozen=True)
class Review:
    """A decision on one image.

    Attributes:
        decision: confirmed, cleared or unsure.
        note: why; may be empty.
        who: decided; may be empty.
        when: it was decided, as the file has it; may be empty.
    """

    decision: str
    note: str = ""
    who: str = ""
    when: str = ""


class Reviews:
    """Reviews by the image that they are of, and which of them found it.

    A review with a sha256 is of these bytes, whatever they are called; one without is of the path.
    """

    def __init__(self) -> None:
        self._held: dict[str, list[Review]] = {}
        self._found: set[str] = set()

    def __len__(self) -> int:
        """How many there are."""
        return sum(map(len, self._held.values()))

    def read(self, path: Path) -> None:
        """Take the reviews of a file.

        Args:
            path: CSV or JSON, as a page exports them, or with a column ``decision`` and a column
                ``path`` or ``sha256`` of one's own.

        Raises:
            UsageError: it cannot be read, or a row is no review; the message names the row.
        """
        is_json = path.suffix.lower() == ".json"
        try:
            rows = _json_rows(path) if is_json else _csv_rows(path)
            for number, row in rows:
                self._take(path, number, row)
        except (OSError, ValueError, csv.Error, RecursionError) as error:
            reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:200]
            remedy = "give the CSV or JSON that a page exports"
            raise UsageError(f"{path}: reviews cannot be read ({reason}); {remedy}") from error

    def of(self, row: Mapping[str, Any]) -> list[dict[str, str]]:
        """The reviews of a report's row, those that it has already first, in order."""
        before = row.get(COLUMN)
        found = [dict(each) for each in before] if isinstance(before, list) else []
        for key in (row["sha256"], _of_path(row["path"])):
            if key in self._held:
                self._found.add(key)
                found += [asdict(each) for each in self._held[key]]
        return [each for place, each in enumerate(found) if each not in found[:place]]

    @property
    def unmatched(self) -> int:
        """Reviews of images that no row asked for."""
        return sum(len(held) for key, held in self._held.items() if key not in self._found)

    def _take(self, file: Path, number: int, row: Mapping[str, Any]) -> None:
        text = {name: _text(row.get(name)) for name in ("decision", "note", "who", "when")}
        sha256, path = _text(row.get("sha256")).strip().lower(), _text(row.get("path"))
        decision = text["decision"].strip().lower()
        if not any(text.values()) and not sha256:
            return  # an empty line of a spreadsheet
        if decision not in DECISIONS:
            shown = f"{text['decision'][:40]!r} is no decision" if decision else "no decision"
            raise UsageError(f"{file}:{number}: {shown}; write one of {', '.join(DECISIONS)}")
        if sha256 and not _SHA256.fullmatch(sha256):
            raise UsageError(f"{file}:{number}: {sha256[:40]!r} is no sha256; leave it empty")
        if not sha256 and not path:
            raise UsageError(f"{file}:{number}: names no image; write its path or sha256")
        if len(self._held) >= MOST_REVIEWS:
            raise UsageError(f"{file}: over {MOST_REVIEWS:,} reviews; give fewer at once")
        review = Review(decision, text["note"], text["who"].strip(), text["when"].strip())
        self._held.setdefault(sha256 or _of_path(path), []).append(review)


def _csv_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    rows = CsvRows(str(path))
    if "decision" not in rows.columns:
        raise UsageError(f"{path}: no column named 'decision'; give what a page exports")
    for row in rows:
        # a row may name its image by the digest alone
        if row.fault and not (row.fault == _BLANK and _named_or_empty(row.extra)):
            raise UsageError(f"{path}:{row.number}: {row.fault}")
        texts = {name: _unmarked(value) for name, value in row.extra.items() if value}
        yield row.number, {**texts, "path": _unmarked(row.path)}


def _named_or_empty(cells: Mapping[str, Any]) -> bool:
    return bool(cells.get("sha256")) or not any(cells.values())


def _json_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if path.stat().st_size > MOST_BYTES:
        raise UsageError(f"{path}: over {MOST_BYTES} bytes; export fewer reviews at once")
    held = json.loads(path.read_bytes().decode("utf-8-sig"))
    rows = held.get("reviews") if isinstance(held, dict) else held
    if not isinstance(rows, list):
        raise ValueError("no list of reviews in it")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise UsageError(f"{path}:{number}: is no review; give what a page exports")
        yield number, row


def _unmarked(text: str) -> str:
    """A cell without the ``'`` that keeps a spreadsheet from running it."""
    return text[1:] if _MARKED.match(text) else text


def _of_path(path: str) -> str:
    return f"path:{path}"


def _text(value: Any) -> str:
    return cut(clean(value)) if isinstance(value, str) else ""
