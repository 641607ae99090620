"""Parquet: types, metadata, compression and row groups."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clipfake.records import Exif, Record, Verdict
from clipfake.report.report import Report
from clipfake.report.schema import COLUMNS, report_schema, to_row
from clipfake.sources import Selection, Sources


def written(
    path: Path,
    *records: Record,
    columns: dict[str, Any] | None = None,
    about: dict[str, Any] | None = None,
) -> pq.ParquetFile:
    with Report([path], columns or {}, about or {}) as report:
        for record in records:
            report.add(record)
    return pq.ParquetFile(path)


def test_rows_read_back_with_their_types(tmp_path: Path) -> None:
    exif = Exif(datetime_original=datetime(2024, 5, 6, 7, 8, 9), gps=True, longitude=-70.25)
    record = Record(
        "=a\n.png",
        path_raw=b"\xff",
        bytes=2**40,
        score=0.25,
        verdict=Verdict.INCONCLUSIVE,
        exif=exif,
        extra={"label": "cat", "n": -3},
    )
    columns = {"label": pa.string(), "n": pa.int8()}
    table = written(tmp_path / "r.parquet", record, Record("b"), columns=columns).read()
    schema = report_schema(columns)
    # Parquet knows no seconds
    stored = [pa.timestamp("ms") if kind == pa.timestamp("s") else kind for kind in schema.types]
    assert (table.schema.names, table.schema.types) == (schema.names, stored)
    assert table.to_pylist() == [to_row(record, schema), to_row(Record("b"), schema)]
    assert table["path"].to_pylist() == ["=a\n.png", "b"]
    assert table["exif_longitude"].to_pylist() == [-70.25, None]


def test_a_time_within_the_second_is_no_obstacle(tmp_path: Path) -> None:
    exif = Exif(datetime_original=datetime(2024, 5, 6, 7, 8, 9, 999999))
    table = written(tmp_path / "r.parquet", Record("a", exif=exif)).read()
    assert table["exif_datetime_original"].to_pylist() == [datetime(2024, 5, 6, 7, 8, 9)]


def test_metadata_says_what_made_it(tmp_path: Path) -> None:
    about = {"clipfake": "1.0", "options": {"fpr": 0.01, "paths": ["ü", "\udcff"]}, "none": None}
    written(tmp_path / "r.parquet", Record("a"), about=about)
    metadata = pq.read_schema(tmp_path / "r.parquet").metadata
    assert json.loads(metadata[b"clipfake"]) == about


def test_columns_are_compressed_with_zstd(tmp_path: Path) -> None:
    group = written(tmp_path / "r.parquet", Record("a")).metadata.row_group(0)
    codecs = {group.column(index).compression for index in range(group.num_columns)}
    assert codecs == {"ZSTD"}
    # a column of the file for each field
    nested = sum(COLUMNS[n].value_type.num_fields - 1 for n in ("evidence", "attributions"))
    assert group.num_columns == len(COLUMNS) + nested


@pytest.mark.parametrize(
    ("rows", "groups"), [(0, []), (2, [2]), (3, [3]), (4, [3, 1]), (7, [3, 3, 1])]
)
def test_rows_are_written_in_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, groups: list[int]
) -> None:
    monkeypatch.setattr("clipfake.report.report.ROWS_A_GROUP", 3)
    file = written(tmp_path / "r.parquet", *(Record(str(row)) for row in range(rows)))
    metadata = file.metadata
    sizes = [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)]
    assert sizes == groups
    assert file.read()["path"].to_pylist() == [str(row) for row in range(rows)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("m.csv", "path,label,score\na,x,\nb,,2\n"),
        (
            "m.jsonl",
            '{"path": "a", "big": 18446744073709551615, "mix": 9007199254740993, "t": [1]}\n'
            '{"path": "\\ud800", "big": 1, "mix": 0.5, "t": "\\udfff", "score": true}\n',
        ),
    ],
)
def test_whatever_a_manifest_holds_can_be_written(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    sources = Sources([tmp_path / name], Selection())
    records = [Record(item.text, path_raw=item.raw, extra=item.extra) for item in sources]
    table = written(tmp_path / "r.parquet", *records, columns=sources.columns).read()
    assert table.num_rows == 2
    if name == "m.csv":
        assert table["label"].to_pylist() == ["x", ""]
        assert table["manifest_score"].to_pylist() == ["", "2"]
    else:
        assert table["path"].to_pylist() == [f"{tmp_path}/a", f"{tmp_path}/\\ud800"]
        assert table["big"].to_pylist() == ["18446744073709551615", "1"]
        assert table["mix"].to_pylist() == [float(2**53), 0.5]
        assert table["t"].to_pylist() == ["[1]", "\\udfff"]
        assert table["manifest_score"].to_pylist() == [None, True]


def test_a_report_can_be_a_manifest(tmp_path: Path) -> None:
    written(
        tmp_path / "first.parquet",
        Record("a", score=0.25, extra={"n": 1}),
        columns={"n": pa.int8()},
    )
    sources = Sources([tmp_path / "first.parquet"], Selection())
    records = [Record(item.text, score=0.75, extra=item.extra) for item in sources]
    [row] = (
        written(tmp_path / "second.parquet", *records, columns=sources.columns).read().to_pylist()
    )
    assert (row["score"], row["manifest_score"], row["n"]) == (0.75, 0.25, 1)
    assert row["path"] == f"{tmp_path}/a"
