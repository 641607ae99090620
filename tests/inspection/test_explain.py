"""Patch evidence: that it is the gradient it says it is, and what is drawn and written of it."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from clipfake.cli.exit_codes import Exit
from clipfake.detector import Detector
from clipfake.detector.forward import block_tokens
from clipfake.detector.patch_evidence import hidden_logits, patch_evidence
from clipfake.imaging.decode import decode
from clipfake.imaging.limits import Limits
from clipfake.inspection.evidence_folder import CAVEAT, VALUES
from clipfake.inspection.explain import overlay, strengths
from tests.cli.command import clipfake
from tests.conftest import EXAMPLES, encoded, picture
from tests.report.page.parsed import Parsed

NAMES = ("astronaut.jpg", "chelsea.jpg", "rocket.webp")


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector.load(precision="fp32")


@pytest.fixture(scope="module")
def pixels(detector: Detector) -> torch.Tensor:
    squares = [
        decode((EXAMPLES / name).read_bytes(), detector.adapter.preprocessing, Limits()).pixels
        for name in NAMES
    ]
    return torch.from_numpy(np.stack(squares))


@pytest.fixture(scope="module")
def evidence(detector: Detector, pixels: torch.Tensor) -> np.ndarray:
    return patch_evidence(detector, pixels)


def test_it_is_the_gradient_of_the_calibrated_logit(
    detector: Detector, pixels: torch.Tensor, evidence: np.ndarray
) -> None:
    assert evidence.shape == (3, 14, 14)
    assert evidence.dtype == np.float32
    rng = np.random.default_rng(0)
    direction = torch.from_numpy(rng.normal(size=196)).float()
    step = 1e-2
    ends = []
    for sign in (1, -1):
        bias = torch.cat([torch.zeros(1), sign * step * direction]).view(1, 1, 1, -1)
        with torch.inference_mode():
            adapter = detector.adapter
            tokens = block_tokens(detector.backbone, pixels[:1], adapter.blocks, bias=bias)
            ends.append(detector.adapter.calibration.a * detector.adapter.head(tokens)[0])
    expected = (ends[0] - ends[1]) / (2 * step)
    found = float((evidence[0].flatten() * direction.numpy()).sum())
    assert found == pytest.approx(expected, rel=0.05, abs=0.02)


def test_it_does_not_depend_on_the_other_images(
    detector: Detector, pixels: torch.Tensor, evidence: np.ndarray
) -> None:
    assert np.array_equal(patch_evidence(detector, pixels[1:2])[0], evidence[1])


def test_hiding_what_speaks_for_a_class_moves_the_logit_more_than_chance(
    detector: Detector, pixels: torch.Tensor, evidence: np.ndarray
) -> None:
    generator = torch.Generator().manual_seed(0)
    for image, heat in zip(pixels, evidence, strict=True):
        whole = hidden_logits(detector, image, torch.arange(196)[None])[0]
        side = 1.0 if whole > 0 else -1.0
        orders = [(side * torch.from_numpy(heat).flatten()).argsort()]
        orders += [torch.randperm(196, generator=generator) for _ in range(3)]
        kept = torch.stack([order[:157].sort().values for order in orders])
        moved = side * (whole - hidden_logits(detector, image, kept))
        assert moved[0] > moved[1:].max()


def test_the_drawing_is_red_for_ai_and_blue_for_real_and_dims_what_is_not_seen() -> None:
    heat = np.zeros((2, 2), dtype=np.float32)
    heat[0, 0], heat[1, 1] = 1.0, -1.0
    drawn = np.asarray(overlay(Image.new("RGB", (400, 200), (60, 60, 60)), heat), dtype=int)
    assert drawn.shape == (200, 400, 3)
    assert drawn[10, 110, 0] > drawn[10, 110, 2] + 50
    assert drawn[190, 290, 2] > drawn[190, 290, 0] + 50
    assert drawn[10, 5].min() > 150  # outside of the square
    assert strengths(heat).max() == 1.0
    assert strengths(np.zeros((3, 3), dtype=np.float32)).max() == 0.0


def test_the_command_writes_a_picture_and_the_values_of_each(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    odd = tmp_path / "a b'; <x>.png"
    odd.write_bytes(encoded(picture(300, 200)))
    out = tmp_path / "out"
    files = (odd, EXAMPLES / "broken.jpg", tmp_path / "none.png")
    assert clipfake("explain", *files, "--out", out) == Exit.NOTHING_READ
    told = " ".join(capfd.readouterr().err.split())
    assert CAVEAT in told
    assert told.count("not judged: ") == 2
    first, second, third = map(json.loads, (out / VALUES).read_text().splitlines())
    assert np.array(first["evidence"]).shape == (14, 14)
    assert 0.0 <= first["score"] <= 1.0
    assert second["evidence"] is None
    assert "truncated" in second["error"]
    assert third["picture"] is None
    with Image.open(out / first["picture"]) as drawn:
        assert drawn.size == (300, 200)
        assert drawn.info["Description"] == CAVEAT
    assert sorted(path.name for path in out.iterdir()) == sorted([VALUES, first["picture"]])
    assert clipfake("explain", odd, "--out", odd) == Exit.USAGE


def test_a_scan_explains_its_worst_files(tmp_path: Path) -> None:
    root = tmp_path / "in"
    root.mkdir()
    for number in range(3):
        (root / f"{number}.png").write_bytes(encoded(picture(seed=number)))
    report = tmp_path / "r.csv"
    options = ("--threshold", 0, "--explain", 2, "--top", 1, "--workers", 0, "--quiet")
    assert clipfake("scan", root, "-o", report, *options) == Exit.FINE
    folder = tmp_path / "r.csv.evidence"
    lines = [json.loads(line) for line in (folder / VALUES).read_text().splitlines()]
    assert len(lines) == 2
    assert lines[0]["score"] >= lines[1]["score"]
    assert all((folder / line["picture"]).is_file() for line in lines)


def test_a_page_shows_what_the_scan_explains(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "in"
    root.mkdir()
    for number in range(3):
        (root / f"{number}.png").write_bytes(encoded(picture(300, 200, seed=number)))
    page, site, rows = tmp_path / "r.html", tmp_path / "r.site", tmp_path / "r.parquet"
    options = ("-o", site, "-o", rows, "--threshold", 0, "--explain", 2, "--workers", 0)
    assert clipfake("scan", root, "-o", page, *options) == Exit.FINE
    assert "patch evidence of 2 files" in " ".join(capfd.readouterr().err.split())
    data = Parsed(page).data
    assert sorted(data["heat"]) == ["0", "1"]  # the highest scores come first
    assert sorted(data["large"]) == ["0", "1", "2"]
    assert data["meta"]["caveat"] == CAVEAT
    for kind, count in (("heat", 2), ("large", 3)):
        files = list(site.rglob(f"*.{kind}.webp"))
        assert len(files) == count
        for file in files:
            with Image.open(file) as drawn:
                assert (drawn.format, drawn.size) == ("WEBP", (300, 200))
    again, second = tmp_path / "again.html", tmp_path / "again.site"
    assert clipfake("report", rows, "-o", again, "-o", second) == 0
    assert "2 heat maps beside it" in " ".join(capfd.readouterr().err.split())
    later = Parsed(again).data
    assert later["heat"] == data["heat"]
    assert later["meta"]["caveat"] == CAVEAT
    assert len(list(second.rglob("*.heat.webp"))) == 2


def test_reports_are_whole_where_the_drawings_cannot_be_written(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.png").write_bytes(encoded(picture(300, 200)))
    (tmp_path / "r.html.evidence").write_text("in the way")
    page = tmp_path / "r.html"
    options = ("-o", page, "--threshold", 0, "--explain", 1, "--workers", 0)
    assert clipfake("scan", tmp_path / "x.png", *options) == Exit.REPORT_FAILED
    assert "r.html.evidence: cannot be written" in " ".join(capfd.readouterr().err.split())
    assert Parsed(page).data["heat"] == {}
