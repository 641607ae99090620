"""Chains of changes."""

import random

import numpy as np

from clipfake.training.chains import chain
from tests.conftest import picture


def test_a_chain_is_repeatable_and_changes_the_picture() -> None:
    image = picture(320, 240, seed=1).convert("RGB")
    changed = [np.asarray(chain(image, random.Random(seed))) for seed in range(12)]
    again = [np.asarray(chain(image, random.Random(seed))) for seed in range(12)]
    assert all(np.array_equal(one, other) for one, other in zip(changed, again, strict=True))
    assert not any(np.array_equal(one, np.asarray(image)) for one in changed)
    assert len({one.shape for one in changed}) > 3


def test_a_copy_keeps_about_its_proportions_and_some_pixels() -> None:
    image = picture(900, 600, seed=2).convert("RGB")
    for seed in range(40):
        width, height = chain(image, random.Random(seed)).size
        assert 0.8 < width / height < 2.8
        assert min(width, height) >= 64
    tiny = picture(40, 20, seed=3).convert("RGB")
    for seed in range(40):
        assert min(chain(tiny, random.Random(seed)).size) >= 1
