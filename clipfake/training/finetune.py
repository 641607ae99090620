"""The recipe behind `clipfake finetune`: from labelled files to an adapter."""

import dataclasses
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from clipfake.detector.adapter import Adapter
from clipfake.detector.backbone import Backbone, class_tokens
from clipfake.detector.device import encoding, pick_device, pick_precision
from clipfake.detector.lora import Lora, LoraShape
from clipfake.training.examples import Example, split_by_source, take_shots, usable
from clipfake.training.loop import LoopOptions, Trainer
from clipfake.training.model import TrainedDetector, TrainedHead
from clipfake.training.sampling import weights
from clipfake.training.store import ImageStore, build_store, open_store
from clipfake.training.validation import Comparison, Part, Validation

CHECKPOINT = "checkpoint.safetensors"
_SPREAD_IMAGES = 256  # of which the spread of tokens is taken
_SPREAD_BATCH = 16


@dataclass(frozen=True)
class FinetuneOptions:
    """What to train, and when to stop.

    Attributes:
        loop: how the weights move; its ``steps`` follow from ``epochs``.
        epochs: passes over the images that are trained on, at most.
        rank: of the LoRA updates, where the adapter that training starts from has none.
        shots: at most so many images of each class; None for all.
        validation: share of the images held out, when no manifest says which.
        looks: how often the held-out part is looked at, if training goes to its end.
        patience: looks without a better AUC after which training ends.
        checkpoint_seconds: between two checkpoints.
        workers: decoding processes.
        device: as ``Detector.load`` takes it.
        precision: as ``Detector.load`` takes it.
    """

    loop: LoopOptions = field(default_factory=LoopOptions)
    epochs: float = 4.0
    rank: int = 8
    shots: int | None = None
    validation: float = 0.2
    looks: int = 10
    patience: int = 4
    checkpoint_seconds: float = 120.0
    workers: int = 1
    device: str = "auto"
    precision: str = "auto"


@dataclass(frozen=True)
class State:
    """How far a training has come, for who shows it.

    Attributes:
        phase: what is being done.
        done: images or steps done.
        total: of so many.
        loss: of the last step.
        auc: the best of the held-out part so far.
    """

    phase: str
    done: int
    total: int
    loss: float = math.nan
    auc: float = math.nan


@dataclass(frozen=True)
class Finetuned:
    """What came of it.

    Attributes:
        adapter: the new one, not saved yet.
        before: the adapter that training started from, on the held-out part.
        after: the new one on the same part, where its thresholds were set too.
        images: images trained on and held out.
        left_out: how many images were not used, by reason.
        errors: one line for each unreadable image.
        improved: False when no trained weights did better and the old ones were kept.
    """

    adapter: Adapter
    before: Comparison
    after: Comparison
    images: tuple[int, int]
    left_out: Counter[str]
    errors: tuple[str, ...]
    improved: bool


def finetune(
    examples: Sequence[Example],
    backbone: Backbone,
    base: Adapter,
    options: FinetuneOptions,
    folder: Path,
    *,
    name: str,
    resume: bool = False,
    show: Callable[[State], None] = lambda _state: None,
) -> Finetuned:
    """Tune an adapter on labelled images.

    Args:
        examples: both classes.
        backbone: the tower that ``base`` fits.
        base: where training starts.
        options: what to train, and when to stop.
        folder: existing folder for decoded images and checkpoints.
        name: of the new adapter.
        resume: go on from what ``folder`` holds.
        show: called as training goes on.

    Raises:
        AdapterError: ``base`` was made for another backbone.
        UsageError: too few images of a class, or a checkpoint of another run.
    """
    base.check_fits(backbone)
    seed = options.loop.seed
    if options.shots:
        examples = take_shots(examples, options.shots, seed)
    store = _decode(examples, folder, options.workers, resume, show)
    rows, left_out = usable(examples, store)
    examples, whole = [examples[row] for row in rows], store.part(rows)
    held_out = split_by_source(examples, options.validation, seed)
    train = Part.of(examples, whole, [row for row, out in enumerate(held_out) if not out])
    val = Part.of(examples, whole, [row for row, out in enumerate(held_out) if out])

    steps = max(1, round(options.epochs * len(train.examples) / options.loop.batch_size))
    options = dataclasses.replace(options, loop=dataclasses.replace(options.loop, steps=steps))
    validation = Validation(val, backbone, options.device, options.precision)
    trainer = _trainer(backbone, base, options, train)
    checkpoint = folder / CHECKPOINT
    if resume and checkpoint.exists():
        trainer.load(checkpoint)
    else:
        # weights that are no better than the start are not kept
        trainer.judge(validation.auc(base))
    _train(trainer, train, validation, base, options, checkpoint, show)

    facts = _facts(base, train, val, trainer)
    tuned = dataclasses.replace(_adapter(trainer, base, trainer.best), name=name, facts=facts)
    tuned = validation.calibrated(tuned)
    return Finetuned(
        adapter=tuned,
        before=validation.compare(base),
        after=validation.compare(tuned),
        images=(len(train.examples), len(val.examples)),
        left_out=left_out,
        errors=tuple(image.error for image in store.images if image.error),
        improved=trainer.best_step > 0,
    )


