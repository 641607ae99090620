"""What a page and a site do in a browser."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from clipfake.imaging.thumbnail import LARGE_SIDE, SIDE
from clipfake.records import Exif, Fact, Verdict
from clipfake.report.page.pictures import HeatMaps
from clipfake.report.report import Report
from tests.conftest import encoded
from tests.report.page.browser import Seen, chromium
from tests.report.page.rows import ABOUT, HOSTILE, record, telling, thumbnail
from tests.report.page.test_page import TEXTS


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with chromium() as found:
        yield found


@pytest.fixture
def seen(browser) -> Iterator[Seen]:
    context = browser.new_context(viewport={"width": 1200, "height": 900}, accept_downloads=True)
    yield Seen(context.new_page())
    context.close()


def records() -> list:
    """Of every state, with two copies whose verdicts differ."""
    made = [record(n, 0.99 - n / 100, thumbnail=thumbnail(n)) for n in range(12)]
    made.append(record(12, 0.97, phash="ffff0000ffff0000", path="photos/copy.png"))
    made[5] = record(5, 0.1, phash="ffff0000ffff0000", path="b/original.png")
    made[7] = record(7, None, path="b/broken.png")
    made[8] = record(
        8,
        0.1,
        verdict=Verdict.AI,
        verdict_basis="conflict",
        declared="ai",
        facts=(Fact("parameters.tool", "ComfyUI", "PNG tEXt", 41),),
        exif=Exif(make="Canon", model="EOS"),
    )
    return made


@pytest.fixture(params=["r.html", "r.site/index.html"])
def page(request, tmp_path: Path) -> Path:
    path = tmp_path / request.param
    with Report([tmp_path / request.param.split("/")[0]], {}, ABOUT) as report:
        for each in records():
            report.add(each)
    return path


def test_nothing_is_said_and_nothing_is_asked_for(seen: Seen, page: Path) -> None:
    seen.open(page)
    seen.page.click(".card >> nth=0")
    seen.page.keyboard.press("ArrowRight")
    seen.page.keyboard.press("Escape")
    seen.page.click("#theme")
    seen.page.emulate_media(media="print")
    assert seen.said == []
    beside = page.parent.resolve().as_uri()
    assert [url for url in seen.asked if not url.startswith((beside, "data:"))] == []


def test_cards_come_by_score_and_copies_as_one(seen: Seen, page: Path) -> None:
    seen.open(page)
    assert seen.cards[:4] == ["00000.png", "00001.png", "00002.png", "copy.png"] or (
        seen.cards[:4] == ["00000.png", "00001.png", "copy.png", "00002.png"]
    )
    assert "original.png" not in seen.cards
    assert len(seen.cards) == 12
    assert "13 images; 1 stand behind a copy" in seen.page.inner_text("#shown")
    card = seen.page.locator(".card", has_text="copy.png")
    assert "2 copies, verdicts differ" in (card.get_attribute("aria-label") or "")
    card.click()
    seen.page.wait_for_selector("dialog[open]")
    text = seen.page.inner_text("#detail")
    assert "Their verdicts differ" in text
    assert "b/original.png" in text


def test_pictures_are_shown(seen: Seen, page: Path) -> None:
    seen.open(page)
    seen.until(
        "[...document.querySelectorAll('.card img')].filter((i) => i.naturalWidth).length > 5"
    )


def webp(colour: str, size: tuple[int, int]) -> bytes:
    return encoded(Image.new("RGB", size, colour), "WEBP")


@pytest.mark.parametrize("ending", ["html", "site"])
def test_details_show_the_larger_picture_and_the_heat_map(
    seen: Seen, tmp_path: Path, ending: str
) -> None:
    def pictures(rows: Any, side: int = SIDE) -> Iterator[bytes]:
        yield from (webp("white", (side, side // 2)) for _ in rows)

    path = tmp_path / f"r.{ending}"
    with Report([path], {}, ABOUT, pictures=pictures) as report:
        for number, score in enumerate((0.95, 0.94, 0.93)):
            wide = 100 if number == 2 else 4000
            report.add(record(number, score, width=wide, height=wide // 2))
        held = {("photos/00000.png", "0" * 64): webp("red", (300, 150))}
        report.explain(HeatMaps("It shows patches; <b>no</b> place of an edit.", held))
    seen.open(path / "index.html" if ending == "site" else path)
    seen.page.click(".card >> nth=0")
    wide = "document.querySelector('#detail .picture img')?.naturalWidth"
    seen.until(f"{wide} === {LARGE_SIDE}")
    assert "It shows patches; <b>no</b> place of an edit." in seen.page.inner_text("#detail")
    seen.page.keyboard.press("h")
    seen.until(f"{wide} === 300")
    assert seen.page.get_attribute("[data-keep=heat]", "aria-pressed") == "true"
    assert "Red speaks for AI" in seen.page.inner_text("#detail")
    seen.page.keyboard.press("ArrowRight")
    seen.until(f"{wide} === {LARGE_SIDE}")
    assert seen.page.query_selector("[data-keep=heat]") is None
    seen.page.keyboard.press("h")  # it has none
    seen.page.keyboard.press("ArrowRight")
    seen.until(f"{wide} === {SIDE}")
    assert seen.page.get_attribute("#detail .picture img", "alt") == "Thumbnail of 00002.png"
    seen.page.keyboard.press("ArrowLeft")
    seen.page.keyboard.press("ArrowLeft")
    seen.until(f"{wide} === 300")  # what was chosen stays chosen
    seen.page.click("[data-keep=picture]")
    seen.until(f"{wide} === {LARGE_SIDE}")
    assert seen.page.evaluate("document.activeElement.dataset.keep") == "picture"
    assert seen.said == []


def test_filters_combine_and_live_in_the_address(seen: Seen, page: Path) -> None:
    seen.open(page)
    seen.page.click(".chip[data-state=ai]")
    assert "original.png" not in seen.cards
    seen.page.select_option("#filters select >> nth=0", "conflict")
    assert seen.cards == ["00008.png"]
    assert "verdict=ai&basis=conflict" in seen.page.url
    seen.page.fill("#filters input", "zzz")
    assert seen.cards == []
    seen.page.fill("#filters input", "canon")
    assert seen.cards == ["00008.png"]
    address = seen.page.url.partition("#")[2]
    seen.page.click("#filters > button")
    assert len(seen.cards) == 12
    seen.open(page, "#nothing=1")
    seen.page.evaluate(f"location.hash = {json.dumps(address)}")
    seen.until("document.querySelectorAll('.card').length === 1")
    assert seen.page.input_value("#filters input") == "canon"


@pytest.mark.parametrize(
    "hash_",
    ["#verdict=none,,ai&basis=xyz&sort=up", "#folder=%3Cimg%3E", "#image=99999", "#image=-1", "#%"],
)
def test_any_address_opens_the_page(seen: Seen, page: Path, hash_: str) -> None:
    seen.open(page, hash_)
    assert seen.said == []


def test_errors_and_folders_filter(seen: Seen, page: Path) -> None:
    seen.open(page, "#error=damaged")
    assert seen.cards == ["broken.png"]
    seen.open(page, "#folder=b&sort=name")
    seen.until("document.querySelectorAll('.card').length === 2")
    assert seen.cards == ["broken.png", "original.png"]


def test_the_keyboard_is_enough(seen: Seen, page: Path) -> None:
    seen.open(page, "#verdict=ai&sort=name")
    focused = "document.activeElement.querySelector('.file')?.textContent"
    seen.page.keyboard.press("ArrowDown")
    first = seen.page.evaluate(focused)
    assert first == seen.cards[0]
    seen.page.keyboard.press("ArrowRight")
    assert seen.page.evaluate(focused) == seen.cards[1]
    seen.page.keyboard.press("y")
    seen.page.wait_for_selector(".card .decided")
    assert seen.page.inner_text(".decided") == "confirmed"
    seen.page.keyboard.press("Enter")
    seen.page.wait_for_selector("dialog[open]")
    assert seen.cards[1] in seen.page.inner_text("#detail-title")
    seen.page.keyboard.press("n")
    assert seen.page.get_attribute("[data-keep=cleared]", "aria-pressed") == "true"
    seen.page.keyboard.press("ArrowRight")
    seen.until(
        f"document.querySelector('#detail-title').textContent === {json.dumps(seen.cards[2])}"
    )
    seen.page.keyboard.press("Escape")
    seen.until(f"{focused} === {json.dumps(seen.cards[2])}")
    assert seen.page.query_selector("dialog[open]") is None
    seen.page.keyboard.press("/")
    assert seen.page.evaluate("document.activeElement.type") == "search"
    seen.page.keyboard.type("y n u")  # letters, and no decisions
    assert seen.page.inner_text("#reviewed") == "1 reviewed here"


def test_an_image_that_is_opened_as_another_closes_stays_open(seen: Seen, page: Path) -> None:
    seen.open(page, "#sort=name")
    seen.page.click(".card >> nth=0")
    seen.page.wait_for_selector("dialog[open]")
    for way in (
        "document.querySelector('[data-keep=close]').click()",
        "document.querySelector('dialog').close()",
        "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', "
        "{key: 'Escape', bubbles: true, cancelable: true}))",
    ):
        for place in (1, 1, 2):
            seen.page.evaluate(f"{way}; document.querySelectorAll('.card')[{place}].click()")
            seen.page.wait_for_selector("dialog[open]")
            seen.page.wait_for_timeout(100)  # the browser says that the first one closed
            wanted = seen.page.inner_text(f".card >> nth={place} >> .file")
            assert seen.page.inner_text("#detail-title") == wanted
            seen.page.keyboard.press("u")
            pressed = seen.page.get_attribute("[data-keep=unsure]", "aria-pressed")
            seen.page.keyboard.press("u")
            assert seen.page.get_attribute("[data-keep=unsure]", "aria-pressed") != pressed
            assert "NaN" not in seen.page.inner_html("#detail")
    seen.page.fill("#detail textarea", "as it closes")
    seen.page.keyboard.press("Escape")
    assert seen.page.query_selector("dialog[open]") is None
    assert seen.page.inner_text("#reviewed") == "1 reviewed here"
    assert seen.said == []


def test_escape_calls_off_an_image_whose_details_have_not_come(seen: Seen, tmp_path: Path) -> None:
    with Report([tmp_path / "r.site"], {}, ABOUT) as report:
        for each in records():
            report.add(each)
    held: list[Any] = []  # a slow disk: the file with the details comes when it is let
    seen.page.route("**/data/details-0.js", lambda route: held.append(route))
    seen.open(tmp_path / "r.site" / "index.html", "#sort=name")
    with seen.page.expect_request("**/data/details-0.js"):
        seen.page.click(".card >> nth=0")
    seen.page.keyboard.press("Escape")
    for _ in range(500):
        if not held:
            seen.page.wait_for_timeout(20)
    with seen.page.expect_response("**/data/details-0.js"):
        held[0].continue_()
    seen.page.wait_for_timeout(200)  # the script runs, and what waits for it goes on
    assert seen.page.query_selector("dialog[open]") is None
    seen.page.click(".card >> nth=1")
    seen.page.wait_for_selector("dialog[open]")
    assert seen.page.inner_text("#detail-title") == seen.cards[1]
    assert seen.said == []


def test_details_say_all(seen: Seen, page: Path) -> None:
    seen.open(page, "#basis=conflict")
    seen.page.click(".card")
    seen.page.wait_for_selector("dialog[open]")
    text = seen.page.inner_text("#detail")
    for wanted in (
        "by conflict",
        "parameters.tool",
        "PNG tEXt at 41",
        "Canon",
        "photos/00008.png",
        "real photographs score as high",
        "0" * 15 + "8",
    ):
        assert wanted in text, wanted


def test_reviews_stay_and_are_exported(seen: Seen, page: Path) -> None:
    seen.open(page, "#sort=name")
    name = seen.cards[0]
    # now and then, on a busy machine, Chromium gives a document a storage that is empty and whose
    # writes are lost (1 load in 30, of any page from disk); the next load has a whole one
    for _ in range(6):
        seen.page.fill("#reviewer", "Ann Example")
        seen.page.keyboard.press("Tab")
        seen.page.click(".card >> nth=0")
        seen.page.wait_for_selector("dialog[open]")
        seen.page.keyboard.press("y")
        seen.page.fill("#detail textarea", '=1+1, "seen"\nby me')
        seen.page.keyboard.press("Tab")
        seen.page.keyboard.press("Escape")
        assert seen.page.inner_text("#reviewed") == "1 reviewed here"
        seen.page.reload()
        seen.page.wait_for_selector("html[data-ready]")
        if seen.page.inner_text("#reviewed"):
            break
    assert seen.page.inner_text("#reviewed") == "1 reviewed here"
    assert seen.page.input_value("#reviewer") == "Ann Example"
    with seen.page.expect_download() as download:
        seen.page.click("#export-csv")
    text = Path(download.value.path()).read_bytes()
    assert text.startswith(b"\xef\xbb\xbf")
    (held,) = csv.DictReader(io.StringIO(text.decode("utf-8-sig"), newline=""))
    assert held["decision"] == "confirmed"
    assert held["note"] == '\'=1+1, "seen"\nby me'
    assert held["path"].endswith(name)
    assert held["who"] == "Ann Example"
    assert held["when"].endswith("Z")
    with seen.page.expect_download() as download:
        seen.page.click("#export-json")
    (held,) = json.loads(Path(download.value.path()).read_text("utf-8"))["reviews"]
    assert held["note"] == '=1+1, "seen"\nby me'
    assert seen.said == []


@pytest.mark.parametrize("decision", ["confirmed", "cleared", "unsure"])
def test_what_is_clicked_as_a_note_is_left_is_done(seen: Seen, page: Path, decision: str) -> None:
    seen.open(page, "#sort=name")
    seen.page.click(".card >> nth=0")
    seen.page.wait_for_selector("dialog[open]")
    seen.page.click("#detail textarea")
    seen.page.keyboard.type("by me")
    seen.page.click(f"[data-keep={decision}]")
    assert seen.page.get_attribute(f"[data-keep={decision}]", "aria-pressed") == "true"
    assert seen.page.input_value("#detail textarea") == "by me"
    seen.page.click("#detail textarea")
    seen.page.keyboard.type("!")
    seen.page.click("[data-keep=next]")
    seen.until(
        f"document.querySelector('#detail-title').textContent === {json.dumps(seen.cards[1])}"
    )
    seen.page.click("[data-keep=previous]")
    seen.page.wait_for_selector(f"[data-keep={decision}][aria-pressed=true]")
    assert seen.page.input_value("#detail textarea") == "by me!"


def test_the_keyboard_goes_on_from_a_note(seen: Seen, page: Path) -> None:
    seen.open(page, "#sort=name")
    seen.page.click(".card >> nth=0")
    seen.page.wait_for_selector("dialog[open]")
    seen.page.focus("#detail textarea")
    order = seen.page.evaluate(
        "[...document.querySelectorAll('#detail button, #detail textarea')].map((e) => e.tagName)"
    ).index("TEXTAREA")
    after = f"document.querySelectorAll('#detail button, #detail textarea')[{order + 1}]"
    seen.page.keyboard.type("seen")
    seen.page.keyboard.press("Tab")
    assert seen.page.evaluate(f"document.activeElement === {after}")
    seen.page.keyboard.press("n")
    assert seen.page.get_attribute("[data-keep=cleared]", "aria-pressed") == "true"
    assert seen.page.evaluate(f"document.activeElement === {after}")
    seen.page.keyboard.press("n")  # taken back: the note stays, and with it a decision
    assert seen.page.get_attribute("[data-keep=unsure]", "aria-pressed") == "true"
    assert seen.page.input_value("#detail textarea") == "seen"
    seen.page.fill("#detail textarea", "")
    seen.page.keyboard.press("Tab")
    seen.page.keyboard.press("u")
    assert seen.page.get_attribute("[data-keep=unsure]", "aria-pressed") == "false"
    assert seen.page.inner_text("#reviewed") == ""


def test_keys_are_for_the_image_that_was_opened_from_another(seen: Seen, page: Path) -> None:
    seen.open(page)
    seen.page.locator(".card", has_text="copy.png").click()
    seen.page.wait_for_selector("dialog[open]")
    seen.page.click(".copies button:has-text('original.png')")
    seen.until("document.querySelector('#detail-title').textContent === 'original.png'")
    seen.page.keyboard.press("n")
    assert seen.page.get_attribute("[data-keep=cleared]", "aria-pressed") == "true"
    seen.page.keyboard.press("Escape")
    assert seen.page.query_selector("dialog[open]") is None


def test_escape_closes_at_once_wherever_the_focus_is(seen: Seen, page: Path) -> None:
    seen.open(page, "#sort=name")
    for _ in range(10):
        seen.page.click(".card >> nth=0")
        seen.page.wait_for_selector("dialog[open]")
        assert "image=0" in seen.page.url
        seen.page.evaluate("document.activeElement.blur()")
        assert seen.page.evaluate("document.activeElement === document.body")
        seen.page.keyboard.press("Escape")
        closed = "[location.hash, document.querySelector('dialog').open]"
        assert seen.page.evaluate(closed) == ["#sort=name", False]


def test_exported_reviews_come_back(seen: Seen, tmp_path: Path) -> None:
    from clipfake.report.reviews import Reviews

    with Report([tmp_path / "r.html"], {}, ABOUT) as report:
        report.add(record(0, 0.95))
        report.add(record(1, 0.9, path="-1.png", sha256=None))
    seen.open(tmp_path / "r.html")
    for place, key in ((0, "y"), (1, "u")):
        seen.page.focus(f".card >> nth={place}")
        seen.page.keyboard.press(key)
    seen.until("document.querySelectorAll('.decided').length === 2")
    for name in ("csv", "json"):
        with seen.page.expect_download() as download:
            seen.page.click(f"#export-{name}")
        download.value.save_as(tmp_path / f"reviews.{name}")
        reviews = Reviews()
        reviews.read(tmp_path / f"reviews.{name}")
        first = reviews.of({"path": "x", "sha256": "0" * 64})
        second = reviews.of({"path": "-1.png", "sha256": None})
        assert [each["decision"] for each in (*first, *second)] == ["confirmed", "unsure"]


@pytest.mark.parametrize("ending", ["html", "site"])
def test_hostile_texts_run_nothing(seen: Seen, tmp_path: Path, ending: str) -> None:
    with Report([tmp_path / f"r.{ending}"], {}, ABOUT) as report:
        for number, text in enumerate(TEXTS):
            report.add(telling(number, text, declared=HOSTILE, thumbnail=thumbnail()))
        report.add(record(99, None, path=HOSTILE, error=HOSTILE))
    page = tmp_path / f"r.{ending}"
    seen.open(page / "index.html" if ending == "site" else page)
    for place in range(len(TEXTS) + 1):
        seen.page.focus(f".card[data-place='{place}']")
        seen.page.keyboard.press("Enter")
        seen.page.wait_for_selector("dialog[open]")
        seen.page.keyboard.press("y")
        seen.page.keyboard.press("Escape")
    seen.page.emulate_media(media="print")
    assert (
        seen.page.evaluate("document.querySelectorAll('[onerror], [onload], iframe').length") == 0
    )
    assert seen.dialogs == []
    assert seen.said == []


def test_without_scripts_there_is_a_table(browser, page: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    found = context.new_page()
    found.goto(page.resolve().as_uri())
    assert found.is_visible(".plain")
    assert not found.is_visible("#gallery")
    assert "photos/00000.png" in found.inner_text(".plain")
    context.close()


def test_it_prints_findings_or_what_the_filters_leave(seen: Seen, tmp_path: Path) -> None:
    with Report([tmp_path / "r.html"], {}, ABOUT) as report:
        for each in records():
            report.add(each)
    seen.open(tmp_path / "r.html")
    printed = """() => { dispatchEvent(new Event('beforeprint'));
      return [...document.querySelectorAll('.plain tbody tr')]
        .filter((line) => !line.classList.contains('unprinted')).length; }"""
    assert seen.page.evaluate(printed) == 10
    seen.page.evaluate("location.hash = 'folder=b'")
    seen.until("document.querySelectorAll('.card').length === 2")
    assert seen.page.evaluate(printed) == 2


CONTRAST = """() => {
  const channel = (value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  };
  const light = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3).map(Number).map(channel);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (!/, 0\\)$/.test(color) && color !== 'transparent') return color;
    }
    return 'rgb(255, 255, 255)';
  };
  const low = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !element.checkVisibility() || element.closest('svg')) continue;
    const [a, b] = [light(getComputedStyle(element).color), light(ground(element))].sort();
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) low.push([element.className || element.tagName, ratio.toFixed(2)].join(' '));
  }
  return [...new Set(low)];
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("opened", [False, True])
def test_text_has_contrast(browser, page: Path, theme: str, opened: bool) -> None:
    context = browser.new_context(color_scheme=theme, viewport={"width": 1200, "height": 2400})
    seen = Seen(context.new_page())
    seen.open(page)
    if opened:
        seen.page.click(".card", position={"x": 5, "y": 5})
        seen.page.wait_for_selector("dialog[open]")
    assert seen.page.evaluate(CONTRAST) == []
    context.close()


