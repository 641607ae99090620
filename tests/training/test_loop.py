"""The training loop, on few and small images."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from clipfake.detector.backbone import Backbone
from clipfake.detector.forward import block_tokens
from clipfake.detector.head import Head, Hidden
from clipfake.detector.lora import Lora, LoraShape
from clipfake.errors import UsageError
from clipfake.imaging.decode import to_pixels
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.training.loop import DetectorTrainer, LoopOptions, Squares
from clipfake.training.model import TrainedDetector, TrainedHead
from clipfake.training.store import ImageStore, build_store, open_store
from clipfake.training.texture import Hiding, Masking, Order
from tests.conftest import picture
from tests.small import WIDTH, small_adapter, small_tower

IS_AI = np.array([True, False] * 4)
OPTIONS = LoopOptions(steps=4, batch_size=4, lora_rate=1e-3, masking=Masking(share=0.5))


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return small_tower()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ImageStore:
    folder = tmp_path_factory.mktemp("store")
    paths = [str(folder / f"{seed}.png") for seed in range(8)]
    for seed, path in enumerate(paths):
        picture(seed=seed).save(path)
    assert list(build_store(paths, folder, workers=0)) == list(range(1, 9))
    found = open_store(folder, paths)
    assert found is not None
    return found


def trainer(
    backbone: Backbone,
    options: LoopOptions,
    hidden: Hidden | None = None,
    head: TrainedHead | None = None,
) -> DetectorTrainer:
    base = small_adapter()
    lora = Lora(backbone, LoraShape((11, 12), rank=2))
    lora.initialise(torch.Generator().manual_seed(0))
    tokens = torch.randn(8, len(base.blocks), WIDTH, generator=torch.Generator().manual_seed(1))
    head = head or TrainedHead(replace(base.head, hidden=hidden), tokens)
    model = TrainedDetector(backbone, lora, head, base.blocks)
    return DetectorTrainer(model, options, backbone.patch_size)


def run(trainer: DetectorTrainer, store: ImageStore, stop: int = 10**6) -> list[float]:
    losses = []
    steps = trainer.run(
        store, np.ones(8), IS_AI, Preprocessing(), workers=0, precision=torch.float32
    )
    for progress in steps:
        losses.append(progress.loss)
        if progress.step == stop:
            break
    return losses


def same(one: DetectorTrainer, other: DetectorTrainer) -> bool:
    return all(
        torch.equal(a, b) and torch.equal(one.mean[name], other.mean[name])
        for (name, a), (_, b) in zip(
            one.model.named_parameters(), other.model.named_parameters(), strict=True
        )
    )


def test_a_resumed_run_gives_the_same_weights_to_the_bit(
    backbone: Backbone, store: ImageStore, tmp_path: Path
) -> None:
    unbroken = trainer(backbone, OPTIONS)
    unbroken.judge(0.5)
    losses = run(unbroken, store)
    first = trainer(backbone, OPTIONS)
    first.judge(0.5)
    assert run(first, store, stop=2) == losses[:2]
    first.save(tmp_path / "c.safetensors")
    second = trainer(backbone, OPTIONS)
    second.load(tmp_path / "c.safetensors")
    assert (second.step, second.best_score, second.stale) == (2, 0.5, 0)
    assert run(second, store) == losses[2:]
    assert same(second, unbroken)
    assert not same(first, unbroken)


def test_training_moves_lora_and_head_and_leaves_the_backbone(
    backbone: Backbone, store: ImageStore
) -> None:
    before = {name: value.clone() for name, value in backbone.visual.named_parameters()}
    one = trainer(backbone, OPTIONS)
    start = {name: value.detach().clone() for name, value in one.model.named_parameters()}
    run(one, store)
    for name, value in one.model.named_parameters():
        assert not torch.equal(value, start[name]), name
        assert not name.startswith("_backbone")
    for name, value in backbone.visual.named_parameters():
        assert torch.equal(value, before[name]), name


def test_training_lowers_the_loss(backbone: Backbone, store: ImageStore) -> None:
    options = replace(
        OPTIONS,
        steps=12,
        batch_size=8,
        augmented=0.0,
        lora_rate=1e-3,
        head_rate=1e-3,
        masking=Masking(share=0.0),
    )
    pixels = np.stack([to_pixels(store[row], Preprocessing())[0] for row in range(8)])
    tokens = block_tokens(backbone, torch.from_numpy(pixels), small_adapter().blocks)
    untrained = TrainedHead(Head(torch.zeros(9, WIDTH), torch.zeros(1)), tokens)
    losses = run(trainer(backbone, options, head=untrained), store)
    assert np.mean(losses[-2:]) < 0.7 * losses[0]


def test_the_seed_decides_the_order_and_the_masks(backbone: Backbone, store: ImageStore) -> None:
    one = run(trainer(backbone, OPTIONS), store, stop=1)
    assert run(trainer(backbone, OPTIONS), store, stop=1) == one
    assert run(trainer(backbone, replace(OPTIONS, seed=1)), store, stop=1) != one


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_share_of_the_images_is_changed_harshly(
    store: ImageStore, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    asked = []

    def augment(image: Image.Image, _rng: object, *, harsh: bool) -> Image.Image:
        asked.append(harsh)
        return image

    monkeypatch.setattr("clipfake.training.loop.augment", augment)
    options = replace(OPTIONS, augmented=1.0, harsh=share)
    squares = Squares(store, IS_AI, Preprocessing(), options)
    pixels, labels = squares([(position, position % 8) for position in range(300)])
    assert (pixels.shape, pixels.dtype) == ((300, 3, 224, 224), np.uint8)
    assert np.array_equal(labels[:8], IS_AI[np.arange(8) % 8])
    assert len(asked) == 300
    assert np.mean(asked) == pytest.approx(share, abs=0.1 if 0 < share < 1 else 0)


def test_accumulation_gives_the_same_step(backbone: Backbone, store: ImageStore) -> None:
    options = replace(OPTIONS, steps=1, masking=Masking(Order.NONE))
    whole, parts = trainer(backbone, options), trainer(backbone, replace(options, accumulate=2))
    assert run(whole, store) == pytest.approx(run(parts, store), rel=1e-5)
    assert torch.allclose(whole.model.head.weight, parts.model.head.weight, atol=1e-6)


def test_a_checkpoint_of_other_options_is_refused(
    backbone: Backbone, store: ImageStore, tmp_path: Path
) -> None:
    trainer(backbone, OPTIONS).save(tmp_path / "c.safetensors")
    with pytest.raises(UsageError, match="made with other options"):
        trainer(backbone, replace(OPTIONS, seed=5)).load(tmp_path / "c.safetensors")
    (tmp_path / "bad.safetensors").write_text("x")
    with pytest.raises(UsageError, match="not a readable checkpoint"):
        trainer(backbone, OPTIONS).load(tmp_path / "bad.safetensors")


def test_a_checkpoint_of_another_model_is_refused(
    backbone: Backbone, store: ImageStore, tmp_path: Path
) -> None:
    path, one = tmp_path / "c.safetensors", trainer(backbone, OPTIONS)
    run(one, store, stop=1)
    one.save(path)
    tensors = load_file(path)
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()

    def refused(reason: str, changed: dict[str, torch.Tensor], texts: dict[str, str]) -> None:
        save_file(changed, path, texts)
        with pytest.raises(UsageError, match=reason):
            trainer(backbone, OPTIONS).load(path)

    name = next(name for name in tensors if name.startswith("exp_avg."))
    refused("is of shape", tensors | {name: torch.zeros(3)}, metadata)
    name = next(name for name in tensors if name.startswith("mean."))
    refused("is of shape", tensors | {name: torch.zeros(3)}, metadata)
    refused("is F16", tensors | {name: tensors[name].half()}, metadata)
    refused("is absent", {key: value for key, value in tensors.items() if key != name}, metadata)
    refused("does not say", tensors, {"options": metadata["options"]})
    refused("not a readable", tensors, metadata | {"step": "many"})
    save_file(tensors, path, metadata)
    trainer(backbone, OPTIONS).load(path)


def test_the_best_weights_are_kept(backbone: Backbone, store: ImageStore) -> None:
    one = trainer(backbone, OPTIONS)
    one.judge(0.9)
    run(one, store, stop=1)
    one.judge(0.8)
    assert (one.best_score, one.best_step, one.stale) == (0.9, 0, 1)
    one.judge(0.95)
    assert (one.best_score, one.best_step, one.stale) == (0.95, 1, 0)
    own = one.model.head.weight.detach().clone()
    with one.holding({name: value + 1 for name, value in one.best.items()}):
        assert not torch.equal(one.model.head.weight, own)
    assert torch.equal(one.model.head.weight, own)


def test_the_folded_head_gives_the_same_logits(backbone: Backbone) -> None:
    model = trainer(backbone, OPTIONS).model
    tokens = torch.randn(3, 9, WIDTH, generator=torch.Generator().manual_seed(2))
    folded = model.head.folded()(tokens)
    assert folded == pytest.approx(model.head(tokens).detach().numpy(), abs=1e-3)
    assert folded == pytest.approx(small_adapter().head(tokens), abs=1e-3)


def test_both_ways_of_hiding_leave_the_kept_patches_alone(backbone: Backbone) -> None:
    model = trainer(backbone, OPTIONS).model
    pixels = torch.from_numpy(np.asarray(picture(224, 224)).transpose(2, 0, 1)[None].copy())
    kept = torch.arange(0, 196, 2)[None]
    changed = pixels.clone()
    changed[:, :, :16, 16:32] = 0  # the second patch, which is hidden
    with torch.no_grad():
        whole, _ = model(pixels)
        for hiding in Hiding:
            one, tokens = model(pixels, kept, hiding)
            assert torch.equal(one, model(changed, kept, hiding)[0])
            assert not torch.equal(one, whole)
            assert tokens.shape == (1, 9, WIDTH)
        assert not torch.equal(whole, model(changed)[0])
    assert block_tokens(backbone, pixels, (12,)).shape == (1, 1, WIDTH)


def test_hidden_units_are_trained_and_resumed(
    backbone: Backbone, store: ImageStore, tmp_path: Path
) -> None:
    shape = (3, len(small_adapter().blocks), backbone.width)
    drawn = torch.randn(shape, generator=torch.Generator().manual_seed(2)) * 0.01
    hidden = Hidden(drawn, torch.zeros(3), torch.ones(3))
    options = replace(OPTIONS, head_rate=1e-3)
    unbroken = trainer(backbone, options, hidden)
    run(unbroken, store)
    folded = unbroken.model.head.folded().hidden
    assert folded is not None
    assert not torch.allclose(folded.weight, hidden.weight, atol=1e-4)
    broken = trainer(backbone, options, hidden)
    run(broken, store, stop=2)
    broken.save(tmp_path / "c.safetensors")
    resumed = trainer(backbone, options, hidden)
    resumed.load(tmp_path / "c.safetensors")
    run(resumed, store)
    assert same(resumed, unbroken)
