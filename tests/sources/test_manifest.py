"""Manifests: paths and columns out of text, CSV, JSON Lines and Parquet."""

import io
import json
import os
import sys
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clipfake.errors import ErrorCode, UsageError
from clipfake.sources import Item
from clipfake.sources.lists.row import MOST_NAME
from clipfake.sources.manifest import Manifest, is_manifest


def manifest(folder: Path, name: str, content: str | bytes) -> Manifest:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return Manifest(str(path))


def parquet(folder: Path, columns: dict[str, Any]) -> Manifest:
    pq.write_table(pa.table(columns), folder / "m.parquet")
    return Manifest(str(folder / "m.parquet"))


def names(items: Manifest, folder: Path) -> list[str]:
    return [os.path.relpath(item.path, folder) for item in items]


def extras(items: Manifest) -> list[dict[str, Any]]:
    return [item.extra for item in items]


def refusal(folder: Path, name: str, content: str | bytes) -> str:
    """The one line that a user reads, less the folder."""
    with pytest.raises(UsageError) as caught:
        list(manifest(folder, name, content))
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{folder}/")


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("-", True),
        ("a.txt", True),
        ("a.CSV", True),
        ("dir/a.jsonl", True),
        ("a.Parquet", True),
        ("a.json", False),
        ("a.png", False),
        ("txt", False),
    ],
)
def test_the_ending_tells_a_manifest(name: str, is_one: bool) -> None:
    assert is_manifest(name) is is_one


CONTENTS: dict[str, str] = {
    "m.txt": "a.png\nsub/b.png\n/far/c.png\n../d.png\n",
    "m.csv": "path\na.png\nsub/b.png\n/far/c.png\n../d.png\n",
    "m.jsonl": "".join(
        f'{{"path": "{path}"}}\n' for path in ("a.png", "sub/b.png", "/far/c.png", "../d.png")
    ),
}


@pytest.mark.parametrize("name", [*CONTENTS, "m.parquet"])
def test_relative_paths_start_at_the_manifests_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = tmp_path / "lists"
    folder.mkdir()
    paths = ["a.png", "sub/b.png", "/far/c.png", "../d.png"]
    if name in CONTENTS:
        items = manifest(folder, name, CONTENTS[name])
    else:
        items = parquet(folder, {"path": paths})
    assert items.columns == {}
    expected = [
        f"{folder}/a.png",
        f"{folder}/sub/b.png",
        "/far/c.png",
        f"{folder}/../d.png",
    ]
    assert [item.path for item in items] == expected
    monkeypatch.chdir(folder)
    assert [item.path for item in Manifest(name)] == paths


def test_a_manifest_can_be_read_twice(tmp_path: Path) -> None:
    items = manifest(tmp_path, "m.txt", "a\nb\n")
    assert list(items) == list(items)
    assert len(list(items)) == 2


@pytest.mark.parametrize("name", list(CONTENTS))
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_bom_line_ends_and_blank_lines_do_not_matter(
    tmp_path: Path, name: str, ending: str
) -> None:
    text = "\ufeff" + CONTENTS[name].replace("\n", ending + ending).rstrip()
    plain = [item.path for item in manifest(tmp_path, "plain-" + name, CONTENTS[name])]
    assert [item.path for item in manifest(tmp_path, name, text)] == plain


def test_text_keeps_spaces_and_commas_of_names(tmp_path: Path) -> None:
    items = manifest(tmp_path, "m.TXT", " a, b .png\n#c.png\n")
    assert [item.path for item in items] == [f"{tmp_path}/ a, b .png", f"{tmp_path}/#c.png"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("m.txt", b"caf\xe9.png\n"),
        ("m.csv", b"path\ncaf\xe9.png\n"),
        ("m.jsonl", b'{"path": "caf\xe9.png"}\n'),
        ("escaped.jsonl", b'{"path": "caf\\udce9.png"}\n'),
    ],
)
def test_names_that_are_no_utf8_reach_the_file(tmp_path: Path, name: str, content: bytes) -> None:
    [item] = manifest(tmp_path, name, content)
    assert os.fsencode(item.path) == os.fsencode(tmp_path) + b"/caf\xe9.png"


@pytest.mark.parametrize("name", ["m.txt", "m.jsonl", "m.csv"])
def test_an_empty_manifest_has_no_items(tmp_path: Path, name: str) -> None:
    assert list(manifest(tmp_path, name, "")) == []


# --- columns


