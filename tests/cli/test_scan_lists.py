"""`clipfake scan` of lists, as pipes, spreadsheets and CI jobs hand them over."""

import io
import json
import os
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clipfake.cli.app import main
from clipfake.cli.exit_codes import Exit
from clipfake.scanning import reader
from tests.sources.archives import OTHER, PICTURE, packed
from tests.sources.test_not_images import POINTER


def scan(*arguments: object) -> int:
    with pytest.raises(SystemExit) as end:
        main(["scan", *map(str, arguments), "--no-pixels", "--workers", "0"])
    assert isinstance(end.value.code, int)
    return end.value.code


def rows(report: str) -> list[dict[str, object]]:
    return pq.read_table(report).to_pylist()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "b.png", "c.png", "ä.png"):
        Path(name).write_bytes(PICTURE)
    Path("readme.md").write_text("words")
    Path("pointer.png").write_bytes(POINTER)
    Path("x.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(64))
    return tmp_path


def stdin(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


# nothing to scan


@pytest.mark.parametrize("content", [b"", b"\n\n", b"readme.md\n", b"readme.md\nreadme.md\n"])
def test_a_list_that_names_no_image_is_nothing_to_scan(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    stdin(monkeypatch, content)
    assert scan("-", "-o", "r.parquet") == Exit.FINE
    assert "nothing to scan" in capsys.readouterr().err
    assert len(rows("r.parquet")) == content.count(b"readme")
    Path("list.txt").write_bytes(content)
    assert scan("list.txt", "--fail-on", "ai,error", "--quiet") == Exit.FINE
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", ["list.csv", "list.jsonl"])
def test_an_empty_file_is_an_empty_list(here: Path, name: str) -> None:
    Path(name).touch()
    assert scan(name, "-o", "r.parquet") == Exit.FINE
    assert rows("r.parquet") == []


@pytest.mark.parametrize("name", ["gone.png", "pointer.png", "x.7z"])
def test_what_a_list_names_and_nobody_read_is_not_fine(here: Path, name: str) -> None:
    Path("list.txt").write_text(f"readme.md\n{name}\n")
    assert scan("list.txt") == Exit.NOTHING_READ


def test_a_name_that_gives_nothing_is_not_fine(here: Path) -> None:
    Path("empty").mkdir()
    Path("list.txt").touch()
    for names in (["empty"], ["readme.md"], ["list.txt", "empty"], ["x.7z"]):
        assert scan(*names) == Exit.NOTHING_READ


# rows


def test_names_of_git_and_find_are_read(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for option in ("--null", "-0"):
        stdin(monkeypatch, "a.png\0ä.png\0".encode())
        assert scan("-", option, "-o", "r.parquet") == Exit.FINE
        assert [row["path"] for row in rows("r.parquet")] == ["a.png", "ä.png"]
    stdin(monkeypatch, b'a.png\n"\\303\\244.png"\n')
    assert scan("-", "-o", "r.parquet") == Exit.FINE
    assert [row["path"] for row in rows("r.parquet")] == ["a.png", "ä.png"]
    assert scan("a.png", "--null") == Exit.USAGE


def test_a_row_without_path_is_one_error_of_the_report(here: Path) -> None:
    Path("m.csv").write_text("path;label\na.png;1\n;2\nb.png;3\n")
    Path("m.jsonl").write_text('{"path": "a.png"}\n{"path": null}\nno json\n')
    pq.write_table(pa.table({"path": ["a.png", None, "b.png"]}), "m.parquet")
    assert scan("m.csv", "m.jsonl", "m.parquet", "-o", "r.parquet", "--quiet") == Exit.FINE
    found = [(row["path"], row["error_code"], row["label"]) for row in rows("r.parquet")]
    assert found == [
        ("a.png", None, "1"),
        ("m.csv:3", "missing", "2"),
        ("b.png", None, "3"),
        ("a.png", None, None),
        ("m.jsonl:2", "missing", None),
        ("m.jsonl:3", "missing", None),
        ("a.png", None, None),
        ("m.parquet:2", "missing", None),
        ("b.png", None, None),
    ]
    assert scan("m.csv", "--fail-on", "error", "--quiet") == Exit.FOUND


def test_members_can_be_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("x.zip").write_bytes(packed({"n.tar": packed({"d/a.png": OTHER}, "tar")}, "zip"))
    assert scan("x.zip!/n.tar!/d/a.png", "a.png", "-o", "r.parquet") == Exit.FINE
    assert [row["path"] for row in rows("r.parquet")] == ["x.zip!/n.tar!/d/a.png", "a.png"]
    assert scan("r.parquet", "-o", "again.parquet") == Exit.FINE
    assert [r["sha256"] for r in rows("again.parquet")] == [r["sha256"] for r in rows("r.parquet")]
    capsys.readouterr()
    assert scan("x.zip!/n.tar!/d/b.png") == Exit.USAGE
    assert "x.zip!/n.tar!/d/b.png: no such member" in " ".join(capsys.readouterr().err.split())


# lists that are mended


def broken_off(monkeypatch: pytest.MonkeyPatch, after: int, *arguments: object) -> None:
    """A scan that is interrupted when so many files were read."""
    real, read = reader.read_item, []

    def interrupted(item: object, options: object) -> object:
        if len(read) == after:
            raise KeyboardInterrupt
        read.append(item)
        return real(item, options)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(reader, "read_item", interrupted)
        patch.setattr("clipfake.scanning.describe.CHUNK", 1)
        assert scan(*arguments) == Exit.INTERRUPTED


@pytest.mark.parametrize(
    ("mended", "kept"),
    [
        ("path,label\na.png,1\nb.png,2\nc.png,3\nä.png,4\n", 3),
        ("path,label\na.png,x\nb.png,2\nc.png,y\n", 3),
        ("path,label,note\na.png,1,n\nb.png,2,\nc.png,3,m\n", 3),
        ("path\na.png\nb.png\nc.png\n", 3),
        ("path;label\na.png;1\nb.png;2\nc.png;3\n", 3),
        ("path,label\na.png,1\nc.png,3\nb.png,2\n", 1),
        ("path,label\na.png,1\n", 1),
        ("path,label\nb.png,2\n", 0),
    ],
)
def test_a_mended_list_goes_on_with_rows_that_are_the_same(
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    mended: str,
    kept: int,
) -> None:
    Path("m.csv").write_text("path,label\na.png,1\nb.png,2\nc.png,3\n,4\n")
    broken_off(monkeypatch, 3, "m.csv", "-o", "r.parquet")
    Path("m.csv").write_text(mended)
    os.utime("m.csv", ns=(1, 1))
    assert scan("m.csv", "-o", "whole.parquet") == Exit.FINE
    real, read = reader.read_item, []
    monkeypatch.setattr(
        reader, "read_item", lambda item, options: read.append(item) or real(item, options)
    )
    capsys.readouterr()
    assert scan("m.csv", "-o", "r.parquet", "--json") == Exit.FINE
    assert "m.csv changed since; rows of the same paths are kept" in caplog.text
    assert pq.read_table("r.parquet").equals(pq.read_table("whole.parquet"))
    assert len(read) == len(rows("whole.parquet")) - kept
    assert json.loads(capsys.readouterr().out)["files"] == len(rows("whole.parquet"))
    assert not list(here.glob("*.journal*"))


def test_a_mended_list_can_be_broken_off_again(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("m.csv").write_text("path,label\na.png,1\nb.png,2\nc.png,3\nä.png,4\n")
    broken_off(monkeypatch, 2, "m.csv", "-o", "r.parquet")
    Path("m.csv").write_text("path,label,n\na.png,5,x\nb.png,6,y\nc.png,7,z\nä.png,8,w\n")
    broken_off(monkeypatch, 1, "m.csv", "-o", "r.parquet")
    assert scan("m.csv", "-o", "r.parquet") == Exit.FINE
    assert [(row["label"], row["n"]) for row in rows("r.parquet")] == [
        ("5", "x"),
        ("6", "y"),
        ("7", "z"),
        ("8", "w"),
    ]


def test_another_option_is_another_scan_and_told(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("m.csv").write_text("path\na.png\nb.png\n")
    broken_off(monkeypatch, 1, "m.csv", "-o", "r.parquet")
    Path("m.csv").write_text("path\na.png\nc.png\n")
    capsys.readouterr()
    assert scan("m.csv", "-o", "r.parquet", "--max-bytes", "99999") == Exit.USAGE
    error = " ".join(capsys.readouterr().err.split())
    assert "is of another scan (different: max_bytes was 1073741824, is 99999)" in error
