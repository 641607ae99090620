"""The report's columns and the rows that records become."""

import re
from dataclasses import fields
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipfake.errors import ErrorCode
from clipfake.records import (
    Attribution,
    Claim,
    Exif,
    Fact,
    GeneratorBasis,
    Record,
    Strength,
    Verdict,
)
from clipfake.report.schema import COLUMNS, clean, column_name, report_schema, to_row

DOCS = Path(__file__).parent.parent.parent / "docs" / "report.md"
ARROW = {
    "string": pa.string(),
    "int64": pa.int64(),
    "int32": pa.int32(),
    "bool": pa.bool_(),
    "float": pa.float32(),
    "double": pa.float64(),
    "timestamp": pa.timestamp("s"),
    "binary": pa.binary(),
}
LISTS = {"evidence": COLUMNS["evidence"], "attributions": COLUMNS["attributions"]}
# every lone surrogate, beside ordinary characters
any_text = st.text(st.one_of(st.characters(), st.characters(categories=["Cs"])), max_size=20)


def full_record() -> Record:
    exif = Exif(
        make="Canon",
        model="EOS",
        lens="50mm",
        software="GIMP",
        datetime_original=datetime(2024, 5, 6, 7, 8, 9),
        gps=True,
        latitude=-33.5,
        longitude=-70.25,
        width=4000,
        height=3000,
        orientation=6,
    )
    return Record(
        path="a.png",
        path_raw=b"a\xff.png",
        sha256="ab" * 32,
        bytes=5_000_000_000,
        format="PNG",
        width=640,
        height=480,
        animated=False,
        score=0.75,
        looks=2,
        score_first=0.5,
        score_second=0.75,
        verdict=Verdict.AI,
        verdict_basis="both",
        declared="ai",
        declared_by="xmp.credit",
        declared_strength="specific",
        explanation="ai: both say so.",
        generator="DALL-E",
        generator_basis="declared",
        generator_family="dall-e",
        generator_score=0.5,
        attributions=(
            Attribution(GeneratorBasis.DECLARED, "DALL-E", "dall-e", "3 \udcff", by="a.key"),
            Attribution(GeneratorBasis.PIXELS, "FLUX", "flux", score=0.75, by="pixels"),
        ),
        threshold=0.5,
        model="default-0123",
        phash="00ff00ff00ff00ff",
        exif=exif,
        facts=(
            Fact("xmp.credit", "Made \udcff", "JPEG APP1", 2, Strength.SPECIFIC, Claim.AI),
            Fact("jpeg.process", "baseline", "JPEG", None),
        ),
        notes=("one", "two"),
        error_code=ErrorCode.DAMAGED,
        error="a.png: damaged",
        unread=True,
        suppressed="known",
        extra={"label": "cat"},
    )


def test_columns_are_those_documented() -> None:
    section = DOCS.read_text(encoding="utf-8").split("\n## ")[0]
    documented = re.findall(r"^\| `(\w+)` \| (\w+) \|", section, re.MULTILINE)
    assert {name: LISTS[name] if kind == "list" else ARROW[kind] for name, kind in documented} == (
        COLUMNS
    )
    assert [name for name, _ in documented] == list(COLUMNS)


def test_error_codes_are_those_documented() -> None:
    section = DOCS.read_text(encoding="utf-8").split("## Error codes")[1].split("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \| (?!meaning)", section, re.MULTILINE) == [
        code.value for code in ErrorCode
    ]


def test_every_fact_of_a_record_has_a_column() -> None:
    nested = {"exif", "extra", "facts", "named", "cached", "stamp", "thumbnail", "looks_like"}
    facts = {field.name for field in fields(Record)} - nested | {"evidence"}
    facts |= {f"exif_{field.name}" for field in fields(Exif)}
    assert facts == set(COLUMNS)


def test_a_full_record_fills_every_column() -> None:
    row = to_row(full_record(), report_schema({"label": pa.string()}))
    assert row == {
        "path": "a.png",
        "sha256": "ab" * 32,
        "bytes": 5_000_000_000,
        "format": "PNG",
        "width": 640,
        "height": 480,
        "animated": False,
        "score": 0.75,
        "looks": 2,
        "score_first": 0.5,
        "score_second": 0.75,
        "verdict": "ai",
        "verdict_basis": "both",
        "declared": "ai",
        "declared_by": "xmp.credit",
        "declared_strength": "specific",
        "explanation": "ai: both say so.",
        "generator": "DALL-E",
        "generator_basis": "declared",
        "generator_family": "dall-e",
        "generator_score": 0.5,
        "attributions": [
            {
                "basis": "declared",
                "generator": "DALL-E",
                "family": "dall-e",
                "version": "3 \\xff",
                "score": None,
                "by": "a.key",
            },
            {
                "basis": "pixels",
                "generator": "FLUX",
                "family": "flux",
                "version": None,
                "score": 0.75,
                "by": "pixels",
            },
        ],
        "threshold": 0.5,
        "model": "default-0123",
        "phash": "00ff00ff00ff00ff",
        "exif_make": "Canon",
        "exif_model": "EOS",
        "exif_lens": "50mm",
        "exif_software": "GIMP",
        "exif_datetime_original": datetime(2024, 5, 6, 7, 8, 9),
        "exif_gps": True,
        "exif_latitude": -33.5,
        "exif_longitude": -70.25,
        "exif_width": 4000,
        "exif_height": 3000,
        "exif_orientation": 6,
        "evidence": [
            {
                "key": "xmp.credit",
                "value": "Made \\xff",
                "place": "JPEG APP1",
                "offset": 2,
                "strength": "specific",
                "claim": "ai",
            },
            {
                "key": "jpeg.process",
                "value": "baseline",
                "place": "JPEG",
                "offset": None,
                "strength": "weak",
                "claim": None,
            },
        ],
        "notes": "one; two",
        "error_code": "damaged",
        "error": "a.png: damaged",
        "unread": True,
        "path_raw": b"a\xff.png",
        "suppressed": "known",
        "label": "cat",
    }
    assert list(row) == [*COLUMNS, "label"]


