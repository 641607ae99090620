"""The recipe behind `clipfake finetune`: from labelled files to an adapter."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from clipfake.detector.adapter import Adapter
from clipfake.detector.backbone import Backbone
from clipfake.sources.labelled import Example
from clipfake.training.encoder import tune_encoder
from clipfake.training.examples import LEAST_OF_A_CLASS, LEAST_SHOTS, take_shots
from clipfake.training.headonly import (
    LEAST_HELD_OUT_OF,
    Encode,
    Outcome,
    correct_head,
    new_head,
    with_facts,
)
from clipfake.training.options import FEW, FinetuneOptions, Move, State
from clipfake.training.parts import counts, labelled_parts
from clipfake.training.store import SHORT_SIDE, TILED_SIDE
from clipfake.training.validation import Part, Scored, Validation, calibrate
from clipfake.training.world import ALONE, World

MOST_SHOTS = 500  # of a class that a head is corrected by
_NEW = "a new head is not compared"


@dataclass(frozen=True)
class Finetuned:
    """What came of it.

    Attributes:
        outcome: the new adapter, not saved yet, beside the old one.
        move: what was trained.
        images: images trained on and held out.
        left_out: how many images were not used, by reason.
        errors: one line for each unreadable image.
        lost_second_look: the adapter that it started from takes a second look, and it does not.
    """

    outcome: Outcome
    move: Move
    images: tuple[int, int]
    left_out: Counter[str]
    errors: tuple[str, ...]
    lost_second_look: bool = False


def finetune(
    examples: Sequence[Example],
    backbone: Backbone,
    base: Adapter | None,
    options: FinetuneOptions,
    folder: Path,
    *,
    name: str,
    resume: bool = False,
    show: Callable[[State], None] = lambda _state: None,
    world: World = ALONE,
) -> Finetuned:
    """Tune an adapter on labelled images.

    Args:
        examples: both classes.
        backbone: the tower that ``base`` fits.
        base: where training starts; None fits a new head on the tower first.
        options: what to train, and when to stop.
        folder: existing folder for decoded images and checkpoints.
        name: of the new adapter.
        resume: go on from what ``folder`` holds.
        show: called as training goes on.
        world: the processes that train together, on the same ``folder``.

    Raises:
        AdapterError: ``base`` was made for another backbone.
        UsageError: too few images of a class, or a checkpoint of another run.
    """
    if base is not None:
        base.check_fits(backbone)
        _ = base.linear_head  # said before images are decoded
    seed = options.loop.seed
    few_do = base is not None and options.move is not Move.ENCODER
    parts = labelled_parts(
        examples,
        options,
        folder,
        least=LEAST_SHOTS if few_do else LEAST_OF_A_CLASS,
        short_side=SHORT_SIDE if base is None or base.second_look is None else TILED_SIDE,
        resume=resume,
        show=show,
        world=world,
    )
    train, val, left_out = parts.train, parts.val, parts.left_out
    move = options.move
    if move is Move.AUTO:
        move = Move.HEAD if min(counts(train)) < FEW else Move.ENCODER

    def encode(part: Part, adapter: Adapter) -> torch.Tensor:
        seen = Validation(part, backbone, options.device, options.precision)
        return seen.tokens(adapter, lambda done, total: show(State("encoding", done, total)))

    def encode_tiles(part: Part, adapter: Adapter) -> torch.Tensor:
        seen = Validation(part, backbone, options.device, options.precision)
        return seen.tile_tokens(adapter, lambda done, total: show(State("tiles", done, total)))

    def tune(start: Adapter) -> Outcome:
        return tune_encoder(
            backbone,
            start,
            train,
            val,
            options,
            folder,
            name=name,
            resume=resume,
            show=show,
            world=world,
        )

    if base is None:
        base = new_head(backbone, train.examples, train, encode, seed)
        if move is Move.HEAD:
            outcome = _measure_new(dataclasses.replace(base, name=name), train, val, encode)
        else:
            known = Scored(base.head(encode(val, base)), val.is_ai, val.sources)
            base = calibrate(base, [known])
            outcome = tune(base)
    elif move is Move.HEAD:
        if not parts.own_split and min(counts(train, val)) < LEAST_HELD_OUT_OF:
            train, val = parts.everything, parts.nothing
        train = _capped(train, seed, left_out)
        unseen = val if val.examples else None
        outcome = correct_head(
            base, train, unseen, encode, name=name, seed=seed, encode_tiles=encode_tiles
        )
    else:
        outcome = tune(base)
    return Finetuned(
        outcome=outcome,
        move=move,
        images=(len(train.examples), len(val.examples)),
        left_out=left_out,
        errors=parts.errors,
        lost_second_look=base.second_look is not None and outcome.adapter.second_look is None,
    )


def _capped(train: Part, seed: int, left_out: Counter[str]) -> Part:
    """At most ``MOST_SHOTS`` images of each class, evenly over generators."""
    taken = set(take_shots(train.examples, MOST_SHOTS, seed))
    rows = [row for row, example in enumerate(train.examples) if example in taken]
    if len(rows) < len(train.examples):
        left_out["more than a head is corrected by"] = len(train.examples) - len(rows)
    return Part.of(train.examples, train.store, rows)


def _measure_new(adapter: Adapter, train: Part, val: Part, encode: Encode) -> Outcome:
    """A new head, calibrated and measured on the held-out part."""
    known = Scored(adapter.head(encode(val, adapter)), val.is_ai, val.sources)
    adapter = calibrate(adapter, [known])
    outcome = Outcome(
        adapter, None, known.compare(adapter), "held-out part", None, _NEW, "", improved=True
    )
    reals, ais = counts(train)
    facts = {
        "method": "a new head of hidden units on the frozen tower",
        "images": {"real": reals, "ai": ais},
        "sources": len(set(train.sources.tolist())),
    }
    return with_facts(outcome, facts)
