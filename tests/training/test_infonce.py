"""The contrastive loss where images share captions."""

import math

import pytest
import torch
from torch.nn import functional

from clipfake.training.infonce import caption_loss


def units(*shape: int, seed: int) -> torch.Tensor:
    drawn = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return functional.normalize(drawn, dim=1)


SCALE = torch.tensor(7.0)


def test_where_each_image_has_its_own_caption_it_is_that_of_clip() -> None:
    images, captions = units(5, 8, seed=0), units(5, 8, seed=1)
    order = torch.arange(5)
    logits = SCALE * images @ captions.T
    wanted = functional.cross_entropy(logits, order) + functional.cross_entropy(logits.T, order)
    loss = caption_loss(images, captions, SCALE, order, order)
    assert loss.item() == pytest.approx(wanted.item() / 2, rel=1e-6)


def test_shared_captions_are_positives_and_absent_ones_only_negatives() -> None:
    images, captions = units(4, 8, seed=2), units(4, 8, seed=3)
    of_image, of_caption = torch.tensor([0, 0, 2, 0]), torch.tensor([0, 1, 2, 2])
    similar = (SCALE * images @ captions.T).tolist()

    def log_share(values: list[float], at: int) -> float:
        return values[at] - math.log(sum(math.exp(value) for value in values))

    to_captions = [-log_share(similar[row], 0) for row in (0, 1, 3)]
    to_captions.append(-(log_share(similar[2], 2) + log_share(similar[2], 3)) / 2)
    columns = [[row[c] for row in similar] for c in range(4)]
    to_images = [-sum(log_share(columns[0], row) for row in (0, 1, 3)) / 3]
    to_images += [-log_share(columns[c], 2) for c in (2, 3)]  # the caption of class 1 has none
    wanted = (sum(to_captions) / 4 + sum(to_images) / 3) / 2
    loss = caption_loss(images, captions, SCALE, of_image, of_caption)
    assert loss.item() == pytest.approx(wanted, rel=1e-5)


def test_a_class_alone_in_the_batch_still_has_gradients() -> None:
    images = units(3, 8, seed=4).requires_grad_(True)
    captions = units(2, 8, seed=5).requires_grad_(True)
    same = torch.zeros(3, dtype=torch.int64)
    loss = caption_loss(images, captions, SCALE, same, torch.tensor([0, 1]))
    loss.backward()  # type: ignore[no-untyped-call]
    for value in (images, captions):
        assert value.grad is not None
        assert torch.isfinite(value.grad).all()
        assert value.grad.abs().max() > 0


def test_its_least_value_is_that_of_the_docstring() -> None:
    captions = torch.eye(2)
    of_image = torch.tensor([0, 0, 0, 1])
    loss = caption_loss(
        captions[of_image], captions, torch.tensor(100.0), of_image, torch.tensor([0, 1])
    )
    assert loss.item() == pytest.approx((math.log(3) + math.log(1)) / 2 / 2, abs=1e-4)
