"""Take pictures of pages and sites in headless Chromium, to be looked at.

    python -m tools.page_pictures FOLDER
    python -m tools.page_pictures docs/pictures --readme
    python -m tools.page_pictures FOLDER --page evaluation.html

Needs playwright and Chromium. FOLDER gets a page of 12 images (the examples) and of 2,000 drawn
ones, light, dark and as on a telephone, their details, what they print, a site of 20,000 whose
rows are those of the benchmark (200 drawn pictures, repeated), the page of an evaluation with
drawn scores, and what a terminal of 80 columns shows during and after a scan, of ``inspect`` and
of the help. With ``--readme`` it gets the two small pictures of the README alone, made of the
examples; with ``--page`` those of one page alone, of whatever it is.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from benchmarks.page import weigh
from clipfake.cli.explain import Explaining
from clipfake.detector.calibration import DecisionRule
from clipfake.evaluation.dataset import LabelledSet, Layout
from clipfake.evaluation.evaluate import evaluate
from clipfake.evaluation.figures import figures
from clipfake.evaluation.page.page import write_page
from clipfake.evaluation.perturbations import SUITE, perturbation
from clipfake.evaluation.result import Robustness
from clipfake.evaluation.scores import Scores
from clipfake.plan import ScanPlan
from clipfake.scanning.pipeline import run
from clipfake.sources.labelled import Example
from tools.terminal_picture import draw

if TYPE_CHECKING:
    from playwright.sync_api import Browser

EXAMPLES = Path(__file__).parent.parent / "examples" / "images"
BROKEN = "broken.jpg"
LEFT_OUT = ["shapes.png", "terrain.jpg", "bouncing-ball.gif"]
DESK, TALL, PHONE = (1280, 900), (1280, 2600), (390, 844)
README_WIDTH = 800  # pixels


def page_of_examples(folder: Path) -> Path:
    """A page of the example pictures."""
    path = folder / "examples.html"
    plan = ScanPlan.of([str(EXAMPLES)], output=[path], exclude=LEFT_OUT, explain=3)
    with run(plan, explain=Explaining(plan, quiet=True).draw) as events:
        for _ in events:
            pass
    return path


def page_of_evaluation(folder: Path, groups: int = 40) -> Path:
    """A page of an evaluation with drawn scores of the example pictures.

    Args:
        folder: where it is written.
        groups: generators, and as many kinds of real images.
    """
    left_out = {*LEFT_OUT, BROKEN}
    pictures = sorted(p for p in EXAMPLES.iterdir() if p.is_file() and p.name not in left_out)
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
        found.robustness.append(
            Robustness(perturbation(name), figures(found.images, rule, draws=20))
        )
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
    keys: str = "",
) -> None:
    """Take one picture.

    Args:
        browser: to open the page in.
        page: HTML, or the folder of a site.
        out: picture to write, ``.png``.
        size: of the window, pixels.
        dark: as a reader who prefers it sees it.
        address: filters and the open image.
        gallery: scroll to the images.
        printed: take the first two sides that the browser prints.
        whole: the whole page, however long.
        keys: pressed before the picture is taken.
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
    for key in keys:
        shown.keyboard.press(key)
    shown.wait_for_timeout(500)
    if printed:
        print_sides(shown.pdf(format="A4", prefer_css_page_size=True), out)
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
    shoot(browser, page, out / f"{name}-print.png", printed=True)


def print_sides(pdf: bytes, out: Path) -> None:
    """The first two sides of a PDF, beside each other; the PDF itself where poppler is missing."""
    if shutil.which("pdftoppm") is None:
        out.with_suffix(".pdf").write_bytes(pdf)
        print(f"{out.name}: no pdftoppm on this machine (poppler-utils), left as PDF")
        return
    with tempfile.TemporaryDirectory() as folder:
        command = ["pdftoppm", "-r", "70", "-l", "2", "-png", "-", f"{folder}/side"]
        subprocess.run(command, input=pdf, check=True)  # noqa: S603
        sides = [Image.open(path).convert("RGB") for path in sorted(Path(folder).glob("*.png"))]
        width, height = sum(side.width for side in sides), max(side.height for side in sides)
        sheet = Image.new("RGB", (width, height), "grey")
        for place, side in enumerate(sides):
            sheet.paste(side, (place * side.width, 0))
        sheet.save(out)


def terminals(browser: "Browser", out: Path) -> None:
    """What a terminal of 80 columns shows."""
    scan = ["scan", str(EXAMPLES.relative_to(Path.cwd())), "--workers", "1"]
    photo = str((EXAMPLES / "astronaut.jpg").relative_to(Path.cwd()))
    for name, arguments, during in (
        ("scan-during", scan, True),
        ("scan-after", scan, False),
        ("inspect", ["inspect", photo], False),
        ("help", ["--help"], False),
        ("scan-help", ["scan", "--help"], False),
    ):
        picture = out / f"terminal-{name}.svg"
        draw(picture, arguments, columns=80, during=during)
        page = browser.new_page(viewport={"width": 1000, "height": 800})
        page.goto(picture.resolve().as_uri())
        page.screenshot(path=picture.with_suffix(".png"))
        page.close()


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
        shoot(browser, page, out / f"{name}-print.png", printed=True)
    whole_page(browser, page_of_evaluation(folder), out)
    shoot(browser, examples, out / "12-heat.png", address="#image=0", keys="h")
    terminals(browser, out)


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
