"""A training from its present step to its last: looks at the held-out part, and checkpoints."""

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from clipfake.training.loop import Progress, Trainer
from clipfake.training.options import FinetuneOptions, State


def train_to_end(
    trainer: Trainer[Any],
    steps: Iterator[Progress],
    look: Callable[[], float],
    options: FinetuneOptions,
    checkpoint: Path,
    show: Callable[[State], None],
    measure: str = "validation AUC",
) -> None:
    """Train, keep the mean weights that did best, and save what a resumed run needs.

    Args:
        trainer: its ``best`` are the weights that did best.
        steps: what training yields, step by step; begun only where training goes on.
        look: how well the mean weights do on the held-out part, higher is better.
        options: how often to look, when to stop, and how often to save.
        checkpoint: file that the state is saved to.
        show: called as training goes on.
        measure: what ``look`` gives.
    """
    total, saved = options.loop.steps, time.monotonic()
    every = math.ceil(total / options.looks)
    if trainer.stale >= options.patience:
        return
    for progress in steps:
        if progress.step % every == 0 or progress.step == total:
            trainer.judge(trainer.world.agree(look()))
        show(State("training", progress.step, total, progress.loss, trainer.best_score, measure))
        if trainer.stale >= options.patience:
            break
        if time.monotonic() - saved >= options.checkpoint_seconds and trainer.world.first:
            trainer.save(checkpoint)
            saved = time.monotonic()
    if trainer.world.first:
        trainer.save(checkpoint)
