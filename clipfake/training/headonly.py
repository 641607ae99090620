"""Tuning the head alone: the encoder stands still, so that few images are enough."""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from clipfake.detector.adapter import Adapter
from clipfake.detector.backbone import Backbone
from clipfake.detector.calibration import Platt
from clipfake.detector.head import Head
from clipfake.detector.reference import Reference, find_reference
from clipfake.detector.second_look import SecondLook, both_logits
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.sources.labelled import Example
from clipfake.training.fewshot import Fewshot, fit_few
from clipfake.training.heads import HeadOptions, fit_head
from clipfake.training.sampling import weights
from clipfake.training.validation import Comparison, Part, Scored, calibrate

LEAST_HELD_OUT_OF = 64  # images of each class from which some are held out
_LEAST_STEPS = 600  # of a new head, also where images are few

Encode = Callable[[Part, Adapter], torch.Tensor]


@dataclass(frozen=True)
class Outcome:
    """A tuned adapter, and what it does beside the one that it came from.

    Attributes:
        adapter: calibrated, with its thresholds set.
        before: the adapter that it came from, on one's own images; None for a new head.
        after: the new one on the same images.
        measured: how these images were kept apart, ``held-out part`` or ``out of fold``.
        reference: before and after on the reference set, where that speaks of both.
        no_reference: why it does not.
        choice: how far training was let go, and how that was chosen; empty where nothing did
            better than the start.
        improved: False when no trained weights did better and the old ones were kept.
    """

    adapter: Adapter
    before: Comparison | None
    after: Comparison
    measured: str
    reference: tuple[Comparison, Comparison] | None
    no_reference: str
    choice: str
    improved: bool


def correct_head(
    base: Adapter,
    shots: Part,
    held_out: Part | None,
    encode: Encode,
    *,
    name: str,
    seed: int,
    encode_tiles: Encode | None = None,
) -> Outcome:
    """Correct the head of an adapter by some images.

    The correction is learnt from the first look, and added to what is said of both. Thresholds are
    set on scores of the shots by heads that had not seen them, and on the reference set where it
    fits; held-out images only measure.

    Args:
        base: where the head comes from.
        shots: images to learn from.
        held_out: images to measure on; None measures out of fold.
        encode: tokens of a part as an adapter's head reads them.
        name: of the new adapter.
        seed: of the folds.
        encode_tiles: mean tokens of the tiles of a part; without it a second look is left out.
    """
    reference, no_reference = find_reference(base)
    known = reference.tokens[torch.from_numpy(reference.guards)] if reference else None
    tokens = encode(shots, base)
    examples = shots.examples
    tiles = encode_tiles(shots, base) if base.second_look is not None and encode_tiles else None
    fitted = fit_few(
        tokens, examples, base.linear_head, base.calibration, known=known, also=tiles, seed=seed
    )
    tuned = dataclasses.replace(
        base, name=name, head=fitted.head, second=_corrected(base.second, fitted), digest=""
    )

    own = Scored(fitted.logits, shots.is_ai, shots.sources)
    if tiles is not None and fitted.also is not None:
        again = base.tiles_head(tiles) + fitted.also
        own = dataclasses.replace(own, second=both_logits(fitted.logits, again))
    tuned = calibrate(tuned, [own, *_known(reference, tuned)])
    before, after = dataclasses.replace(own, logits=base.head(tokens)), own
    if held_out is not None:
        unseen = encode(held_out, base)
        before, after = (
            Scored(adapter.head(unseen), held_out.is_ai, held_out.sources)
            for adapter in (base, tuned)
        )
    # what was held back by their scores would flatter the correction
    pairs = zip(
        _known(reference, base, measuring=True),
        _known(reference, tuned, measuring=True),
        strict=True,
    )
    compared = [(was.compare(base), now.compare(tuned)) for was, now in pairs]
    outcome = Outcome(
        adapter=tuned,
        before=before.compare(base),
        after=after.compare(tuned),
        measured="out of fold" if held_out is None else "held-out part",
        reference=compared[0] if compared else None,
        no_reference=no_reference,
        choice=_choice(fitted),
        improved=not math.isinf(fitted.strength),
    )
    return with_facts(outcome, _facts(base, shots, fitted))


