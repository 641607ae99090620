"""Which views of labelled images the default adapter is fitted on, and their tokens.

The first look is fitted on each image as it is at full size, on its normalised copy where there is
one, and on one chain of changes. The second look costs six times as much, so it is fitted on all
real images that the first look leaves open or would accuse, and on a draw of the others, which are
weighted to stand for all.
"""

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from clipfake.detector.calibration import Floats
from clipfake.training.token_store import TokenStore
from clipfake.training.tokens import View
from tools.gather_images import Row

FOLDS = 3
_SEED = 2
_LARGE = 3  # of so many images one goes through a chain that starts at the larger side


@dataclass(frozen=True)
class Draw:
    """How many images have a second look, beside the real ones that the first leaves open.

    Attributes:
        open_fakes: AI images that the first look leaves open.
        easy: images of each class that it does not.
        chained: share that is seen through a chain too.
    """

    open_fakes: int = 900
    easy: int = 300
    chained: float = 0.2


@dataclass(frozen=True)
class Second:
    """Images that have a second look.

    Attributes:
        rows: indexes.
        weights: how many images each stands for.
        chained: of ``rows``, which are seen through their chain too.
    """

    rows: npt.NDArray[np.int64]
    weights: Floats
    chained: npt.NDArray[np.bool_]


def folds(rows: Sequence[Row]) -> npt.NDArray[np.int64]:
    """The fold of each image, by its source alone, so that more data leave it where it is."""
    digests = [hashlib.sha256(row["source"].encode()).digest() for row in rows]
    return np.array([digest[0] % FOLDS for digest in digests], dtype=np.int64)


def chains(rows: Sequence[Row], store: TokenStore) -> list[int]:
    """The chain that each image goes through; one whose tokens the store has is kept."""
    numbers = []
    for row in rows:
        digest = hashlib.sha256(row["path"].encode()).digest()
        number = int(digest[1] % _LARGE != 0)
        other = View(row["path"], chain=1 - number).name
        numbers.append(1 - number if other in store else number)
    return numbers


def first_views(rows: Sequence[Row], store: TokenStore) -> list[list[View]]:
    """Views of the first look, pass by pass; an image without a small copy is seen whole twice."""
    clean = [View(row["path"]) for row in rows]
    small = [View(row["small"] or row["path"]) for row in rows]
    numbers = chains(rows, store)
    chained = [View(row["path"], chain=number) for row, number in zip(rows, numbers, strict=True)]
    return [clean, small, chained]


def draw_second(
    is_ai: npt.NDArray[np.bool_], left_open: npt.NDArray[np.bool_], draw: Draw
) -> Second:
    """Draw the images that have a second look.

    Args:
        is_ai: ``[N]``.
        left_open: ``[N]``, the first look leaves it open or is about to accuse.
        draw: how many.
    """
    rng = np.random.default_rng(_SEED)
    rows, weights = [np.flatnonzero(left_open & ~is_ai)], [np.ones((left_open & ~is_ai).sum())]
    for some, count in (
        (left_open & is_ai, draw.open_fakes),
        (~left_open & is_ai, draw.easy),
        (~left_open & ~is_ai, draw.easy),
    ):
        own = np.flatnonzero(some)
        # a number of its own for each image, so that a larger draw holds the smaller one
        drawn = own[np.argsort(rng.random(len(is_ai))[own], kind="stable")[:count]]
        rows.append(drawn)
        weights.append(np.full(len(drawn), len(own) / max(1, len(drawn))))
    chained = rng.random(len(is_ai)) < draw.chained
    every = np.concatenate(rows)
    return Second(every, np.concatenate(weights), chained[every])


def second_views(rows: Sequence[Row], second: Second, store: TokenStore) -> list[list[View]]:
    """Views of the second look, pass by pass."""
    own = [rows[row] for row in second.rows]
    clean = [View(row["path"], tiled=True) for row in own]
    chained = [
        View(row["path"], tiled=True, chain=number if taken else None)
        for row, number, taken in zip(own, chains(own, store), second.chained, strict=True)
    ]
    return [clean, chained]


def tokens(store: TokenStore, views: Sequence[View]) -> torch.Tensor:
    """Mean tokens of views, float16 ``[N, K, W]``."""
    return torch.from_numpy(store.means([view.name for view in views]))


def both_looks(store: TokenStore, views: Sequence[View]) -> torch.Tensor:
    """Tokens of the first look, then of the tiles, of tiled views; float16 ``[N, 2 K, W]``."""
    first = [view._replace(tiled=False) for view in views]
    return torch.cat([tokens(store, first), tokens(store, views)], dim=1)


def of_rows(second: Second, rows: npt.NDArray[np.bool_]) -> Second:
    """Those of the drawn images whose index is marked, ``rows`` ``[N]`` over all images."""
    own = rows[second.rows]
    return dataclasses.replace(
        second,
        rows=second.rows[own],
        weights=second.weights[own],
        chained=second.chained[own],
    )
