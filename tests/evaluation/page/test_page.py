"""The page of an evaluation: what it holds, and that nothing in it runs or loads."""

import base64
import hashlib
import io
import re
from pathlib import Path

import pytest
from PIL import Image

from clipfake.errors import ReportError
from clipfake.evaluation.bias import Bias
from clipfake.evaluation.intervals import Estimate
from clipfake.evaluation.page.page import write_page
from tests.evaluation.page.sets import evaluation, page_of
from tests.report.page.parsed import Parsed
from tests.report.page.rows import HOSTILE, RTL
from tests.report.page.test_page import TEXTS


def headings(found: Parsed) -> list[str]:
    return re.findall(r"<h[123][^>]*>\s*(.*?)\s*(?:<|$)", found.source)


def test_figures_come_first_then_plots_tables_and_errors(tmp_path: Path) -> None:
    found = page_of(tmp_path, perturbations=("jpeg-30", "jpeg-75"))
    titles = headings(found)
    wanted = [
        "Figures",
        "Plots",
        "ROC",
        "Scores",
        "Calibration",
        "Scores by generator",
        "Robustness",
        "Against the strength of jpeg",
        "Generators",
        "Kinds of real images",
        "Perturbations",
        "Real images accused",
        "AI images missed",
        "Measured",
    ]
    assert [title for title in titles if title in wanted] == wanted
    line = found.source[found.source.index('<ul class="verdicts">') :].partition("</ul>")[0]
    for text in ("AUC", "recall", "false-positive rate", "20", "images of 5 sources"):
        assert text in line
    assert line.count('class="interval"') == 3
    assert "never by accuracy" in found.texts
    assert "A score is evidence, not proof." in found.texts


def test_scores_of_a_report_without_a_threshold_have_a_page(tmp_path: Path) -> None:
    found = page_of(tmp_path, rule=None, logits=True)
    assert "No operating point" in found.texts
    assert "Calibration" not in headings(found)
    assert "Real images with the highest scores" in headings(found)
    assert "recall at 1 % false positives" in found.texts
    assert "balanced accuracy" not in found.texts


def test_a_set_that_flatters_is_warned_of(tmp_path: Path) -> None:
    held = evaluation(tmp_path / "set")
    held.bias = Bias(20, Estimate(0.9, 0.8, 0.95), {"width": 0.8})
    write_page(held, tmp_path / "page.html", workers=0)
    found = Parsed(tmp_path / "page.html")
    assert "can flatter any detector" in found.texts
    assert "What the files alone tell" in headings(found)


def test_the_worst_and_best_are_shown_and_the_rest_folded(tmp_path: Path) -> None:
    found = page_of(tmp_path, generators=43)
    table = re.search(r'<section class="table".*?</section>', found.source, re.DOTALL)
    assert table is not None
    shown, _, folded = table[0].partition("<details")
    assert shown.count('<th scope="row"') == 20
    assert folded.count('<th scope="row"') == 23
    assert "the 23 between them are folded below" in shown
    areas = [float(value) for value in re.findall(r'</bdi></th><td data-value="([\d.]+)"', shown)]
    assert len(areas) == 20
    assert areas == sorted(areas)
    assert 'aria-sort="ascending"' in shown


def test_few_rows_are_not_folded(tmp_path: Path) -> None:
    found = page_of(tmp_path, generators=20, kinds=1)
    assert found.source.count("<details") == 1  # of all figures
    assert "folded below" not in found.texts


def test_errors_are_shown_upright_and_what_is_gone_has_a_place(tmp_path: Path) -> None:
    held = evaluation(tmp_path / "set", each=2)
    turned = Image.new("RGB", (60, 30), "white")
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(tmp_path / "set" / "there.png", exif=exif)
    write_page(held, tmp_path / "page.html", workers=0)
    found = Parsed(tmp_path / "page.html")
    shots = [given for given in found.named("li") if (given.get("class") or "").startswith("shot")]
    assert len(shots) == len(held.data.examples)
    images = found.named("img")
    assert len(images) == len(shots) / 2
    assert found.texts.count("no picture at hand") == len(shots) / 2
    address = images[0]["src"] or ""
    head, _, data = address.partition(",")
    assert head == "data:image/webp;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as small:
        assert small.size == (30, 60)
    accused = sum(
        score >= 0.8
        for example, score in zip(held.data.examples, held.scores.values, strict=True)
        if not example.is_ai
    )
    assert f"Real images accused {accused} of 4" in " ".join(found.texts.split())


@pytest.mark.parametrize("text", [*TEXTS, "{kind}" + HOSTILE, "$x^2$ & <b>"])
def test_hostile_names_stay_text(tmp_path: Path, text: str) -> None:
    name = re.sub(r"[{}/\0]", "", text)[:60] + " {number} {kind}"
    found = page_of(tmp_path, name=name, perturbations=("jpeg-30",))
    allowed = {"html", "head", "meta", "title", "style", "script", "body", "a", "header", "p", "h1"}
    allowed |= {"h2", "h3", "div", "button", "main", "section", "ul", "li", "b", "span", "details"}
    allowed |= {"summary", "table", "thead", "tbody", "tr", "th", "td", "figure", "figcaption"}
    allowed |= {"svg", "rect", "line", "polyline", "path", "text", "bdi", "img", "wbr", "dl", "dt"}
    allowed |= {"dd", "footer", "code"}
    assert {tag for tag, _ in found.elements} <= allowed
    for tag, attributes in found.elements:
        assert not [given for given in attributes if given.startswith("on")], tag
        assert "style" not in attributes, tag
        for given in ("src", "href", "action", "srcset", "xlink:href"):
            address = attributes.get(given)
            assert address is None or address.startswith(("data:image/webp;base64,", "#"))
    assert RTL[5] not in found.texts
    assert "\x1b" not in found.source


def test_the_policy_names_scripts_and_style_by_their_hashes(tmp_path: Path) -> None:
    found = page_of(tmp_path)
    assert found.policy["default-src"] == ["'none'"]
    assert found.policy["img-src"] == ["data:"]
    for kind, texts in (("script-src", found.scripts), ("style-src", found.styles)):
        digests = [base64.b64encode(hashlib.sha256(t.encode()).digest()).decode() for t in texts]
        assert found.policy[kind] == [f"'sha256-{digest}'" for digest in digests]
    assert len(found.scripts) == 2
    assert len(found.styles) == 1
    places = set(re.findall(r"\b\w+://[^\s\"'<]+", found.source))
    assert places <= {"http://www.w3.org/2000/svg"}  # a name, which is never opened
    assert "url(" not in found.styles[0]


def test_a_page_of_thousands_of_generators_stays_small(tmp_path: Path) -> None:
    found = page_of(tmp_path, generators=1200, kinds=1, each=1)
    assert found.source.count('<th scope="row" class="name">') == 1000
    assert "200 more rows in the middle" in found.texts
    assert len(found.source) < 1_500_000


def test_a_page_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"page\.html"):
        write_page(evaluation(tmp_path / "set"), tmp_path / "none" / "page.html", workers=0)