def _corrected(second: SecondLook | None, fitted: Fewshot) -> SecondLook | None:
    """A second look whose own head, where it has one, is corrected as that of the first."""
    if second is None or second.head is None or fitted.correction is None:
        return second
    return dataclasses.replace(second, head=fitted.correction.of(second.head))


def _known(
    reference: Reference | None, adapter: Adapter, *, measuring: bool = False
) -> list[Scored]:
    """Logits of the reference set, of its measuring half alone if asked; none without a set."""
    if reference is None:
        return []
    taken = ~reference.guards if measuring else np.ones(len(reference.is_ai), dtype=bool)
    tokens = reference.tokens[torch.from_numpy(taken)]
    # what is only measured is compared by the first look
    second = None if measuring else reference.second_logits(adapter)
    logits = adapter.linear_head(tokens)
    return [Scored(logits, reference.is_ai[taken], reference.groups[taken], second)]


def new_head(
    backbone: Backbone, examples: list[Example], train: Part, encode: Encode, seed: int
) -> Adapter:
    """An adapter of a tower as it is, with a head of its own; not calibrated.

    Args:
        backbone: the tower.
        examples: ``[N]`` images to learn from.
        train: the same images.
        encode: tokens of a part as an adapter's head reads them.
        seed: of everything that chance decides.
    """
    blocks = tuple(range(max(1, backbone.depth // 3), backbone.depth + 1))
    blank = Adapter(
        name=f"a new head on {backbone.name}",
        backbone=backbone.name,
        blocks=blocks,
        preprocessing=Preprocessing(size=backbone.image_size),
        head=Head(torch.zeros(len(blocks), backbone.width), torch.zeros(1)),
        calibration=Platt(),
        points=(),
        real_below=0.0,
        facts={},
    )
    options = HeadOptions(seed=seed)
    least = _LEAST_STEPS * options.batch_size / len(examples)
    options = dataclasses.replace(options, epochs=max(options.epochs, least))
    head = fit_head([encode(train, blank)], train.is_ai, weights(examples), options)
    return dataclasses.replace(blank, head=head).as_stored()


def with_facts(outcome: Outcome, training: dict[str, Any]) -> Outcome:
    """The outcome whose adapter's header says how it was made and what was measured."""
    reals, ais = outcome.after.images
    metrics = {
        "split": outcome.measured,
        "images": {"real": reals, "ai": ais},
        "auc": round(outcome.after.auc, 4),
        "recall": round(outcome.after.recall, 4),
        "fpr": round(outcome.after.fpr, 4),
        "fpr_interval": [round(share, 4) for share in outcome.after.fpr_interval],
    }
    facts = {"training": training, "metrics": metrics}
    return dataclasses.replace(outcome, adapter=dataclasses.replace(outcome.adapter, facts=facts))


def _choice(fitted: Fewshot) -> str:
    unchanged = fitted.losses[math.inf]
    if math.isinf(fitted.strength):
        return f"no correction did better out of fold ({fitted.method})"
    return (
        f"strength {fitted.strength:.2g}, chosen by {fitted.method}: cross-entropy "
        f"{unchanged:.3f} -> {fitted.losses[fitted.strength]:.3f} out of fold"
    )


def _facts(base: Adapter, shots: Part, fitted: Fewshot) -> dict[str, Any]:
    return {
        "method": "head only: a restrained linear correction",
        "from": base.label,
        "images": {"real": int((~shots.is_ai).sum()), "ai": int(shots.is_ai.sum())},
        "sources": len(set(shots.sources.tolist())),
        "strength": None if math.isinf(fitted.strength) else fitted.strength,
        "chosen_by": fitted.method,
    }
