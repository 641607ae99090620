"""Scores of labelled images: by a detector, or out of a report, also of another tool."""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from clipfake.detector.calibration import Floats
from clipfake.detector.detector import Detector
from clipfake.errors import UsageError
from clipfake.plan import ScanPlan
from clipfake.report.parquet import parquet_files
from clipfake.report.parts import PARTS
from clipfake.scanning.parts import limits_of
from clipfake.scanning.see import see_items
from clipfake.sources import Finder, Item
from clipfake.sources.labelled import Example
from clipfake.sources.manifest import Manifest
from clipfake.sources.remote import is_url, shown

Bools = npt.NDArray[np.bool_]
SCORE_COLUMN = "score"
NO_SCORE = "not in the report"


@dataclass(frozen=True)
class Scores:
    """What a detector says of some images.

    Attributes:
        values: float64 ``[N]``, higher for AI; NaN where there is none.
        problems: ``[N]``, why there is none; None where there is one.
        no_image: ``[N]``, True for files that are no image at all.
        by: what scored them.
        embedded: float32 ``[N, D]``, where each lies for the generator head, NaN where it has no
            score; None where nothing tells generators apart.
    """

    values: Floats
    problems: list[str | None]
    no_image: Bools
    by: str
    embedded: npt.NDArray[np.float32] | None = None

    def part(self, taken: Bools) -> "Scores":
        """Those of the images that ``taken`` ``[N]`` names."""
        rows = np.flatnonzero(taken)
        problems = [self.problems[row] for row in rows]
        embedded = None if self.embedded is None else self.embedded[taken]
        return Scores(self.values[taken], problems, self.no_image[taken], self.by, embedded)


def score_images(
    examples: Sequence[Example],
    detector: Detector,
    plan: ScanPlan,
    *,
    transform: Callable[[bytes], bytes] | None = None,
    show: Callable[[int, int], None] = lambda _done, _total: None,
) -> Scores:
    """Scores by a detector, as a scan gives them.

    Args:
        examples: ``[N]`` images.
        detector: scores them.
        plan: how files are read; figures take verdicts from a rule of their own.
        transform: what is done to a file's bytes first.
        show: called with images done and in all.
    """
    values, problems, no_image = list[float](), list[str | None](), list[bool]()
    head, finder = detector.generators, Finder()
    embedded = None
    if head is not None:
        embedded = np.full((len(examples), len(head.scale)), np.nan, dtype=np.float32)
    items = [finder.found(Item(example.path)) for example in examples]
    for seen in see_items(
        items, detector, limits=limits_of(plan), workers=plan.run.workers, transform=transform
    ):
        record = seen.record
        if embedded is not None and seen.embedded is not None:
            embedded[len(values)] = seen.embedded
        values.append(math.nan if record.score is None else record.score)
        problems.append(record.error)
        no_image.append(record.error_code is not None and record.error_code.skipped)
        show(len(values), len(examples))
    return Scores(
        np.array(values),
        problems,
        np.array(no_image, dtype=bool),
        detector.adapter.label + (f", looks {detector.looks.value}" if detector.tiled else ""),
        embedded,
    )


class _Lists:
    """Lists that are one: a report, or its parts in order.

    Attributes:
        columns: names of the columns beside ``path``.
    """

    def __init__(self, lists: Sequence[Manifest]) -> None:
        self._lists = lists
        self.columns = list(lists[0].columns)

    def __iter__(self) -> Iterator[Item]:
        for each in self._lists:
            yield from each


def open_scores(report: str | Path, column: str = SCORE_COLUMN) -> "_Lists":
    """A report that has scores; they are read by ``read_scores``.

    Raises:
        UsageError: it cannot be read, or has no such column.
    """
    name = shown(str(report))
    if is_url(str(report)):
        if not str(report).lower().endswith((PARTS, ".parquet")):
            raise UsageError(f"{name}: by URL only .parquet and .parts are read; copy it here")
        files = parquet_files(report)
    else:
        folder = str(report).lower().endswith(PARTS) and os.path.isdir(report)
        files = parquet_files(report) if folder else [report]
    manifest = _Lists([Manifest(str(file)) for file in files])
    if column not in manifest.columns:
        known = ", ".join(manifest.columns) or "none"
        raise UsageError(f"{name}: no column {column!r}; --score-column names one of {known}")
    return manifest


def read_scores(
    report: str | Path, examples: Sequence[Example], root: str, *, column: str = SCORE_COLUMN
) -> Scores:
    """Scores out of a report that has a column ``path``, made by any tool.

    A path of the report is taken as it stands, and as one below the report's folder, below
    ``root`` or below the folder that holds ``root``; the first that names an image counts.

    Args:
        report: ``.csv``, ``.jsonl``, ``.parquet`` or a folder ``.parts``; the last two also by
            URL.
        examples: ``[N]`` images.
        root: the set's folder or manifest.
        column: what holds the scores.

    Raises:
        UsageError: the report cannot be read, has no such columns, or names none of the images.
    """
    manifest = open_scores(report, column)
    rows: dict[str, list[int]] = {}
    for row, example in enumerate(examples):
        rows.setdefault(os.path.abspath(example.path), []).append(row)
    values = np.full(len(examples), math.nan)
    problems: list[str | None] = [NO_SCORE] * len(examples)
    no_image, found = np.zeros(len(examples), dtype=bool), False
    for item in manifest:
        for name in _names(item.path, report, root):
            if name not in rows:
                continue
            found, text = True, item.extra.get(column)
            value = _number(text, item.text, column)
            for row in rows[name]:
                values[row] = value
                said = item.extra.get("error") or "no score in the report"
                problems[row] = str(said) if math.isnan(value) else None
            break
    if not found:
        raise UsageError(
            f"{shown(str(report))}: names none of the images of {root}; check its paths"
        )
    return Scores(values, problems, no_image, name_of(report))


def name_of(report: str | Path) -> str:
    """The last part of a report's path or URL."""
    return (
        shown(str(report)).rstrip("/").rpartition("/")[2]
        if is_url(str(report))
        else Path(report).name
    )


def _names(path: str, report: str | Path, root: str) -> Iterator[str]:
    folder = root if os.path.isdir(root) else os.path.dirname(root)
    yield os.path.abspath(path)
    lists = _folder_of_lists(report)  # a manifest's paths begin there
    below = path.removeprefix(f"{lists}/") if is_url(lists) else os.path.relpath(path, lists)
    for start in ("", folder, os.path.dirname(os.path.abspath(folder))):
        yield os.path.abspath(os.path.join(start, below))


def _folder_of_lists(report: str | Path) -> str:
    """The folder that a list's relative paths begin at, or its URL."""
    name = str(report)
    if is_url(name):
        return name if name.lower().endswith(PARTS) else name.rpartition("/")[0]
    return name if os.path.isdir(name) else os.path.dirname(name) or "."


def _number(value: object, of: str, column: str) -> float:
    if value is None or value == "":
        return math.nan
    try:
        return float(str(value))
    except ValueError as error:
        raise UsageError(
            f"{of}: {column} {value!r} is not a number; name another column"
        ) from error
