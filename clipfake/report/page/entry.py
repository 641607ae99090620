"""All that a page shows of one image, as plain values."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from clipfake.report.page.generators import disagree, named_of, sources_of
from clipfake.report.page.operating import Operating
from clipfake.report.page.state import state_of
from clipfake.report.page.words import shown
from clipfake.report.schema import COLUMNS

MOST_FACTS = 200  # of one image; the report has all
MOST_COLUMNS = 60  # of a manifest's own
REVIEWS = "reviews"
_REVIEW = ("decision", "note", "who", "when")
_EXIF = {
    "exif_make": "maker",
    "exif_model": "camera",
    "exif_lens": "lens",
    "exif_software": "software",
    "exif_datetime_original": "taken",
    "exif_gps": "position",
    "exif_latitude": "latitude",
    "exif_longitude": "longitude",
    "exif_width": "width claimed",
    "exif_height": "height claimed",
    "exif_orientation": "orientation",
}
_PLAIN = ("sha256", "bytes", "width", "height", "animated", "score", "threshold", "phash")
_LOOKS = ("looks", "score_first", "score_second")  # told where there were two
_TEXTS = ("format", "model", "notes", "declared_by", "declared_strength")


def entry_of(row: Mapping[str, Any], operating: Operating) -> dict[str, Any]:
    """The entry of a row; what is not known is left out.

    Args:
        row: of the report; columns that it has beyond the report's are a manifest's, or reviews.
        operating: puts the score in words.

    Returns:
        Plain JSON values; each text is fit to be shown, as text. ``path`` is the exact one, where
        it is shown with escapes as ``name``.
    """
    sources, named = sources_of(row), named_of(row)
    name, path = shown(row["path"], most=4096), str(row["path"])
    state = state_of(row)
    entry: dict[str, Any] = {
        "name": name,
        "path": path if path != name else None,
        "state": state,
        "basis": row["verdict_basis"],
        "declared": row["declared"],
        "explanation": _text(row["explanation"]),
        "error": _text(row["error"]),
        "code": row["error_code"],
        "unread": row["unread"] or None,
        "words": operating.words(row["score"]) if row["score"] is not None else None,
        "label": named.label if named else None,
        "sources": [source.to_json() for source in sources],
        "disagree": disagree(sources) or None,
        "exif": [[label, _value(row[column])] for column, label in _EXIF.items() if row[column]],
        "facts": [_fact(fact) for fact in (row["evidence"] or ())[:MOST_FACTS]],
        "more": max(len(row["evidence"] or ()) - MOST_FACTS, 0) or None,
        "extra": [
            [shown(column, 80), _value(value)]
            for column, value in row.items()
            if column not in COLUMNS and value is not None and not isinstance(value, (list, dict))
        ][:MOST_COLUMNS],
        "reviews": [
            {name: shown(review.get(name) or "") for name in _REVIEW} for review in reviews_of(row)
        ],
    }
    entry |= {column: row[column] for column in _PLAIN}
    if row.get("looks") == 2:
        entry |= {column: row.get(column) for column in _LOOKS}
    for column in ("score", "score_first", "score_second", "threshold"):
        if entry.get(column) is not None:
            entry[column] = round(entry[column], 6)
    entry |= {column: _text(row[column]) for column in _TEXTS}
    return {key: value for key, value in entry.items() if value is not None and value != []}


def reviews_of(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What reviewers decided of a row; a manifest's column of that name is text, and no review."""
    held = row.get(REVIEWS)
    return [each for each in held if isinstance(each, Mapping)] if isinstance(held, list) else []


def _text(value: str | None) -> str | None:
    return None if value is None else shown(value)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return shown(value.hex() if isinstance(value, bytes) else value)


def _fact(fact: Mapping[str, Any]) -> list[Any]:
    texts = [shown(fact["key"]), shown(fact["value"] or ""), shown(fact["place"] or "")]
    return [*texts, fact["offset"], fact["strength"], fact["claim"]]
