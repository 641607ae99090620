"""Correcting an adapter that looks twice: what is learnt of the first look goes into both."""

from dataclasses import replace
from typing import cast

import numpy as np
import torch

from clipfake.detector.adapter import Adapter
from clipfake.detector.head import Head
from clipfake.sources.labelled import Example
from clipfake.training.examples import ImageStore
from clipfake.training.headonly import Outcome, correct_head
from clipfake.training.validation import Part
from tests.small import WIDTH, small_adapter, small_second

EACH = 12


def corrected(base: Adapter) -> Outcome:
    """The adapter after a few images, of which those by AI are told by a shift of their tokens."""
    examples = [
        Example(f"{n}.png", is_ai=bool(n % 2), generator="g", source=f"s{n // 2 % 3}")
        for n in range(2 * EACH)
    ]
    part = Part(examples, cast(ImageStore, None), np.arange(2 * EACH) % 2 == 1)
    drawn = torch.Generator().manual_seed(1)
    squares, tiles = torch.randn(2, 2 * EACH, len(base.blocks), WIDTH, generator=drawn)
    squares[1::2, 1, 3:9] += 3.0
    tiles[1::2, 1, 3:9] += 3.0
    return correct_head(
        base,
        part,
        None,
        lambda _p, _a: squares,
        name="own",
        seed=0,
        encode_tiles=lambda _p, _a: tiles,
    )


def own_head(base: Adapter) -> Head:
    """Another head for tiles."""
    weight = torch.randn(len(base.blocks), WIDTH, generator=torch.Generator().manual_seed(8)) * 0.1
    return Head(weight, torch.tensor([0.2]))


def test_a_head_for_tiles_is_corrected_as_the_first() -> None:
    base = small_adapter()
    base = replace(base, second=replace(small_second(), head=own_head(base)))
    outcome = corrected(base)
    assert outcome.improved
    look = outcome.adapter.second_look
    assert look is not None
    assert look.head is not None
    moved = outcome.adapter.linear_head.weight - base.linear_head.weight
    assert moved.abs().max() > 1e-3
    assert torch.allclose(look.head.weight - own_head(base).weight, moved, atol=1e-6)
    bias = outcome.adapter.linear_head.bias - base.linear_head.bias
    assert torch.allclose(look.head.bias - own_head(base).bias, bias, atol=1e-6)


def test_thresholds_of_the_second_look_are_those_of_the_head_that_reads_it() -> None:
    base = small_adapter()
    lone = corrected(replace(base, second=small_second())).adapter
    assert lone.second_look is not None
    assert lone.second_look.head is None
    # the very head of the first look, kept twice, is the same adapter
    twice = corrected(replace(base, second=replace(small_second(), head=base.linear_head))).adapter
    assert twice.second_look is not None
    assert twice.second_look.all == lone.second_look.all
    assert twice.second_look.calibration == lone.second_look.calibration
    other = corrected(replace(base, second=replace(small_second(), head=own_head(base)))).adapter
    assert other.second_look is not None
    assert other.second_look.calibration != lone.second_look.calibration
