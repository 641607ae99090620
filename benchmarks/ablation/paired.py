"""Two rows on the same images: what separates them, by a paired bootstrap over sources."""

import csv
from pathlib import Path

import numpy as np

from clipfake.errors import UsageError
from clipfake.evaluation.comparison import Difference, compare
from clipfake.evaluation.figures import Images
from clipfake.evaluation.intervals import Floats


def paired(work: Path, first: str, second: str) -> list[Difference]:
    """Differences of two rows, each the mean of its logits over the seeds that both have.

    Args:
        work: the folder of a run, with its evaluation.csv and logits.
        first: a row's name.
        second: another's.

    Raises:
        UsageError: they have no seed in common.
    """
    with (work / "evaluation.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    is_ai = np.array([row["label"] == "fake" for row in rows])
    sources = np.array([row["source"] for row in rows])
    generators = np.array([row["generator"] for row in rows])

    logits = {name: _by_seed(work, name, len(rows)) for name in (first, second)}
    seeds = sorted(set(logits[first]) & set(logits[second]))
    if not seeds:
        raise UsageError(f"{first} and {second}: no seed of both was run on these images")
    one, other = (
        Images(is_ai, generators, sources, np.mean([logits[name][seed] for seed in seeds], axis=0))
        for name in (first, second)
    )
    return compare(one, other)


def _by_seed(work: Path, name: str, images: int) -> dict[str, Floats]:
    """Logits ``[N]`` of a row by seed; the latest where a seed was run with several settings."""
    files = sorted((work / "logits").glob(f"{name}-[0-9]-*.npz"), key=lambda f: f.stat().st_mtime)
    found = {file.name.removeprefix(f"{name}-").split("-")[0]: np.load(file) for file in files}
    return {seed: held["plain"] for seed, held in found.items() if len(held["plain"]) == images}
