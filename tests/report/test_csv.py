"""CSV: cells, quoting, and no formulas."""

import codecs
import csv
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipfake.records import Exif, Record, Verdict
from clipfake.report.csv import cell
from clipfake.report.report import Report
from clipfake.report.schema import COLUMNS
from clipfake.sources.manifest import Manifest

FORMULA_STARTS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"


def written(path: Path, *records: Record, columns: dict[str, pa.DataType] | None = None) -> bytes:
    with Report([path], columns or {}, {}) as report:
        for record in records:
            report.add(record)
    return path.read_bytes()


def parsed(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, strict=True))


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_text_that_would_run_gets_a_quote(start: str) -> None:
    assert cell(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"
    assert cell(start) == f"'{start}"


@pytest.mark.parametrize("text", ["", "a=1", " =1", "'=1", "1+1", "user@host", "a-b", "ü"])
def test_other_text_is_untouched(text: str) -> None:
    assert cell(text) == text


@given(st.text())
def test_no_text_cell_starts_a_formula(text: str) -> None:
    assert not cell(text).startswith(tuple(FORMULA_STARTS))
    assert cell(text).removeprefix("'") == text.removeprefix("'")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-5, "-5"),
        (-70.25, "-70.25"),
        (1e-9, "1e-09"),
        (Decimal("-1.50"), "-1.50"),
        (b"-\xff", "2dff"),
        (datetime(2024, 5, 6, 7, 8, 9), "2024-05-06T07:08:09"),
        (date(2024, 5, 6), "2024-05-06"),
        (timedelta(seconds=-1), "'-1 day, 23:59:59"),
    ],
)
def test_other_values(value: object, text: str) -> None:
    assert cell(value) == text


@given(st.one_of(st.integers(), st.floats(allow_nan=False)))
def test_numbers_stay_numbers(value: float) -> None:
    assert float(cell(value)) == pytest.approx(value)
    assert type(value)(cell(value)) == value


def test_a_row_reads_back(tmp_path: Path) -> None:
    exif = Exif(make="=Canon", gps=True, latitude=-33.5, longitude=-70.25)
    record = Record(
        '-o,"x"\n.png',
        score=0.25,
        verdict=Verdict.REAL,
        exif=exif,
        path_raw=b"\xff",
        extra={"label": "@SUM(A1)", "n": -3},
    )
    columns = {"label": pa.string(), "n": pa.int64()}
    data = written(tmp_path / "r.csv", record, columns=columns)
    [row] = parsed(tmp_path / "r.csv")
    assert list(row) == [*COLUMNS, "label", "n"]
    filled = {name: value for name, value in row.items() if value}
    assert filled == {
        "path": '\'-o,"x"\n.png',
        "score": "0.25",
        "verdict": "real",
        "exif_make": "'=Canon",
        "exif_gps": "true",
        "exif_latitude": "-33.5",
        "exif_longitude": "-70.25",
        "unread": "false",
        "path_raw": "ff",
        "label": "'@SUM(A1)",
        "n": "-3",
    }
    assert b'"\'-o,""x""\n.png"' in data


def test_column_names_run_neither(tmp_path: Path) -> None:
    name = "=HYPERLINK(A1)"
    written(tmp_path / "r.csv", Record("a", extra={name: "x"}), columns={name: pa.string()})
    assert parsed(tmp_path / "r.csv")[0]["'=HYPERLINK(A1)"] == "x"


def test_lines_end_with_crlf_and_the_header_comes_once(tmp_path: Path) -> None:
    data = written(tmp_path / "r.csv", Record("ü.png"), Record("b.png"))
    assert data.startswith(codecs.BOM_UTF8)
    assert data.count(codecs.BOM_UTF8) == 1
    lines = data.decode("utf-8-sig").split("\r\n")
    assert lines[0] == ",".join(COLUMNS)
    assert [line.split(",")[0] for line in lines[1:]] == ["ü.png", "b.png", ""]
    assert data.count(b"\n") == 3


def test_a_report_without_rows_is_a_header(tmp_path: Path) -> None:
    assert written(tmp_path / "r.csv") == (",".join(COLUMNS) + "\r\n").encode("utf-8-sig")


@pytest.mark.parametrize("path", ["ü.png", "plain.png"])
def test_a_report_is_a_manifest_whose_first_column_is_path(tmp_path: Path, path: str) -> None:
    written(tmp_path / "r.csv", Record(path, score=0.5))
    manifest = Manifest(str(tmp_path / "r.csv"))
    assert list(manifest.columns) == [name for name in COLUMNS if name != "path"]
    [item] = manifest
    assert (Path(item.path).name, item.extra["score"]) == (path, "0.5")


@given(path=st.text(), label=st.text())
def test_any_text_survives(tmp_path_factory: pytest.TempPathFactory, path: str, label: str) -> None:
    target = tmp_path_factory.getbasetemp() / "any.csv"
    written(target, Record(path, extra={"label": label}), columns={"label": pa.string()})
    [row] = parsed(target)
    assert (row["path"], row["label"]) == (cell(path), cell(label))
