"""The images that a detector is most wrong about, as small pictures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from clipfake.evaluation.result import Evaluation
from clipfake.imaging.limits import Limits
from clipfake.report.page.page import data_url
from clipfake.report.page.words import shown
from clipfake.scanning.processes.worker import default_workers
from clipfake.scanning.reader import ReadOptions
from clipfake.scanning.workers import read_samples
from clipfake.sources import Finder, Item
from clipfake.sources.remote import is_url

LEAST, MOST = 12, 24  # images of a class that are shown
_PATH = 4096  # characters
_CHUNK = 4  # files that a worker is handed at once


@dataclass(frozen=True)
class Shot:
    """An image with its score.

    Attributes:
        path: the file, by folders, fit to be shown.
        group: its generator or kind, fit to be shown.
        score: what it was given.
        wrong: whether its verdict is, at the operating point.
        picture: address of a thumbnail; None where the file is gone or cannot be decoded.
    """

    path: Sequence[str]
    group: str
    score: float
    wrong: bool
    picture: str | None


@dataclass(frozen=True)
class Wrong:
    """The images of a class that a detector is most wrong about.

    Attributes:
        is_ai: the class.
        images: of the class that have a score.
        wrong: those on the wrong side of the operating point; None without one.
        shots: the worst first: all that are wrong up to ``MOST``, and some more where they are few.
    """

    is_ai: bool
    images: int
    wrong: int | None
    shots: Sequence[Shot]


def most_wrong(found: Evaluation, workers: int | None = None) -> list[Wrong]:
    """Real images with the highest scores, and AI images with the lowest.

    Files are read in worker processes, so that one that kills or hangs its decoder costs its own
    picture alone. Files on other machines are not asked for.

    Args:
        found: the evaluation.
        workers: reading processes; None suits the machine, 0 reads in this process.
    """
    chosen = [_chosen(found, is_ai=is_ai) for is_ai in (False, True)]
    rows = [row for rows, _, _ in chosen for row in rows]
    pictures = _pictures([found.data.examples[row].path for row in rows], workers)
    made = []
    for (own, images, wrong), is_ai in zip(chosen, (False, True), strict=True):
        shots = [
            Shot(
                path=_folders(found.data.examples[row].path),
                group=shown(found.data.examples[row].generator, 200),
                score=float(found.scores.values[row]),
                wrong=wrong is not None and place < wrong,
                picture=next(pictures),
            )
            for place, row in enumerate(own)
        ]
        made.append(Wrong(is_ai, images, wrong, shots))
    return made


def _chosen(found: Evaluation, *, is_ai: bool) -> tuple[list[int], int, int | None]:
    """Rows to show, worst first; how many images have a score, and how many are wrong."""
    values = found.scores.values
    own = np.array([example.is_ai == is_ai for example in found.data.examples])
    rows = np.flatnonzero(own & ~np.isnan(values))
    rows = rows[np.argsort(values[rows] if is_ai else -values[rows], kind="stable")]
    wrong, most = None, LEAST
    if found.rule is not None:
        called = values[rows] >= found.rule.threshold
        wrong = int((called != is_ai).sum())
        most = min(max(wrong, LEAST), MOST)
    return rows[:most].tolist(), len(rows), wrong


def _pictures(paths: Sequence[str], workers: int | None) -> Iterator[str | None]:
    """Addresses of thumbnails, in order."""
    finder = Finder()
    here = [path for path in paths if not is_url(path)]
    items = [finder.found(Item(path)) for path in here]
    options = ReadOptions(None, Limits(), None, thumbnail=True)
    processes = 0 if not here else default_workers() if workers is None else workers
    samples = read_samples(items, options, workers=processes, chunk=_CHUNK)
    for path in paths:
        made = None if is_url(path) else next(samples)[0].thumbnail
        yield None if made is None else data_url(made)


def _folders(path: str) -> list[str]:
    """A path in parts, each with its slash, so that a line breaks between them alone."""
    *folders, name = shown(path, _PATH).split("/")
    return [*(f"{folder}/" for folder in folders), name]
