"""`clipfake finetune`."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clipfake.cli.app import main
from clipfake.detector.adapter import load_adapter, save_adapter
from clipfake.detector.detector import Detector
from tests.conftest import picture


def noise(seed: int) -> Image.Image:
    samples = np.random.default_rng(seed).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    return Image.fromarray(samples)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """16 usable pictures a class of two sources, and some that cannot be used."""
    root = tmp_path_factory.mktemp("data")
    for kind in ("real", "fake"):
        for source in range(2):
            folder = root / kind / f"source{source}"
            folder.mkdir(parents=True)
            for number in range(8):
                seed = source * 8 + number
                image = picture(seed=seed) if kind == "real" else noise(seed)
                image.save(folder / f"{number}.png")
    (root / "real" / "source0" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing")
    for kind in ("real", "fake"):
        picture(seed=99).save(root / kind / "source1" / "both.png")
    return root / "real", root / "fake"


def finetune(real: Path, fake: Path, out: Path, *more: str) -> int:
    with pytest.raises(SystemExit) as raised:
        main(["finetune", "--real", str(real), "--fake", str(fake), "--out", str(out), *more])
    return int(raised.value.code or 0)


def test_an_adapter_is_trained_that_scans(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, work = tmp_path / "mine.safetensors", tmp_path / "work"
    options = ("--epochs", "3", "--batch-size", "8", "--rank", "2", "--work", str(work))
    assert finetune(*folders, out, *options, "--rate", "1e-3") == 0
    said = capsys.readouterr().err
    assert "broken.png: " in said
    assert "1 images left out: unreadable" in said
    assert "2 images left out: in both classes" in said
    assert "16 images trained on, 16 held out" in said
    assert "Thresholds were set on the held-out images" in said
    adapter = load_adapter(out)
    assert adapter.name == "mine"
    assert adapter.backbone == load_adapter().backbone
    assert out.stat().st_size < 10e6
    assert adapter.facts["training"]["images"] == {"real": 8, "ai": 8}
    assert adapter.facts["training"]["from"] == load_adapter().label
    assert adapter.lora_shape is not None
    assert (adapter.lora_shape.rank, adapter.lora_shape.blocks) == (2, tuple(range(1, 13)))
    # what it was taught it now does
    scores = Detector.load(out).score([noise(7), noise(300), picture(seed=7), picture(seed=301)])
    assert min(scores[:2]) > max(scores[2:])

    resumed = tmp_path / "again" / "mine.safetensors"
    resumed.parent.mkdir()
    assert finetune(*folders, resumed, *options, "--rate", "1e-3", "--resume") == 0
    assert resumed.read_bytes() == out.read_bytes()
    assert finetune(*folders, resumed, *options, "--rate", "1e-4", "--resume") == 2
    assert "made with other options" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (("--resume",), "--resume needs the --work folder"),
        (("--mask", "holes"), "--mask holes: unknown; use texture"),
        (("--mask-ratio", "1"), "mask ratio 1 is not in 0..1"),
        (("--init", "absent.safetensors"), "no such adapter file"),
        (("--real", "absent"), "absent: no such file or folder"),
    ],
)
def test_wrong_options_are_one_line(
    folders: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    text: str,
) -> None:
    assert finetune(*folders, tmp_path / "a.safetensors", *more) == 2
    said = capsys.readouterr().err
    assert text in said
    assert "Traceback" not in said
    assert not (tmp_path / "a.safetensors").exists()


def test_an_output_that_is_no_adapter_is_refused(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert finetune(*folders, tmp_path / "a.pt") == 2
    assert "adapters end in .safetensors" in capsys.readouterr().err
    assert finetune(*folders, tmp_path / "no" / "a.safetensors") == 2
    assert "no such folder; make it first" in capsys.readouterr().err


def test_a_class_without_images_is_an_error(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert finetune(folders[0], tmp_path / "empty", tmp_path / "a.safetensors") == 2
    assert "--fake: 0 usable images, at least 16 are needed" in capsys.readouterr().err


def test_an_adapter_of_another_backbone_is_an_error(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.safetensors"
    save_adapter(replace(load_adapter(), backbone="ViT-L-14/openai"), other)
    init = ("--init", str(other), "--backbone", "ViT-B-16/openai")
    assert finetune(*folders, tmp_path / "a.safetensors", *init) == 2
    assert "fits backbone ViT-L-14/openai, not ViT-B-16/openai" in capsys.readouterr().err
