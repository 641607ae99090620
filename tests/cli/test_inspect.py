"""`clipfake inspect`, as a user runs it."""

import json
from pathlib import Path

import pytest

from clipfake.cli.exit_codes import Exit
from clipfake.report.schema import COLUMNS
from tests.cli.command import clipfake
from tests.conftest import EXAMPLES, encoded, picture
from tests.sources.archives import packed

CAMERA = EXAMPLES / "rocket-camera-exif.jpg"


def generated(path: Path) -> Path:
    """A picture that says that a web UI made it."""
    from PIL.PngImagePlugin import PngInfo

    words = PngInfo()
    settings = "Steps: 20, Sampler: Euler, CFG scale: 7, Seed: 7, Model: m"
    words.add_text("parameters", f"a [red]cat\x1b[2J\n{settings}")
    path.write_bytes(encoded(picture(), pnginfo=words))
    return path


def inspected(
    capsys: pytest.CaptureFixture[str], *arguments: object, code: Exit = Exit.FINE
) -> list[dict[str, object]]:
    assert clipfake("inspect", "--json", *arguments) == code
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_json_has_the_report_columns_and_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    camera, cat = inspected(capsys, CAMERA, generated(tmp_path / "cat.png"))
    assert set(COLUMNS) < set(camera)
    assert camera["exif"]["Image Make"] == "Example Optics"
    assert camera["reals_scoring_as_high"]["of"] > 100
    low, high = camera["reals_scoring_as_high"]["share_interval"]
    share = camera["reals_scoring_as_high"]["images"] / camera["reals_scoring_as_high"]["of"]
    assert low <= share <= high
    assert any(fact["key"] == "jpeg.double_compression" for fact in camera["evidence"])
    assert (cat["verdict"], cat["declared"]) == ("ai", "ai")
    assert cat["explanation"].startswith("ai: the pixels score ")
    facts = {fact["key"]: fact["value"] for fact in cat["evidence"]}
    assert (facts["parameters.seed"], facts["parameters.model"]) == ("7", "m")


@pytest.mark.usefixtures("small_detector")
def test_members_of_archives_are_inspected_like_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"in/cat.png": generated(tmp_path / "cat.png").read_bytes()}
    (tmp_path / "x.zip").write_bytes(packed({"n.tar.gz": packed(files, "tar.gz")}, "zip"))
    names = [tmp_path / "cat.png", f"{tmp_path}/x.zip!/n.tar.gz!/in/cat.png"]
    outside, inside = inspected(capsys, *names)
    assert inside["path"] == names[1]
    assert {**outside, "path": "", "explanation": ""} == {**inside, "path": "", "explanation": ""}
    assert clipfake("inspect", "--json", tmp_path / "x.zip", f"{tmp_path}/x.zip!/no.png") == 3
    codes = [json.loads(line)["error_code"] for line in capsys.readouterr().out.splitlines()]
    assert codes == ["unsupported", "missing"]


@pytest.mark.usefixtures("small_detector")
def test_position_and_prompts_are_shown_only_when_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cat = generated(tmp_path / "cat.png")
    shy = inspected(capsys, CAMERA, cat)
    assert "GPS GPSLatitude" not in shy[0]["exif"]
    assert shy[0]["exif_latitude"] is None
    assert "[red]" not in json.dumps(shy[1])
    told = inspected(capsys, "--gps", "--prompts", CAMERA, cat)
    assert "GPS GPSLatitude" in told[0]["exif"]
    assert told[0]["exif_latitude"] == pytest.approx(40.689, abs=0.001)
    assert "[red]cat" in json.dumps(told[1])


def test_the_screen_explains_and_runs_nothing_that_a_file_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert clipfake("inspect", "--prompts", generated(tmp_path / "cat.png"), CAMERA) == Exit.FINE
    out = capsys.readouterr().out
    assert "\x1b" not in out
    words = " ".join(out.split())
    assert "[red]cat" in words
    assert "evidence, not proof" in words
    assert "real reference images score as high or higher" in words
    assert "Metadata can be forged" in words
    assert "EO-1" in words


@pytest.mark.usefixtures("small_detector")
def test_what_cannot_be_judged_costs_only_itself_and_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.png").touch()
    names = [tmp_path / "absent.jpg", tmp_path, tmp_path / "empty.png", CAMERA]
    found = inspected(capsys, *names, code=Exit.NOTHING_READ)
    codes = [each["error_code"] for each in found]
    assert codes == ["missing", "not_a_file", "not_an_image", None]
    assert clipfake("inspect", *names) == Exit.NOTHING_READ
    captured = capsys.readouterr()
    assert captured.err.splitlines() == [
        f"not judged: {tmp_path}/absent.jpg: no such file; check the path",
        f"not judged: {tmp_path}: a folder, not a file; name its files, or give it to clipfake "
        "scan by itself",
        f"not judged: {tmp_path}/empty.png: empty file (0 bytes)",
    ]
    assert "sha256 None" not in captured.out


@pytest.mark.parametrize("content", [None, "no certificate", b"\xff\xfe"])
def test_a_trust_list_that_is_none_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | bytes | None
) -> None:
    trust = tmp_path / "trust.pem"
    if content is not None:
        trust.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert clipfake("inspect", CAMERA, "--c2pa-trust", trust) == Exit.USAGE
    assert "trust.pem" in capsys.readouterr().err


@pytest.mark.usefixtures("small_detector")
def test_what_names_a_generator_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from PIL.PngImagePlugin import PngInfo

    words = PngInfo()
    line = "Steps: 20, Sampler: Euler, CFG scale: 7, Seed: 7, Model: sd_xl_base_1.0"
    words.add_text("parameters", f"a cat\n{line}")
    (tmp_path / "cat.png").write_bytes(encoded(picture(), pnginfo=words))
    assert clipfake("inspect", tmp_path / "cat.png") == Exit.FINE
    shown = " ".join(capsys.readouterr().out.split())
    assert "Generator: Stable Diffusion XL, sd_xl_base_1.0 (declared)." in shown
    assert "which generator" in shown
    assert "parameters.model" in shown
    [found] = inspected(capsys, tmp_path / "cat.png")
    assert (found["generator"], found["generator_basis"]) == ("Stable Diffusion XL", "declared")
