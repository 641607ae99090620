"""Making the default adapter of a head and a tuned tower."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from clipfake.detector.adapter import Adapter
from clipfake.detector.adapter_file import load_adapter, save_adapter
from clipfake.detector.backbone import load_backbone
from clipfake.detector.detector import Detector
from clipfake.detector.lora import Lora, LoraShape
from clipfake.detector.reference import load_reference
from tests.conftest import encoded, picture
from tools.set_default import main

SHAPE = LoraShape((12,), rank=1)


@pytest.fixture(scope="module")
def head_and_tower(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The default's head on the frozen tower, and one whose last block is moved."""
    folder = tmp_path_factory.mktemp("adapters")
    base = replace(load_adapter(), lora_shape=None, lora={}, facts={"training": {"images": 2}})
    save_adapter(base, folder / "head.safetensors")
    lora = Lora(load_backbone(), SHAPE)
    lora.initialise(torch.Generator().manual_seed(0))
    tensors = {name: value + 0.1 for name, value in lora.state_dict().items()}
    tuned = replace(base, name="tuned", lora_shape=SHAPE, lora=tensors)
    save_adapter(replace(tuned, facts={"training": {"step": 7}}), folder / "tuned.safetensors")
    return folder / "head.safetensors", folder / "tuned.safetensors"


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    path = folder / "m.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "split", "label", "source", "form"])
        for number in range(12):
            (folder / f"{number}.png").write_bytes(encoded(picture(seed=number)))
            label, form = ("real", "fake")[number % 2], ("normalised", "original")[number // 8]
            writer.writerow([f"{number}.png", "val", label, f"s{number % 4}", form])
        writer.writerow(["absent.png", "train", "real", "s9", "normalised"])
    return path


def made(monkeypatch: pytest.MonkeyPatch, out: Path, *arguments: object) -> Adapter:
    paths = ["--out", str(out / "a.safetensors"), "--reference", str(out / "r.safetensors")]
    given = ["set_default", *map(str, arguments), *paths, "--work", str(out / "work")]
    monkeypatch.setattr("sys.argv", given)
    main()
    return load_adapter(out / "a.safetensors")


def test_the_head_stays_and_the_tower_moves_a_share(
    head_and_tower: tuple[Path, Path],
    manifest: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    head, tower = map(load_adapter, head_and_tower)
    more = ("--tower", head_and_tower[1], "--share", 0.5, "--check", manifest, "original")
    adapter = made(monkeypatch, tmp_path, head_and_tower[0], manifest, *more)
    assert torch.equal(adapter.head.weight, head.head.weight)
    assert adapter.lora_shape == SHAPE
    assert torch.allclose(
        adapter.lora["blocks.12.fc.b"].float(), tower.lora["blocks.12.fc.b"].float() / 2, atol=1e-4
    )
    training = adapter.facts["training"]
    assert training["images"] == 2
    assert training["tower"] == {"lora_of": tower.label, "share": 0.5, "step": 7}
    assert adapter.facts["metrics"]["images"] == {"real": 4, "ai": 4}
    # what it is calibrated on is what a scan with it computes
    reference = load_reference(tmp_path / "r.safetensors")
    assert reference.fits(adapter)
    assert reference.is_ai.tolist() == [False, True] * 4
    scores = Detector.load(tmp_path / "a.safetensors").score(
        [manifest.parent / f"{number}.png" for number in range(8)]
    )
    assert (scores[::2] >= adapter.rule().threshold).sum() == 0
    said = capsys.readouterr().out
    checked = next(line for line in said.splitlines() if " original {" in line)
    assert json.loads(checked.split(" original ")[1])["images"] == {"real": 2, "ai": 2}
    assert adapter.label in said


def test_without_a_tower_only_thresholds_move(
    head_and_tower: tuple[Path, Path],
    manifest: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    head = load_adapter(head_and_tower[0])
    adapter = made(monkeypatch, tmp_path, head_and_tower[0], manifest, "--name", "other")
    assert adapter.name == "other"
    assert adapter.lora_shape is None
    assert torch.equal(adapter.head.weight, head.head.weight)
    assert adapter.calibration != head.calibration
