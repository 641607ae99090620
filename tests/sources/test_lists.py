"""Lists as programs write them: encodings, delimiters, quotes, zero bytes, and hostile ones."""

import codecs
import csv
import io
import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipfake.errors import ErrorCode, UsageError
from clipfake.sources import Item, Selection, Sources
from clipfake.sources.lists.names import unquoted
from clipfake.sources.lists.row import MOST_NAME
from clipfake.sources.lists.text import lines, open_text, zero_separated
from clipfake.sources.manifest import Manifest
from tests.conftest import PATIENCE


@pytest.fixture(autouse=True)
def cheap(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test here is held to seconds."""
    start = time.monotonic()
    yield
    assert time.monotonic() - start < PATIENCE, request.node.name


def listed(path: Path, content: bytes, *, null: bool = False) -> list[Item]:
    path.write_bytes(content)
    return list(Manifest(str(path), null=null))


def names(items: list[Item]) -> list[str]:
    return [os.path.basename(item.path) for item in items]


# encodings

MARKS = {
    "utf-8": b"",
    "utf-8-sig": b"",
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
}
TEXTS = {
    "m.txt": "é.png\nb 日本.png\n\nc.png",
    "m.csv": "path,label\né.png,ü\nb 日本.png,\n\nc.png,1",
    "m.jsonl": '{"path": "é.png", "label": "ü"}\n{"path": "b 日本.png"}\n\n{"path": "c.png"}',
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("encoding", MARKS)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_byte_order_mark_tells_the_encoding(
    tmp_path: Path, name: str, encoding: str, ending: str
) -> None:
    content = MARKS[encoding] + TEXTS[name].replace("\n", ending).encode(encoding)
    items = listed(tmp_path / name, content)
    assert names(items) == ["é.png", "b 日本.png", "c.png"]
    if name != "m.txt":
        assert items[0].extra == {"label": "ü"}


@pytest.mark.parametrize("encoding", MARKS)
def test_standard_input_has_encodings_too(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    content = MARKS[encoding] + TEXTS["m.txt"].encode(encoding)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert [item.path for item in Manifest("-")] == ["é.png", "b 日本.png", "c.png"]


@pytest.mark.parametrize("content", [b"", b"\xff", b"\xfe", b"\xef", b"\xef\xbb", b"\xef\xbbx"])
def test_a_mark_that_breaks_off_is_text(tmp_path: Path, content: bytes) -> None:
    items = listed(tmp_path / "m.txt", content + b"a.png\n")
    assert [os.fsencode(os.path.basename(item.path)) for item in items] == [content + b"a.png"]


@pytest.mark.parametrize("content", [b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\xff\xfe\n\0"])
@pytest.mark.parametrize("name", TEXTS)
def test_a_mark_alone_is_an_empty_list(tmp_path: Path, name: str, content: bytes) -> None:
    assert listed(tmp_path / name, content) == []


def test_utf16_that_breaks_off_loses_no_other_row(tmp_path: Path) -> None:
    content = codecs.BOM_UTF16_LE + "a.png\nb.png\nc.png".encode("utf-16-le")[:-1]
    assert names(listed(tmp_path / "m.txt", content))[:2] == ["a.png", "b.png"]


# CSV

ROWS = [["path", "label", "note"], ["a.png", "real", "x, y; z|\tq"], ["b c.png", "fake", "é"]]


def written(delimiter: str, ending: str = "\n") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=ending).writerows(ROWS)
    return text.getvalue()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("sep", ["", "sep=%s\n", '"sep=%s"\r\n', "SEP=%s\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_delimiters_are_told_by_the_header_or_a_line_of_their_own(
    tmp_path: Path, delimiter: str, sep: str, encoding: str
) -> None:
    text = (sep % delimiter if sep else "") + written(delimiter)
    items = listed(tmp_path / "m.csv", text.encode(encoding))
    assert names(items) == ["a.png", "b c.png"]
    assert [item.extra for item in items] == [
        {"label": label, "note": note} for _, label, note in ROWS[1:]
    ]


def test_a_sep_line_can_name_any_delimiter(tmp_path: Path) -> None:
    for sep, delimiter in (("^", "^"), ("\\t", "\t"), (":", ":")):
        content = f"sep={sep}\n" + written(delimiter)
        assert names(listed(tmp_path / "m.csv", content.encode())) == ["a.png", "b c.png"]


@pytest.mark.parametrize("sep", ["sep=", "sep=a", 'sep="', "sep=,;", "sep=" + ";" * 2**20])
def test_what_is_no_sep_line_is_a_header(tmp_path: Path, sep: str) -> None:
    with pytest.raises(UsageError) as caught:
        listed(tmp_path / "m.csv", f"{sep}\npath,label\na,1\n".encode())
    assert "no column named 'path'" in str(caught.value)
    assert len(str(caught.value)) < 1000
    assert "\n" not in str(caught.value)


def test_spaces_around_names_of_columns_and_blank_lines_above_do_not_matter(tmp_path: Path) -> None:
    items = listed(tmp_path / "m.csv", b"\n\n label ; path \nreal;a.png\n")
    assert [(os.path.basename(item.path), item.extra) for item in items] == [
        ("a.png", {"label": "real"})
    ]


def test_spaces_around_a_path_count_only_where_such_a_file_is(tmp_path: Path) -> None:
    for name in ("a.png", " b.png", "b.png"):
        (tmp_path / name).touch()
    items = listed(tmp_path / "m.csv", b"path, label\na.png , real\n b.png, real\n c.png,1\n")
    assert names(items) == ["a.png", " b.png", " c.png"]


def test_the_mark_of_text_in_a_report_counts_only_where_such_a_file_is(tmp_path: Path) -> None:
    for name in ("=a.png", "'b.png", "b.png"):
        (tmp_path / name).touch()
    items = listed(tmp_path / "m.csv", b"path\n'=a.png\n'b.png\n'c.png\n")
    assert names(items) == ["=a.png", "'b.png", "'c.png"]


@pytest.mark.parametrize("size", [2**17 + 1, 10 * 2**20])
def test_cells_may_be_long(tmp_path: Path, size: int) -> None:
    before = csv.field_size_limit()
    try:
        csv.field_size_limit(131072)
        content = b'path,note\na.png,"' + b"x" * size + b'"\nb.png,y\n'
        items = listed(tmp_path / "m.csv", content)
    finally:
        csv.field_size_limit(before)
    assert names(items) == ["a.png", "b.png"]
    assert len(items[0].extra["note"]) == size


def test_a_cell_beyond_all_bounds_costs_its_row_alone(tmp_path: Path) -> None:
    content = b"path,note\na.png,1\nb.png," + b"x" * (40 * 2**20) + b"\nc.png,3\n"
    items = listed(tmp_path / "m.csv", content)
    assert names(items) == ["a.png", "m.csv:3", "c.png"]
    assert items[1].problem is not None
    assert items[1].problem.code is ErrorCode.MISSING


def test_a_quote_that_is_never_closed_is_told(tmp_path: Path) -> None:
    items = listed(tmp_path / "m.csv", b'path,note\na.png,1\nb.png,"open\nc.png,3\nd.png,4\n')
    assert names(items) == ["a.png", "m.csv:3"]
    assert "never closed" in str(items[1].problem)


def test_many_columns_are_refused(tmp_path: Path) -> None:
    for header in (b",x" * 2**20, b"," + b"x" * 2**20):
        with pytest.raises(UsageError, match=r"m\.csv: over 4000 columns"):
            listed(tmp_path / "m.csv", b"path" + header + b"\n")
    lines = "".join(f'{{"path": "a", "x{n}": 1}}\n' for n in range(5_000))
    with pytest.raises(UsageError, match=r"m\.jsonl: over 4000 columns"):
        listed(tmp_path / "m.jsonl", lines.encode())


@given(st.binary(max_size=300))
def test_any_bytes_are_a_list_or_one_line_of_refusal(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("any")
    for name in ("m.txt", "m.csv", "m.jsonl"):
        for head in (b"", b"\xff\xfe", b"path\n", b'{"path": "a"}\n'):
            said = ""
            try:
                listed(folder / name, head + content, null=name == "m.txt")
            except UsageError as error:
                said = str(error)
            assert "\n" not in said


# names that zero bytes end


def test_zero_bytes_end_names_that_hold_anything_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b'a\nb.png\0"c".png\0\0 d \0caf\xe9.png\0last'
    expected = [b"a\nb.png", b'"c".png', b" d ", b"caf\xe9.png", b"last"]
    items = listed(tmp_path / "m.txt", content, null=True)
    assert [os.fsencode(os.path.basename(item.path)) for item in items] == expected
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert [os.fsencode(item.path) for item in Manifest("-", null=True)] == expected


def test_names_that_zero_bytes_end_are_streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as source, os.fdopen(writing, "wb", buffering=0) as sink:
        monkeypatch.setattr(sys, "stdin", source)
        sink.write(b"a.png\0b")
        items = iter(Manifest("-", null=True))
        assert next(items).path == "a.png"  # while the writer is still at it
        sink.write(b".png\0")
        assert next(items).path == "b.png"


def test_zero_bytes_without_the_option_are_told(tmp_path: Path) -> None:
    [item] = listed(tmp_path / "m.txt", b"a.png\0b.png\0")
    assert item.path.endswith("m.txt:1")
    assert "--null" in str(item.problem)


def test_null_needs_a_list_of_names(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("path\na.png\n")
    with pytest.raises(UsageError, match="--null"):
        Sources([tmp_path / "m.csv"], Selection(), null=True)
    (tmp_path / "m.txt").write_bytes(b"a.png\0")
    found = Sources([tmp_path / "m.csv", tmp_path / "m.txt"], Selection(), null=True)
    assert len(list(found)) == 2


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9)),
    st.integers(1, 7),
)
def test_pieces_do_not_depend_on_how_they_come(texts: list[str], step: int) -> None:
    class Slow(io.BytesIO):
        def read1(self, _count: int = -1, /) -> bytes:
            return super().read1(step)

    from clipfake.sources.lists.text import _decoded

    data = "\0".join(texts).encode()
    if data.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        return
    found = list(zero_separated(_decoded(Slow(data), None), 6))
    whole = texts if texts and texts[-1] else texts[:-1]
    assert found == [(text[:6], len(text) <= 6) for text in whole]


@pytest.mark.parametrize("null", [False, True])
def test_a_name_without_end_is_not_held(tmp_path: Path, null: bool) -> None:
    end = b"\0" if null else b"\n"
    path = tmp_path / "m.txt"
    path.write_bytes(b"a.png" + end + b"x" * (40 * 2**20) + end + b"b.png" + end)
    tracemalloc.start()
    items = list(Manifest(str(path), null=null))
    assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    tracemalloc.stop()
    assert names(items) == ["a.png", "m.txt:2", "b.png"]


def test_lines_are_bounded_wherever_they_end(tmp_path: Path) -> None:
    for length in range(3, 14):
        (tmp_path / "x").write_bytes(b"a" * length + b"\r\nb\n")
        with open_text(str(tmp_path / "x")) as file:
            found = [(line.rstrip("\r\n"), whole) for line, whole in lines(file, 8)]
        assert [line for line, _ in found if line] == ["a" * min(length, 8), "b"]
        assert all(whole for _, whole in found) == (length < 8)


# names that git put in quotes


@pytest.mark.parametrize(
    ("quoted", "name"),
    [
        (r'"a\303\244.png"', "aä.png"),
        (r'"caf\351.png"', "caf\udce9.png"),
        (r'"tab\tquote\"back\\slash"', 'tab\tquote"back\\slash'),
        (r'"\a\b\t\n\v\f\r"', "\a\b\t\n\v\f\r"),
        (r'"é\303\251"', "éé"),
        ('"plain"', "plain"),
        (r'"\x41"', None),
        ('"a"b"', None),
        (r'"\400"', None),
        ('"end\\"', None),
    ],
)
def test_quotes_of_git_are_undone(quoted: str, name: str | None) -> None:
    assert unquoted(quoted) == name


def test_a_quoted_name_is_the_file_that_there_is(tmp_path: Path) -> None:
    for name in ("aä.png", '"b.png"', "b.png"):
        (tmp_path / name).touch()
    content = b'"a\\303\\244.png"\n"b.png"\n"gone.png"\nplain.png\n'
    items = listed(tmp_path / "m.txt", content)
    assert names(items) == ["aä.png", '"b.png"', '"gone.png"', "plain.png"]
    assert [item.problem is None for item in items] == [True, True, False, True]
    assert "--null" in str(items[2].problem)


def test_what_git_itself_writes_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*arguments: str) -> bytes:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(tmp_path)]
        return subprocess.run([*command, *arguments], check=True, capture_output=True).stdout

    try:
        git("init", "-q")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no git here")
    written = ["ä.png", 'quo"te.png', "tab\t.png", "line\nend.png", "plain.png"]
    for name in written:
        (tmp_path / name).touch()
    git("add", ".")
    monkeypatch.chdir(tmp_path)
    for options, null in ((["-z"], True), ([], False)):
        output = git("diff", "--cached", "--name-only", *options)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(output)))
        assert sorted(item.path for item in Manifest("-", null=null)) == sorted(written)


# rows are many


def test_memory_does_not_grow_with_a_list(tmp_path: Path) -> None:
    peaks = []
    for count in (2_000, 60_000):
        (tmp_path / "m.csv").write_text("path;label\n" + "a/b/c.png;real\n" * count)
        tracemalloc.start()
        assert sum(1 for _ in Manifest(str(tmp_path / "m.csv"))) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 2**18
    assert MOST_NAME < 2**20


def test_columns_of_a_csv_are_text_whatever_divides_them(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("n;path\n1;a.png\n")
    assert Manifest(str(tmp_path / "m.csv")).columns == {"n": pa.string()}
