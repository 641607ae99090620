"""The loss that draws real images together."""

import math

import pytest
import torch

from clipfake.training.contrast import real_contrast


def slow(tokens: torch.Tensor, is_ai: list[int], temperature: float) -> float:
    vectors = []
    for image in tokens:
        normed = [
            (token - token.mean()) / math.sqrt(token.var(correction=0) + 1e-5) for token in image
        ]
        vector = torch.stack(normed).mean(dim=0)
        vectors.append(vector / vector.norm())
    reals, losses = [i for i, label in enumerate(is_ai) if not label], []
    for i in reals:
        alike = {j: float(vectors[i] @ vectors[j]) / temperature for j in range(len(is_ai))}
        total = math.log(sum(math.exp(alike[j]) for j in alike if j != i))
        own = [alike[j] - total for j in reals if j != i]
        losses.append(-sum(own) / len(own))
    return sum(losses) / len(losses)


def test_it_is_the_equation_written_out_slowly() -> None:
    tokens = torch.randn(6, 2, 8, generator=torch.Generator().manual_seed(0))
    labels = [0, 1, 0, 1, 0, 1]
    found = real_contrast(tokens, torch.tensor(labels, dtype=torch.float32), 0.5)
    assert float(found) == pytest.approx(slow(tokens, labels, 0.5), rel=1e-4)


def test_reals_that_are_alike_lose_less() -> None:
    labels = torch.tensor([0.0, 0.0, 1.0, 1.0])
    tokens = torch.randn(4, 2, 8, generator=torch.Generator().manual_seed(0))
    alike = tokens.clone()
    alike[1] = alike[0]
    assert real_contrast(alike, labels) < real_contrast(tokens, labels)


def test_fewer_than_two_reals_lose_nothing_and_have_no_gradient() -> None:
    tokens = torch.randn(3, 2, 8, requires_grad=True)
    loss = real_contrast(tokens, torch.tensor([0.0, 1.0, 1.0]))
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert tokens.grad is not None
    assert not tokens.grad.any()
