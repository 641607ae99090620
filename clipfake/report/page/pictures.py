"""Pictures of rows that came without one: restored, out of a cache, or of an earlier report."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from clipfake.report.page.foremost import Kept

# gives the thumbnail of each row, in order; None where its file is gone or is another one now
Pictures = Callable[[Sequence[Mapping[str, Any]]], Iterator[bytes | None]]


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
