"""Copies of one picture: the same bytes, or perceptual hashes that are near each other."""

from array import array
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

# Bits of 64 by which copies may differ; docs/report.md says what that finds and confuses. Hashes
# have as many ones as zeros, so that they differ by an even number.
NEAR = 2
ALONE = -1
_DIGESTED, _HASHED = 1, 2  # what is known of a row
_ONES = np.array([bin(value).count("1") for value in range(2**16)], dtype=np.uint8)

Hashes = npt.NDArray[np.uint64]


def distances(one: np.uint64, others: Hashes) -> npt.NDArray[np.uint8]:
    """Bits by which each hash differs from one, ``[N]``."""
    halves = (others ^ one).view(np.uint16).reshape(-1, 4)
    found: npt.NDArray[np.uint8] = _ONES[halves].sum(axis=1, dtype=np.uint8)
    return found


class Copies:
    """Finds the rows that show one picture; holds 17 bytes a row."""

    def __init__(self) -> None:
        self._digests, self._hashes = array("Q"), array("Q")
        self._known = bytearray()

    def add(self, row: Mapping[str, Any]) -> None:
        """Take a row of the report."""
        digest, hash_ = _number(row["sha256"]), _number(row["phash"])
        self._digests.append(digest or 0)
        self._hashes.append(hash_ or 0)
        self._known.append((_HASHED if hash_ is not None else 0) | (digest is not None))

    def groups(self) -> npt.NDArray[np.int32]:
        """Which rows belong together.

        A group is all that is near its first row, and not what is near to that in turn: a chain of
        small changes does not lead from one picture to another.

        Returns:
            ``[N]`` number of the row's group, from 0 in the order of their first rows; ``ALONE``
            for a row without copies.
        """
        known = np.frombuffer(self._known, dtype=np.uint8)
        keys = -1 - np.arange(len(known), dtype=np.int64)  # each row alone
        digests, hashes = (np.frombuffer(each, np.uint64) for each in (self._digests, self._hashes))
        hashed = np.flatnonzero(known & _HASHED)
        values, which = np.unique(hashes[hashed], return_inverse=True)
        leaders, near = np.full(len(values), ALONE, np.int64), _neighbours(values)
        _, firsts = np.unique(which, return_index=True)
        for own in np.argsort(firsts).tolist():
            if leaders[own] == ALONE:
                others = np.array(near.get(own, ()), dtype=np.int64)
                leaders[own] = own
                leaders[others[leaders[others] == ALONE]] = own
        keys[hashed] = leaders[which]
        by_digest = np.flatnonzero(known == _DIGESTED)
        keys[by_digest] = len(values) + np.unique(digests[by_digest], return_inverse=True)[1]
        return _numbered(keys)


def _numbered(keys: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """Keys that several rows have, numbered by their first rows; ``ALONE`` for the others."""
    _, firsts, which, counts = np.unique(
        keys, return_index=True, return_inverse=True, return_counts=True
    )
    shared = np.flatnonzero(counts > 1)
    numbers = np.full(len(firsts), ALONE, dtype=np.int32)
    numbers[shared[np.argsort(firsts[shared])]] = np.arange(len(shared))
    found: npt.NDArray[np.int32] = numbers[which]
    return found


def _number(digits: str | None) -> int | None:
    """The first 64 bits of hex digits; None where there are none, as in a report made elsewhere."""
    try:
        return int(digits[:16], 16) if digits else None
    except ValueError:
        return None


def _neighbours(hashes: Hashes) -> dict[int, list[int]]:
    """Indexes of the hashes near each one, for those that have any.

    Two hashes that differ by ``NEAR`` bits are equal in one of ``NEAR + 1`` parts, so only hashes
    that share a part are compared.
    """
    found: dict[int, list[int]] = {}
    edges = [64 * part // (NEAR + 1) for part in range(NEAR + 2)]
    for low, high in pairwise(edges):
        part = (hashes >> np.uint64(low)) & np.uint64(2 ** (high - low) - 1)
        order = np.argsort(part, kind="stable")
        starts = np.flatnonzero(np.diff(part[order], prepend=~part[order[:1]]))
        sizes = np.diff(starts, append=len(order))
        for start, size in zip(starts[sizes > 1], sizes[sizes > 1], strict=True):
            bucket = order[start : start + size]
            for place, row in enumerate(bucket[:-1].tolist()):
                rest = bucket[place + 1 :]
                for other in rest[distances(hashes[row], hashes[rest]) <= NEAR].tolist():
                    found.setdefault(row, []).append(other)
                    found.setdefault(other, []).append(row)
    return found
