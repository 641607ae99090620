"""The report's columns, the same in every format; docs/report.md describes each."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from clipfake.records import Attribution, Fact, Record

_FACT = pa.struct(
    [
        ("key", pa.string()),
        ("value", pa.string()),
        ("place", pa.string()),
        ("offset", pa.int64()),
        ("strength", pa.string()),
        ("claim", pa.string()),
    ]
)
_ATTRIBUTION = pa.struct(
    [
        ("basis", pa.string()),
        ("generator", pa.string()),
        ("family", pa.string()),
        ("version", pa.string()),
        ("score", pa.float32()),
        ("by", pa.string()),
    ]
)

COLUMNS: dict[str, pa.DataType] = {
    "path": pa.string(),
    "sha256": pa.string(),
    "bytes": pa.int64(),
    "format": pa.string(),
    "width": pa.int32(),
    "height": pa.int32(),
    "animated": pa.bool_(),
    "score": pa.float32(),
    "looks": pa.int32(),
    "score_first": pa.float32(),
    "score_second": pa.float32(),
    "verdict": pa.string(),
    "verdict_basis": pa.string(),
    "declared": pa.string(),
    "declared_by": pa.string(),
    "declared_strength": pa.string(),
    "explanation": pa.string(),
    "generator": pa.string(),
    "generator_basis": pa.string(),
    "generator_family": pa.string(),
    "generator_score": pa.float32(),
    "attributions": pa.list_(_ATTRIBUTION),
    "threshold": pa.float32(),
    "model": pa.string(),
    "phash": pa.string(),
    "exif_make": pa.string(),
    "exif_model": pa.string(),
    "exif_lens": pa.string(),
    "exif_software": pa.string(),
    "exif_datetime_original": pa.timestamp("s"),
    "exif_gps": pa.bool_(),
    "exif_latitude": pa.float64(),
    "exif_longitude": pa.float64(),
    "exif_width": pa.int64(),
    "exif_height": pa.int64(),
    "exif_orientation": pa.int32(),
    "evidence": pa.list_(_FACT),
    "notes": pa.string(),
    "error_code": pa.string(),
    "error": pa.string(),
    "unread": pa.bool_(),
    "path_raw": pa.binary(),
    "suppressed": pa.string(),
}
_EXIF = "exif_"
_MANIFEST = "manifest_"


def report_schema(extra: Mapping[str, pa.DataType]) -> pa.Schema:
    """Arrow schema of a report.

    Args:
        extra: the manifests' own columns; one named like a column of ours gets the prefix
            ``manifest_`` (and so does one that has it already, from an earlier report).
    """
    own = {column_name(name): kind for name, kind in extra.items()}
    return pa.schema(list({**COLUMNS, **own}.items()))


def column_name(name: str) -> str:
    """What a manifest's column is called in the report."""
    base = name
    while base.startswith(_MANIFEST):
        base = base.removeprefix(_MANIFEST)
    return _MANIFEST + name if base in COLUMNS else clean(name)


def to_row(record: Record, schema: pa.Schema) -> dict[str, Any]:
    """A record as values for the columns of a schema; text is valid UTF-8."""
    values = {column_name(name): value for name, value in record.extra.items()}
    for name in COLUMNS:
        if name.startswith(_EXIF):
            exif = record.exif
            values[name] = None if exif is None else getattr(exif, name.removeprefix(_EXIF))
        else:
            values[name] = getattr(record, name, None)
    facts = record.facts
    values["evidence"] = None if facts is None else [fact_row(fact) for fact in facts]
    said = [attribution_row(each) for each in record.attributions]
    values["attributions"] = None if facts is None and not said else said
    values["verdict"] = record.verdict.value
    values["error_code"] = None if record.error_code is None else record.error_code.value
    values["notes"] = "; ".join(record.notes) or None
    return fit_row(values, schema)


def carrying(row: Mapping[str, Any], extra: Mapping[str, Any], schema: pa.Schema) -> dict[str, Any]:
    """A row with other columns of a manifest in place of those that it has."""
    own = {name: row.get(name) for name in COLUMNS}
    return fit_row({column_name(n): v for n, v in extra.items()} | own, schema)


def fit_row(values: Mapping[str, Any], schema: pa.Schema) -> dict[str, Any]:
    """Values for the columns of a schema: null where there is none, text where that is the type."""
    return {field.name: _fit(values.get(field.name), field.type) for field in schema}


def fact_row(fact: Fact) -> dict[str, Any]:
    """A fact as plain values; text is valid UTF-8."""
    return {
        "key": fact.key,
        "value": clean(fact.value),
        "place": clean(fact.place),
        "offset": fact.offset,
        "strength": fact.strength.value,
        "claim": None if fact.claim is None else fact.claim.value,
    }


def attribution_row(attribution: Attribution) -> dict[str, Any]:
    """What one source says of the generator, as plain values; text is valid UTF-8."""
    version = attribution.version
    return {
        "basis": attribution.basis.value,
        "generator": clean(attribution.generator),
        "family": attribution.family,
        "version": None if version is None else clean(version),
        "score": attribution.score,
        "by": attribution.by,
    }


def clean(text: str) -> str:
    """Text with what is not valid Unicode shown as backslash escapes."""
    raw = text.encode("utf-8", errors="surrogateescape") if _escaped(text) else None
    if raw is not None:
        return raw.decode("utf-8", errors="backslashreplace")
    return text.encode("utf-8", errors="backslashreplace").decode("utf-8")


def _escaped(text: str) -> bool:
    """Whether the only invalid characters are bytes that the operating system let through."""
    lone = [c for c in text if "\ud800" <= c <= "\udfff"]
    return bool(lone) and all("\udc80" <= c <= "\udcff" for c in lone)


def _fit(value: Any, kind: pa.DataType) -> Any:
    if value is None or not pa.types.is_string(kind):
        return value
    return clean(value if isinstance(value, str) else str(value))
