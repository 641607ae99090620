"""What the page of an evaluation does in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clipfake.evaluation.page.page import write_page
from tests.evaluation.page.sets import evaluation
from tests.report.page.browser import Seen, chromium
from tests.report.page.test_browser import CONTRAST

EVIL = "<img src=x onerror=alert(1)><script>alert(2)<&script>{number}{kind}"
PERTURBED = ("jpeg-30", "jpeg-75", "resize-0.5+jpeg-75")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    found = evaluation(folder / "set", generators=30, kinds=24, perturbations=PERTURBED)
    write_page(found, folder / "page.html", workers=0)
    return folder / "page.html"


@pytest.fixture
def seen(browser: Any) -> Iterator[Seen]:
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    yield Seen(context.new_page())
    context.close()


def column(seen: Seen, place: int, part: str = "tbody") -> list[str]:
    """Texts of a column of the first table's rows, without intervals."""
    script = """([place, part]) => [...document.querySelector('.table').querySelectorAll(part)]
      .flatMap((body) => [...body.rows])
      .map((row) => row.cells[place].firstChild.textContent.trim())"""
    found: list[str] = seen.page.evaluate(script, [place, part])
    return found


def test_nothing_is_said_and_nothing_is_asked_for(seen: Seen, page: Path) -> None:
    seen.open(page)
    seen.page.click("#theme")
    seen.page.emulate_media(media="print")
    assert seen.said == []
    assert [url for url in seen.asked if not url.startswith((page.as_uri(), "data:"))] == []


def test_a_header_sorts_by_numbers_and_says_so(seen: Seen, page: Path) -> None:
    seen.open(page)
    head = seen.page.locator(".table >> nth=0").locator("thead >> nth=0").locator("th")
    assert head.nth(1).get_attribute("aria-sort") == "ascending"
    assert len(column(seen, 0)) == 30
    whole = "tbody:not(.last):not(.between)"
    assert len(column(seen, 0, whole)) == len(column(seen, 0, ".last")) == 10
    head.nth(0).locator("button").click()
    assert head.nth(0).get_attribute("aria-sort") == "ascending"
    assert head.nth(1).get_attribute("aria-sort") is None
    assert column(seen, 0, whole) == [f"gen-{n}" for n in range(10)]  # 2 before 10
    assert column(seen, 0, ".between") == [f"gen-{n}" for n in range(10, 20)]
    assert column(seen, 0, ".last") == [f"gen-{n}" for n in range(20, 30)]
    assert "By generator, from A to Z; the first 10" in seen.page.inner_text(".order >> nth=0")
    head.nth(1).locator("button").focus()
    seen.page.keyboard.press("Enter")
    order = column(seen, 1, whole) + column(seen, 1, ".between") + column(seen, 1, ".last")
    assert [float(value) for value in order] == sorted(map(float, order))
    seen.page.keyboard.press("Space")
    assert head.nth(1).get_attribute("aria-sort") == "descending"
    again = column(seen, 1, whole) + column(seen, 1, ".between") + column(seen, 1, ".last")
    assert [float(value) for value in again] == sorted(map(float, order), reverse=True)
    assert seen.page.evaluate("document.activeElement.textContent") == "AUC"


def test_the_head_of_the_folded_rows_sorts_too(seen: Seen, page: Path) -> None:
    seen.open(page)
    seen.page.click(".table details summary >> nth=0")
    seen.page.click(".table details thead button >> nth=0")
    assert column(seen, 0, ".between") == [f"gen-{n}" for n in range(10, 20)]
    heads = "[...document.querySelector('.table').querySelectorAll('[aria-sort]')].length"
    assert seen.page.evaluate(heads) == 2


def test_the_rest_is_folded_and_printed(seen: Seen, page: Path) -> None:
    seen.open(page)
    assert not seen.page.is_visible(".between >> nth=0")
    seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert seen.page.is_visible(".between >> nth=0")
    seen.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert not seen.page.is_visible(".between >> nth=0")


def test_hostile_names_run_nothing(seen: Seen, tmp_path: Path) -> None:
    found = evaluation(tmp_path / "set", generators=25, name=EVIL, perturbations=PERTURBED)
    write_page(found, tmp_path / "page.html", workers=0)
    seen.open(tmp_path / "page.html")
    for button in seen.page.query_selector_all(".table .wide >> nth=0 >> button"):
        button.click()
    seen.page.wait_for_timeout(50)
    assert "<img src=x onerror=alert(1)>" in seen.page.inner_text(".table >> nth=0")
    assert seen.page.evaluate("document.querySelectorAll('[onerror], iframe').length") == 0
    assert seen.dialogs == []
    assert seen.said == []


def test_without_scripts_there_are_plain_tables(browser: Any, page: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    found = context.new_page()
    found.goto(page.as_uri())
    assert found.is_visible(".table table >> nth=0")
    assert found.locator("button:visible").count() == 0
    found.click(".table summary >> nth=0")
    assert found.is_visible(".between >> nth=0")
    assert found.locator(".plot").first.is_visible()
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_has_contrast(browser: Any, page: Path, theme: str) -> None:
    context = browser.new_context(color_scheme=theme, viewport={"width": 1200, "height": 2400})
    seen = Seen(context.new_page())
    seen.open(page)
    seen.page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert seen.page.evaluate(CONTRAST) == []
    # words of plots have the colour of quiet text on the page's own ground
    fills = """() => [...new Set([...document.querySelectorAll('.plot text')]
      .map((text) => getComputedStyle(text).fill))]"""
    quiet = "getComputedStyle(document.querySelector('figcaption')).color"
    assert seen.page.evaluate(fills) == [seen.page.evaluate(quiet)]
    context.close()


@pytest.mark.parametrize("width", [320, 390, 768, 1600])
def test_nothing_is_wider_than_the_screen_and_no_name_is_broken(
    browser: Any, page: Path, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800})
    seen = Seen(context.new_page())
    seen.open(page)
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
    # an element that lies on two lines has two boxes; one that is folded may have none
    lines = "[...document.querySelectorAll('.name bdi')].map((e) => e.getClientRects().length)"
    assert set(seen.page.evaluate(lines)) <= {0, 1}
    context.close()


def test_words_of_plots_lie_inside(seen: Seen, page: Path) -> None:
    seen.open(page)
    outside = """() => [...document.querySelectorAll('.plot text')].filter((text) => {
      const own = text.getBoundingClientRect(), plot = text.ownerSVGElement.getBoundingClientRect();
      return own.left < plot.left - 1 || own.right > plot.right + 1 || own.bottom > plot.bottom + 1;
    }).map((text) => text.textContent)"""
    assert seen.page.evaluate(outside) == []
    seen.page.set_viewport_size({"width": 390, "height": 800})
    assert seen.page.evaluate(outside) == []


def test_everything_has_a_name(seen: Seen, page: Path) -> None:
    seen.open(page)
    nameless = """() => [...document.querySelectorAll('button, img, svg')]
      .filter((e) => !(e.getAttribute('aria-label') || e.textContent.trim() || e.alt))
      .map((e) => e.outerHTML.slice(0, 100))"""
    assert seen.page.evaluate(nameless) == []
