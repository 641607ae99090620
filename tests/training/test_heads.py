"""Heads of hidden units, fitted on tokens."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from clipfake.detector.head import Head, normalise
from clipfake.training.heads import HeadOptions, fit_head, mean_head
from clipfake.training.model import TrainedHead

OPTIONS = HeadOptions(members=2, units=8, epochs=60, batch_size=16, rate=1e-2)


def ring(count: int, seed: int) -> tuple[torch.Tensor, np.ndarray]:
    """Tokens whose class no line can tell: the sign of a product."""
    tokens = torch.randn(count, 2, 6, generator=torch.Generator().manual_seed(seed))
    normed = normalise(tokens)
    return tokens, (normed[:, 0, 0] * normed[:, 1, 0] > 0).numpy()


def test_it_learns_what_a_linear_head_cannot() -> None:
    tokens, is_ai = ring(600, 0)
    large = replace(OPTIONS, epochs=40, batch_size=64, rate=3e-2)
    options = replace(large, inputs_out=0.0, units_out=0.0)
    head = fit_head([tokens], is_ai, np.ones(600), options)
    others, truth = ring(400, 1)
    assert np.mean((head(others) > 0) == truth) > 0.9


def test_the_same_seed_gives_the_same_head_and_leaves_other_chance_alone() -> None:
    tokens, is_ai = ring(64, 0)
    options = replace(OPTIONS, epochs=2)
    state = torch.get_rng_state()
    one = fit_head([tokens, tokens * 1.1], is_ai, np.ones(64), options)
    assert torch.equal(torch.get_rng_state(), state)
    two = fit_head([tokens, tokens * 1.1], is_ai, np.ones(64), options)
    other = fit_head([tokens, tokens * 1.1], is_ai, np.ones(64), replace(options, seed=1))
    assert np.array_equal(one(tokens), two(tokens))
    assert not np.array_equal(one(tokens), other(tokens))


def test_few_that_are_hard_are_told_when_they_are_drawn_more_often() -> None:
    drawn = torch.Generator().manual_seed(0)
    is_ai = np.arange(400) % 2 == 1
    tokens = torch.randn(400, 2, 6, generator=drawn)
    tokens[:, 0, 0] = torch.from_numpy(np.where(is_ai, 3.0, -3.0))
    hard = np.arange(400) >= 380  # look like the other class, but for another dimension
    tokens[hard, 0, 0] *= -1
    tokens[:, 1, 0] = torch.from_numpy(np.where(is_ai == hard, 2.0, -2.0))
    options = replace(OPTIONS, members=1, epochs=6)
    losses = []
    for times in (0.0, 20.0):
        head = fit_head([tokens], is_ai, np.ones(400), replace(options, hard=times))
        right = torch.from_numpy(np.where(is_ai, 1.0, -1.0) * head(tokens))
        losses.append(float(functional.softplus(-right[torch.from_numpy(hard)]).mean()))
    assert losses[1] < losses[0]


def test_the_mean_head_has_the_mean_logit() -> None:
    tokens, is_ai = ring(64, 0)
    options = replace(OPTIONS, epochs=1, members=1)
    heads = [fit_head([tokens], is_ai, np.ones(64), replace(options, seed=s)) for s in (0, 1, 2)]
    wanted = np.mean([head(tokens) for head in heads], axis=0)
    assert np.allclose(mean_head(heads)(tokens), wanted, atol=1e-6)
    with pytest.raises(ValueError, match="without hidden units"):
        mean_head([heads[0], Head(heads[0].weight, heads[0].bias)])


def test_folding_and_formula() -> None:
    tokens, is_ai = ring(32, 0)
    head = fit_head([tokens], is_ai, np.ones(32), replace(OPTIONS, epochs=1))
    trained = TrainedHead(head, tokens * 2 + 1).eval()
    again = trained.folded()
    assert np.allclose(again(tokens), head(tokens), atol=1e-5)
    assert np.allclose(trained(tokens).detach().numpy(), head(tokens), atol=1e-5)
    assert head.hidden is not None
    flat = normalise(tokens).flatten(1)
    units = functional.gelu(flat @ head.hidden.weight.flatten(1).T + head.hidden.bias)
    linear = (normalise(tokens) * head.weight).sum(dim=(1, 2)) + head.bias
    assert np.allclose((linear + units @ head.hidden.out).numpy(), head(tokens), atol=1e-5)


def test_a_batch_does_not_change_a_logit() -> None:
    tokens, is_ai = ring(33, 0)
    head = fit_head([tokens], is_ai, np.ones(33), replace(OPTIONS, epochs=1))
    alone = np.concatenate([head(token[None]) for token in tokens])
    assert np.array_equal(head(tokens), alone)


def test_shapes_are_checked() -> None:
    tokens, is_ai = ring(32, 0)
    head = fit_head([tokens], is_ai, np.ones(32), replace(OPTIONS, epochs=1))
    assert head.fits(2, 6)
    assert not head.fits(3, 6)
    assert head.hidden is not None
    assert not replace(head, hidden=replace(head.hidden, out=torch.zeros(3))).fits(2, 6)
