"""Which images are trained on, and which are held out with their whole generator family."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from clipfake.errors import UsageError
from clipfake.sources.labelled import Example
from clipfake.training.examples import take_shots

TRAIN, VAL = "train", "val"
# families of generators, by what their names have in common
HELD_OUT = ("gpt-image|gpt-4o|chatgpt", "flux", "midjourney", "z-image", "stylegan")


@dataclass(frozen=True)
class Parts:
    """Images to learn from, and images to measure on.

    Attributes:
        train: of split train; none of a held-out family or of a source that is measured on.
        evaluation: AI images of the held-out families, and real ones of split val.
    """

    train: list[Example]
    evaluation: list[Example]


def hold_out(examples: Sequence[Example], families: Sequence[str], count: int) -> Parts:
    """Hold generator families out, with every source that has images of them.

    A held-out image may be in either split. Real images are measured on in split val alone,
    and no source of split val is trained on. A family is known by its generator's name only,
    so sets without such a name may still hold images of it.

    Args:
        examples: all labelled images.
        families: regular expressions, searched in the names of generators, whatever the case.
        count: images to measure on, at most, half of each class, evenly over generators.

    Raises:
        UsageError: one of the parts lacks a class.
    """
    pattern = re.compile("|".join(f"(?:{family})" for family in families), re.IGNORECASE)
    held = [e for e in examples if e.is_ai and pattern.search(e.generator)]
    reals = [e for e in examples if not e.is_ai and e.split == VAL]
    sources = {e.source for e in held} | {e.source for e in examples if e.split == VAL}
    train = [e for e in examples if e.split == TRAIN and e.source not in sources]
    for name, part in (("training", train), ("evaluation", held + reals)):
        if len({e.is_ai for e in part}) < 2:
            raise UsageError(f"{name}: a class has no images; hold out other families")
    return Parts(train, take_shots(held + reals, count // 2, seed=0))
