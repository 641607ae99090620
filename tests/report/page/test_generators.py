"""Which generator: what a page says of it, and what it makes of rows that say nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clipfake.report.page.columns import Columns
from clipfake.report.page.entry import entry_of
from clipfake.report.page.figures import Figures
from clipfake.report.page.generators import Named, disagree, named_of, sources_of
from clipfake.report.page.operating import Operating
from clipfake.report.page.page import PageFile
from clipfake.report.schema import report_schema
from clipfake.report.site.site import SiteFile
from tests.report.page.browser import Seen, chromium
from tests.report.page.parsed import Parsed
from tests.report.page.rows import ABOUT, HOSTILE, RTL, record, row


def source(basis: str, generator: str, family: str | None, by: str, **more: Any) -> dict[str, Any]:
    return {"basis": basis, "generator": generator, "family": family, "by": by, **more}


SIGNED = source("signed", "Midjourney", "midjourney", "c2pa.generator", version="6.1")
PIXELS = source("pixels", "Stable Diffusion 3 or FLUX", "flux", "pixels", score=0.75)


def made(number: int, score: float, *sources: dict[str, Any]) -> dict[str, Any]:
    """A row with what sources say, as a scan writes it."""
    first = sources[0] if sources else {}
    return {
        **row(record(number, score)),
        "generator": first.get("generator"),
        "generator_basis": first.get("basis"),
        "generator_family": first.get("family"),
        "generator_score": first.get("score"),
        "attributions": list(sources),
    }


def test_sources_come_in_the_order_of_their_trust_and_may_disagree() -> None:
    found = entry_of(made(0, 0.95, PIXELS, SIGNED), Operating())
    assert [each["basis"] for each in found["sources"]] == ["signed", "pixels"]
    assert found["sources"][0] == {
        "basis": "signed",
        "generator": "Midjourney",
        "family": "midjourney",
        "version": "6.1",
        "by": "c2pa.generator",
    }
    assert found["sources"][1]["score"] == 0.75
    assert found["disagree"] is True


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ([], False),
        ([("Midjourney", "midjourney")], False),
        ([("Midjourney", "midjourney"), ("Midjourney", "midjourney")], False),
        ([("FLUX.1", "flux"), ("Stable Diffusion 3 or FLUX", "flux")], False),
        ([("FLUX.1", "flux"), ("Midjourney", "midjourney")], True),
        ([("FLUX.1", "flux"), ("unknown", "")], False),
        ([("Foo", ""), ("foo", "")], False),
        ([("Foo", ""), ("Bar", "")], True),
        ([("Foo", ""), ("FLUX.1", "flux")], True),
    ],
)
def test_families_are_compared_and_names_where_there_is_none(
    sources: list[tuple[str, str]], expected: bool
) -> None:
    assert disagree([Named("declared", *each) for each in sources]) is expected


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"generator": "sdxl"},  # a manifest's own column
        {"generator": 3, "generator_basis": "pixels"},
        {"generator": "x", "generator_basis": "guess"},
        {"generator": None, "generator_basis": None, "attributions": None},
        {"attributions": "text"},
        {"attributions": [None, 3, {}, {"basis": "pixels"}]},
    ],
)
def test_rows_of_other_reports_say_nothing(more: dict[str, Any]) -> None:
    values = {**row(record(0, 0.5)), **more}
    for name in ("generator", "generator_basis", "attributions"):
        if name not in more:
            values.pop(name, None)
    assert named_of(values) is None
    assert sources_of(values) == []
    columns, figures = Columns(), Figures()
    columns.add(values, pictured=False)
    figures.add(values)
    assert columns.take()["origin"] == [0]
    assert [share.name for share in figures.groups("generator")] == [""]


def test_a_score_that_is_no_number_is_left_out() -> None:
    values = made(0, 0.5, {**PIXELS, "score": float("nan")})
    assert "score" not in entry_of(values, Operating())["sources"][0]


def test_generators_are_counted_by_what_says_so() -> None:
    figures = Figures()
    for number, sources in enumerate(((SIGNED,), (SIGNED, PIXELS), (PIXELS,), ())):
        figures.add(made(number, 0.95, *sources))
    assert [(share.name, share.files) for share in figures.groups("generator")] == [
        ("Midjourney (signed)", 2),
        ("Stable Diffusion 3 or FLUX (pixels)", 1),
        ("", 1),
    ]


@pytest.fixture(params=["r.html", "r.site"])
def page(request, tmp_path: Path) -> Path:
    """A page of rows with and without."""
    path = tmp_path / request.param
    kind = PageFile if request.param == "r.html" else SiteFile
    file = kind(path, report_schema({}), ABOUT)
    file.write(
        [
            made(0, 0.99, SIGNED, PIXELS),
            made(1, 0.98, PIXELS),
            made(2, 0.97, source("declared", HOSTILE + RTL, None, HOSTILE)),
            row(record(3, 0.96)),
        ]
    )
    file.close()
    return path if request.param == "r.html" else path / "index.html"


def test_the_page_counts_them(page: Path) -> None:
    found = Parsed(page)
    assert "Generators, and what says so" in found.texts
    assert "Midjourney (signed)" in found.texts
    assert HOSTILE not in found.source
    assert "\u202e" not in found.texts


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with chromium() as found:
        yield found


def test_cards_details_and_filters_tell_generators(browser, page: Path) -> None:
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    seen = Seen(context.new_page())
    seen.open(page)
    shown = seen.page.evaluate(
        "[...document.querySelectorAll('.card')].map((c) => c.querySelector('.made')?.textContent)"
    )
    assert shown[:2] == ["Midjourneysigned", "Stable Diffusion 3 or FLUXpixels"]
    assert shown[2].startswith(HOSTILE)
    assert "\u202e" not in shown[2]
    assert shown[3] is None
    seen.page.click(".card[data-place='0']")
    seen.page.wait_for_selector("dialog[open]")
    text = seen.page.inner_text("#detail")
    assert "Sources disagree about the generator." in text
    assert "Midjourney 6.1, signed, family midjourney, by c2pa.generator" in text
    assert "Stable Diffusion 3 or FLUX, pixels, family flux, score 0.750, by pixels" in text
    seen.page.keyboard.press("ArrowRight")
    seen.until("!document.querySelector('#detail').textContent.includes('disagree')")
    seen.page.keyboard.press("Escape")
    for label, value, cards in (
        ("Basis of generator", "pixels", ["00001.png"]),
        ("Generator family", "midjourney", ["00000.png"]),
    ):
        seen.page.select_option(f"#filters label:has-text('{label}') select", value)
        assert seen.cards == cards
        seen.page.click("#filters > button")
    seen.page.fill("#filters input", "midjourney")
    assert seen.cards == ["00000.png"]
    seen.open(page, "#nothing=1")
    seen.page.evaluate("location.hash = 'family=flux&origin=pixels'")
    seen.until("document.querySelectorAll('.card').length === 1")
    assert seen.cards == ["00001.png"]
    assert seen.said == []
    assert seen.dialogs == []
    context.close()
