"""The columns by which a gallery sorts and filters: a few short values a row.

Texts that many rows share are told once and numbered; a part holds what is new since the last one,
so that a long report is told in parts.
"""

from collections.abc import Mapping
from typing import Any

from clipfake.report.page.entry import reviews_of
from clipfake.report.page.figures import MOST_NAMES, OTHERS
from clipfake.report.page.generators import ORIGINS, named_of
from clipfake.report.page.state import (
    BASES,
    DECLARED,
    STATES,
    camera_of,
    folder_of,
    state_of,
)
from clipfake.report.page.words import shown

DECISIONS = ("", "confirmed", "cleared", "unsure")
SCALE = 10_000  # of scores, which are whole numbers in a gallery
_SHARED = ("folder", "camera", "code", "generator", "family")
_ID = 16  # digits of a sha256 by which a gallery knows an image again
_NAME, _CAMERA = 1000, 120  # characters


class Columns:
    """Gathers rows, and gives them in parts.

    Attributes:
        rows: gathered so far, in all parts.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._numbers: dict[str, dict[str, int]] = {name: {} for name in _SHARED}
        self._part = _empty(0)

    def __len__(self) -> int:
        """Rows of the present part."""
        return len(self._part["name"])

    def add(self, row: Mapping[str, Any], *, pictured: bool) -> None:
        """Take a row.

        Args:
            row: of the report.
            pictured: whether it has a thumbnail.
        """
        part, score = self._part, row["score"]
        path = str(row["path"])
        folder = folder_of(path)
        name = path[len(folder) + 1 :] if folder != "." and len(path) > len(folder) else path
        part["name"].append(shown(name, _NAME))
        part["id"].append((row["sha256"] or "")[:_ID])
        part["score"].append(-1 if score is None else round(score * SCALE))
        part["state"].append(STATES.index(state_of(row)))
        part["basis"].append(_place(BASES, row["verdict_basis"]))
        part["declared"].append(_place(DECLARED, row["declared"]))
        part["pictured"].append(int(pictured))
        named = named_of(row)
        part["origin"].append(_place(ORIGINS, named and named.basis))
        reviews = reviews_of(row)
        part["review"].append(_place(DECISIONS, reviews[-1].get("decision") if reviews else None))
        for column, text in (
            ("folder", folder),
            ("camera", camera_of(row)[:_CAMERA]),
            ("code", row["error_code"] or ""),
            ("generator", named.generator if named else ""),
            ("family", named.family if named else ""),
        ):
            part[column].append(self._number(column, shown(text, _NAME)))
        self.rows += 1

    def take(self) -> dict[str, Any]:
        """The present part; a new one begins."""
        part, self._part = self._part, _empty(self.rows)
        return part

    def _number(self, column: str, text: str) -> int:
        numbers = self._numbers[column]
        # a folder is a part of the path, and must be right
        if text not in numbers and len(numbers) >= MOST_NAMES and column != "folder":
            text = OTHERS
        if text not in numbers:
            numbers[text] = len(numbers)
            self._part["texts"][column].append(text)
        return numbers[text]


def _empty(start: int) -> dict[str, Any]:
    names = ("name", "id", "score", "state", "basis", "declared", "pictured", "review")
    columns: dict[str, Any] = {name: [] for name in (*names, "origin", *_SHARED)}
    return {"start": start, "texts": {name: [] for name in _SHARED}} | columns


def _place(names: tuple[str, ...], value: Any) -> int:
    return names.index(value) if value in names else 0