def test_csv_columns_are_text(tmp_path: Path) -> None:
    content = 'label,path,note\n1,a.png,"two\nlines, and ""quotes"""\n,b.png\n'
    items = manifest(tmp_path, "m.csv", content)
    assert items.columns == {"label": pa.string(), "note": pa.string()}
    assert names(items, tmp_path) == ["a.png", "b.png"]
    assert extras(items) == [
        {"label": "1", "note": 'two\nlines, and "quotes"'},
        {"label": "", "note": None},
    ]


def test_csv_cells_without_a_name_are_dropped(tmp_path: Path) -> None:
    items = manifest(tmp_path, "m.csv", "path,\na.png,x,y,z\n")
    assert items.columns == {}
    assert extras(items) == [{}]


@pytest.mark.parametrize(
    ("values", "kind", "read"),
    [
        (["1", "-2"], pa.int64(), [1, -2]),
        (["1", "2.5"], pa.float64(), [1.0, 2.5]),
        (["true", "null"], pa.bool_(), [True, None]),
        (['"x"', '"é"'], pa.string(), ["x", "é"]),
        (["1", '"x"'], pa.string(), ["1", "x"]),
        (["1.5", "true"], pa.string(), ["1.5", "true"]),
        (["1", "true"], pa.string(), ["1", "true"]),
        (['{"a": [1, "é"]}', "[]"], pa.string(), ['{"a": [1, "é"]}', "[]"]),
        (["[1, null]", "2"], pa.string(), ["[1, null]", "2"]),
        ([str(2**63 - 1), str(-(2**63))], pa.int64(), [2**63 - 1, -(2**63)]),
        ([str(2**63), "1"], pa.string(), [str(2**63), "1"]),
        ([str(2**53 + 1), "0.5"], pa.float64(), [float(2**53), 0.5]),
    ],
)
def test_jsonl_columns_have_a_type_that_holds_every_value(
    tmp_path: Path, values: list[str], kind: pa.DataType, read: list[object]
) -> None:
    lines = [f'{{"path": "{row}", "x": {value}}}' for row, value in enumerate(values)]
    items = manifest(tmp_path, "m.jsonl", "\n".join(lines))
    assert items.columns == {"x": kind}
    found = [row["x"] for row in extras(items)]
    assert found == read
    assert [type(value) for value in found] == [type(value) for value in read]
    assert pa.array(found, kind).to_pylist() == read


def test_jsonl_rows_may_lack_columns(tmp_path: Path) -> None:
    lines = '{"path": "a", "x": 1}\n{"y": "q", "path": "b"}\n{"path": "c", "z": null}\n'
    items = manifest(tmp_path, "m.jsonl", lines)
    assert items.columns == {"x": pa.int64(), "y": pa.string()}
    assert extras(items) == [{"x": 1, "y": None}, {"x": None, "y": "q"}, {"x": None, "y": None}]


MOMENT = datetime(2024, 5, 6, 7, 8, 9, 123456)


@pytest.mark.parametrize(
    ("column", "kind", "read"),
    [
        (pa.array([7], pa.int8()), pa.int8(), 7),
        (pa.array([2**64 - 1], pa.uint64()), pa.uint64(), 2**64 - 1),
        (pa.array([0.5], pa.float32()), pa.float32(), 0.5),
        (pa.array([Decimal("-1.50")]), pa.decimal128(3, 2), Decimal("-1.50")),
        (pa.array([b"\xff"]), pa.binary(), b"\xff"),
        (pa.array(["x"], pa.large_string()), pa.large_string(), "x"),
        (pa.array(["x"]).dictionary_encode(), pa.string(), "x"),
        (pa.array([[1, 2]]), pa.string(), "[1, 2]"),
        (pa.array([{"a": "é"}]), pa.string(), '{"a": "é"}'),
        (pa.array([MOMENT]), pa.timestamp("us"), MOMENT),
        (
            pa.array([MOMENT.replace(tzinfo=timezone.utc)], pa.timestamp("us", "UTC")),
            pa.timestamp("us", "UTC"),
            MOMENT.replace(tzinfo=timezone.utc),
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, pa.DataType) else "",
)
def test_parquet_columns_keep_their_type(
    tmp_path: Path, column: pa.Array, kind: pa.DataType, read: object
) -> None:
    items = parquet(tmp_path, {"x": column, "path": ["a.png"]})
    assert items.columns == {"x": kind}
    assert names(items, tmp_path) == ["a.png"]
    assert extras(items) == [{"x": read}]
    assert pa.array([read], kind).to_pylist() == [read]


@pytest.mark.parametrize(
    ("kind", "coarse"),
    [
        (pa.timestamp("ns"), pa.timestamp("us")),
        (pa.timestamp("ns", "UTC"), pa.timestamp("us", "UTC")),
        (pa.time64("ns"), pa.time64("us")),
        (pa.duration("ns"), pa.duration("us")),
    ],
    ids=str,
)
def test_parquet_nanoseconds_become_microseconds(
    tmp_path: Path, kind: pa.DataType, coarse: pa.DataType
) -> None:
    columns = {"path": ["a", "b"], "x": pa.array([1_234_567, None], kind), "y": [1, 2]}
    items = parquet(tmp_path, columns)
    assert items.columns == {"x": coarse, "y": pa.int64()}
    found = extras(items)
    assert pa.array([row["x"] for row in found], coarse).cast(pa.int64()).to_pylist() == [
        1234,
        None,
    ]
    assert [row["y"] for row in found] == [1, 2]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary("int8", "string")])