def test_an_empty_record_leaves_columns_empty() -> None:
    row = to_row(Record("a.png"), report_schema({"label": pa.string()}))
    filled = {name: value for name, value in row.items() if value is not None}
    assert filled == {"path": "a.png", "verdict": "error", "unread": False}
    assert list(row) == [*COLUMNS, "label"]


def test_manifest_columns_follow_ours_with_their_types() -> None:
    schema = report_schema({"label": pa.int8(), "tag": pa.large_string()})
    assert schema.names == [*COLUMNS, "label", "tag"]
    assert schema.field("label").type == pa.int8()
    assert schema.field("tag").type == pa.large_string()
    assert report_schema({}).names == list(COLUMNS)


def test_a_manifest_column_named_like_ours_is_renamed() -> None:
    schema = report_schema({"score": pa.string(), "exif_make": pa.int64(), "make": pa.int64()})
    assert schema.names == [*COLUMNS, "manifest_score", "manifest_exif_make", "make"]
    record = Record("a.png", score=0.5, extra={"score": "high", "exif_make": 7, "make": 8})
    row = to_row(record, schema)
    assert (row["score"], row["manifest_score"]) == (0.5, "high")
    assert (row["exif_make"], row["manifest_exif_make"], row["make"]) == (None, 7, 8)


def test_a_report_used_as_a_manifest_again_and_again_loses_nothing() -> None:
    names = ["score", "manifest_score", "manifest_manifest_score", "manifest_label"]
    schema = report_schema(dict.fromkeys(names, pa.int64()))
    row = to_row(Record("a.png", extra=dict(zip(names, range(4), strict=True))), schema)
    assert [value for name, value in row.items() if name not in COLUMNS] == [0, 1, 2, 3]
    assert column_name("manifest_label") == "manifest_label"


def test_columns_of_other_manifests_stay_empty() -> None:
    schema = report_schema({"a": pa.string(), "b": pa.int64()})
    row = to_row(Record("x", extra={"b": 1, "unknown": 2}), schema)
    assert (row["a"], row["b"]) == (None, 1)
    assert "unknown" not in row


@pytest.mark.parametrize(
    ("value", "text"), [(7, "7"), (0.5, "0.5"), (True, "True"), ("x", "x"), (None, None)]
)
def test_values_of_a_column_that_became_text_are_text(value: object, text: str | None) -> None:
    row = to_row(Record("a.png", extra={"x": value}), report_schema({"x": pa.string()}))
    assert row["x"] == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("plain ü 日本 😀", "plain ü 日本 😀"),
        ("caf\udce9", "caf\\xe9"),
        ("\ud83d", "\\ud83d"),
        ("\udce9\ud800", "\\udce9\\ud800"),
        ("\udcc3\udca9", "é"),  # bytes that are UTF-8 after all
    ],
)
def test_what_is_no_text_shows_as_escapes(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned
    extra = {"label": text, text: "value"}
    schema = report_schema({"label": pa.string(), text: pa.string()})
    row = to_row(Record(text, notes=(text,), exif=Exif(make=text), extra=extra), schema)
    assert [row[name] for name in ("path", "notes", "exif_make", "label")] == [cleaned] * 4
    assert row[cleaned] == "value"


@given(any_text)
def test_cleaned_text_is_valid_and_valid_text_unchanged(text: str) -> None:
    cleaned = clean(text)
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned
    assert clean(cleaned) == cleaned
    if not any("\ud800" <= c <= "\udfff" for c in text):
        assert cleaned == text


@given(any_text, any_text)
def test_any_text_becomes_an_arrow_table(path: str, value: str) -> None:
    schema = report_schema({"x": pa.string()})
    row = to_row(Record(path, error=value, extra={"x": value}), schema)
    assert pa.Table.from_pylist([row], schema=schema).to_pylist() == [row]
