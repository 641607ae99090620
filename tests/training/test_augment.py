"""Augmentation."""

import random

import numpy as np
import pytest
from PIL import Image

from clipfake.training.augment import SMALLEST, augment
from tests.conftest import picture


def test_the_same_chance_gives_the_same_image() -> None:
    image = picture(120, 90)
    first = augment(image, random.Random("a"))
    assert np.array_equal(first, augment(image, random.Random("a")))
    others = {augment(image, random.Random(seed)).tobytes() for seed in range(20)}
    assert len(others) == 20


def test_results_are_rgb_squares_of_the_documented_size() -> None:
    image = picture(300, 200)
    for seed in range(200):
        result = augment(image, random.Random(seed))
        assert result.mode == "RGB"
        assert result.width == result.height
        assert 0.26 * 200 <= result.width <= max(1.1 * 200, SMALLEST)


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (64, 64)])
def test_odd_sizes_are_no_problem(size: tuple[int, int]) -> None:
    image = Image.new("RGB", size, "teal")
    assert all(min(augment(image, random.Random(s)).size) >= 1 for s in range(50))


def test_every_step_happens_and_is_left_out() -> None:
    image = picture(256, 256)
    sharp = np.asarray(image, dtype=float)
    detail = [
        np.abs(np.diff(np.asarray(augment(image, random.Random(seed)), dtype=float), axis=1)).mean()
        for seed in range(200)
    ]
    reference = np.abs(np.diff(sharp, axis=1)).mean()
    assert min(detail) < 0.5 * reference  # blurred or strongly compressed
    assert max(detail) > 1.2 * reference  # noise, or resized to fewer pixels


def test_a_corner_is_often_cut_off() -> None:
    image = Image.new("RGB", (200, 200), "white")
    image.paste(Image.new("RGB", (20, 20), "black"), (180, 180))
    kept = [np.asarray(augment(image, random.Random(s))).min() < 100 for s in range(200)]
    assert 0.05 < np.mean(kept) < 0.6
