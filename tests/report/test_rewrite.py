"""An earlier report as a page, a site or in other formats."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clipfake.errors import UsageError
from clipfake.report.reviews import Reviews
from clipfake.report.rewrite import rewrite_report
from clipfake.report.schema import COLUMNS
from tests.report.page.parsed import Parsed
from tests.report.page.rows import ABOUT, record, telling, thumbnail, written


@pytest.fixture
def report(tmp_path: Path) -> Path:
    records = [record(0, 0.95), record(1, 0.5), record(2, None), telling(3, "x")]
    return written(tmp_path / "scan.parquet", records)


def test_a_report_becomes_the_page_that_its_scan_would_have_made(
    report: Path, tmp_path: Path
) -> None:
    records = [record(0, 0.95), record(1, 0.5), record(2, None), telling(3, "x")]
    assert rewrite_report(report, [tmp_path / "b.html"]) == 4
    at_once, later = Parsed(written(tmp_path / "a.html", records)), Parsed(tmp_path / "b.html")
    assert later.data == at_once.data
    assert "report that this page is of" in later.texts


def test_every_format_can_be_had(report: Path, tmp_path: Path) -> None:
    endings = ("parquet", "csv", "jsonl", "html", "site")
    rewrite_report(report, [tmp_path / f"b.{ending}" for ending in endings])
    assert pq.read_table(tmp_path / "b.parquet").to_pylist() == pq.read_table(report).to_pylist()
    about = json.loads(pq.read_schema(tmp_path / "b.parquet").metadata[b"clipfake"])
    assert about["started"] == ABOUT["started"]


def test_reviews_stand_beside_and_change_nothing(report: Path, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(
        f"path,sha256,decision,note,who,when\nx,{0:064x},cleared,<b>seen</b>,Ann,today\n"
    )
    reviews = Reviews()
    reviews.read(tmp_path / "r.csv")
    outputs = [tmp_path / f"b.{ending}" for ending in ("html", "csv", "jsonl", "parquet")]
    rewrite_report(report, outputs, reviews=reviews)
    before, after = pq.read_table(report).to_pylist(), pq.read_table(outputs[3]).to_pylist()
    given = {"decision": "cleared", "note": "<b>seen</b>", "who": "Ann", "when": "today"}
    assert [row.pop("reviews") for row in after] == [[given], None, None, None]
    assert after == before
    assert "cleared by Ann, today: <b>seen</b>" in Parsed(outputs[0]).texts
    assert json.loads(outputs[2].read_text().splitlines()[0])["reviews"] == [given]
    assert '""note"": ""<b>seen</b>""' in outputs[1].read_text("utf-8-sig")
    # and once more, from a report that has reviews already
    rewrite_report(outputs[3], [tmp_path / "c.html"], reviews=reviews)
    assert Parsed(tmp_path / "c.html").texts.count("by Ann, today") == 1


def test_pictures_are_found_for_what_is_kept(report: Path, tmp_path: Path) -> None:
    rewrite_report(
        report,
        [tmp_path / "b.html"],
        pictures=lambda rows, side=0: iter([thumbnail()] + [None] * (len(rows) - 1)),
    )
    assert len(Parsed(tmp_path / "b.html").named("img")) == 1


def test_a_report_without_the_newer_columns_is_shown(report: Path, tmp_path: Path) -> None:
    table = pq.read_table(report)
    generators = [name for name in COLUMNS if "generator" in name or name == "attributions"]
    absent = ["phash", "unread", "verdict_basis", "evidence", "exif_make", *generators]
    older = table.drop_columns(absent)
    pq.write_table(older, tmp_path / "old.parquet")
    outputs = [tmp_path / f"b.{ending}" for ending in ("html", "parquet", "csv", "sarif", "md")]
    rewrite_report(tmp_path / "old.parquet", outputs)
    assert len(Parsed(tmp_path / "b.html").data["details"]) == 4
    rewritten = pq.read_table(tmp_path / "b.parquet")
    assert rewritten.schema.names == [*COLUMNS, "caption"]
    assert rewritten["generator"].null_count == rewritten["attributions"].null_count == 4


def test_columns_of_a_newer_report_are_shown_as_they_are(report: Path, tmp_path: Path) -> None:
    table = pq.read_table(report)
    newer = table.append_column("hue", pa.array(["red"] * 4))
    pq.write_table(newer, tmp_path / "new.parquet")
    rewrite_report(tmp_path / "new.parquet", [tmp_path / "b.html"])
    assert ["hue", "red"] in Parsed(tmp_path / "b.html").data["details"][0]["extra"]


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("score", pa.array(["high"] * 4), "its column 'score' is string, not float"),
        ("path", pa.array([1, 2, 3, 4]), "its column 'path' is int64, not string"),
        ("evidence", pa.array([[1]] * 4), "its column 'evidence' is list"),
        ("verdict", None, "has no column 'verdict'; give the report of a scan"),
    ],
)
def test_a_report_of_other_columns_is_refused(
    report: Path, tmp_path: Path, column: str, values: pa.Array | None, said: str
) -> None:
    table = pq.read_table(report)
    place = table.schema.get_field_index(column)
    table = (
        table.remove_column(place) if values is None else table.set_column(place, column, values)
    )
    pq.write_table(table, tmp_path / "odd.parquet")
    with pytest.raises(UsageError) as caught:
        rewrite_report(tmp_path / "odd.parquet", [tmp_path / "b.html"])
    assert said in str(caught.value)
    assert not (tmp_path / "b.html").exists()


def test_values_that_no_scan_writes_are_shown_as_they_are(report: Path, tmp_path: Path) -> None:
    rows = pq.read_table(report).to_pylist()
    rows[0] |= {"verdict": "maybe", "score": float("nan"), "path": None, "sha256": "zz"}
    rows[1] |= {"score": 7.5, "threshold": float("inf"), "error_code": "burnt", "phash": "q"}
    rows[2] |= {"score": -1e30, "bytes": -5, "declared": "x", "verdict_basis": "y", "format": ""}
    schema = pq.read_schema(report)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), tmp_path / "odd.parquet")
    rewrite_report(tmp_path / "odd.parquet", [tmp_path / "b.html", tmp_path / "b.site"])
    assert len(Parsed(tmp_path / "b.html").data["details"]) == 4
