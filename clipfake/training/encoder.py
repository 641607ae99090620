"""Tuning the encoder: LoRA and the head under texture-aware masking."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from clipfake.detector.adapter import Adapter
from clipfake.detector.backbone import Backbone
from clipfake.detector.device import encoding, pick_device, pick_training_precision
from clipfake.detector.forward import block_tokens
from clipfake.detector.lora import Lora, LoraShape
from clipfake.training.headonly import Outcome, with_facts
from clipfake.training.heads import HeadOptions
from clipfake.training.interpolation import interpolate
from clipfake.training.looks import train_to_end
from clipfake.training.loop import DetectorTrainer, Progress
from clipfake.training.model import TrainedDetector, TrainedHead
from clipfake.training.options import MIXES, FinetuneOptions, State
from clipfake.training.sampling import weights
from clipfake.training.validation import Part, Scored, Validation, calibrate
from clipfake.training.world import ALONE, World

CHECKPOINT = "checkpoint.safetensors"
_SPREAD_IMAGES = 256  # of which the spread of tokens is taken
_SPREAD_BATCH = 16
_MOVED = "the encoder moved, and its images are not kept to be scored anew"


def tune_encoder(
    backbone: Backbone,
    base: Adapter,
    train: Part,
    val: Part,
    options: FinetuneOptions,
    folder: Path,
    *,
    name: str,
    resume: bool,
    show: Callable[[State], None],
    world: World,
) -> Outcome:
    """Train the encoder and the head; thresholds and figures are those of the held-out part.

    Args:
        backbone: the tower that ``base`` fits.
        base: where training starts.
        train: images to learn from.
        val: images by which weights are chosen and thresholds set.
        options: what to train, and when to stop.
        folder: existing folder for checkpoints.
        name: of the new adapter.
        resume: go on from the checkpoint in ``folder``.
        show: called as training goes on.
        world: the processes that train together.

    Raises:
        UsageError: the checkpoint is of another run.
    """
    steps = max(1, round(options.epochs * len(train.examples) / options.loop.batch_size))
    options = dataclasses.replace(options, loop=dataclasses.replace(options.loop, steps=steps))
    validation = Validation(val, backbone, options.device, options.precision)
    trainer = build_trainer(backbone, base, options, train, world)
    checkpoint, before = folder / CHECKPOINT, validation.scored(base)
    if resume and checkpoint.exists():
        trainer.load(checkpoint)
    else:
        # weights that are no better than the start are not kept
        trainer.judge(world.agree(before.auc))
    train_to_end(
        trainer,
        train_steps(trainer, train, base, options),
        lambda: validation.auc(trained_adapter(trainer, base, trainer.mean)),
        options,
        checkpoint,
        show,
    )

    improved = trainer.best_step > 0
    shares = MIXES if options.mix is None else (options.mix,)
    ended = trained_adapter(trainer, base, trainer.best)
    tuned, reached, share = _best_between(base, ended, validation, shares if improved else (1.0,))
    tuned = calibrate(dataclasses.replace(tuned, name=name), [reached])
    outcome = Outcome(
        adapter=tuned,
        before=before.compare(base),
        after=reached.compare(tuned),
        measured="held-out part",
        reference=None,
        no_reference=_MOVED,
        choice=_choice(share, chosen=options.mix is None) if improved else "",
        improved=improved,
    )
    return with_facts(outcome, {**_facts(base, train, trainer), "mix": share})


def _best_between(
    start: Adapter, tuned: Adapter, validation: Validation, shares: Sequence[float]
) -> tuple[Adapter, Scored, float]:
    """The adapter on the way that ranks the held-out part best, its logits, and its share."""
    found = []
    for share in shares:
        adapter = interpolate(start, tuned, share)
        found.append((adapter, validation.scored(adapter), share))
    return max(found, key=lambda one: one[1].auc)


def _choice(share: float, *, chosen: bool) -> str:
    why = "which did best on the held-out part" if chosen else "as asked for"
    return f"weights {share:.4g} of the way from the start to the tuned ones, {why}"


def build_trainer(
    backbone: Backbone,
    base: Adapter,
    options: FinetuneOptions,
    train: Part,
    world: World = ALONE,
) -> DetectorTrainer:
    """A trainer whose model starts at an adapter; arguments as ``tune_encoder``."""
    device = pick_device(options.device)
    backbone.visual.to(device)
    shape = base.lora_shape or LoraShape(tuple(range(1, base.depth + 1)), options.rank)
    lora = Lora(backbone, shape)
    if base.lora_shape:
        lora.load_tensors(base.lora)
    else:
        lora.initialise(torch.Generator().manual_seed(options.loop.seed))
    rng = np.random.default_rng(options.loop.seed)
    count = min(_SPREAD_IMAGES, len(train.examples))
    rows = rng.choice(len(train.examples), count, replace=False).tolist()
    tokens = []
    with encoding(device, pick_training_precision(options.precision, device)):
        for at in range(0, count, _SPREAD_BATCH):
            pixels = train.pixels(base.preprocessing, rows[at : at + _SPREAD_BATCH]).to(device)
            own = lora.to(device)
            seen = block_tokens(backbone, pixels, base.blocks, lora=own)
            tokens.append(seen.cpu())
    # a copy, since tensors of inference mode cannot be trained with
    left_out = HeadOptions()
    head = TrainedHead(
        base.linear_head,
        torch.cat(tokens).clone(),
        inputs_out=left_out.inputs_out,
        units_out=left_out.units_out,
    )
    model = TrainedDetector(backbone, lora, head, base.blocks).to(device)
    return DetectorTrainer(model, options.loop, backbone.patch_size, world)


def train_steps(
    trainer: DetectorTrainer, train: Part, base: Adapter, options: FinetuneOptions
) -> Iterator[Progress]:
    """Train to the last step, see ``Trainer.run``; arguments as ``tune_encoder``."""
    return trainer.run(
        train.store,
        weights(train.examples),
        train.is_ai,
        base.preprocessing,
        workers=options.workers,
        precision=pick_training_precision(options.precision, pick_device(options.device)),
    )


def trained_adapter(
    trainer: DetectorTrainer, base: Adapter, values: dict[str, torch.Tensor]
) -> Adapter:
    """The adapter that a trainer's weights make, with the calibration of ``base``."""
    with trainer.holding(values):
        state = trainer.model.lora.state_dict()
        # clones, since what the model holds is put back
        lora = {name: value.detach().cpu().clone() for name, value in state.items()}
        head = trainer.model.head.folded()
    shape = trainer.model.lora.shape
    tuned = dataclasses.replace(base, head=head, lora_shape=shape, lora=lora, digest="")
    return tuned.as_stored()


def _facts(base: Adapter, train: Part, trainer: DetectorTrainer) -> dict[str, Any]:
    ais = int(train.is_ai.sum())
    return {
        "method": "MPFT: LoRA and head under texture-aware masking",
        "from": base.label if base.digest else base.name,
        "images": {"real": len(train.examples) - ais, "ai": ais},
        "sources": len(set(train.sources.tolist())),
        "options": dataclasses.asdict(trainer.options),
        "step": trainer.best_step,
    }
