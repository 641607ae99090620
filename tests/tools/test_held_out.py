"""Images that thresholds are set on."""

from pathlib import Path

import numpy as np

from clipfake.training.validation import Scored
from tools.gather_images import read_csv
from tools.held_out import MOST, HeldOut, drawn_evenly, kind_of


def rows(folder: str, source: str, count: int) -> list[dict[str, str]]:
    return [{"path": f"{folder}/{source}-{n}.png", "source": source} for n in range(count)]


def test_a_large_source_gives_no_more_than_a_small_one_wherever_it_lies() -> None:
    many = [*rows("a", "large", 3 * MOST), *rows("a", "small", 5)]
    drawn = drawn_evenly(many)
    assert [row["source"] for row in drawn].count("large") == MOST
    assert [row for row in drawn if row["source"] == "small"] == rows("a", "small", 5)
    assert drawn == [row for row in many if row in drawn]  # in the order given
    elsewhere = drawn_evenly([{**row, "path": "b" + row["path"][1:]} for row in reversed(many)])
    assert {row["path"][1:] for row in elsewhere} == {row["path"][1:] for row in drawn}


def test_a_kind_is_the_first_word_or_two_where_it_is_hard() -> None:
    assert kind_of({"generator": "event-some-repo"}) == "event"
    assert kind_of({"generator": "hard-painting-some"}) == "hard-painting"


def test_what_is_written_is_read_again_to_the_last_bit(tmp_path: Path) -> None:
    first, second = np.random.default_rng(0).normal(size=(2, 50))
    second[::3] = np.nan
    held = object.__new__(HeldOut)  # without images
    held.rows = [
        {"path": f"{n}.png", "split": "val", "label": "real", "source": "s"} for n in range(50)
    ]
    held.kinds, held.weights = np.full(50, "photo"), first**2
    held.scored = Scored(first, np.zeros(50, dtype=bool), np.full(50, "s"), second)
    held.write(tmp_path / "logits.csv")
    back = read_csv(tmp_path / "logits.csv")
    assert [float(row["first"]) for row in back] == first.tolist()
    assert np.array_equal([float(row["second"] or "nan") for row in back], second, equal_nan=True)
    assert [float(row["stands_for"]) for row in back] == held.weights.tolist()
