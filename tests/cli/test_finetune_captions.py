"""`clipfake finetune --method captions`."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from clipfake.detector.adapter_file import load_adapter
from clipfake.detector.captions import CaptionHead, Kind
from clipfake.detector.detector import Detector
from tests.cli.command import clipfake, scan
from tests.conftest import picture
from tests.pair import MODEL, noisy, save_pair, striped, toy_set
from tests.small import DEPTH, NAME


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return toy_set(tmp_path_factory.mktemp("toy"))


def finetune(folders: tuple[Path, Path], out: Path, *more: object) -> int:
    real, fake = folders
    given = ("--method", "captions", "--device", "cpu", "--precision", "fp32", *more)
    return clipfake("finetune", "--real", real, "--fake", fake, "--out", out, *given)


QUICK = ("--rate", 2e-3, "--head-rate", 1e-2, "--augmented", 0.2, "--validation", 0.25)


def test_whole_towers_are_written_beside_the_adapter_and_scan(
    folders: tuple[Path, Path],
    weights: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "one" / "mine.safetensors"
    out.parent.mkdir()
    more = ("--model", MODEL, "--weights", weights, "--caption", "a drawing")
    assert finetune(folders, out, *more, *QUICK) == 0
    said = capsys.readouterr().err
    assert "captions: 48 images trained on, 16 held out" in said
    assert "which generator, of 2 that were trained on: " in said
    assert "mine.model.safetensors; the adapter needs that file beside it" in said
    # both files go elsewhere together
    (tmp_path / "one").rename(tmp_path / "two")
    moved = tmp_path / "two" / "mine.safetensors"
    adapter = load_adapter(moved)
    assert adapter.backbone == f"{MODEL}/{tmp_path / 'two' / 'mine.model.safetensors'}"
    assert adapter.facts["training"]["options"]["steps"] == 12 * 48 // 16
    assert isinstance(adapter.head, CaptionHead)
    assert [(c.kind, c.name) for c in adapter.head.captions] == [
        (Kind.REAL, "real"),
        (Kind.AI, "Noise Diffusion"),
        (Kind.AI, "stripe-gan"),
        (Kind.OTHER, "a drawing"),
    ]
    scores = Detector.load(moved, device="cpu").score([striped(70), noisy(70), picture(seed=70)])
    assert scores[2] < min(scores[:2])
    (tmp_path / "images").mkdir()
    noisy(71).save(tmp_path / "images" / "noise.png")
    picture(seed=71).save(tmp_path / "images" / "photo.png")
    report = tmp_path / "r.parquet"
    assert scan(tmp_path / "images", report, "--adapter", moved) in (0, 1)
    rows = {Path(row["path"]).stem: row for row in pq.read_table(report).to_pylist()}
    assert rows["noise"]["score"] > rows["photo"]["score"]
    # the weights have to be those that were trained
    (tmp_path / "two" / "mine.model.safetensors").write_bytes(weights.read_bytes())
    assert scan(tmp_path / "images", tmp_path / "s.parquet", "--adapter", moved) == 2
    assert "was trained with other weights than" in capsys.readouterr().err
    # and what is of captions is nothing for the other method
    other = ("finetune", "--real", folders[0], "--fake", folders[1], "--init", moved)
    (tmp_path / "two" / "mine.model.safetensors").unlink()
    assert clipfake(*other, "--out", tmp_path / "o.safetensors") == 2


@pytest.mark.usefixtures("small_detector")
def test_updates_of_an_image_tower_are_all_in_the_adapter(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine.safetensors"
    options = ("--epochs", 1, "--rank", 2, "--shots", 16, "--rate", 1e-3)
    assert finetune(folders, out, "--backbone", NAME, *options) == 0
    assert "which generator, of 2" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir() if file.suffix] == ["mine.safetensors"]
    adapter = load_adapter(out)
    assert adapter.backbone == NAME
    assert adapter.blocks == (DEPTH,)
    assert adapter.lora_shape is not None
    assert adapter.lora_shape.rank == 2
    assert adapter.weights == ""
    assert isinstance(adapter.head, CaptionHead)
    assert not any(caption.tokens for caption in adapter.head.captions)
    scores = Detector.load(out).score([noisy(70), picture(seed=70)])
    assert np.all((scores >= 0) & (scores <= 1))


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (("--caption-fake", "an image"), "--caption-fake 'an image': has no {name}"),
        (("--caption-real", "by {name}"), "--caption-real 'by {name}': real images have no"),
        (("--caption", "a cat"), "--caption needs a text tower; give --model and --weights"),
        (("--model", MODEL), "--model and --weights belong together"),
        (("--weights", "openai"), "--model and --weights belong together"),
        (("--model", "ViT-Z", "--weights", "openai"), "architecture 'ViT-Z' is unknown"),
        (("--model", MODEL, "--weights", "absent.safetensors"), "no such backbone file"),
        (("--model", "ViT-L-14", "--weights", "openai"), "give --allow-download"),
        (("--model", "a", "--weights", "b", "--backbone", "c"), "--model names both towers"),
        (("--move", "head"), "--move means nothing to --method captions"),
        (("--init", "backbone"), "--init means nothing to --method captions"),
        (("--mix", "0.5"), "--mix means nothing to --method captions"),
        (("--contrast", "1"), "--contrast means nothing to --method captions"),
        (("--method", "mpft", "--lora"), "--lora means nothing to --method mpft"),
        (("--method", "mpft", "--caption", "a"), "--caption means nothing to --method mpft"),
        (("--method", "text"), "--method text: unknown; use mpft, captions"),
    ],
)
def test_wrong_options_are_one_line(
    folders: tuple[Path, Path],
    weights: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    text: str,
) -> None:
    assert finetune(folders, tmp_path / "a.safetensors", *more) == 2
    said = capsys.readouterr().err
    assert text in said
    assert "Traceback" not in said
    assert not (tmp_path / "a.safetensors").exists()
