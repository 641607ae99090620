"""`clipfake calibrate`."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from clipfake.cli.app import main
from clipfake.detector import adapter_file as adapters
from clipfake.detector.adapter_file import load_adapter, save_adapter
from clipfake.detector.calibration import OperatingPoint
from clipfake.detector.detector import Detector
from tests.conftest import picture

pytestmark = pytest.mark.usefixtures("small_detector")


def calibrate(real: Path, out: Path, *more: str) -> int:
    with pytest.raises(SystemExit) as raised:
        main(["calibrate", "--real", str(real), "--out", str(out), *more])
    return int(raised.value.code or 0)


@pytest.fixture(autouse=True)
def no_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clipfake.detector.reference.DEFAULT", tmp_path / "absent.safetensors")
    monkeypatch.setenv("COLUMNS", "160")


@pytest.fixture
def reals(tmp_path: Path) -> Path:
    """8 pictures of two folders, one of them twice, and a broken file."""
    root = tmp_path / "real"
    for number in range(8):
        folder = root / ("phone" if number < 5 else "scanner")
        folder.mkdir(parents=True, exist_ok=True)
        picture(seed=number).save(folder / f"{number}.png")
    picture(seed=0).save(root / "scanner" / "again.png")
    (root / "phone" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing")
    return root


@pytest.fixture
def scores(reals: Path) -> dict[str, float]:
    files = sorted(path for path in reals.rglob("?.png"))
    found = Detector.load().score(files).tolist()
    return {path.name: score for path, score in zip(files, found, strict=True)}


def strict(path: Path, threshold: float) -> Path:
    """The default adapter with all thresholds at one score."""
    adapter = load_adapter(adapters.DEFAULT_ADAPTER)
    points = tuple(
        OperatingPoint(point.fpr, threshold, (0.0, 0.1), 0.5, (0.4, 0.6), 500)
        for point in adapter.points
    )
    save_adapter(replace(adapter, points=points), path)
    return path


def test_few_images_raise_thresholds_above_all_of_them(
    reals: Path, scores: dict[str, float], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    middle = sorted(scores.values())[4]
    old, out = strict(tmp_path / "old.safetensors", middle), tmp_path / "mine.safetensors"
    assert calibrate(reals, out, "--adapter", str(old)) == 0
    said = capsys.readouterr().err
    assert "broken.png: " in said
    assert "1 images left out: unreadable" in said
    assert "1 images left out: given twice" in said
    assert "never by accuracy" in said
    assert "8 images are too few to lower it" in said
    assert "recall there is unknown, this copy of clipfake has no reference set" in said
    tuned, before = load_adapter(out), load_adapter(old)
    above = float(np.nextafter(np.float32(max(scores.values())), np.float32(2)))
    assert [point.threshold for point in tuned.points] == [above] * 3
    assert [point.recall for point in tuned.points] == [None] * 3
    assert tuned.name == "mine"
    assert torch.equal(tuned.head.weight, before.head.weight)
    assert tuned.calibration == before.calibration
    facts = tuned.facts["own_reals"]
    assert facts["images"] == 8
    assert facts["sources"] == 2
    assert facts["unreadable"] == 1
    assert facts["from"] == before.label
    assert facts["fpr_before"] == {"0.05": 0.5, "0.01": 0.5, "0.001": 0.5}
    # at the new threshold a scan accuses none of them
    files = list(reals.rglob("?.png"))
    assert (Detector.load(out).score(files) < tuned.rule().threshold).all()


def test_the_table_has_the_rate_of_each_source(
    reals: Path, scores: dict[str, float], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    middle = sorted(scores.values())[4]
    old = strict(tmp_path / "old.safetensors", middle)
    manifest = tmp_path / "m.csv"
    rows = [f"{path},{path.parent.name}" for path in reals.rglob("?.png")]
    manifest.write_text("\n".join(["path,source", *rows]))
    assert calibrate(manifest, tmp_path / "mine.safetensors", "--adapter", str(old)) == 0
    said = capsys.readouterr().err
    called = {name for name, score in scores.items() if score >= middle}
    phone = len(called & {f"{number}.png" for number in range(5)})
    for source, share in (("phone", phone / 5), ("scanner", (4 - phone) / 3), ("all", 0.5)):
        (row,) = [line for line in said.splitlines() if re.search(rf"{source} +│ +\d", line)]
        assert f" {share:.1%} (" in row
    # Wilson's interval of 4 of 8, which the bootstrap of two sources does not exceed by chance
    low, high = 0.2152, 0.7848
    (row,) = [line for line in said.splitlines() if re.search(r"all +│ +8", line)]
    found = re.search(r"50.0% \(([\d.]+)% to ([\d.]+)%\)", row)
    assert found is not None
    assert float(found[1]) <= 100 * low + 0.1
    assert float(found[2]) >= 100 * high - 0.1


def test_thresholds_that_are_high_enough_stay(
    reals: Path, scores: dict[str, float], tmp_path: Path
) -> None:
    old = strict(tmp_path / "old.safetensors", max(scores.values()) / 2 + 0.5)
    out = tmp_path / "mine.safetensors"
    assert calibrate(reals, out, "--adapter", str(old), "--quiet") == 0
    assert load_adapter(out).points == load_adapter(old).points


def test_a_manifest_names_sources_by_a_column_of_ones_own(
    reals: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = tmp_path / "m.csv"
    rows = [f"{path},real,camera{i % 3}" for i, path in enumerate(sorted(reals.rglob("?.png")))]
    fake = f"{tmp_path / 'absent.png'},fake,camera9"
    manifest.write_text("\n".join(["path,label,camera", *rows, fake]))
    out = tmp_path / "mine.safetensors"
    assert calibrate(manifest, out, "--source-column", "camera") == 0
    said = capsys.readouterr().err
    assert "camera2" in said
    assert "camera9" not in said
    assert load_adapter(out).facts["own_reals"]["sources"] == 3
    assert calibrate(manifest, out, "--source-column", "lens") == 2
    said = capsys.readouterr().err
    assert "source column lens: in no manifest; columns are label, camera" in said


def test_too_few_images_are_an_error(
    reals: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine.safetensors"
    assert calibrate(reals / "phone", out) == 2
    said = capsys.readouterr().err
    assert "--real: 5 readable real images, at least 8 are needed, 1 unreadable; name more" in said
    assert not out.exists()
    assert calibrate(reals, tmp_path / "mine.pt") == 2
    assert "adapters end in .safetensors" in capsys.readouterr().err
    assert calibrate(tmp_path / "nothing", out) == 2
    assert "nothing: no such file or folder" in capsys.readouterr().err
