"""`clipfake finetune`."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console
from safetensors.torch import save_file

from clipfake.cli.app import main
from clipfake.cli.training_screen import TrainingProgress
from clipfake.detector import adapter_file as adapters
from clipfake.detector.adapter_file import load_adapter, save_adapter
from clipfake.detector.backbone import _build_visual
from clipfake.detector.detector import Detector
from clipfake.detector.reference import save_reference
from clipfake.training.options import MIXES, State
from tests.conftest import picture
from tests.small import small_tower


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
    out = tmp_path / "mine.safetensors"
    options = ("--move", "encoder", "--epochs", "0.5", "--batch-size", "8", "--rank", "2")
    assert finetune(*folders, out, *options, "--rate", "4e-3", "--mix", "0.5") == 0
    said = capsys.readouterr().err
    assert "broken.png: " in said
    assert "1 images left out: unreadable" in said
    assert "2 images left out: in both classes" in said
    assert "16 images trained on, 16 held out" in said
    assert "weights 0.5 of the way from the start to the tuned ones, as asked for" in said
    assert "Thresholds were set on the held-out images" in said
    assert "on the reference set: not measured, the encoder moved" in said
    adapter = load_adapter(out)
    assert adapter.name == "mine"
    assert adapter.backbone == load_adapter().backbone
    assert out.stat().st_size < 10e6
    assert adapter.facts["training"]["images"] == {"real": 8, "ai": 8}
    assert adapter.facts["training"]["from"] == load_adapter().label
    assert adapter.facts["training"]["mix"] == 0.5
    assert adapter.lora_shape == load_adapter().lora_shape is not None
    # what it was taught it now does
    scores = Detector.load(out).score([noise(7), noise(300), picture(seed=7), picture(seed=301)])
    assert min(scores[:2]) > max(scores[2:])


@pytest.mark.usefixtures("small_detector")
def test_a_run_goes_on_to_the_same_bytes_and_may_go_less_of_the_way(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start = load_adapter(adapters.DEFAULT_ADAPTER)
    out, work = tmp_path / "mine.safetensors", tmp_path / "work"
    options = ("--epochs", "3", "--batch-size", "8", "--rank", "2", "--work", str(work))
    options = ("--move", "encoder", *options)
    assert finetune(*folders, out, *options, "--rate", "1e-3") == 0
    said = capsys.readouterr().err
    assert "of the way from the start to the tuned ones, which did best on the held-out" in said
    adapter = load_adapter(out)
    assert adapter.facts["training"]["from"] == start.label
    assert adapter.facts["training"]["mix"] in MIXES
    assert adapter.lora_shape == start.lora_shape is not None

    resumed = tmp_path / "again" / "mine.safetensors"
    resumed.parent.mkdir()
    assert finetune(*folders, resumed, *options, "--rate", "1e-3", "--resume") == 0
    assert resumed.read_bytes() == out.read_bytes()
    assert finetune(*folders, resumed, *options, "--rate", "1e-4", "--resume") == 2
    assert "made with other options" in capsys.readouterr().err

    # the same weights, but less of the way
    capsys.readouterr()
    half = tmp_path / "half.safetensors"
    assert finetune(*folders, half, *options, "--rate", "1e-3", "--resume", "--mix", "0.125") == 0
    assert "weights 0.125 of the way" in capsys.readouterr().err
    nearer = load_adapter(half)
    assert nearer.facts["training"]["mix"] == 0.125
    part = 0.125 / adapter.facts["training"]["mix"]
    for name, value in nearer.lora.items():
        wanted = torch.lerp(start.lora[name].float(), adapter.lora[name].float(), part)
        assert torch.allclose(value.float(), wanted, atol=1e-4), name


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (("--resume",), "--resume needs the --work folder"),
        (("--mask", "holes"), "--mask holes: unknown; use texture"),
        (("--mask-ratio", "1"), "mask ratio 1 is not in 0..1"),
        (("--move", "neck"), "--move neck: unknown; use auto, head, encoder"),
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
    assert "--fake: 0 usable images, at least 8 are needed" in capsys.readouterr().err
    move = ("--move", "encoder")
    assert finetune(folders[0], tmp_path / "empty", tmp_path / "a.safetensors", *move) == 2
    assert "--fake: 0 usable images, at least 16 are needed" in capsys.readouterr().err


def test_an_adapter_of_another_backbone_is_an_error(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.safetensors"
    save_adapter(replace(load_adapter(), backbone="ViT-L-14/openai"), other)
    init = ("--init", str(other), "--backbone", "ViT-B-16/openai")
    assert finetune(*folders, tmp_path / "a.safetensors", *init) == 2
    assert "fits backbone ViT-L-14/openai, not ViT-B-16/openai" in capsys.readouterr().err


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """8 pictures a class, of one source each, and a file that cannot be read."""
    root = tmp_path_factory.mktemp("few")
    for kind in ("real", "fake"):
        (root / kind).mkdir()
        for number in range(8):
            image = picture(seed=number) if kind == "real" else noise(number)
            image.save(root / kind / f"{number}.png")
    (root / "fake" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing")
    return root / "real", root / "fake"


@pytest.fixture
def no_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clipfake.detector.reference.DEFAULT", tmp_path / "absent.safetensors")


@pytest.fixture(scope="module")
def reference_file(tmp_path_factory: pytest.TempPathFactory, small_adapter_file: Path) -> Path:
    """12 pictures of each class as the small detector's tower sees them."""
    detector = Detector(small_tower(), load_adapter(small_adapter_file), device="cpu")
    file = tmp_path_factory.mktemp("reference") / "r.safetensors"
    images = [picture(seed=400 + k) for k in range(12)] + [noise(400 + k) for k in range(12)]
    pixels = np.stack([detector._views(image).square for image in images])
    adapter = detector.adapter
    save_reference(
        file,
        detector.tokens(torch.from_numpy(pixels), adapter.blocks),
        np.arange(24) >= 12,
        [f"s{k % 4 + 4 * (k >= 12)}" for k in range(24)],
        adapter.backbone,
        adapter.blocks,
        lora=adapter.lora_digest,
        preprocessing=adapter.preprocessing,
    )
    return file


