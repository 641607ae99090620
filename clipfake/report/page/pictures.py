"""Pictures of rows: thumbnails of those that came without one, larger ones, and heat maps."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from clipfake.imaging.thumbnail import LARGE_SIDE, SIDE
from clipfake.report.page.foremost import Kept


class Pictures(Protocol):
    """Finds the files of rows, and makes pictures of them."""

    def __call__(
        self, rows: Sequence[Mapping[str, Any]], side: int = SIDE, /
    ) -> Iterator[bytes | None]:
        """The picture of each row, WebP, in order; None where its file is gone or another one now.

        Args:
            rows: of a report.
            side: pixels that neither side of a picture is longer than.
        """


@dataclass(frozen=True)
class HeatMaps:
    """Pictures of what drives scores.

    Attributes:
        text: what they show, and what they do not.
        held: WebP, by path and sha256 of the row.
    """

    text: str = ""
    held: Mapping[tuple[str, str | None], bytes] = field(default_factory=dict)

    def of(self, row: Mapping[str, Any]) -> bytes | None:
        """That of a row; None where it has none."""
        return self.held.get((row["path"], row["sha256"]))


def with_pictures(kept: Sequence[Kept], pictures: Pictures | None) -> list[Kept]:
    """Rows with the pictures that can still be had.

    Args:
        kept: rows; those that have a picture, or whose file was not decoded, are not asked for.
        pictures: finds them; None finds none.
    """
    if pictures is None:
        return list(kept)
    wanted = [
        place
        for place, each in enumerate(kept)
        if each.thumbnail is None and each.row["sha256"] and each.row["error_code"] is None
    ]
    found = list(kept)
    for place, thumbnail in zip(wanted, pictures([kept[p].row for p in wanted]), strict=True):
        found[place] = replace(kept[place], thumbnail=thumbnail)
    return found


def has_larger(row: Mapping[str, Any]) -> bool:
    """Whether a larger picture than the thumbnail would show more of a row's image."""
    if not row["sha256"] or row["error_code"] is not None:
        return False
    return max(row["width"] or 0, row["height"] or 0) > SIDE


def larger(
    kept: Sequence[Kept], pictures: Pictures | None, *, most: int, most_bytes: int
) -> Iterator[tuple[int, bytes]]:
    """Larger pictures of the first rows that have one.

    Args:
        kept: rows, in order.
        pictures: makes them; None makes none.
        most: rows that are asked for.
        most_bytes: that the pictures have together; those from the first that is over it are
            not made.

    Yields:
        Number of the row, and WebP of at most ``LARGE_SIDE`` pixels a side.
    """
    if pictures is None:
        return
    wanted = [each for each in kept if has_larger(each.row)][:most]
    left = most_bytes
    made = pictures([each.row for each in wanted], LARGE_SIDE)
    for each, picture in zip(wanted, made, strict=False):
        left -= len(picture or b"")
        if left < 0:
            return
        if picture is not None:
            yield each.number, picture
