"""Copies of one picture, by bytes and by perceptual hash."""

import random

import numpy as np
import pytest

from clipfake.report.page.copies import ALONE, NEAR, Copies, distances


def groups(*rows: tuple[str | None, str | None]) -> list[int]:
    copies = Copies()
    for digest, hash_ in rows:
        copies.add({"sha256": digest, "phash": hash_})
    return copies.groups().tolist()


def hash_of(value: int) -> str:
    return f"{value & (2**64 - 1):016x}"


def flipped(value: int, bits: int, rng: random.Random) -> int:
    for bit in rng.sample(range(64), bits):
        value ^= 1 << bit
    return value


def test_no_rows_have_no_groups() -> None:
    assert groups() == []
    assert groups((None, None)) == [ALONE]


def test_the_same_bytes_are_copies_though_never_decoded() -> None:
    assert groups(("aa" * 32, None), ("bb" * 32, None), ("aa" * 32, None)) == [0, ALONE, 0]


def test_rows_of_which_nothing_is_known_are_alone() -> None:
    assert groups((None, None), (None, None), ("", "")) == [ALONE] * 3


def test_what_is_no_hash_is_none() -> None:
    assert groups(("zz" * 32, "xyz"), ("zz" * 32, "xyz")) == [ALONE] * 2


@pytest.mark.parametrize("seed", range(20))
def test_near_hashes_are_copies_and_far_ones_not(seed: int) -> None:
    rng = random.Random(seed)
    value = rng.getrandbits(64)
    near, far = flipped(value, NEAR, rng), flipped(value, NEAR + 1, rng)
    found = groups(("a" * 64, hash_of(value)), ("b" * 64, hash_of(near)), ("c" * 64, hash_of(far)))
    assert found == [0, 0, ALONE]


def test_a_chain_of_small_changes_is_cut() -> None:
    chain = [hash_of((1 << n) - 1) for n in range(0, 9)]
    found = groups(*((f"{n:064x}", value) for n, value in enumerate(chain)))
    assert found == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_groups_are_those_that_comparing_all_gives() -> None:
    rng = random.Random(5)
    values: list[int] = []
    for _ in range(60):
        value = rng.getrandbits(64)
        values += [value, flipped(value, 1, rng), flipped(value, 2, rng), flipped(value, 7, rng)]
    rng.shuffle(values)
    expected: list[int] = []
    leaders: list[int] = []
    for value in values:
        near = [n for n, leader in enumerate(leaders) if bin(leader ^ value).count("1") <= NEAR]
        expected.append(near[0] if near else len(leaders))
        if not near:
            leaders.append(value)
    found = groups(*((f"{n:064x}", hash_of(value)) for n, value in enumerate(values)))
    alike = [[a == b != ALONE for b in found] for a in found]
    wanted = [[a == b and expected.count(a) > 1 for b in expected] for a in expected]
    assert alike == wanted


def test_distances_are_numbers_of_bits() -> None:
    others = np.array([0, 1, 2**63, 2**64 - 1], dtype=np.uint64)
    assert distances(np.uint64(0), others).tolist() == [0, 1, 1, 64]
