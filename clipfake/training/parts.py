"""Labelled files made ready: decoded, and parted into those to learn from and those held out."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from clipfake.errors import UsageError
from clipfake.sources.labelled import Example
from clipfake.training.examples import LEAST_SHOTS, split_by_source, take_shots, usable
from clipfake.training.options import FinetuneOptions, State
from clipfake.training.store import SHORT_SIDE, ImageStore, build_store, open_store
from clipfake.training.validation import Part
from clipfake.training.world import World


@dataclass(frozen=True)
class Parts:
    """Usable images, parted.

    Attributes:
        train: images to learn from.
        val: images held out.
        everything: both.
        own_split: a manifest said which are held out.
        left_out: how many images are not used, by reason.
        errors: one line for each unreadable image.
    """

    train: Part
    val: Part
    everything: Part
    own_split: bool
    left_out: Counter[str]
    errors: tuple[str, ...]

    @property
    def nothing(self) -> Part:
        """A part without images."""
        return Part.of(self.everything.examples, self.everything.store, [])


def labelled_parts(
    examples: Sequence[Example],
    options: FinetuneOptions,
    folder: Path,
    *,
    least: int,
    resume: bool,
    show: Callable[[State], None],
    world: World,
    each_generator: bool = False,
    short_side: int = SHORT_SIDE,
) -> Parts:
    """Decode images and hold some of them out.

    Args:
        examples: both classes.
        options: shots, share held out, seed and decoding processes.
        folder: existing folder for decoded images.
        least: images that each class needs.
        resume: take what ``folder`` holds of the same images.
        show: called as decoding goes on.
        world: the processes that train together, on the same ``folder``.
        each_generator: see ``split_by_source``.
        short_side: of decoded images, at most.

    Raises:
        UsageError: too few images of a class.
    """
    seed = options.loop.seed
    if options.shots:
        examples = take_shots(examples, options.shots, seed)
    store = _decode(examples, folder, options.workers, resume, show, world, short_side)
    rows, left_out = usable(examples, store, least)
    everything = Part.of(examples, store, rows)
    held_out = split_by_source(
        everything.examples, options.validation, seed, each_generator=each_generator
    )
    train, val = (
        Part.of(
            everything.examples,
            everything.store,
            [row for row, out in enumerate(held_out) if out == wanted],
        )
        for wanted in (False, True)
    )
    own_split = any(example.split == "val" for example in everything.examples)
    if own_split:
        _check_split(train, val)
    errors = tuple(image.error for image in store.images if image.error)
    return Parts(train, val, everything, own_split, left_out, errors)


def counts(*parts: Part) -> tuple[int, int]:
    """Real and AI images of all parts together."""
    ai = sum(int(part.is_ai.sum()) for part in parts)
    return sum(len(part.examples) for part in parts) - ai, ai


def _check_split(train: Part, val: Part) -> None:
    for part, name, least in ((train, "train", LEAST_SHOTS), (val, "val", 1)):
        for count, option in zip(counts(part), ("--real", "--fake"), strict=True):
            if count < least:
                raise UsageError(
                    f"{option}: {count} images of split {name}, at least {least} are needed; "
                    "change the split column, or leave it out"
                )


def _decode(
    examples: Sequence[Example],
    folder: Path,
    workers: int,
    resume: bool,
    show: Callable[[State], None],
    world: World,
    short_side: int,
) -> ImageStore:
    paths = [example.path for example in examples]
    if world.first and not (resume and open_store(folder, paths, short_side)):
        for done in build_store(paths, folder, workers=workers, short_side=short_side):
            show(State("decoding", done, len(paths)))
    world.wait()
    store = open_store(folder, paths, short_side)
    if store is None:
        raise RuntimeError(f"{folder}: the store was changed while it was written")
    return store
