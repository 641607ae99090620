"""Labelled images to learn from, out of folders and manifests."""

import os
from collections import Counter
from collections.abc import Sequence

import numpy as np

from clipfake.errors import UsageError
from clipfake.sources import Ignoring, Item, Selection, Sources
from clipfake.sources.labelled import Example, is_ai_label
from clipfake.training.store import ImageStore

LEAST_OF_A_CLASS = 16
LEAST_SHOTS = 8  # of a class, where the encoder stays as it is


def read_examples(
    paths: Sequence[str | os.PathLike[str]], *, is_ai: bool, source_column: str = "source"
) -> list[Example]:
    """Images of one class.

    A manifest may have columns ``label`` (real or fake; rows of the other class are passed
    over, so that one manifest serves both), ``generator``, ``source`` and ``split``. Without
    them an image's folder is both its generator and its source.

    Args:
        paths: files, folders and manifests.
        is_ai: the class.
        source_column: the manifest's column that names sources.

    Raises:
        UsageError: a name does not exist, a label is unknown, or no manifest has a column of
            one's own.
    """
    examples = []
    sources = Sources(paths, Selection(archives=None, ignoring=Ignoring.NONE))
    if source_column not in ("source", *sources.columns):
        known = ", ".join(sources.columns) or "none"
        raise UsageError(f"source column {source_column}: in no manifest; columns are {known}")
    for item in sources:
        label = item.extra.get("label")
        if label is None or is_ai_label(label, item.text) == is_ai:
            examples.append(_example(item, is_ai, source_column))
    return examples


def _example(item: Item, is_ai: bool, source_column: str) -> Example:
    folder = os.path.dirname(item.text)

    def column(name: str) -> str:
        return str(item.extra.get(name) or "")

    return Example(
        path=item.path,
        is_ai=is_ai,
        generator=column("generator") or folder,
        source=column(source_column) or folder,
        split=column("split"),
    )


def usable(
    examples: Sequence[Example], store: ImageStore, least: int = LEAST_OF_A_CLASS
) -> tuple[list[int], Counter[str]]:
    """Rows to learn from: readable, once each, and in one class only.

    Args:
        examples: what was given.
        store: the same images, decoded.
        least: images that each class needs.

    Returns:
        Indexes, ascending, and how many images were left out for which reason.

    Raises:
        UsageError: a class has too few images left.
    """
    classes: dict[str, set[bool]] = {}
    for example, image in zip(examples, store.images, strict=True):
        classes.setdefault(image.sha256, set()).add(example.is_ai)
    rows, seen, left_out = [], set(), Counter[str]()
    for row, image in enumerate(store.images):
        if image.error:
            left_out["unreadable"] += 1
        elif len(classes[image.sha256]) == 2:
            left_out["in both classes"] += 1
        elif image.sha256 in seen:
            left_out["given twice"] += 1
        else:
            seen.add(image.sha256)
            rows.append(row)
    for is_ai, name in ((False, "--real"), (True, "--fake")):
        count = sum(examples[row].is_ai == is_ai for row in rows)
        if count < least:
            raise UsageError(
                f"{name}: {count} usable images, at least {least} are needed"
                f"{_why(left_out)}; name more files or folders"
            )
    return rows, left_out


def _why(left_out: Counter[str]) -> str:
    return "".join(f", {count} {reason}" for reason, count in sorted(left_out.items()))


def take_shots(examples: Sequence[Example], shots: int, seed: int) -> list[Example]:
    """At most ``shots`` images of each class, drawn evenly over generators.

    Args:
        examples: all of them.
        shots: images of a class.
        seed: of the draw.
    """
    rng = np.random.default_rng(seed)
    taken = []
    for is_ai in (False, True):
        queues: dict[str, list[Example]] = {}
        own = [example for example in examples if example.is_ai == is_ai]
        for index in rng.permutation(len(own)):
            queues.setdefault(own[index].generator, []).append(own[index])
        turns = [
            (turn, order, example)
            for order, queue in enumerate(queues.values())
            for turn, example in enumerate(queue)
        ]
        taken += [example for _, _, example in sorted(turns, key=lambda t: t[:2])[:shots]]
    return taken


def split_by_source(
    examples: Sequence[Example], share: float, seed: int, *, each_generator: bool = False
) -> list[bool]:
    """Which examples are held out for validation.

    A ``split`` column decides where there is one. Else whole sources are held out, and where
    a class has a single source, images of it.

    Args:
        examples: ``[N]``.
        share: of each class that is held out, about.
        seed: of the draw.
        each_generator: hold out some of each generator that has two images or more, so that none
            is unknown to what is trained; else generators may be held out as a whole.

    Returns:
        ``[N]``, True for validation.
    """
    if any(example.split == "val" for example in examples):
        return [example.split == "val" for example in examples]
    rng = np.random.default_rng(seed)
    held_out = [False] * len(examples)
    for own in _classes(examples, each_generator):
        sources: dict[str, list[int]] = {}
        for row in own:
            sources.setdefault(examples[row].source, []).append(row)
        groups = list(sources.values()) if len(sources) > 1 else [[row] for row in own]
        wanted, count = max(1, round(share * len(own))), 0
        for index in rng.permutation(len(groups)):
            # a source that would take most of its class stays in training
            if count < wanted and count + len(groups[index]) <= max(wanted, len(own) // 2):
                count += len(groups[index])
                for row in groups[index]:
                    held_out[row] = True
    return held_out


def _classes(examples: Sequence[Example], each_generator: bool) -> list[list[int]]:
    """Rows that are parted by themselves: of real images and AI ones, or of each generator."""
    own: dict[tuple[bool, str], list[int]] = {(False, ""): [], (True, ""): []}
    for row, example in enumerate(examples):
        name = example.generator if each_generator and example.is_ai else ""
        own.setdefault((example.is_ai, name), []).append(row)
    return [rows for rows in own.values() if len(rows) > 1 or not each_generator]