def _decode(
    examples: Sequence[Example],
    folder: Path,
    workers: int,
    resume: bool,
    show: Callable[[State], None],
) -> ImageStore:
    paths = [example.path for example in examples]
    if resume and (store := open_store(folder, paths)) is not None:
        return store
    for done in build_store(paths, folder, workers=workers):
        show(State("decoding", done, len(paths)))
    store = open_store(folder, paths)
    if store is None:
        raise RuntimeError(f"{folder}: the store was changed while it was written")
    return store


def _trainer(backbone: Backbone, base: Adapter, options: FinetuneOptions, train: Part) -> Trainer:
    device = pick_device(options.device)
    backbone.visual.to(device)
    shape = base.lora_shape or LoraShape(tuple(range(1, max(base.blocks) + 1)), options.rank)
    lora = Lora(backbone, shape)
    if base.lora_shape:
        lora.load_tensors(base.lora)
    else:
        lora.initialise(torch.Generator().manual_seed(options.loop.seed))
    rng = np.random.default_rng(options.loop.seed)
    count = min(_SPREAD_IMAGES, len(train.examples))
    rows = rng.choice(len(train.examples), count, replace=False).tolist()
    tokens = []
    with encoding(device, pick_precision(options.precision, device)):
        for at in range(0, count, _SPREAD_BATCH):
            pixels = train.pixels(base.preprocessing, rows[at : at + _SPREAD_BATCH]).to(device)
            tokens.append(class_tokens(backbone, pixels, base.blocks, lora=lora.to(device)).cpu())
    # a copy, since tensors of inference mode cannot be trained with
    head = TrainedHead(base.head, torch.cat(tokens).clone())
    model = TrainedDetector(backbone, lora, head, base.blocks).to(device)
    return Trainer(model, options.loop, backbone.patch_size)


def _train(
    trainer: Trainer,
    train: Part,
    validation: Validation,
    base: Adapter,
    options: FinetuneOptions,
    checkpoint: Path,
    show: Callable[[State], None],
) -> None:
    loop, saved = options.loop, time.monotonic()
    every = math.ceil(loop.steps / options.looks)
    if trainer.stale >= options.patience:
        return
    steps = trainer.run(
        train.store,
        weights(train.examples),
        train.is_ai,
        base.preprocessing,
        workers=options.workers,
        precision=pick_precision(options.precision, pick_device(options.device)),
    )
    for progress in steps:
        if progress.step % every == 0 or progress.step == loop.steps:
            trainer.judge(validation.auc(_adapter(trainer, base, trainer.mean)))
        show(State("training", progress.step, loop.steps, progress.loss, trainer.best_auc))
        if trainer.stale >= options.patience:
            break
        if time.monotonic() - saved >= options.checkpoint_seconds:
            trainer.save(checkpoint)
            saved = time.monotonic()
    trainer.save(checkpoint)


def _adapter(trainer: Trainer, base: Adapter, values: dict[str, torch.Tensor]) -> Adapter:
    """The adapter that a trainer's weights make, with the calibration of ``base``."""
    with trainer.holding(values):
        state = trainer.model.lora.state_dict()
        # clones, since what the model holds is put back
        lora = {name: value.detach().cpu().clone() for name, value in state.items()}
        head = trainer.model.head.folded()
    shape = trainer.model.lora.shape
    tuned = dataclasses.replace(base, head=head, lora_shape=shape, lora=lora, digest="")
    return tuned.as_stored()


def _facts(base: Adapter, train: Part, val: Part, trainer: Trainer) -> dict[str, Any]:
    def images(part: Part) -> dict[str, int]:
        return {"real": int((~part.is_ai).sum()), "ai": int(part.is_ai.sum())}

    return {
        "training": {
            "method": "MPFT: LoRA and head under texture-aware masking",
            "from": base.label,
            "images": images(train),
            "sources": len(set(train.sources.tolist())),
            "options": asdict(trainer.options),
            "step": trainer.best_step,
        },
        "metrics": {
            "split": "held-out part",
            "images": images(val),
            "sources": len(set(val.sources.tolist())),
            "auc": round(trainer.best_auc, 4),
        },
    }
