"""LoRA rows: the encoder moves too, from a head that fits it already."""

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass

from clipfake.detector.adapter import Adapter
from clipfake.detector.backbone import Backbone
from clipfake.training.encoder import build_trainer, train_steps, trained_adapter
from clipfake.training.options import FinetuneOptions
from clipfake.training.validation import Part

from .configurations import TunedRow


@dataclass(frozen=True)
class Tuned:
    """A trained adapter, and what it took.

    Attributes:
        adapter: the running mean of the weights after the last step.
        seen: images of all steps.
        parameters: numbers that moved.
        seconds: of training.
    """

    adapter: Adapter
    seen: int
    parameters: int
    seconds: float


def tune(
    row: TunedRow,
    start: Adapter,
    backbone: Backbone,
    train: Part,
    options: FinetuneOptions,
    say: Callable[[str], None],
) -> Tuned:
    """Train for a fixed number of steps; nothing is chosen by looking at held-out images.

    Args:
        row: what is hidden, and what is augmented.
        start: whose head training starts from.
        backbone: the tower.
        train: the training images.
        options: how; masking and augmentation are the row's.
        say: told how far it is.
    """
    loop = dataclasses.replace(options.loop, masking=row.masking)
    if row.augmented is not None:
        loop = dataclasses.replace(loop, augmented=row.augmented)
    started = time.monotonic()
    trainer = build_trainer(backbone, start, dataclasses.replace(options, loop=loop), train)
    seen = 0
    for progress in train_steps(trainer, train, start, options):
        seen += progress.images
        if progress.step % 10 == 0:
            say(f"{row.name}: step {progress.step} of {loop.steps}, loss {progress.loss:.3f}")
    seconds = time.monotonic() - started
    parameters = sum(value.numel() for value in trainer.model.parameters())
    return Tuned(trained_adapter(trainer, start, trainer.mean), seen, parameters, seconds)