def test_parquet_paths_may_be_any_text(tmp_path: Path, kind: pa.DataType) -> None:
    items = parquet(tmp_path, {"path": pa.array(["a", "b", "a"]).cast(kind)})
    assert names(items, tmp_path) == ["a", "b", "a"]


# --- refusals: one line that names the place


def test_a_missing_path_column_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, "m.csv", "file,label\na,1\n") == (
        "m.csv: no column named 'path' (columns: file, label; delimiter ','); rename the column"
    )
    assert refusal(tmp_path, "m.csv", "file;a,b;label\n") == (
        "m.csv: no column named 'path' (columns: file, a,b, label; delimiter ';'); "
        "rename the column"
    )
    assert refusal(tmp_path, "m.jsonl", '{"file": "a", "label": 1}\n') == (
        "m.jsonl: no column named 'path' (columns: file, label); rename the column"
    )
    with pytest.raises(UsageError, match=r"m\.parquet: no column named 'path' .*Path.*; rename"):
        parquet(tmp_path, {"Path": ["a"]})


def faults(items: Manifest) -> list[tuple[str, str | None]]:
    """Name and problem of each row."""
    for item in items:
        assert not item.named
        assert item.problem is None or item.problem.code is ErrorCode.MISSING
    return [
        (os.path.basename(item.path), None if item.problem is None else str(item.problem))
        for item in items
    ]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("{", "not JSON"),
        ("{'path': 'a'}", "not JSON"),
        ('{"path": "a", "x": ' + "[" * 20_000, "not JSON"),
        ('{"path": "a", "x": ' + "1" * 5_000 + "}", "not JSON"),
        ('"a.png"', "not an object"),
        ('["path"]', "not an object"),
        ('{"label": 1}', "no path in this row"),
        ('{"path": null}', "no path in this row"),
        ('{"path": 7}', "the 'path' of this row is no text"),
        ('{"path": ""}', "no path in this row"),
        ('{"path": " "}', "no path in this row"),
    ],
    ids=lambda text: text[:24],
)
def test_a_bad_line_of_jsonl_is_a_row_with_a_fault(tmp_path: Path, bad: str, reason: str) -> None:
    good = '{"path": "a", "label": 1}'
    items = manifest(tmp_path, "m.jsonl", f"{good}\n\n{bad}\n{good}\n")
    (_, first), (name, fault), (_, last) = faults(items)
    assert (first, name, last) == (None, "m.jsonl:3", None)
    assert str(fault).startswith(reason)
    assert "\n" not in str(fault)


@pytest.mark.parametrize("content", ["[\n{}\n]", "a.png\n", '{"path"'])
def test_what_is_no_jsonl_at_all_is_refused(tmp_path: Path, content: str) -> None:
    assert refusal(tmp_path, "m.jsonl", content).startswith("m.jsonl:1: not ")


def test_a_csv_row_without_path_is_a_row_with_a_fault(tmp_path: Path) -> None:
    content = 'label,path\n1,a.png\n2\n3,\n4," "\n\n5,b.png\n'
    items = manifest(tmp_path, "m.csv", content)
    fault = "no path in this row; write one under 'path', or delete the row"
    assert faults(items) == [
        ("a.png", None),
        *((f"m.csv:{number}", fault) for number in (3, 4, 5)),
        ("b.png", None),
    ]
    assert [item.extra["label"] for item in items] == list("12345")


@pytest.mark.parametrize("bad", [None, "", "\t"])
def test_a_parquet_row_without_path_is_a_row_with_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad: str | None
) -> None:
    monkeypatch.setattr("clipfake.sources.lists.parquet_rows.BATCH_ROWS", 2)
    items = parquet(tmp_path, {"path": ["a", "b", bad, "d"], "x": [1, 2, 3, 4]})
    fault = "no path in this row; write one under 'path', or delete the row"
    assert faults(items) == [("a", None), ("b", None), ("m.parquet:3", fault), ("d", None)]
    assert [row["x"] for row in extras(items)] == [1, 2, 3, 4]