@pytest.mark.parametrize("width", [320, 390, 768, 1600])
def test_nothing_is_wider_than_the_screen(browser, page: Path, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800})
    seen = Seen(context.new_page())
    seen.open(page)
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
    seen.page.click(".card")
    seen.page.wait_for_selector("dialog[open]")
    assert seen.page.evaluate("document.querySelector('dialog').scrollWidth") <= width
    context.close()


def test_everything_has_a_name(seen: Seen, page: Path) -> None:
    seen.open(page)
    seen.page.click(".card >> nth=0")
    seen.page.wait_for_selector("dialog[open]")
    nameless = """() => [...document.querySelectorAll('button, input, select, textarea, img, svg')]
      .filter((e) => e.checkVisibility() && !(e.getAttribute('aria-label') || e.labels?.length
        || e.textContent.trim() || e.hasAttribute('alt')))
      .map((e) => e.outerHTML.slice(0, 100))"""
    assert seen.page.evaluate(nameless) == []


def test_many_images_cost_few_elements(seen: Seen, tmp_path: Path) -> None:
    with Report([tmp_path / "r.site"], {}, ABOUT) as report:
        for number in range(3000):
            report.add(record(number, (number % 100) / 100))
    seen.open(tmp_path / "r.site" / "index.html")
    assert seen.page.evaluate("document.querySelectorAll('.card').length") < 120
    seen.page.focus(".card")
    seen.page.keyboard.press("End")
    seen.page.wait_for_selector(".card[data-place='2999']")
    assert seen.page.evaluate("document.querySelectorAll('.card').length") < 120
    assert seen.said == []
