"""A page's file: what it holds, what it leaves out, and that nothing in it runs or loads."""

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipfake.errors import ErrorCode, ReportError
from clipfake.imaging.thumbnail import SIDE
from clipfake.records import Record
from clipfake.report.page import page as module
from clipfake.report.page.document import plain_json
from clipfake.report.page.page import data_url
from clipfake.report.report import Report
from tests.report.page.parsed import Parsed
from tests.report.page.rows import ABOUT, HOSTILE, RTL, record, telling, thumbnail, written

TEXTS = [
    HOSTILE,
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]>\u2028\u2029'\"`${alert(1)}{{7*7}}{% raw %}",
    "</title></style><svg onload=alert(1)>",
    RTL,
    "line\none\ttab\x00\x1b[31m",
    "javascript:alert(1)",
]


def parsed(path: Path) -> Parsed:
    found = Parsed(path)
    assert found.unclosed == []
    return found


def page_of(folder: Path, records: list[Record], about: dict[str, Any] | None = None) -> Parsed:
    return parsed(written(folder / "r.html", records, about))


def test_figures_and_images_are_there(tmp_path: Path) -> None:
    records = [record(0, 0.95), record(1, 0.5), record(2, 0.1), record(3, None)]
    found = page_of(tmp_path, records)
    for text in (
        "photos",
        "2026-01-02 03:04:05 UTC",
        "clipfake 9.9",
        "ab" * 32,
        "Of 100 real photographs about 1 is called AI at this setting",
        "measured on 10 real photographs of 3 sources",
        "A score is evidence, not proof.",
        "Metadata can be forged",
        "photos/00003.png: broken",
    ):
        assert text in found.texts, text
    assert len(found.data["details"]) == found.data["meta"]["rows"] == 4
    assert [entry["state"] for entry in found.data["details"]] == [
        "ai",
        "error",
        "inconclusive",
        "real",
    ]


def test_a_page_of_no_rows_is_a_page(tmp_path: Path) -> None:
    found = page_of(tmp_path, [], {})
    assert found.data["meta"]["rows"] == 0
    assert "pixels were not scored" in found.texts


@pytest.mark.parametrize(
    "about",
    [
        {"options": 3},
        {"options": {"paths": 7}},
        {"options": {"paths": [None, {}]}, "started": 4, "clipfake": ["x"], "adapter": {}},
        {"operating": "x", "folder": None},
    ],
)
def test_what_made_a_report_may_be_anything(tmp_path: Path, about: dict[str, Any]) -> None:
    found = page_of(tmp_path, [record()], about)
    assert found.data["meta"]["rows"] == len(found.data["details"]) == 1


def test_pictures_are_in_the_page(tmp_path: Path) -> None:
    picture = thumbnail()
    with Report([tmp_path / "r.html"], {}, ABOUT) as report:
        report.add(record(0, 0.95, thumbnail=picture))
        report.add(record(1, 0.5))
    found = parsed(tmp_path / "r.html")
    (image,) = found.named("img")
    assert image["src"] == data_url(picture)
    assert image["alt"] == "Thumbnail of photos/00000.png"
    assert found.data["columns"][0]["pictured"] == [1, 0]


# --- hostile texts


def runs_nothing(found: Parsed, images: set[str]) -> None:
    """What no page may have, whatever its rows say."""
    assert {tag for tag, _ in found.elements} <= ELEMENTS
    for tag, attributes in found.elements:
        assert not [name for name in attributes if name.startswith("on")], tag
        assert "style" not in attributes, tag
        for name in ("src", "href", "action", "srcset", "formaction", "xlink:href"):
            address = attributes.get(name)
            assert (
                address is None
                or address.startswith(("data:image/webp;base64,", "#"))
                or (address in images)
            ), address
    assert len(found.scripts) == 2
    hashes = {
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in found.scripts
    }
    assert hashes <= set(found.policy["script-src"])
    assert found.policy["default-src"] == ["'none'"]
    assert not {"'unsafe-inline'", "'unsafe-eval'", "*"} & {
        value for values in found.policy.values() for value in values
    }


# fmt: off
ELEMENTS = {
    "html", "head", "meta", "title", "style", "script", "body", "a", "header", "p", "h1", "h2",
    "div", "button", "main", "section", "dl", "dt", "dd", "details", "summary", "code", "ul",
    "li", "b", "span", "svg", "rect", "strong", "table", "caption", "thead", "tbody", "tr", "th",
    "td", "figure", "figcaption", "polyline", "line", "text", "form", "label", "input", "i",
    "bdi", "img", "br", "footer", "dialog",
}
# fmt: on


