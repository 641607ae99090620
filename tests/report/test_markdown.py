"""The Markdown summary: counts, findings, and hostile text that stays text."""

import re
from pathlib import Path

import pytest

from clipfake.report.markdown import LISTED
from tests.report.rows import HOSTILE, ai, document, every_kind, real, write


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def rows_of(text: str, table: int) -> list[list[str]]:
    """Cells of a table's rows, as GitHub splits them: at every bar that no backslash precedes."""
    tables = re.findall(r"(?:^\|.*\n)+", text, re.M)
    split = [re.split(r"(?<!\\)\|", line)[1:-1] for line in tables[table].splitlines()]
    return [[cell.strip() for cell in cells] for cells in split[2:]]


def test_counts_and_findings_are_there(tmp_path: Path) -> None:
    text = text_of(write(tmp_path / "r.md", every_kind()))
    assert "**6 findings**, and 1 that the baseline knows, in 12 files." in text
    assert rows_of(text, 0) == [["5", "4", "1", "1", "1"]]
    assert [cells[0] for cells in rows_of(text, 1)] == ["error"] * 3 + ["warning"] * 2 + ["note"]
    assert rows_of(text, 2) == [["<code>known&#46;png</code>", "ours"]]


def test_no_findings_are_told(tmp_path: Path) -> None:
    text = text_of(write(tmp_path / "r.md", [real(), document()]))
    assert "No findings, in 2 files." in text
    assert "| level |" not in text


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_no_markup(tmp_path: Path, name: str) -> None:
    plain = text_of(write(tmp_path / "plain.md", [ai("a.png", explanation="ai: x.")]))
    rows = [ai(name, explanation=f"ai: {name}", suppressed=None), ai(f"k{name}", suppressed=name)]
    text = text_of(write(tmp_path / "r.md", rows))
    [cells] = rows_of(text, 1)
    assert len(cells) == 3
    bare = re.compile(r"[^\w\s;&#\u00e9\U0001f600]")
    assert not bare.search(cells[1].removeprefix("<code>").removesuffix("</code>"))
    assert not bare.search(cells[2])
    [known] = rows_of(text, 2)
    assert not bare.search(known[1])
    # nothing begins a line that did not before
    assert text.count("\n") - plain.count("\n") == 8


def test_what_is_too_much_is_counted(tmp_path: Path) -> None:
    rows = [ai(f"{n}.png", explanation="ai: " + "x" * 5000) for n in range(LISTED + 7)]
    text = text_of(write(tmp_path / "r.md", rows))
    assert len(rows_of(text, 1)) == LISTED
    assert "7 further findings: see the reports." in text
    assert len(text.encode()) < 2**20


def test_generators_are_counted(tmp_path: Path) -> None:
    rows = [
        ai("a", generator="DALL-E", generator_basis="declared"),
        ai("b", generator="DALL-E", generator_basis="declared"),
        ai("c", generator="<b>|\nx", generator_basis="pixels"),
        ai("d"),
    ]
    text = text_of(write(tmp_path / "r.md", rows))
    assert "| generator | known by | files |" in text
    assert "| DALL-E | declared | 2 |" in text
    assert rows_of(text, 1)[1:] == [["&#60;b&#62;&#124;&#92;nx", "pixels", "1"]]
