"""Reviews that a page takes in again: round trips, who wins, and files that are none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clipfake.report.report import Report
from tests.report.page.browser import Seen, chromium
from tests.report.page.parsed import Parsed
from tests.report.page.rows import ABOUT, HOSTILE, RTL, record

SHA = [f"{n:016x}" * 4 for n in range(4)]


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with chromium() as found:
        yield found


@pytest.fixture
def fresh(browser) -> Iterator[Any]:
    """Opens pages as a reader would who was never here before."""
    contexts = []

    def make() -> Seen:
        contexts.append(browser.new_context(accept_downloads=True))
        return Seen(contexts[-1].new_page())

    yield make
    for each in contexts:
        each.close()


@pytest.fixture(params=["r.html", "r.site/index.html"])
def page(request, tmp_path: Path) -> Path:
    with Report([tmp_path / request.param.split("/")[0]], {}, ABOUT) as report:
        report.add(record(0, 0.95))
        report.add(record(1, 0.93, path=f"b\\{RTL}"))
        report.add(record(2, None, sha256=None, path=f"-{RTL}\nx.png"))
        report.add(record(3, 0.5))
    return tmp_path / request.param


def decided(seen: Seen) -> dict[str, str]:
    """Decisions that cards show, by the end of the file's name."""
    return seen.page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('.card')]
          .filter((card) => card.querySelector('.decided'))
          .map((card) => [card.querySelector('.file').textContent.slice(-9),
            card.querySelector('.decided').textContent]))"""
    )


def exported(seen: Seen, name: str, path: Path) -> Path:
    with seen.page.expect_download() as download:
        seen.page.click(f"#export-{name}")
    download.value.save_as(path)
    return path


def taken(seen: Seen, *paths: Path) -> str:
    """Import files, and give what is told of them."""
    seen.page.evaluate("document.getElementById('imported').replaceChildren()")
    seen.page.set_input_files("#import-file", list(paths))
    seen.until("document.getElementById('imported').children.length > 0")
    return seen.page.inner_text("#imported")


def reviews(path: Path, *each: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"reviews": each}), "utf-8")
    return path


def review(number: int, decision: str, who: str = "Ann", day: int = 1, **more: Any) -> Any:
    when = f"2026-01-{day:02d}T00:00:00Z"
    return {"sha256": SHA[number], "decision": decision, "who": who, "when": when, **more}


@pytest.mark.parametrize("name", ["csv", "json"])
def test_what_is_exported_comes_back_the_same(fresh, page: Path, tmp_path: Path, name: str) -> None:
    first = fresh()
    first.open(page)
    for who, keys in (("Ann", "yunn"), ('=Ben, "B"', "n y ")):
        first.page.fill("#reviewer", who)
        first.page.keyboard.press("Tab")
        for place, key in enumerate(keys):
            if key != " ":
                first.page.focus(f".card[data-place='{place}']")
                first.page.keyboard.press(key)
                first.page.wait_for_timeout(30)
    first.page.click(".card[data-place='0']")
    first.page.fill("#detail textarea", "=1+1; \"so\", 'said'\r\n\tand\u202e more")
    first.page.keyboard.press("Tab")
    first.page.keyboard.press("Escape")
    before = decided(first)
    assert len(before) == 4
    held = exported(first, "json", tmp_path / "before.json")
    second = fresh()
    second.open(page)
    assert decided(second) == {}
    told = taken(second, exported(first, name, tmp_path / f"reviews.{name}"))
    assert "6 reviews: 6 new. No score and no verdict was changed." in told
    assert decided(second) == before
    again = exported(second, "json", tmp_path / "again.json")
    key = lambda each: (each["path"], each["who"])  # noqa: E731
    assert sorted(json.loads(again.read_text("utf-8"))["reviews"], key=key) == (
        sorted(json.loads(held.read_text("utf-8"))["reviews"], key=key)
    )
    assert "6 here already" in taken(second, tmp_path / f"reviews.{name}")
    assert second.said == []


def test_of_one_reviewer_the_later_holds_and_what_differs_is_told(
    fresh, page: Path, tmp_path: Path
) -> None:
    seen = fresh()
    seen.open(page)
    scores = seen.page.inner_text("#cards")
    one = reviews(
        tmp_path / "one.json",
        review(0, "confirmed", day=2, score=0.0, verdict="real"),
        review(1, "cleared", "Ben"),
        review(3, "unsure"),
    )
    assert "3 reviews: 3 new" in taken(seen, one)
    two = reviews(
        tmp_path / "two.json",
        review(0, "cleared", day=1),
        review(1, "confirmed", "Ann", day=3),
        review(3, "confirmed", day=5),
        {"path": "far/away.png", "decision": "unsure"},
    )
    told = taken(seen, two)
    assert "4 reviews: 2 new, 1 in the place of older ones, 1 left out" in told
    assert "1 of images that are not here, which are kept" in told
    assert "Decisions that differ (3)" in told
    assert "photos/00003.png: Ann unsure at 2026-01-01T00:00:00Z, Ann confirmed" in told
    assert "Ben cleared at 2026-01-01T00:00:00Z, Ann confirmed at 2026-01-03T00:00:00Z" in told
    found = decided(seen)
    assert found["00000.png"] == found["00003.png"] == "confirmed"
    assert "confirmed, others differ" in found.values()
    held = json.loads(exported(seen, "json", tmp_path / "x.json").read_text("utf-8"))["reviews"]
    assert len(held) == 5
    assert {(each["verdict"], each["score"]) for each in held if each["sha256"] == SHA[0]} == {
        ("ai", 0.95)
    }
    shown = seen.page.inner_text("#cards")
    for line in scores.split("\n"):
        assert line in shown  # verdicts and scores stand as they stood
    seen.page.click(".card:has-text('others differ')")
    seen.page.wait_for_selector("dialog[open]")
    assert "Reviewers differ about this image." in seen.page.inner_text("#detail")


BOXES = """() => JSON.stringify([...document.querySelectorAll('#detail button, #detail h3')]
  .map((each) => { const box = each.getBoundingClientRect(); return [box.x, box.y]; }))"""


def test_nothing_moves_as_a_note_is_taken(fresh, page: Path, tmp_path: Path) -> None:
    seen = fresh()
    seen.open(page)
    taken(seen, reviews(tmp_path / "r.json", review(0, "cleared", "Ben"), review(1, "unsure")))
    seen.page.fill("#reviewer", "A name of some length " * 20)
    for place in (0, 1, 3):
        seen.page.click(f".card[data-place='{place}']")
        seen.page.wait_for_selector("dialog[open]")
        seen.page.focus("#detail textarea")
        before = seen.page.evaluate(BOXES)
        seen.page.keyboard.type("a note")
        seen.page.keyboard.press("Shift+Tab")
        assert seen.page.get_attribute("[data-keep=unsure]", "aria-pressed") == "true"
        assert seen.page.evaluate(BOXES) == before
        assert seen.page.is_visible("#detail .warn") == (place == 0)
        seen.page.keyboard.press("Escape")


def test_a_spreadsheet_of_another_kind_is_read(fresh, page: Path, tmp_path: Path) -> None:
    rows = [["Decision", "Path", "SHA256", "note"], ["Cleared", "", SHA[3].upper(), '"a;b"\ntwo']]
    for place, (separator, encoding) in enumerate(
        ((";", "utf-16"), ("\t", "utf-8"), (",", "utf-8-sig"), (";", "cp1252"))
    ):
        lines = [
            separator.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows
        ]
        path = tmp_path / f"{place}.csv"
        path.write_bytes(("\r\n".join(lines) + "\r\n;;;\r\n").encode(encoding))
        seen = fresh()
        seen.open(page)
        told = taken(seen, path)
        assert "1 review: 1 new" in told, (separator, encoding, told)
        assert decided(seen) == {"00003.png": "cleared"}


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.json", b"{", "is no JSON; give what a page exports"),
        ("a.json", b'{"x": 1}', "holds no list of reviews"),
        ("a.json", b"[" * 100_000, "a.json: "),
        ("a.csv", b"", "has no column named decision"),
        ("a.csv", b"\x89PNG\r\n\x1a\n\x00\x00", "has no column named decision"),
        ("a.csv", b"path,decision\nx.png,maybe\n", 'line 2: "maybe" is no decision'),
        ("a.csv", b"path,decision\n\nx.png,\n", "line 3: no decision; write one of confirmed"),
        ("a.csv", b"path,decision\n,unsure\n", "names no image; write its path or sha256"),
        ("a.csv", b"sha256,decision\nxyz,unsure\n", "its sha256 is none; leave it empty"),
        ("a.json", b'[null, 3, "x", [], {"decision": {}}]', "0 reviews"),
    ],
)
def test_what_is_no_review_is_told_and_harms_nothing(
    fresh, page: Path, tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    seen = fresh()
    seen.open(page)
    good = reviews(tmp_path / "good.json", review(0, "cleared"))
    (tmp_path / name).write_bytes(content)
    found = taken(seen, tmp_path / name, good)
    assert told in found
    assert "good.json: 1 review: 1 new" in found
    assert decided(seen) == {"00000.png": "cleared"}
    assert seen.said == []


def test_hostile_cells_are_text(fresh, page: Path, tmp_path: Path) -> None:
    seen = fresh()
    seen.open(page)
    texts = [HOSTILE, f"</p><script>alert(1)</script>{RTL}", "__proto__", "constructor"]
    made = [
        review(place % 2, "unsure", who=text, note=text, path=text)
        for place, text in enumerate(texts)
    ]
    made += [{"path": text, "decision": "cleared", "who": text, "when": text} for text in texts]
    made += [{"path": HOSTILE, "decision": HOSTILE}, {"__proto__": {"decision": "cleared"}}]
    hostile = reviews(tmp_path / "hostile <img src=x onerror=alert(1)>.json", *made)
    told = taken(seen, hostile)
    assert "8 reviews: 8 new; 4 of images that are not here" in told
    seen.page.click(".card[data-place='0']")
    seen.page.wait_for_selector("dialog[open]")
    text = seen.page.inner_text("#detail")
    assert HOSTILE in text
    seen.page.keyboard.press("ArrowRight")
    seen.page.keyboard.press("Escape")
    seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert "\u202e" not in seen.page.inner_text("body")
    assert seen.page.evaluate("document.querySelectorAll('[onerror], .imported img').length") == 0
    assert seen.dialogs == []
    assert seen.said == []


def test_reviews_that_an_earlier_page_kept_are_read(fresh, page: Path) -> None:
    key = f"clipfake:reviews:{Parsed(page).data['meta']['key']}"
    before = {"decision": "cleared", "who": "", "when": "2026-01-01T00:00:00Z", "note": ""}
    held = json.dumps({SHA[0][:16]: before, "x": 3, "y": [None, {"decision": "no"}]})
    seen = fresh()
    seen.page.add_init_script(f"localStorage.setItem({json.dumps(key)}, {json.dumps(held)})")
    seen.open(page)
    assert seen.page.inner_text("#reviewed") == "1 reviewed here"
    assert decided(seen) == {"00000.png": "cleared"}
