"""`clipfake generators`: list, add, remove, and what they refuse."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from clipfake.cli.exit_codes import Exit
from clipfake.detector.adapter_file import load_adapter, save_adapter
from tests.cli.command import clipfake as exit_code_of
from tests.clusters import small_head
from tests.conftest import encoded, picture
from tests.small import save_small, small_adapter, small_by_default


@dataclass
class Done:
    """What a command said."""

    exit_code: int
    stdout: str
    stderr: str


Command = Callable[..., Done]


@pytest.fixture
def clipfake(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command and read what it says."""

    def run(*arguments: object) -> Done:
        capsys.readouterr()
        code = exit_code_of(*arguments)
        out, err = capsys.readouterr()
        return Done(code, out, " ".join(err.split()))

    return run


@pytest.fixture
def base(tmp_path: Path) -> Iterator[Path]:
    """A small adapter that tells drawn generators apart, and is the default."""
    file = tmp_path / "base.safetensors"
    save_adapter(replace(small_adapter(), generators=small_head()), file)
    with small_by_default(file):
        yield file


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "acme"
    folder.mkdir()
    for number in range(10):
        (folder / f"{number}.png").write_bytes(encoded(picture(64, 64, seed=number), "PNG"))
    return folder


def test_list(clipfake: Command, base: Path) -> None:
    done = clipfake("generators", "list", "--json")
    assert done.exit_code == Exit.FINE
    found = json.loads(done.stdout)
    assert [row["family"] for row in found["generators"]] == ["gan", "flux", "google", "other"]
    assert all(row["images"] == 32 for row in found["generators"])
    assert "GAN" in clipfake("generators", "list").stdout


def test_add_scan_and_remove(clipfake: Command, base: Path, images: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine.safetensors"
    done = clipfake("generators", "add", "Acme", images, "--out", out, "--workers", 0)
    assert done.exit_code == Exit.FINE, done.stderr
    assert "10 images of Acme" in done.stderr
    head = load_adapter(out).generator_head
    assert head is not None
    assert head.generators[-1].name == "Acme"
    assert head.generators[-1].added
    report = tmp_path / "r.jsonl"
    done = clipfake(
        *("scan", images, "--adapter", out, "--threshold", 0, "-o", report, "--workers", 0)
    )
    assert done.exit_code == Exit.FINE, done.stderr
    rows = [json.loads(line) for line in report.read_text().splitlines()]
    assert {row["generator_basis"] for row in rows} == {"pixels"}
    assert {row["generator"] for row in rows} <= {"Acme", "unknown"}
    again = tmp_path / "again.safetensors"
    done = clipfake("generators", "remove", "Acme", "--adapter", out, "--out", again)
    assert done.exit_code == Exit.FINE, done.stderr
    left = load_adapter(again).generator_head
    assert left is not None
    assert [g.name for g in left.generators] == [g.name for g in small_head().generators]


def test_what_is_real_has_no_generator(
    clipfake: Command, base: Path, images: Path, tmp_path: Path
) -> None:
    report = tmp_path / "r.jsonl"
    clipfake("scan", images, "--threshold", 1, "-o", report, "--workers", 0)
    rows = [json.loads(line) for line in report.read_text().splitlines()]
    assert {row["generator"] for row in rows} == {None}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "GAN", "IMAGES"), "has a generator of that name"),
        (("add", " ", "IMAGES"), "give a name"),
        (("add", "Acme", "IMAGES/1.png"), "1 readable images, at least 8"),
        (("remove", "Acme"), "no generator of that name was added"),
        (("remove", "GAN"), "no generator of that name was added"),
    ],
)
def test_refused(
    clipfake: Command,
    base: Path,
    images: Path,
    tmp_path: Path,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    out = tmp_path / "mine.safetensors"
    named = [each.replace("IMAGES", str(images)) for each in arguments]
    done = clipfake("generators", *named, "--out", out)
    assert done.exit_code == Exit.USAGE
    assert said in done.stderr
    assert not out.exists()


def test_broken_and_repeated_images_are_told(
    clipfake: Command, base: Path, images: Path, tmp_path: Path
) -> None:
    (images / "broken.png").write_bytes((images / "1.png").read_bytes()[:80])
    (images / "twice.png").write_bytes((images / "1.png").read_bytes())
    out = tmp_path / "mine.safetensors"
    done = clipfake("generators", "add", "Acme", images, "--out", out, "--workers", 0)
    assert "unreadable:" in done.stderr
    assert "1 images left out: given twice" in done.stderr
    assert "10 images of Acme" in done.stderr


def test_what_cannot_be_told_apart_is_refused(
    clipfake: Command, base: Path, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clipfake.cli.generators.LEAST_RECALL", 1.1)
    out = tmp_path / "mine.safetensors"
    done = clipfake("generators", "add", "Acme", images, "--out", out, "--workers", 0)
    assert done.exit_code == Exit.USAGE
    assert "cannot be told apart" in done.stderr
    assert not out.exists()


def test_an_adapter_without(clipfake: Command, tmp_path: Path) -> None:
    plain = save_small(tmp_path)
    with small_by_default(plain):
        done = clipfake("generators", "list")
    assert done.exit_code == Exit.USAGE
    assert "tells no generators apart" in done.stderr
