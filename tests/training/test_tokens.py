"""Tokens that are computed once and kept."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from clipfake.detector.backbone import Backbone
from clipfake.detector.detector import Detector
from clipfake.detector.lora import Lora, LoraShape
from clipfake.errors import ImageError
from clipfake.imaging.decode import decode
from clipfake.imaging.limits import Limits
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.training.tokens import cached_tokens
from tests.conftest import picture
from tests.small import small_adapter, small_tower


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return small_tower()


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("pictures")
    names = [str(folder / f"{seed}.png") for seed in range(3)]
    for seed, name in enumerate(names):
        picture(90, 70, seed=seed).save(name)
    return names


def detector(backbone: Backbone, seed: int | None = None) -> Detector:
    """A detector that reads two early blocks; with a seed, of a tuned tower."""
    base = small_adapter(blocks=(1, 2))
    if seed is not None:
        shape = LoraShape((1,), 2)
        lora = Lora(backbone, shape)
        generator = torch.Generator().manual_seed(seed)
        tensors = {
            name: 0.1 * torch.randn(value.shape, generator=generator)
            for name, value in lora.state_dict().items()
        }
        base = replace(base, lora_shape=shape, lora=tensors)
    return Detector(backbone, base, precision="fp32")


def test_tokens_are_those_of_a_scan(backbone: Backbone, paths: list[str], tmp_path: Path) -> None:
    own = detector(backbone)
    tokens = cached_tokens(own, paths, tmp_path / "t.npy", workers=0)
    pixels = torch.from_numpy(np.stack([own._views(path).square for path in paths]))
    assert tokens.dtype == torch.float16
    assert torch.allclose(tokens.float(), own.tokens(pixels, (1, 2)), rtol=1e-3, atol=1e-2)


def test_they_are_read_again_only_when_nothing_has_changed(
    backbone: Backbone, paths: list[str], tmp_path: Path
) -> None:
    said: list[tuple[int, int]] = []

    def compute(of: Detector, names: list[str], augmentation: int | None = None) -> torch.Tensor:
        said.clear()
        return cached_tokens(
            of,
            names,
            tmp_path / "t.npy",
            augmentation=augmentation,
            workers=0,
            show=lambda done, total: said.append((done, total)),
        ).clone()

    own = detector(backbone)
    first = compute(own, paths)
    assert said == [(3, 3)]
    assert torch.equal(compute(own, paths), first)
    assert said == []
    # other images: only those that are new are computed
    assert torch.equal(compute(own, paths[::-1]), first.flip(0))
    assert said == []
    assert torch.equal(compute(own, paths[1:]), first[1:])
    assert torch.equal(compute(own, paths), first)
    assert said == [(1, 1)]
    tuned = compute(detector(backbone, seed=1), paths)
    assert said == [(3, 3)]
    assert not torch.equal(tuned, first)
    assert not torch.equal(compute(detector(backbone, seed=2), paths), tuned)
    augmented = compute(own, paths, augmentation=0)
    assert not torch.equal(augmented, first)
    assert not torch.equal(compute(own, paths, augmentation=1), augmented)
    assert torch.equal(compute(own, paths, augmentation=0), augmented)


def test_what_another_run_has_mapped_stays(
    backbone: Backbone, paths: list[str], tmp_path: Path
) -> None:
    own, file = detector(backbone), tmp_path / "t.npy"
    mapped = cached_tokens(own, paths, file, workers=0)
    before = mapped.clone()
    cached_tokens(own, paths[:1], file, workers=0)
    assert torch.equal(mapped, before)
    assert sorted(path.name for path in tmp_path.glob("t.*")) == ["t.json", "t.npy"]


def test_an_image_that_cannot_be_decoded_is_named(
    backbone: Backbone, paths: list[str], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(Path(paths[0]).read_bytes()[:60])
    with pytest.raises(ImageError, match=r"broken\.png: "):
        cached_tokens(detector(backbone), [str(broken)], tmp_path / "t.npy", workers=0)


def test_those_of_tiles_are_the_mean_over_each_image(
    backbone: Backbone, paths: list[str], tmp_path: Path
) -> None:
    own = detector(backbone)
    found = cached_tokens(own, paths, tmp_path / "t.npy", tiled=True, workers=0)
    first = cached_tokens(own, paths, tmp_path / "f.npy", workers=0)
    assert not torch.equal(found, first)
    for row, path in enumerate(paths):
        cut = decode(Path(path).read_bytes(), Preprocessing(), Limits(), tiled=True).tiles
        assert cut is not None
        mean = own.tokens(torch.from_numpy(cut), (1, 2)).mean(dim=0)
        assert torch.allclose(found[row].float(), mean, rtol=1e-3, atol=1e-2)
