"""`clipfake scan` as the gate of a pipeline: what fails a run is named."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL.PngImagePlugin import PngInfo

from clipfake.cli.exit_codes import Exit
from tests.cli.command import clipfake
from tests.conftest import encoded, picture

LINE = "a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 42, Size: 64x48, Model: sd"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 12345\n"


def metadata(*arguments: object) -> int:
    return clipfake("scan", *arguments, "--no-pixels", "--workers", 0)


@pytest.fixture
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twelve pictures of a repository, one of which says that it is AI-made."""
    root = tmp_path / "repo"
    root.mkdir()
    for number in range(11):
        (root / f"{number:02d}.png").write_bytes(encoded(picture(seed=number)))
    words = PngInfo()
    words.add_text("parameters", LINE)
    (root / "hero.png").write_bytes(encoded(picture(seed=3), pnginfo=words))
    monkeypatch.chdir(root)
    return root


@pytest.mark.parametrize("quiet", [[], ["--quiet"]])
def test_what_fails_a_run_is_named_also_when_quiet(
    assets: Path, capsys: pytest.CaptureFixture[str], quiet: list[str]
) -> None:
    assert metadata(".", "--fail-on", "ai", *quiet) == Exit.FOUND
    found = [line for line in capsys.readouterr().out.splitlines() if line.startswith("fails: ")]
    assert found == [
        "fails: ./hero.png: ai (no score, by declared): the file declares ai "
        "(parameters.tool: AUTOMATIC1111, specific). Generator: AUTOMATIC1111 (declared)."
    ]


def test_a_run_that_passes_prints_nothing_when_quiet(
    assets: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (assets / "hero.png").unlink()
    assert metadata(".", "--fail-on", "ai", "--strict", "--quiet") == Exit.FINE
    assert capfd.readouterr() == ("", "")


def test_findings_stand_in_the_json_too(assets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert metadata(".", "--fail-on", "ai", "--json") == Exit.FOUND
    summary = json.loads(capsys.readouterr().out)
    [finding] = summary["findings"]
    assert summary["failing"] == 1
    assert (finding["path"], finding["verdict"]) == ("./hero.png", "ai")
    assert (finding["basis"], finding["score"]) == ("declared", None)
    assert "AUTOMATIC1111" in finding["reason"]


UNREAD = {
    "pointer.png": (POINTER.encode(), "lfs_pointer", "git lfs pull"),
    "text.jpg": (b"not a picture\n", "not_an_image", "no image"),
    "empty.webp": (b"", "not_an_image", "empty"),
    "cut.jpg": (encoded(picture(400, 400), "JPEG")[:3000], "truncated", "truncated"),
    "photo.jxl": (b"\xff\x0a" + bytes(60), "unsupported", "convert"),
}


@pytest.mark.usefixtures("small_detector")
def test_what_was_not_read_does_not_pass_a_strict_gate(
    assets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (assets / "hero.png").unlink()
    for name, (data, _, _) in UNREAD.items():
        (assets / name).write_bytes(data)
    options = ["--fail-on", "ai", "--workers", 0, "-o", "r.parquet", "--quiet"]
    assert clipfake("scan", "00.png", *UNREAD, *options) == Exit.FINE
    out = capsys.readouterr().out
    assert "5 files that look like images, or were asked for by name, were not judged" in out
    assert "--strict" in out
    for strict in (["--strict"], ["--fail-on", "ai,unread"]):
        assert clipfake("scan", ".", *options, *strict) == Exit.FOUND
        out = capsys.readouterr().out
        for name, (_, code, remedy) in UNREAD.items():
            [line] = [line for line in out.splitlines() if line.startswith(f"fails: ./{name}: ")]
            assert f"not judged ({code}): " in line
            assert remedy in line
    unread = {row["path"] for row in pq.read_table("r.parquet").to_pylist() if row["unread"]}
    assert unread == {f"./{name}" for name in UNREAD}


def test_documents_of_a_folder_or_a_list_are_no_matter_for_a_strict_gate(
    assets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (assets / "hero.png").unlink()
    (assets / "README.md").write_text("words")
    (assets / "list.txt").write_text("README.md\n00.png\n")
    assert metadata(".", "--strict", "--quiet") == Exit.FINE
    assert metadata("list.txt", "--strict", "--quiet") == Exit.FINE
    assert capsys.readouterr().out == ""
    assert metadata("00.png", "README.md", "--strict", "--quiet") == Exit.FOUND
    assert "fails: README.md: not judged (not_an_image)" in capsys.readouterr().out


def test_a_name_that_is_not_there_is_an_error_in_a_list(
    assets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (assets / "list.txt").write_text("00.png\ngone.png\n")
    assert metadata("list.txt", "--fail-on", "error", "--quiet") == Exit.FOUND
    assert "fails: gone.png: not judged (missing): " in capsys.readouterr().out


def piped(folder: Path, names: bytes, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "clipfake", "scan", "-", "--no-pixels", "--workers", "0"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [*command, *options], input=names, capture_output=True, cwd=folder, env=environment
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def test_a_name_that_git_quoted_is_read(assets: Path) -> None:
    (assets / "hero.png").rename(assets / "h\u00e9ro.png")
    for names, options in (
        (b'"h\\303\\251ro.png"\n00.png\n', []),
        ("h\u00e9ro.png\x0000.png\x00".encode(), ["--null"]),
    ):
        done = piped(assets, names, "--fail-on", "ai", "--strict", "--quiet", *options)
        assert done.returncode == Exit.FOUND, done.stderr
        assert done.stdout.startswith("fails: h\u00e9ro.png: ai ")


@pytest.mark.parametrize("names", [b"", b"README.md\ndocs.txt\n", b"\n\n"])
def test_a_list_without_images_is_nothing_to_scan(assets: Path, names: bytes) -> None:
    for name in ("README.md", "docs.txt"):
        (assets / name).write_text("words")
    done = piped(assets, names, "--fail-on", "ai", "--strict")
    assert done.returncode == Exit.FINE
    assert "nothing to scan" in done.stderr


def test_a_name_given_that_gave_nothing_is_told_by_the_code(assets: Path) -> None:
    (assets / "notes").mkdir()
    (assets / "notes" / "a.md").write_text("words")
    assert metadata("notes", "--quiet") == Exit.NOTHING_READ
