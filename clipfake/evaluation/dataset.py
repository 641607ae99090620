"""Labelled images out of a manifest, or of a tree as the field's test sets are laid out."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from clipfake.errors import UsageError
from clipfake.sources.ignore import Ignoring
from clipfake.sources.item import Item
from clipfake.sources.labelled import Example, is_ai_label
from clipfake.sources.manifest import Manifest, is_manifest
from clipfake.sources.select import Selection
from clipfake.sources.walk import walk

LABEL_COLUMN = "label"
_SPLITS = ("train", "val", "test")


class Layout(str, Enum):
    """How a set says which of its images are AI-generated.

    ``genimage``: ``GENERATOR[/SET][/train|val]/{ai,nature}`` (GenImage, arXiv 2306.08571).
    ``forensynths``: ``GENERATOR[/CLASS]/{0_real,1_fake}`` (ForenSynths, arXiv 1912.11035, and the
    sets that took it over: UniversalFakeDetect, AIGCDetectBenchmark).
    ``plain``: folders ``real`` and ``fake``, alone or below a folder for each generator.
    """

    MANIFEST = "manifest"
    GENIMAGE = "genimage"
    FORENSYNTHS = "forensynths"
    PLAIN = "plain"


_CLASSES: dict[Layout, dict[str, bool]] = {
    Layout.GENIMAGE: {"nature": False, "ai": True},
    Layout.FORENSYNTHS: {"0_real": False, "1_fake": True},
    Layout.PLAIN: {"real": False, "fake": True},
}


@dataclass(frozen=True)
class LabelledSet:
    """Images to measure on.

    Attributes:
        path: what was named.
        layout: how labels were told.
        examples: both classes, in the order of the manifest or tree.
        passed_over: files that are not measured on, by reason.
    """

    path: str
    layout: Layout
    examples: list[Example]
    passed_over: Counter[str]


def read_labelled(
    path: str | os.PathLike[str],
    *,
    layout: Layout | None = None,
    where: Mapping[str, str] | None = None,
) -> LabelledSet:
    """Images of a manifest or tree, with their labels.

    In a tree the first folder names the generator and images are sources of their own, unless
    there are folders below that of the class. A manifest has columns ``path`` and ``label``, and
    may have ``generator``, ``source`` and ``split``.

    Args:
        path: a manifest or a folder.
        layout: None finds it out.
        where: columns and the value that an image needs in them; in a tree ``split`` (train, val
            or test), ``generator`` and ``source``.

    Raises:
        UsageError: it cannot be read, the layout is unknown, a label or column is, or a class
            has no image.
    """
    name, wanted = os.fspath(path), dict(where or {})
    if not os.path.lexists(name):
        raise UsageError(f"{name}: no such file or folder")
    if os.path.isdir(name):
        if layout is Layout.MANIFEST:
            raise UsageError(f"{name}: is a folder; name a manifest file, or another --layout")
        found = _read_tree(name, layout, wanted)
    elif is_manifest(name):
        if layout not in (None, Layout.MANIFEST):
            raise UsageError(f"{name}: is a manifest; leave out --layout {layout.value}")
        found = _read_manifest(name, wanted)
    else:
        raise UsageError(f"{name}: neither a folder nor a manifest (.csv .jsonl .parquet)")
    for is_ai, kind in ((False, "real"), (True, "AI-generated")):
        if not any(example.is_ai == is_ai for example in found.examples):
            raise UsageError(
                f"{name}: no {kind} image among {len(found.examples)} "
                f"(layout {found.layout.value}{_said(wanted)}); both classes are needed"
            )
    return found


def _read_manifest(name: str, wanted: dict[str, str]) -> LabelledSet:
    manifest = Manifest(name)
    for column in (LABEL_COLUMN, *wanted):
        if column not in manifest.columns:
            known = ", ".join(manifest.columns) or "none"
            raise UsageError(f"{name}: no column named {column!r} beside path (columns: {known})")
    examples, passed_over = [], Counter[str]()
    for item in manifest:
        if item.problem is not None:
            passed_over["rows without a path"] += 1
            continue
        columns = {key: "" if v is None else str(v) for key, v in item.extra.items()}
        if any(columns[column] != value for column, value in wanted.items()):
            passed_over["of other columns"] += 1
            continue
        is_ai = is_ai_label(item.extra[LABEL_COLUMN], item.text)
        examples.append(
            Example(
                path=item.path,
                is_ai=is_ai,
                generator=columns.get("generator") or ("ai" if is_ai else "real"),
                source=columns.get("source") or item.path,
                split=columns.get("split", ""),
            )
        )
    return LabelledSet(name, Layout.MANIFEST, examples, passed_over)


def _read_tree(root: str, layout: Layout | None, wanted: dict[str, str]) -> LabelledSet:
    if unknown := set(wanted) - {"split", "generator", "source"}:
        raise UsageError(
            f"--where {', '.join(sorted(unknown))}: a tree has no such column; "
            "use split, generator or source, or a manifest"
        )
    found = list(walk(root, Selection(archives=None, ignoring=Ignoring.NONE)))
    items = [item for item in found if item.problem is None]
    layout = layout or _find_layout(root, items)
    classes, examples, passed_over = _CLASSES[layout], [], Counter[str]()
    if unlisted := len(found) - len(items):
        passed_over["folders that cannot be listed"] = unlisted
    for item in items:
        example = _of_tree(root, item.path, classes)
        if example is None:
            passed_over["not in a folder of a class"] += 1
        elif any(getattr(example, column) != value for column, value in wanted.items()):
            passed_over["of other columns"] += 1
        else:
            examples.append(example)
    if not examples:
        names = " or ".join(classes)
        raise UsageError(f"{root}: no files in folders named {names}{_said(wanted)}")
    return LabelledSet(root, layout, examples, passed_over)


def _find_layout(root: str, items: Sequence[Item]) -> Layout:
    files = {
        layout: sum(_of_tree(root, item.path, classes) is not None for item in items)
        for layout, classes in _CLASSES.items()
    }
    best = max(files, key=lambda layout: files[layout])
    if not files[best]:
        raise UsageError(
            f"{root}: no folders named real and fake, nature and ai, or 0_real and 1_fake in it; "
            "give a manifest with columns path and label instead"
        )
    return best


def _of_tree(root: str, path: str, classes: Mapping[str, bool]) -> Example | None:
    """The example that a file is; None when it lies in no class's folder."""
    folders = Path(path).relative_to(root).parts[:-1]
    lowered = [folder.lower() for folder in folders]
    at = next((i for i, folder in enumerate(lowered) if folder in classes), None)
    if at is None:
        return None
    above = [folder for folder in folders[:at] if folder.lower() not in _SPLITS]
    below = [folder for folder in folders[at + 1 :] if folder.lower() not in _SPLITS]
    own = Path(root).resolve().name
    return Example(
        path=path,
        is_ai=classes[lowered[at]],
        generator=above[0] if above else (below[0] if below else own),
        source="/".join((*above, *below)) if below else path,
        split=next((f for f in lowered if f in _SPLITS), ""),
    )


def _said(wanted: Mapping[str, str]) -> str:
    return "".join(f", where {column}={value}" for column, value in wanted.items())
