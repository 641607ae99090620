"""Exit codes of command lines, one by one: what pipelines rest on."""

from pathlib import Path

import pytest
from PIL.PngImagePlugin import PngInfo

from clipfake.cli.exit_codes import Exit
from tests.cli.command import clipfake
from tests.conftest import encoded, picture

LINE = "a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 42, Size: 64x48, Model: sd"
FINE, FOUND, USAGE, NOTHING = Exit.FINE, Exit.FOUND, Exit.USAGE, Exit.NOTHING_READ

LINES: list[tuple[str, Exit]] = [
    # what is scanned
    ("scan in", FINE),
    ("scan in/a.png in/ai.png", FINE),
    ("scan nowhere", USAGE),
    ("scan in nowhere", USAGE),
    ("scan empty", NOTHING),
    ("scan notes", NOTHING),
    ("scan in --include *.gif", NOTHING),
    ("scan in --exclude *.png", NOTHING),
    ("scan list.csv", FINE),
    ("scan words.txt", FINE),
    ("scan none.csv", USAGE),
    ("scan in --null", USAGE),
    ("scan https://host.invalid/a.png", USAGE),
    ("scan in --shard 1/1", FINE),
    ("scan in --shard 3/2", USAGE),
    ("scan in --shard two", USAGE),
    ("scan", USAGE),
    # gates
    ("scan in --fail-on ai", FOUND),
    ("scan in --fail-on error", FINE),
    ("scan in/a.png --fail-on ai,inconclusive", FOUND),
    ("scan in notes --strict", FINE),
    ("scan notes/a.txt --strict", FOUND),
    ("scan in --fail-on fake", USAGE),
    ("scan in --top 0 --json", FINE),
    # reports
    ("scan in -o r.parquet", FINE),
    ("scan in -o r.csv -o r.jsonl -o r.parts", FINE),
    ("scan in -o r.csv -o r.csv", USAGE),
    ("scan in -o r.doc", USAGE),
    ("scan in -o none/r.csv", USAGE),
    ("scan in --custody", USAGE),
    ("scan in -o c.csv --custody", FINE),
    ("scan in -o r2.csv --no-resume", FINE),
    ("scan in --cache k", FINE),
    ("scan in --trust-times", USAGE),
    ("scan in -o r3.csv --custody --cache k --trust-times", USAGE),
    # limits and what is read
    ("scan in --max-bytes 0", USAGE),
    ("scan in --max-bytes 10", NOTHING),
    ("scan in --timeout-per-file -1", USAGE),
    ("scan in --workers -1", USAGE),
    ("scan in --workers two", USAGE),
    ("scan in --no-metadata", USAGE),
    ("scan in --gps --prompts", FINE),
    ("scan in --c2pa-trust nowhere.pem", USAGE),
    ("scan in --no-such-option", USAGE),
]
SCORED: list[tuple[str, Exit]] = [
    ("scan in broken --strict", FOUND),
    ("scan in broken --fail-on error", FOUND),
    ("scan in", FINE),
    ("scan in --fail-on ai", FOUND),
    ("scan in --threshold 0 --fail-on ai -o s.csv", FOUND),
    ("scan in --fpr 0.02", USAGE),
    ("scan in --fpr 0.05 --threshold 0.5", USAGE),
    ("scan in --threshold 1.5", USAGE),
    ("scan in --device none", USAGE),
    ("scan in --precision fp8", USAGE),
    ("scan in --adapter none.safetensors", USAGE),
    ("scan in --backbone ViT-B-16/none", USAGE),
    ("scan in --no-metadata", FINE),
    ("scan in --max-pixels 10", NOTHING),
    ("inspect in/a.png", FINE),
    ("inspect nowhere.png", NOTHING),
    ("verify none.parquet", USAGE),
    ("merge none.parquet -o all.csv", USAGE),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lines")
    for name in ("in", "empty", "notes", "broken"):
        (root / name).mkdir()
    (root / "in" / "a.png").write_bytes(encoded(picture()))
    words = PngInfo()
    words.add_text("parameters", LINE)
    (root / "in" / "ai.png").write_bytes(encoded(picture(seed=3), pnginfo=words))
    (root / "notes" / "a.txt").write_text("no image")
    (root / "broken" / "cut.jpg").write_bytes(encoded(picture(400, 400), "JPEG")[:3000])
    (root / "list.csv").write_text("path,label\nin/a.png,real\n")
    (root / "words.txt").write_text("notes/a.txt\n")
    return root


def ended(place: Path, monkeypatch: pytest.MonkeyPatch, line: str, *more: str) -> int:
    monkeypatch.chdir(place)
    return clipfake(*line.split(), *more)


@pytest.mark.parametrize(("line", "code"), LINES, ids=[line for line, _ in LINES])
def test_of_metadata_alone(
    place: Path, monkeypatch: pytest.MonkeyPatch, line: str, code: Exit
) -> None:
    workers = () if "--workers" in line else ("--workers", "0")
    assert ended(place, monkeypatch, line, "--no-pixels", *workers) == code


@pytest.mark.usefixtures("small_detector")
@pytest.mark.parametrize(("line", "code"), SCORED, ids=[line for line, _ in SCORED])
def test_of_pixels(place: Path, monkeypatch: pytest.MonkeyPatch, line: str, code: Exit) -> None:
    workers = ("--workers", "0") if line.startswith("scan") else ()
    assert ended(place, monkeypatch, line, *workers) == code
