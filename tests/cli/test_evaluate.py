"""`clipfake evaluate`."""

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from sklearn.metrics import roc_auc_score

from clipfake.cli.app import main
from clipfake.detector.adapter_file import load_adapter, save_adapter
from clipfake.detector.detector import Detector
from clipfake.evaluation.perturbations import CHAINS, perturbation
from clipfake.imaging.decode import decode
from clipfake.imaging.limits import Limits
from clipfake.imaging.preprocessing import Preprocessing
from tests.clusters import small_head
from tests.conftest import picture
from tests.small import WIDTH, small_adapter

pytestmark = pytest.mark.usefixtures("small_detector")


def evaluate(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as raised:
        main(["evaluate", *map(str, arguments), "--draws", "20"])
    return int(raised.value.code or 0)


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small GenImage: two generators, one without reals, one broken image, one text."""
    root = tmp_path / "set"
    names = [f"sdxl/val/ai/{n}.png" for n in range(3)]
    names += [f"sdxl/val/nature/{n}.jpg" for n in range(3)]
    names += [f"glide/val/ai/{n}.png" for n in range(2)]
    for seed, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        picture(80, 60, seed=seed).save(root / name)
    (root / "sdxl/val/nature/broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 nothing")
    (root / "sdxl/val/ai/list.txt").write_text("no image")
    (root / "README").write_text("of no class")
    return root


def test_a_tree_is_scored_and_measured(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / f"figures.{ending}" for ending in ("json", "csv", "parquet", "md")]
    outputs = [argument for file in files for argument in ("-o", file)]
    assert evaluate(tree, *outputs, "--perturb", "jpeg-30,flip") == 0
    said = capsys.readouterr()
    assert "layout genimage, 6 AI and 4 real images" in said.err
    assert "passed over, not in a folder of a class: 1" in said.err
    assert "without a score: 1: no image" in said.out
    assert re.search(r"without a score: 1: JPEG: .*get a whole copy", said.out) or (
        "starts like JPEG" in said.out
    )
    assert "never by accuracy" in said.out
    assert "3 (1 unscored)" in said.out or "4 (1 unscored)" in said.out

    found = json.loads(files[0].read_text())
    paths = sorted(tree.rglob("val/*/?.*"))
    scores = dict(zip(paths, Detector.load().score(paths).tolist(), strict=True))
    is_ai = ["ai" in path.parts for path in paths]
    values = [scores[path] for path in paths]
    assert found["overall"]["auc"]["value"] == pytest.approx(roc_auc_score(is_ai, values))
    assert (found["overall"]["ai"], found["overall"]["real"]) == (5, 4)
    assert found["overall"]["real_unscored"] == 1
    assert [row["name"] for row in found["generators"]] == ["glide", "sdxl"]
    assert [row["reals"] for row in found["generators"]] == ["all", "own"]
    threshold = load_adapter().rule().threshold
    assert found["threshold"] == threshold
    accused = np.mean([scores[p] >= threshold for p in paths if "nature" in p.parts])
    assert found["overall"]["fpr"]["value"] == pytest.approx(accused)
    change = perturbation("jpeg-30")
    changed = Detector.load().score([change(path.read_bytes()) for path in paths])
    robust = {row["perturbation"]: row for row in found["robustness"]}
    assert robust["jpeg-30"]["auc"]["value"] == pytest.approx(roc_auc_score(is_ai, changed))
    assert set(robust) == {"jpeg-30", "flip"}

    with files[1].open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["perturbation"], row["name"]) for row in rows] == [
        ("none", "all"),
        ("none", "glide"),
        ("none", "sdxl"),
        ("jpeg-30", "all"),
        ("flip", "all"),
    ]
    table = pq.read_table(files[2])
    assert table["auc"].to_pylist() == pytest.approx([float(row["auc"]) for row in rows])
    text = files[3].read_text()
    auc = found["overall"]["auc"]
    assert f"| AUC | {auc['value']:.3f} ({auc['low']:.3f} to {auc['high']:.3f}) |" in text
    assert re.search(r"\| sdxl \| 3 \| 4 \(own\) \| 1 \|", text)
    assert "| jpeg-30 | 5 | 4 | 1 |" in text


def test_chains_have_figures_with_intervals_in_every_output(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / f"figures.{ending}" for ending in ("json", "csv", "md")]
    page = tmp_path / "page.html"
    outputs = [argument for file in files for argument in ("-o", file)]
    names = [*CHAINS, "flip+social-a", "flip", "crop-0.75"]
    assert evaluate(tree, *outputs, "--html", page, "--perturb", ",".join(names)) == 0
    said = capsys.readouterr().out
    shown = said[said.index("perturbed, thresholds unchanged") :]
    found = json.loads(files[0].read_text())["robustness"]
    assert [row["perturbation"] for row in found] == names
    assert [row["steps"] for row in found] == [perturbation(name).spelled for name in names]
    with files[1].open(encoding="utf-8-sig", newline="") as file:
        flat = {row["perturbation"]: row for row in csv.DictReader(file)}
    text, html = files[2].read_text(), page.read_text()
    for row in found:
        auc, recall, fpr = row["auc"], row["recall"], row["fpr"]
        name = row["perturbation"]
        for figure in ("auc", "recall", "fpr"):
            low, value, high = (row[figure][end] for end in ("low", "value", "high"))
            assert low <= value <= high
            assert float(flat[name][f"{figure}_low"]) == low
            assert float(flat[name][f"{figure}_high"]) == high
        shares = [
            f"{share['value']:.1%} ({share['low']:.1%} to {share['high']:.1%})"
            for share in (recall, fpr)
        ]
        (line,) = [line for line in text.splitlines() if line.startswith(f"| {name} |")]
        assert f"{auc['value']:.3f} ({auc['low']:.3f} to {auc['high']:.3f})" in line
        assert line.endswith(f"| {shares[0]} | {shares[1]} |")
        cells = re.search(rf'<th scope="row"[^>]*><bdi>{re.escape(name)}</bdi>.*?</tr>', html)
        assert cells is not None
        assert f"{100 * fpr['low']:.1f} to {100 * fpr['high']:.1f}" in cells[0]
        assert f"{100 * recall['low']:.1f} to {100 * recall['high']:.1f}" in cells[0]
        assert f"{fpr['value']:.1%} ({fpr['low']:.0%}-{fpr['high']:.0%})" in shown
    for said_by in (shown.replace("\n", ""), text, html):
        for name, steps in CHAINS.items():
            assert f"{name} is {steps}" in said_by
    assert "flip is" not in text


def test_the_help_names_every_chain(capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate("--help") == 0
    said = re.sub(r"[^\w-]+", "", capsys.readouterr().out)
    assert all(name in said for name in CHAINS)


def test_a_report_of_another_tool_is_measured_by_the_same_ruler(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "other.csv"
    lines = [f"{path},{'9' if 'ai' in path.parts else '-9'}" for path in tree.rglob("val/*/?.*")]
    report.write_text("path,logit\n" + "\n".join(lines) + "\n")
    out = tmp_path / "figures.json"
    arguments = (tree, "--scores", report, "--score-column", "logit", "-o", out, "--no-bias")
    assert evaluate(*arguments) == 0
    found = json.loads(out.read_text())
    assert found["detector"] == "other.csv"
    assert found["overall"]["auc"]["value"] == 1.0
    assert found["overall"]["recall"] is None
    assert found["overall"]["brier"] is None
    assert found["unscored"] == {"not in the report": 2}
    assert evaluate(*arguments, "--threshold", "0") == 0
    # the image that the report lacks is wrong, not left out
    assert json.loads(out.read_text())["overall"]["accuracy"]["value"] == pytest.approx(8 / 10)
    assert "operating point: score 0.0000, chosen by hand" in capsys.readouterr().out


def test_two_reports_are_compared(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = sorted(tree.rglob("val/*/?.*"))
    for number, report in enumerate(("a.csv", "b.csv")):
        lines = [f"{p},{int('ai' in p.parts) if number else 0.5}" for p in names]
        (tmp_path / report).write_text("path,score\n" + "\n".join(lines) + "\n")
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    out = tmp_path / "figures.json"
    assert evaluate(tree, "--scores", first, "--compare", first, second, "-o", out) == 0
    assert "second report less first" in capsys.readouterr().out
    found = json.loads(out.read_text())
    assert found["compared"] == ["a.csv", "b.csv"]
    assert found["differences"][0]["difference"]["value"] == 0.5


def test_the_page_holds_everything_and_fetches_nothing(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = tree / "sdxl/val/ai" / "<script>alert(1)<&script>.png"
    picture(seed=9).save(evil)
    page = tmp_path / "page.html"
    assert evaluate(tree, "--perturb", "jpeg-30,jpeg-75", "--html", page) == 0
    assert f"figures: {page}" in capsys.readouterr().out
    text = page.read_text()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text
    for title in ("ROC", "Calibration", "Scores by generator", "Robustness"):
        assert f"<h3>{title}" in text
    assert "Against the strength of jpeg" in text
    assert text.count("data:image/webp;base64,") == 3 + 6
    assert "never by accuracy" in text
    links = re.findall(r'(?:src|href|url)\s*[=(]\s*"?([^"\s)>]+)', text)
    assert all(link.startswith(("data:", "#")) for link in links)
    assert len(text) < 2_000_000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--layout", "tree"), "--layout tree: unknown; use one of manifest, genimage"),
        (("--where", "split"), "--where split: give COLUMN=VALUE"),
        (("--perturb", "sepia"), "perturbation sepia: unknown"),
        (("--perturb", "social-c"), "chains are social-a, social-b, screenshot-chain, print-scan"),
        (("-o", "figures.xml"), "figures.xml: the ending names no format"),
        (("--html", "page.txt"), "page.txt: the ending names no format; use one of .html"),
        (("--scores", "r.csv", "--perturb", "flip"), "leave out --adapter and --perturb"),
        (("--scores", "r.csv", "--fpr", "0.01"), "give --threshold"),
        (("--where", "split=test"), "no files in folders named nature or ai, where split=test"),
    ],
)
def test_requests_at_fault(
    tree: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert evaluate(tree, *arguments) == 2
    assert said in capsys.readouterr().err


def test_a_class_of_broken_images_alone_is_an_error(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in tree.glob("sdxl/val/nature/?.jpg"):
        path.unlink()
    assert evaluate(tree) == 2
    assert "none of the 1 real images has a score" in capsys.readouterr().err


@pytest.fixture
def telling(tmp_path: Path) -> Path:
    """An adapter for the small tower whose generator head knows drawn clusters."""
    adapter = small_adapter()
    head = replace(small_head(), lora=adapter.lora_digest)
    assert head.fits(adapter.blocks, WIDTH)
    file = tmp_path / "telling.safetensors"
    save_adapter(replace(adapter, generators=head), file)
    return file


def test_attribution_is_measured_in_the_same_pass(
    tree: Path, telling: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "sdxl").rename(tree / "flux")
    files = [tmp_path / f"figures.{ending}" for ending in ("json", "csv", "parquet", "md")]
    page = tmp_path / "page.html"
    outputs = [argument for file in files for argument in ("-o", file)]
    asked = (tree, "--adapter", telling, "--attribution", "--html", page)
    assert evaluate(*asked, *outputs) == 0
    said = capsys.readouterr().out
    assert "generator families, 5 AI images of 5 sources" in said
    assert "made by (rows), named as (columns)" in said

    found = json.loads(files[0].read_text())["attribution"]
    assert found["known"]["images"] == 5
    assert sum(map(sum, found["known"]["confusion"])) == 5
    detector = Detector.load(telling)
    assert detector.generators is not None
    paths = sorted(tree.rglob("val/ai/?.png"))
    pixels = [np.asarray(decode(p.read_bytes(), Preprocessing(), Limits()).pixels) for p in paths]
    looks = detector.attributions(detector.look(torch.from_numpy(np.stack(pixels))))
    given = [each is not None and each.family is not None for each in looks]
    assert found["known"]["given"]["value"] == pytest.approx(np.mean(given))

    with files[1].open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert float(rows[0]["attribution_accuracy"]) == found["known"]["accuracy"]["value"]
    assert rows[1]["attribution_accuracy"] == ""
    table = pq.read_table(files[2])
    assert table["attribution_images"].to_pylist() == [5, None, None]
    assert "| made by, named as |" in files[3].read_text()
    text = page.read_text()
    for title in ("Families of generators", "Confusion", "Precision and coverage"):
        assert re.search(rf"<h[23][^>]*>{title}", text)


@pytest.mark.parametrize("option", ["--attribution", "--attribution-shots"])
def test_attribution_that_cannot_be_measured(
    tree: Path, telling: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    assert evaluate(tree, option) == 2
    assert "does not tell generators apart; give an --adapter that does" in capsys.readouterr().err
    assert evaluate(tree, option, "--scores", "r.csv") == 2
    assert "--attribution needs the images' pixels; leave out --scores" in capsys.readouterr().err
    for name in ("sdxl", "glide"):
        (tree / name).rename(tree / f"mixed-{name}")
    assert evaluate(tree, option, "--adapter", telling) == 2
    error = capsys.readouterr().err
    assert "none of the labels of 6 AI images names a family of generators" in error
    assert "scoring" not in error
