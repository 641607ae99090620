"""Reviews: read from files, and put beside rows."""

import json
from pathlib import Path
from typing import Any

import pytest

from clipfake.errors import UsageError
from clipfake.report import reviews as module
from clipfake.report.reviews import Reviews

A, B = "a" * 64, "b" * 64
HEAD = "path,sha256,decision,note,who,when\n"


def read(folder: Path, text: str | bytes, name: str = "reviews.csv") -> Reviews:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    reviews = Reviews()
    reviews.read(path)
    return reviews


def refused(folder: Path, text: str | bytes, name: str = "reviews.csv") -> str:
    with pytest.raises(UsageError) as caught:
        read(folder, text, name)
    message = str(caught.value)
    assert message.startswith(f"{folder / name}:")
    assert "\n" not in message
    return message.removeprefix(str(folder / name))


def row(path: str, sha256: str | None = None, **more: Any) -> dict[str, Any]:
    return {"path": path, "sha256": sha256, **more}


def test_a_review_is_of_the_bytes_whatever_they_are_called(tmp_path: Path) -> None:
    reviews = read(tmp_path, f'{HEAD}x.png,{A},confirmed,"two, words",Ann,2026-01-01\n')
    given = {"decision": "confirmed", "note": "two, words", "who": "Ann", "when": "2026-01-01"}
    assert reviews.of(row("elsewhere.png", A)) == [given]
    assert reviews.of(row("x.png", B)) == []
    assert reviews.of(row("x.png")) == []
    assert (len(reviews), reviews.unmatched) == (1, 0)


def test_without_a_digest_it_is_of_the_path(tmp_path: Path) -> None:
    reviews = read(tmp_path, f"{HEAD}x.png,,CLEARED ,,,\n")
    assert [each["decision"] for each in reviews.of(row("x.png", A))] == ["cleared"]
    assert reviews.of(row("y.png", A)) == []


def test_what_finds_no_row_is_counted(tmp_path: Path) -> None:
    reviews = read(tmp_path, f"{HEAD}x.png,{A},unsure,,,\ny.png,{B},unsure,,,\n")
    reviews.of(row("x.png", A))
    assert reviews.unmatched == 1


def test_several_reviewers_stand_side_by_side(tmp_path: Path) -> None:
    reviews = read(tmp_path, f"{HEAD}x.png,{A},confirmed,,Ann,1\nx.png,{A},cleared,,Bob,2\n")
    reviews.read(tmp_path / "reviews.csv")  # again: the same are not told twice
    found = reviews.of(row("x.png", A, reviews=[{"decision": "unsure", "who": "Cy"}]))
    assert [(each["who"], each["decision"]) for each in found] == [
        ("Cy", "unsure"),
        ("Ann", "confirmed"),
        ("Bob", "cleared"),
    ]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (f"\ufeffpath;sha256;decision;note\nx;{A};cleared;'=1+1\n", "a.csv"),
        (f"sep=\t\npath\tdecision\tsha256\tnote\nx\tcleared\t{A}\t=1+1\n", "a.csv"),
        (f"path,decision,sha256,note\n,cleared,{A},=1+1\n", "a.csv"),
        (f"path,decision,sha256,note\nx,cleared,{A},=1+1\n,,,\n\n".encode("utf-16"), "a.csv"),
        (json.dumps([{"sha256": A, "decision": "cleared", "note": "=1+1"}]), "a.json"),
        (
            "\ufeff"
            + json.dumps(
                {"reviews": [{"sha256": A.upper(), "decision": "Cleared", "note": "=1+1"}]}
            ),
            "a.JSON",
        ),
    ],
)
def test_files_of_many_programs_are_read(tmp_path: Path, text: str | bytes, name: str) -> None:
    (found,) = read(tmp_path, text, name).of(row("z", A))
    assert (found["decision"], found["note"]) == ("cleared", "=1+1")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            f"{HEAD}x,{A},yes,,,\n",
            ":2: 'yes' is no decision; write one of confirmed",
        ),
        (f"{HEAD}x,{A},,a note,,\n", ":2: no decision; write one of confirmed, cleared, unsure"),
        (f"{HEAD}x,abc,cleared,,,\n", ":2: 'abc' is no sha256; leave it empty"),
        (
            f"{HEAD},,cleared,,,\n",
            ":2: no path in this row; write one under 'path'",
        ),
        ("name,decision\nx,cleared\n", ": no column named 'path'"),
        ("", ": no column named 'decision'"),
        ("path,sha256\nx,\n", ": no column named 'decision'; give what a page exports"),
        (f'{HEAD}x,{A},cleared,"an open note\n', ":2: a quote is opened here and never closed"),
        (f'{HEAD}"x,{A},cleared,,,\n', ":2: a quote is opened here and never closed"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, text: str, said: str) -> None:
    assert refused(tmp_path, text).startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", ": reviews cannot be read ("),
        ("3", ": reviews cannot be read (no list of reviews in it); give the CSV or JSON that"),
        ('{"reviews": 3}', ": reviews cannot be read (no list"),
        ("[3]", ":1: is no review"),
        ('[{"decision": 7, "sha256": "x"}]', ":1: no decision"),
        ('[{"decision": "cleared"}]', ":1: names no image; write its path or sha256"),
        ("[" * 100_000, ": reviews cannot be read ("),
        (b"\xff\xfe\x00", ": reviews cannot be read ("),
    ],
)
def test_bad_json_is_told(tmp_path: Path, text: str | bytes, said: str) -> None:
    assert refused(tmp_path, text, "r.json").startswith(said)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    for name in ("no.csv", "no.json"):
        with pytest.raises(UsageError, match=r"cannot be read \(No such file"):
            Reviews().read(tmp_path / name)


def test_sizes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 10)
    assert "over 10 bytes" in refused(tmp_path, "[" + " " * 20 + "]", "r.json")
    monkeypatch.setattr(module, "MOST_REVIEWS", 1)
    lines = "".join(f"{n},,cleared,,,\n" for n in range(3))
    assert "over 1 reviews" in refused(tmp_path, HEAD + lines)


def test_notes_are_cut_and_valid(tmp_path: Path) -> None:
    text = json.dumps([{"path": "x", "decision": "unsure", "note": "\ud800" + "x" * 5000}])
    (found,) = read(tmp_path, text, "r.json").of(row("x"))
    assert len(found["note"].encode()) <= 2000
