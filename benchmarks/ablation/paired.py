"""Two rows on the same images: what separates them, by a paired bootstrap over sources."""

import csv
from pathlib import Path

import numpy as np

from clipfake.errors import UsageError
from clipfake.evaluation.comparison import Difference, compare
from clipfake.evaluation.figures import Images


def paired(work: Path, first: str, second: str) -> list[Difference]:
    """Differences of two rows, each the mean of its seeds' logits.

    Args:
        work: the folder of a run, with its evaluation.csv and logits.
        first: a row's name.
        second: another's.

    Raises:
        UsageError: a row was not run there, or on other images.
    """
    with (work / "evaluation.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    is_ai = np.array([row["label"] == "fake" for row in rows])
    sources = np.array([row["source"] for row in rows])
    generators = np.array([row["generator"] for row in rows])

    def images(name: str) -> Images:
        files = sorted((work / "logits").glob(f"{name}-[0-9]-*.npz"))
        logits = [np.load(file)["plain"] for file in files]
        if not logits or any(len(one) != len(rows) for one in logits):
            raise UsageError(f"{name}: not run on the images of {work / 'evaluation.csv'}")
        return Images(is_ai, generators, sources, np.mean(logits, axis=0))

    return compare(images(first), images(second))