@pytest.mark.parametrize("content", [b"", b"path\na.png\n", b"PAR1 and no more PAR1"])
def test_a_broken_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    assert refusal(tmp_path, "m.parquet", content).startswith(
        "m.parquet: manifest cannot be read ("
    )


def test_a_parquet_of_a_type_that_arrow_does_not_know_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # as the schema of a damaged file can ask for
    def unknown(*_: object, **__: object) -> pa.Schema:
        raise pa.ArrowNotImplementedError("Integers with more than 64 bits not implemented")

    (tmp_path / "m.parquet").write_bytes(b"PAR1")
    monkeypatch.setattr("clipfake.sources.parquet.pq.read_schema", unknown)
    with pytest.raises(UsageError, match=r"m\.parquet: manifest cannot be read \(Integers with"):
        Manifest(str(tmp_path / "m.parquet"))


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_path_longer_than_any_is_a_row_with_a_fault(tmp_path: Path, suffix: str) -> None:
    paths = ["a", "b" * (MOST_NAME + 1), "c" * MOST_NAME]
    if suffix == "parquet":
        items = parquet(tmp_path, {"path": paths})
    else:
        lines = ["path", *paths] if suffix == "csv" else [json.dumps({"path": p}) for p in paths]
        items = manifest(tmp_path, f"m.{suffix}", "\n".join(lines))
    (_, first), (name, fault), (_, last) = faults(items)
    assert (first, last) == (None, None)
    assert name == {"csv": "m.csv:3", "jsonl": "m.jsonl:2", "parquet": "m.parquet:2"}[suffix]
    assert fault == "the 'path' of this row is longer than any path; write one there"


def test_times_beyond_the_calendar_are_refused(tmp_path: Path) -> None:
    items = parquet(tmp_path, {"path": ["a"], "x": pa.array([10**12], pa.timestamp("s"))})
    with pytest.raises(UsageError, match=r"m\.parquet: manifest cannot be read"):
        list(items)


@pytest.mark.parametrize("name", ["m.csv", "m.jsonl", "m.parquet"])
def test_a_manifest_that_is_gone_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="No such file"):
        Manifest(str(tmp_path / name))


def test_a_manifest_that_goes_away_is_refused(tmp_path: Path) -> None:
    items = manifest(tmp_path, "m.txt", "a\n")
    (tmp_path / "m.txt").unlink()
    with pytest.raises(UsageError, match=r"m\.txt: manifest cannot be read \(No such file"):
        list(items)


# --- streaming


def test_rows_come_before_later_ones_are_read(tmp_path: Path) -> None:
    items = manifest(tmp_path, "m.csv", "path\na.png\n" + "b.png\n" * 9000)
    rows = iter(items)
    assert next(rows) == Item(f"{tmp_path}/a.png")
    with open(tmp_path / "m.csv", "a") as file:
        file.write("c.png\n" * 100_000)
    assert sum(1 for _ in rows) == 109_000


def test_parquet_rows_come_before_later_ones_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clipfake.sources.lists.parquet_rows.BATCH_ROWS", 2)
    late = pa.array([0, 0, 10**12], pa.timestamp("s"))
    rows = iter(parquet(tmp_path, {"path": ["a", "b", "c"], "x": late}))
    assert [next(rows).path, next(rows).path] == [f"{tmp_path}/a", f"{tmp_path}/b"]
    with pytest.raises(UsageError, match="cannot be read"):
        next(rows)


# --- standard input


def stdin(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))


def test_paths_on_standard_input_start_where_the_user_is(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin(monkeypatch, "\ufeffa.png\r\n\n/far/é b.png\n".encode())
    items = Manifest("-")
    assert items.columns == {}
    assert list(items) == [Item("a.png"), Item("/far/é b.png")]


def test_standard_input_takes_names_that_are_no_utf8(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin(monkeypatch, b"caf\xe9.png\n")
    [item] = Manifest("-")
    assert os.fsencode(item.path) == b"caf\xe9.png"


def test_standard_input_may_be_any_text_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("a.png\nb.png\n"))
    assert [item.path for item in Manifest("-")] == ["a.png", "b.png"]


def test_standard_input_is_streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as source, os.fdopen(writing, "wb", buffering=0) as sink:
        monkeypatch.setattr(sys, "stdin", source)
        sink.write(b"a.png\n")
        items = iter(Manifest("-"))
        assert next(items).path == "a.png"  # while the writer is still at it
