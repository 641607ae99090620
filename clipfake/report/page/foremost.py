"""The rows that matter most: a page has room for so many."""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clipfake.report.page.state import CONFLICT, SKIPPED, state_of

# what a reader must see comes first, what needs no action last
_RANKS = {"ai": 5, CONFLICT: 4, "error": 3, "inconclusive": 2, "real": 1, SKIPPED: 0}


@dataclass(frozen=True)
class Kept:
    """A row with its picture.

    Attributes:
        number: of the row in the report, from 0.
        row: of the report.
        thumbnail: WebP; None where there is none.
    """

    number: int
    row: Mapping[str, Any]
    thumbnail: bytes | None


class Foremost:
    """Keeps the rows that matter most, however many come.

    Attributes:
        seen: rows that came.
    """

    def __init__(self, most: int) -> None:
        """Begin with nothing.

        Args:
            most: rows that are kept.
        """
        self.seen = 0
        self._most = most
        self._heap: list[tuple[int, float, int, Kept]] = []

    def add(
        self, row: Mapping[str, Any], thumbnail: bytes | None, number: int | None = None
    ) -> None:
        """Take a row; keep it if it is among the foremost.

        Args:
            row: of the report.
            thumbnail: its picture, if it has one.
            number: of the row in the report; None where all rows come here.
        """
        number = self.seen if number is None else number
        self.seen += 1
        # at equal scores the earlier file counts as the higher
        key = (*rank(row), -number)
        if len(self._heap) < self._most:
            heapq.heappush(self._heap, (*key, Kept(number, row, thumbnail)))
        elif self._most and key > self._heap[0][:3]:
            heapq.heapreplace(self._heap, (*key, Kept(number, row, thumbnail)))

    def rows(self) -> list[Kept]:
        """Those kept, foremost first."""
        ordered = sorted(self._heap, key=lambda entry: entry[:3], reverse=True)
        return [entry[3] for entry in ordered]


def rank(row: Mapping[str, Any]) -> tuple[int, float]:
    """How much a row matters: ai, conflict, error, inconclusive, real, skipped; then the score."""
    state = state_of(row)
    ranked = CONFLICT if row["verdict_basis"] == CONFLICT and state != "ai" else state
    return _RANKS[ranked], -1.0 if row["score"] is None else row["score"]