@pytest.mark.parametrize("text", TEXTS)
def test_hostile_texts_stay_text(tmp_path: Path, text: str) -> None:
    about = {**ABOUT, "options": {"paths": [text]}, "folder": text, "adapter": text}
    records = [
        telling(0, text),
        record(1, None, path=text, error=text, error_code=ErrorCode.DAMAGED),
    ]
    found = page_of(tmp_path, records, about)
    runs_nothing(found, set())
    assert found.policy["script-src"] == page_of(tmp_path, []).policy["script-src"]
    assert "\u202e" not in found.texts
    assert "\x1b" not in found.source
    assert found.data["details"][0]["facts"][0][0] == "parameters.tool"


@settings(max_examples=30)
@given(st.text(st.one_of(st.characters(), st.sampled_from("<>&\"'\u2028/-!")), max_size=40))
def test_any_text_stays_text(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    runs_nothing(page_of(tmp_path_factory.mktemp("page"), [telling(0, text)]), set())


@given(st.recursive(st.text() | st.integers() | st.none(), st.lists, max_leaves=8))
def test_embedded_json_is_the_value_and_no_markup(value: Any) -> None:
    text = plain_json(value)
    assert json.loads(text) == value
    assert not re.search("[<>&\u2028\u2029]", text)


def test_the_policy_names_the_style(tmp_path: Path) -> None:
    found = page_of(tmp_path, [record()])
    (style,) = found.styles
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert found.policy["style-src"] == [f"'sha256-{digest}'"]
    assert found.policy["img-src"] == ["data:"]
    assert "url(" not in style
    assert "@import" not in style


def test_a_page_names_no_other_place(tmp_path: Path) -> None:
    found = page_of(tmp_path, [record()])
    places = set(re.findall(r"\b\w+://[^\s\"'<]+", found.source))
    assert places <= {"http://www.w3.org/2000/svg"}  # a name, which is never opened
    for call in ("fetch(", "XMLHttpRequest", "WebSocket", "sendBeacon", "eval(", "innerHTML"):
        assert call not in "".join(found.scripts)


# --- what is left out


def test_a_page_has_room_for_the_foremost_and_says_how_many_it_leaves_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 5)
    records = [record(n, n / 20) for n in range(20)] + [record(20, None)]
    found = page_of(tmp_path, records)
    assert [entry["name"] for entry in found.data["details"]] == [
        "photos/00019.png",
        "photos/00018.png",
        "photos/00020.png",
        "photos/00017.png",
        "photos/00016.png",
    ]
    assert "holds the 5 files that matter most" in found.texts
    assert "11 inconclusive, 5 real" in " ".join(found.texts.split())
    assert found.data["meta"]["all"] == 21


def test_copies_are_told(tmp_path: Path) -> None:
    records = [
        record(0, 0.95, phash="00000000000000ff"),
        record(1, 0.1, phash="00000000000001fe"),
        record(2, 0.94, phash="ffffffff00000000"),
    ]
    found = page_of(tmp_path, records)
    names = [entry["name"] for entry in found.data["details"]]
    groups = dict(zip(names, found.data["copies"], strict=True))
    assert groups["photos/00000.png"] == groups["photos/00001.png"] == 0
    assert groups["photos/00002.png"] == -1


# --- as a report's file


def test_an_interrupted_page_is_whole_as_far_as_it_goes(tmp_path: Path) -> None:
    def never(rows: object, side: int = 0) -> Any:
        raise AssertionError("nobody waits for pictures")

    def interrupted() -> None:
        with Report([tmp_path / "r.html"], {}, ABOUT, pictures=never) as report:
            report.add(record(0, 0.95))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not (tmp_path / "r.html").exists()
    assert len(parsed(tmp_path / "r.html.partial").data["details"]) == 1


def test_pictures_are_asked_for_only_where_there_are_none(tmp_path: Path) -> None:
    asked: list[str] = []

    def pictures(rows: Any, side: int = SIDE) -> Any:
        for row in rows:
            if side == SIDE:
                asked.append(row["path"])
            yield thumbnail() if row["path"] == "photos/00001.png" else None

    with Report([tmp_path / "r.html"], {}, ABOUT, pictures=pictures) as report:
        report.add(record(0, 0.5, thumbnail=thumbnail(3)))
        report.add(record(1, 0.5))
        report.add(record(2, 0.5))
        report.add(record(3, None))
    assert asked == ["photos/00001.png", "photos/00002.png"]
    # the error comes first
    assert parsed(tmp_path / "r.html").data["columns"][0]["pictured"] == [0, 1, 1, 0]


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    (tmp_path / "r.html.partial").symlink_to("/dev/full")
    with pytest.raises(ReportError, match=r"r\.html: report cannot be written \(No space"):
        written(tmp_path / "r.html", [record()])
