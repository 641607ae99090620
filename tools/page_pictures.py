"""Take pictures of pages and sites in headless Chromium, to be looked at.

    python -m tools.page_pictures FOLDER
    python -m tools.page_pictures docs/pictures --readme
    python -m tools.page_pictures FOLDER --page evaluation.html

Needs playwright and Chromium. FOLDER gets a page of 12 images (the examples) and of 2,000 drawn
ones, light, dark and as on a telephone, their details, the pages that print, a site of 20,000, and
the page of an evaluation with drawn scores. With ``--readme`` it gets the two small pictures of the
README alone, made of the examples; with ``--page`` those of one page alone, of whatever it is.
"""

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from benchmarks.page import weigh
from clipfake.detector.calibration import DecisionRule
from clipfake.evaluation.dataset import LabelledSet, Layout
from clipfake.evaluation.evaluate import evaluate
from clipfake.evaluation.figures import figures
from clipfake.evaluation.page.page import write_page
from clipfake.evaluation.perturbations import SUITE
from clipfake.evaluation.result import Robustness
from clipfake.evaluation.scores import Scores
from clipfake.plan import ScanPlan
from clipfake.scanning.pipeline import run
from clipfake.sources.labelled import Example

if TYPE_CHECKING:
    from playwright.sync_api import Browser

EXAMPLES = Path(__file__).parent.parent / "examples" / "images"
LEFT_OUT = ["shapes.png", "terrain.jpg", "bouncing-ball.gif"]
DESK, TALL, PHONE = (1280, 900), (1280, 2600), (390, 844)
README_WIDTH = 800  # pixels


def page_of_examples(folder: Path) -> Path:
    """A page of the example pictures."""
    path = folder / "examples.html"
    plan = ScanPlan.of([str(EXAMPLES)], output=[path], exclude=LEFT_OUT)
    with run(plan) as events:
        for _ in events:
            pass
    return path


def page_of_evaluation(folder: Path, groups: int = 40) -> Path:
    """A page of an evaluation with drawn scores of the example pictures.

    Args:
        folder: where it is written.
        groups: generators, and as many kinds of real images.
    """
    pictures = sorted(path for path in EXAMPLES.iterdir() if path.name not in LEFT_OUT)
    rng = np.random.default_rng(0)
    examples, scores = [], []
    for number in range(groups):
        for is_ai in (False, True):
            name = f"{'generator' if is_ai else 'camera'}-{number}"
            middle = rng.uniform(0.4, 1.0) if is_ai else 0.2
            for place in range(8):
                shown = pictures[(number + place) % len(pictures)]
                examples.append(Example(str(shown), is_ai, name, name))
                scores.append(float(np.clip(rng.normal(middle, 0.2), 0, 1)))
    data = LabelledSet("labelled.csv", Layout.MANIFEST, examples, Counter())
    none: list[str | None] = [None] * len(scores)
    held = Scores(np.array(scores), none, np.zeros(len(scores), bool), "drawn scores")
    rule = DecisionRule(0.7, 0.3, fpr=0.01)
    found = evaluate(data, held, rule, draws=40, audit=False)
    for name in SUITE:
        found.robustness.append(Robustness(name, figures(found.images, rule, draws=20)))
    path = folder / "evaluation.html"
    write_page(found, path, workers=0)
    return path


def shoot(
    browser: "Browser",
    page: Path,
    out: Path,
    size: tuple[int, int] = DESK,
    *,
    dark: bool = False,
    address: str = "",
    gallery: bool = False,
    printed: bool = False,
    whole: bool = False,
) -> None:
    """Take one picture.

    Args:
        browser: to open the page in.
        page: HTML, or the folder of a site.
        out: picture to write, ``.png``; ``.pdf`` for what it prints.
        size: of the window, pixels.
        dark: as a reader who prefers it sees it.
        address: filters and the open image.
        gallery: scroll to the images.
        printed: write what the browser prints.
        whole: the whole page, however long.
    """
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if dark else "light"
    )
    shown = context.new_page()
    faults: list[Any] = []
    shown.on("console", lambda message: faults.append(message.text))
    shown.on("pageerror", lambda error: faults.append(error))
    index = page / "index.html" if page.is_dir() else page
    shown.goto(index.resolve().as_uri() + address)
    shown.wait_for_selector("html[data-ready]")
    if gallery:
        shown.evaluate("document.getElementById('gallery').scrollIntoView()")
    shown.wait_for_timeout(500)
    if printed:
        shown.pdf(path=out, format="A4", prefer_css_page_size=True)
    else:
        shown.screenshot(path=out, full_page=whole)
    context.close()
    for fault in faults:
        print(f"{out.name}: {fault}")


def whole_page(browser: "Browser", page: Path, out: Path) -> None:
    """One page: light, dark, on a telephone and as it prints."""
    name = page.stem
    shoot(browser, page, out / f"{name}-light.png", whole=True)
    shoot(browser, page, out / f"{name}-dark.png", dark=True, whole=True)
    shoot(browser, page, out / f"{name}-phone.png", PHONE, whole=True)
    shoot(browser, page, out / f"{name}-print.pdf", printed=True)


def everything(browser: "Browser", folder: Path, out: Path) -> None:
    """All views of all sizes."""
    examples = page_of_examples(folder)
    (many, _), (_, site) = weigh(2000, folder), weigh(20_000, folder)
    for name, page in (("12", examples), ("2000", many), ("site", site)):
        for theme in ("light", "dark"):
            dark = theme == "dark"
            shoot(browser, page, out / f"{name}-{theme}.png", TALL, dark=dark)
            shoot(browser, page, out / f"{name}-{theme}-detail.png", dark=dark, address="#image=3")
        shoot(browser, page, out / f"{name}-gallery.png", gallery=True)
        shoot(browser, page, out / f"{name}-phone.png", (PHONE[0], 2400))
        shoot(browser, page, out / f"{name}-phone-detail.png", PHONE, address="#image=3")
        shoot(browser, page, out / f"{name}-print.pdf", printed=True)
    whole_page(browser, page_of_evaluation(folder), out)


def for_readme(browser: "Browser", folder: Path, out: Path) -> None:
    """The two pictures of the README."""
    examples = page_of_examples(folder)
    for name, more in (("page", {"gallery": True}), ("detail", {"address": "#image=0"})):
        shoot(browser, examples, folder / "big.png", (1100, 760), **more)
        big = Image.open(folder / "big.png").convert("RGB")
        small = big.resize((README_WIDTH, round(big.height * README_WIDTH / big.width)))
        small.save(out / f"{name}.webp", quality=80, method=6)


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--readme", action="store_true", help="the two of the README alone")
    parser.add_argument("--page", type=Path, help="pictures of this page alone")
    args = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("no Chromium on this machine: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    args.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        if args.page is not None:
            whole_page(browser, args.page, args.folder)
        else:
            take = for_readme if args.readme else everything
            take(browser, Path(folder), args.folder)
        browser.close()


if __name__ == "__main__":
    main()
