"""Tokens in a folder that grows."""

from pathlib import Path

import numpy as np
import pytest

from clipfake.training.token_store import TokenStore

SHAPE = (2, 3)


def some(count: int, value: float) -> np.ndarray:
    return np.full((count, *SHAPE), value, dtype=np.float16)


def test_tokens_are_found_again_and_grow(tmp_path: Path) -> None:
    store = TokenStore(tmp_path / "s", {"tower": "a"}, SHAPE)
    store.add(["one", "two"], [some(1, 1.0), np.stack([*some(1, 2.0), *some(1, 4.0)])])
    again = TokenStore(tmp_path / "s", {"tower": "a"}, SHAPE)
    again.add(["three"], [some(2, 5.0)])
    for each in (again, TokenStore(tmp_path / "s", {"tower": "a"}, SHAPE)):
        assert "two" in each
        assert "four" not in each
        assert np.array_equal(each.read("three"), some(2, 5.0))
        assert each.means(["three", "two", "one"])[:, 0, 0].tolist() == [5.0, 3.0, 1.0]
    with pytest.raises(KeyError):
        again.read("four")


def test_tokens_of_another_tower_are_dropped(tmp_path: Path) -> None:
    TokenStore(tmp_path, {"tower": "a"}, SHAPE).add(["one"], [some(1, 1.0)])
    assert "one" not in TokenStore(tmp_path, {"tower": "b"}, SHAPE)


def test_a_torn_write_loses_its_own_images_alone(tmp_path: Path) -> None:
    store = TokenStore(tmp_path, {}, SHAPE)
    store.add(["one"], [some(1, 1.0)])
    with (tmp_path / "tokens.f16").open("ab") as file:
        file.write(b"half of a row")
    with (tmp_path / "index.jsonl").open("a") as file:
        file.write('["two", 1')
    again = TokenStore(tmp_path, {}, SHAPE)
    assert "two" not in again
    again.add(["three"], [some(2, 3.0)])
    last = TokenStore(tmp_path, {}, SHAPE)
    assert np.array_equal(last.read("one"), some(1, 1.0))
    assert np.array_equal(last.read("three"), some(2, 3.0))
