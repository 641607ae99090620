"""JSON Lines: an object a line that any parser reads."""

import json
import math
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from clipfake.errors import ErrorCode
from clipfake.records import Exif, Record, Verdict
from clipfake.report.report import Report
from clipfake.report.schema import COLUMNS


def no_constants(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def written(path: Path, *records: Record, columns: dict[str, Any] | None = None) -> list[Any]:
    with Report([path], columns or {}, {}) as report:
        for record in records:
            report.add(record)
    text = path.read_text(encoding="utf-8")
    assert text.endswith("\n") or not text
    lines = text.split("\n")[:-1]
    return [json.loads(line, parse_constant=no_constants) for line in lines]


def test_rows_read_back_with_every_column(tmp_path: Path) -> None:
    taken = datetime(2024, 5, 6, 7, 8, 9)
    exif = Exif(datetime_original=taken, gps=False, longitude=-0.5, latitude=None)
    first = Record("ü\n.png", path_raw=b"\xff", score=0.25, verdict=Verdict.AI, exif=exif, bytes=9)
    second = Record("b.png", error_code=ErrorCode.MISSING, error="b.png: no such file")
    rows = written(tmp_path / "r.jsonl", first, second)
    assert [list(row) for row in rows] == [list(COLUMNS)] * 2
    filled = [{name: v for name, v in row.items() if v is not None} for row in rows]
    assert filled == [
        {
            "path": "ü\n.png",
            "bytes": 9,
            "score": 0.25,
            "verdict": "ai",
            "exif_datetime_original": "2024-05-06T07:08:09",
            "exif_gps": False,
            "exif_longitude": -0.5,
            "unread": False,
            "path_raw": "ff",
        },
        {
            "path": "b.png",
            "verdict": "error",
            "error_code": "missing",
            "error": "b.png: no such file",
            "unread": False,
        },
    ]


def test_text_is_kept_exactly(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    assert written(path, Record("=1+1\t日本"))[0]["path"] == "=1+1\t日本"
    assert "日本".encode() in path.read_bytes()


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        (pa.int64(), -7, -7),
        (pa.bool_(), True, True),
        (pa.float64(), 1.5, 1.5),
        (pa.float64(), math.nan, None),
        (pa.float64(), math.inf, None),
        (pa.float64(), -math.inf, None),
        (pa.binary(), b"\x00\xff", "00ff"),
        (pa.date32(), date(2024, 5, 6), "2024-05-06"),
        (pa.decimal128(3, 2), Decimal("-1.50"), "-1.50"),
        (pa.string(), '{"a": 1}', '{"a": 1}'),
    ],
)
def test_manifest_values(tmp_path: Path, kind: pa.DataType, value: object, read: object) -> None:
    [row] = written(tmp_path / "r.jsonl", Record("a", extra={"x": value}), columns={"x": kind})
    assert row["x"] == read
    assert type(row["x"]) is type(read)


def test_a_report_without_rows_is_empty(tmp_path: Path) -> None:
    assert written(tmp_path / "r.jsonl") == []
    assert (tmp_path / "r.jsonl").read_bytes() == b""
