"""What a finetuning is asked to do, and how far it has come."""

import math
from dataclasses import dataclass, field
from enum import Enum

from clipfake.training.loop import LoopOptions

FEW = 200  # images of a class below which the encoder stays as it is
MIXES = (0.25, 0.5, 0.75, 1.0)  # shares of the way that are tried


class Move(str, Enum):
    """What of the detector is trained."""

    AUTO = "auto"
    HEAD = "head"
    ENCODER = "encoder"


@dataclass(frozen=True)
class FinetuneOptions:
    """What to train, and when to stop.

    Attributes:
        move: the head alone, or the encoder too; by itself the head where a class has fewer
            than ``FEW`` images to train on.
        loop: how the weights move; its ``steps`` follow from ``epochs``.
        epochs: passes over the images that are trained on, at most.
        mix: share of the way from the start to the tuned weights that is gone, 0..1; None for
            the one of ``MIXES`` that does best on the held-out part.
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

    move: Move = Move.AUTO
    loop: LoopOptions = field(default_factory=LoopOptions)
    epochs: float = 4.0
    mix: float | None = None
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
        best: how well the best weights so far do on the held-out part.
        measure: what ``best`` is.
    """

    phase: str
    done: int
    total: int
    loss: float = math.nan
    best: float = math.nan
    measure: str = "validation AUC"
