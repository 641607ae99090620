"""The page's file: takes rows as they come, and is written whole at the end."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from clipfake.report.page.columns import Columns
from clipfake.report.page.content import Content
from clipfake.report.page.copies import Copies
from clipfake.report.page.document import render
from clipfake.report.page.pictures import HeatMaps, Pictures, larger, with_pictures

PAGE = ".html"
MOST = 2000  # rows that a page has room for
LARGE = 60  # of them that it has a larger picture of
LARGE_BYTES = 4_500_000  # of these pictures together; a third more as text
_SOURCE = Path(__file__).parent / "script" / "inline.js"


class PageFile:
    """Keeps the rows that matter most, and counts all.

    Attributes:
        pictures: finds the pictures of rows that came without, and larger ones; None leaves them
            without.
        heat_maps: of what drives scores.
    """

    pictures: Pictures | None = None
    heat_maps: HeatMaps = HeatMaps()

    def __init__(self, path: Path, schema: pa.Schema, about: dict[str, Any]) -> None:
        """Open the file; it is written when it is closed."""
        del schema
        self._file = open(path, "w", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
        self._content = Content(about, MOST)

    def add(self, row: Mapping[str, Any], thumbnail: bytes | None) -> None:
        """Take a row and its picture, if it has one."""
        self._content.add(row, thumbnail)

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Take rows without pictures."""
        for row in rows:
            self.add(row, None)

    def close(self) -> None:
        """Write the page."""
        with self._file:
            self._file.write(self._page())

    def _page(self) -> str:
        content = self._content
        kept = with_pictures(content.foremost.rows(), self.pictures)
        pictures = [each.thumbnail and data_url(each.thumbnail) for each in kept]
        columns, copies = Columns(), Copies()
        for each in kept:
            copies.add(each.row)
            columns.add(each.row, pictured=each.thumbnail is not None)
        values = content.values(kept, [picture or None for picture in pictures])
        details = [
            {key: value for key, value in entry.items() if key != "picture" and value is not None}
            for entry in values["entries"]
        ]
        places = {each.number: place for place, each in enumerate(kept)}
        large = larger(kept, self.pictures, most=LARGE, most_bytes=LARGE_BYTES)
        heat = ((place, self.heat_maps.of(each.row)) for place, each in enumerate(kept))
        data = {
            "meta": content.meta(
                rows=len(kept), all=content.figures.files, caveat=self.heat_maps.text
            ),
            "columns": [columns.take()],
            "copies": copies.groups().tolist(),
            "details": details,
            "large": {places[number]: data_url(picture) for number, picture in large},
            "heat": {place: data_url(picture) for place, picture in heat if picture},
        }
        return render([_SOURCE], "data:", "", data=data, site=False, **values)


def data_url(thumbnail: bytes) -> str:
    """A WebP as the address of a picture."""
    return f"data:image/webp;base64,{base64.b64encode(thumbnail).decode()}"
