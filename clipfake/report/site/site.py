"""The site's folder: written as rows come, and indexed at the end.

``index.html`` loads ``data/columns-N.js`` at once, ``data/details-N.js`` and
``pictures/NNN/NNNNNN.webp`` as they are looked at; beside it lie the larger picture of what matters
most (``.large.webp``) and heat maps (``.heat.webp``). Data are scripts that hand over JSON, since a
browser lets a page from disk load scripts beside it, but read no files.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from clipfake.errors import UsageError
from clipfake.report.page.columns import Columns
from clipfake.report.page.content import Content
from clipfake.report.page.copies import Copies
from clipfake.report.page.document import plain_json, render
from clipfake.report.page.entry import entry_of
from clipfake.report.page.foremost import Foremost, Kept
from clipfake.report.page.pictures import (
    HeatMaps,
    Pictures,
    has_larger,
    larger,
    with_pictures,
)

SITE = ".site"
INDEX = "index.html"
FOREMOST = 200  # rows of the plain table, which is read without scripts and printed
COLUMNS_A_PART = 10_000
DETAILS_A_PART = 250
PICTURES_A_FOLDER = 1000
LARGE = 2000  # rows, of those that matter most, that have a larger picture
LARGE_BYTES = 10**9  # of these pictures together
AT_ONCE = 2000  # rows whose pictures are found together
# what ranks a row and finds its file
_OF_LARGE = (
    "path",
    "path_raw",
    "sha256",
    "width",
    "height",
    "score",
    "verdict",
    "verdict_basis",
    "error_code",
)
_SOURCE = Path(__file__).parent / "script" / "shards.js"


class SiteFile:
    """Writes data and pictures as rows come, and the page at the end.

    Attributes:
        pictures: finds the pictures of rows that came without, and larger ones; None leaves them
            without.
        heat_maps: of what drives scores.
    """

    pictures: Pictures | None = None
    heat_maps: HeatMaps = HeatMaps()

    def __init__(self, path: Path, schema: pa.Schema, about: dict[str, Any]) -> None:
        """Make the folder, empty.

        Args:
            path: of the folder; one that is there is deleted.
            schema: unused; a site shows what rows have.
            about: what made the report.
        """
        del schema
        self._folder = path
        if path.is_dir():
            shutil.rmtree(path)
        (path / "data").mkdir(parents=True)
        self._content = Content(about, FOREMOST)
        self._columns = Columns()
        self._parts = 0
        self._details: list[dict[str, Any]] = []
        self._detailed = 0
        self._waiting: list[Kept] = []
        self._pictured = bytearray()
        self._copies = Copies()
        self._large = Foremost(LARGE)

    def add(self, row: Mapping[str, Any], thumbnail: bytes | None) -> None:
        """Take a row and its picture, if it has one."""
        number = self._columns.rows + len(self._waiting)
        self._waiting.append(Kept(number, row, thumbnail))
        if len(self._waiting) >= AT_ONCE:
            self._write_waiting()

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Take rows without pictures."""
        for row in rows:
            self.add(row, None)

    def close(self) -> None:
        """Write what waits, the copies and the page."""
        self._write_waiting()
        self._write_details()
        self._write_columns()
        groups = self._copies.groups().tolist()
        self._write("data/copies.js", f"clipfake.copies({plain_json(groups)});\n")
        kept = self._content.foremost.rows()
        pictures = [
            picture_name(each.number) if self._pictured[each.number] else None for each in kept
        ]
        values = self._content.values(kept, pictures)
        large = larger(self._large.rows(), self.pictures, most=LARGE, most_bytes=LARGE_BYTES)
        found = ((each.number, self.heat_maps.of(each.row)) for each in self._large.rows())
        heat = ((number, picture) for number, picture in found if picture)
        meta = self._content.meta(
            rows=self._columns.rows,
            all=self._content.figures.files,
            parts=self._parts,
            details=DETAILS_A_PART,
            pictures=PICTURES_A_FOLDER,
            large=[self._write_picture(number, each, ".large") for number, each in large],
            heat=[self._write_picture(number, each, ".heat") for number, each in heat],
            caveat=self.heat_maps.text,
        )
        page = render([_SOURCE], "'self'", "'self'", data={"meta": meta}, site=True, **values)
        self._write(INDEX, page)

    def _write_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for each in with_pictures(waiting, self.pictures):
            if each.thumbnail is not None:
                self._write_picture(each.number, each.thumbnail)
            if has_larger(each.row):
                self._large.add({name: each.row[name] for name in _OF_LARGE}, None, each.number)
            # only what has its picture counts, should the disk be full
            self._content.add(each.row, None)
            self._pictured.append(each.thumbnail is not None)
            self._columns.add(each.row, pictured=each.thumbnail is not None)
            self._copies.add(each.row)
            self._details.append(entry_of(each.row, self._content.operating))
            if len(self._details) >= DETAILS_A_PART:
                self._write_details()
            if len(self._columns) >= COLUMNS_A_PART:
                self._write_columns()

    def _write_picture(self, number: int, picture: bytes, kind: str = "") -> int:
        path = self._folder / picture_name(number, kind)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture)
        return number

    def _write_details(self) -> None:
        details, self._details = self._details, []
        if details:
            text = f"clipfake.details({self._detailed},{plain_json(details)});\n"
            self._write(f"data/details-{self._detailed}.js", text)
            self._detailed += 1

    def _write_columns(self) -> None:
        if len(self._columns):
            text = f"clipfake.columns({plain_json(self._columns.take())});\n"
            self._write(f"data/columns-{self._parts}.js", text)
            self._parts += 1

    def _write(self, name: str, text: str) -> None:
        with open(self._folder / name, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)


def picture_name(number: int, kind: str = "") -> str:
    """Where the picture of a row lies in the folder.

    Args:
        number: of the row.
        kind: ``.large``, ``.heat``, or empty for the thumbnail.
    """
    return f"pictures/{number // PICTURES_A_FOLDER:03d}/{number:06d}{kind}.webp"


def check_site(path: Path) -> None:
    """Refuse a folder that holds something else, since a new site takes its place.

    Raises:
        UsageError: it does.
    """
    if os.path.isdir(path) and any(path.iterdir()) and not os.path.isfile(path / INDEX):
        raise UsageError(f"{path}: is a folder of other things than a site; give another name")