@pytest.mark.usefixtures("no_reference")
def test_few_images_move_the_head_alone(
    few: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine.safetensors"
    assert finetune(*few, out) == 0
    said = capsys.readouterr().err
    assert "broken.png: " in said
    assert "1 images left out: unreadable" in said
    assert "head: 16 images trained on, 0 held out" in said
    assert "chosen by 8-fold cross-validation" in said
    assert "on your images (out of fold): AUC " in said
    assert "of 8 (95 % interval 0.0% to 32.4%)" in said  # Wilson's, none of 8
    assert "not measured, this copy of clipfake has no reference set" in said
    assert "never by accuracy" in said
    adapter, default = load_adapter(out), load_adapter()
    assert adapter.lora_digest == default.lora_digest
    assert not torch.equal(adapter.head.weight, default.head.weight)
    assert (adapter.head.hidden is None) == (default.head.hidden is None)
    assert [point.reals for point in adapter.points] == [8, 8, 8]
    training = adapter.facts["training"]
    assert training["images"] == {"real": 8, "ai": 8}
    assert training["chosen_by"] == "8-fold cross-validation"
    assert adapter.facts["metrics"]["split"] == "out of fold"
    scores = Detector.load(out).score([noise(70), noise(300), picture(seed=70), picture(seed=301)])
    assert min(scores[:2]) > max(scores[2:])
    again = tmp_path / "again" / "mine.safetensors"
    again.parent.mkdir()
    assert finetune(*few, again) == 0
    assert again.read_bytes() == out.read_bytes()


@pytest.mark.usefixtures("small_detector")
def test_the_reference_set_is_compared_and_bears_on_thresholds(
    folders: tuple[Path, Path],
    reference_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("clipfake.detector.reference.DEFAULT", reference_file)
    out = tmp_path / "mine.safetensors"
    assert finetune(*folders, out, "--move", "head") == 0
    said = capsys.readouterr().err
    assert "leave one source out" in said
    assert "on the reference set: AUC " in said
    assert "of 6, FPR " in said  # the other half held the correction back
    assert "and on the reference set by the share of real images accused" in said
    assert load_adapter(out).points[0].reals == 16 + 12


@pytest.mark.usefixtures("no_reference", "small_detector")
def test_a_split_column_holds_images_out(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ["path,label,source,split"]
    for kind, folder in zip(("real", "fake"), folders, strict=True):
        for source in range(2):
            for number in range(8):
                split = "val" if number < 3 and source else "train"
                rows.append(
                    f"{folder / f'source{source}' / f'{number}.png'},{kind},{source},{split}"
                )
    manifest = tmp_path / "all.csv"
    manifest.write_text("\n".join(rows))
    assert finetune(manifest, manifest, tmp_path / "a.safetensors") == 0
    said = capsys.readouterr().err
    assert "head: 26 images trained on, 6 held out" in said
    assert "on your images (held-out part): AUC " in said
    assert "of 3 (95 % interval" in said
    assert load_adapter(tmp_path / "a.safetensors").points[0].reals == 13
    manifest.write_text("\n".join(row for row in rows if "fake,1,val" not in row))
    assert finetune(manifest, manifest, tmp_path / "a.safetensors") == 2
    said = capsys.readouterr().err
    assert "--fake: 0 images of split val, at least 1 are needed; change the split column" in said


@pytest.mark.usefixtures("no_reference")
def test_a_new_head_is_fitted_on_another_tower(
    folders: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("clipfake.training.headonly._LEAST_STEPS", 60)
    torch.manual_seed(0)
    visual = _build_visual("ViT-S-32-alt", quick_gelu=False).to_empty(device="cpu")
    state = {
        name: torch.ones(value.shape)
        if name.endswith("weight") and value.ndim == 1
        else torch.randn(value.shape) * 0.05
        for name, value in visual.state_dict().items()
    }
    save_file(state, tmp_path / "tower.safetensors")
    out, name = tmp_path / "mine.safetensors", f"ViT-S-32-alt/{tmp_path / 'tower.safetensors'}"
    init = ("--init", "backbone", "--backbone", name)
    assert finetune(*folders, out, *init) == 0
    said = capsys.readouterr().err
    assert "head: 16 images trained on, 16 held out" in said
    assert "on your images (held-out part): AUC 1.0000, recall" in said
    assert "Thresholds were set on the held-out images" in said
    adapter = load_adapter(out)
    assert adapter.backbone == name
    assert adapter.blocks == tuple(range(4, 13))
    assert adapter.lora_shape is None
    encoder = ("--move", "encoder", "--epochs", "0.5", "--batch-size", "8", "--rank", "1")
    assert finetune(*folders, out, *init, *encoder) == 0
    assert "encoder: 16 images trained on, 16 held out" in capsys.readouterr().err
    adapter = load_adapter(out)
    assert adapter.lora_shape is not None
    assert adapter.facts["training"]["from"] == f"a new head on {name}"


def test_a_terminal_gets_a_bar() -> None:
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=140, _environ={"TERM": "xterm"})
    progress = TrainingProgress(console, batch_size=16)
    with progress.live():
        progress.show(State("decoding", 1, 10))
        progress.show(State("training", 3, 10, 0.5, 0.75))
        progress._bar.refresh()  # type: ignore[union-attr]
    shown = text.getvalue()
    assert "3/10" in shown
    assert "loss 0.500, validation AUC 0.7500" in shown
    assert "images/s" in shown
    assert "of 10" not in shown


def test_elsewhere_there_are_lines() -> None:
    text = io.StringIO()
    progress = TrainingProgress(Console(file=text, width=200), batch_size=16)
    with progress.live():
        for done in range(1, 11):
            progress.show(State("training", done, 10, 0.5, 0.75))
    (line,) = text.getvalue().splitlines()
    assert line.startswith("training 10 of 10, loss 0.500, validation AUC 0.7500, ")
    assert line.endswith(" min left")
