"""Texture-aware masking."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from clipfake.errors import UsageError
from clipfake.training.texture import (
    MEASURES,
    Masking,
    Order,
    blank,
    choose_kept,
    texture_map,
)

PATCH = 4


def half_noise(side: int = 16) -> torch.Tensor:
    """Flat on the left, noise on the right, uint8 [1, 3, S, S]."""
    pixels = np.full((3, side, side), 90, dtype=np.uint8)
    rng = np.random.default_rng(0)
    pixels[:, :, side // 2 :] = rng.integers(0, 256, (3, side, side // 2))
    return torch.from_numpy(pixels)[None]


def slow(patch: np.ndarray, measure: str) -> float:
    """The measures written out pixel by pixel, on luminance [p, p]."""
    size = len(patch)
    if measure == "variance":
        mean = sum(patch.flat) / patch.size
        return sum((value - mean) ** 2 for value in patch.flat) / patch.size
    if measure == "laplacian":
        inner = range(1, size - 1)
        return float(
            np.mean(
                [
                    (
                        patch[y - 1, x]
                        + patch[y + 1, x]
                        + patch[y, x - 1]
                        + patch[y, x + 1]
                        - 4 * patch[y, x]
                    )
                    ** 2
                    for y in inner
                    for x in inner
                ]
            )
        )
    means = []
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        found = [
            abs(patch[y + dy, x + dx] - patch[y, x])
            for y in range(size)
            for x in range(size)
            if 0 <= y + dy < size and 0 <= x + dx < size
        ]
        means.append(sum(found) / len(found))
    return sum(means) / 4


@pytest.mark.parametrize("measure", MEASURES)
def test_measures_are_those_written_out_slowly(measure: str) -> None:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (2, 3, 12, 12), dtype=np.uint8)
    found = texture_map(torch.from_numpy(pixels), PATCH, measure)
    assert found.shape == (2, 9)
    grey = (pixels * np.array([0.299, 0.587, 0.114]).reshape(3, 1, 1)).sum(axis=1)
    for image in range(2):
        for index in range(9):
            y, x = index // 3 * PATCH, index % 3 * PATCH
            expected = slow(grey[image, y : y + PATCH, x : x + PATCH], measure)
            assert float(found[image, index]) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("measure", MEASURES)
def test_flat_patches_have_no_texture_and_stripes_are_direction_blind(measure: str) -> None:
    flat = torch.full((1, 3, 8, 8), 77, dtype=torch.uint8)
    assert texture_map(flat, PATCH, measure).abs().max() < 1e-3
    stripes = flat.clone()
    stripes[:, :, ::2] = 177
    upright = texture_map(stripes, PATCH, measure)
    lying = texture_map(stripes.transpose(2, 3).contiguous(), PATCH, measure)
    assert torch.allclose(upright, lying, rtol=1e-4)
    assert upright.min() > 1


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(("order", "left"), [(Order.TEXTURE, True), (Order.SMOOTH, False)])
def test_the_order_decides_which_half_is_hidden(measure: str, order: Order, left: bool) -> None:
    masking = Masking(order, ratio=0.5, measure=measure, randomness=0.0)
    kept = choose_kept(half_noise(), PATCH, masking, torch.Generator().manual_seed(0))
    assert kept.shape == (1, 8)
    assert torch.equal(kept, kept.sort(dim=1).values)
    assert all((int(index) % 4 < 2) == left for index in kept[0])


@pytest.mark.parametrize("ratio", [0.0, 0.25, 0.5, 0.75])
@pytest.mark.parametrize("order", Order)
def test_the_ratio_decides_how_many_are_hidden(order: Order, ratio: float) -> None:
    pixels = half_noise().repeat(3, 1, 1, 1)
    masking = Masking(order, ratio=ratio)
    kept = choose_kept(pixels, PATCH, masking, torch.Generator().manual_seed(0))
    assert kept.shape == (3, 16 if order is Order.NONE else round(16 * (1 - ratio)))
    for row in kept.tolist():
        assert len(set(row)) == len(row)


def test_chance_changes_the_choice_and_the_seed_repeats_it() -> None:
    pixels, masking = half_noise(32), Masking(ratio=0.5, randomness=0.5)
    generator = torch.Generator().manual_seed(3)
    draws = [choose_kept(pixels, PATCH, masking, generator) for _ in range(20)]
    assert len({tuple(draw[0].tolist()) for draw in draws}) > 10
    again = choose_kept(pixels, PATCH, masking, torch.Generator().manual_seed(3))
    assert torch.equal(again, draws[0])
    # texture still counts: the noisy right half stays visible less often than the flat one
    right = np.mean([[index % 8 >= 4 for index in draw[0].tolist()] for draw in draws])
    assert 0 < right < 0.3
    strict = replace(masking, randomness=0.0)
    fixed = {tuple(choose_kept(pixels, PATCH, strict, generator)[0].tolist()) for _ in range(5)}
    assert len(fixed) == 1


def test_random_order_does_not_look_at_texture() -> None:
    masking, generator = Masking(Order.RANDOM, ratio=0.5), torch.Generator().manual_seed(0)
    draws = [choose_kept(half_noise(32), PATCH, masking, generator) for _ in range(50)]
    right = np.mean([[index % 8 >= 4 for index in draw[0].tolist()] for draw in draws])
    assert 0.4 < right < 0.6


@pytest.mark.parametrize("wrong", [{"ratio": 1.0}, {"ratio": -0.1}, {"measure": "taste"}])
def test_what_cannot_be_done_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"mask ratio|texture measure"):
        Masking(**wrong)


def test_blanking_paints_the_hidden_patches_alone() -> None:
    pixels = half_noise()
    kept = torch.tensor([[0, 5, 15]])
    painted = blank(pixels, PATCH, kept, (0.5, 0.25, 1.0))
    for index in range(16):
        y, x = index // 4 * PATCH, index % 4 * PATCH
        window = (0, slice(None), slice(y, y + PATCH), slice(x, x + PATCH))
        if index in (0, 5, 15):
            assert torch.equal(painted[window], pixels[window])
        else:
            assert painted[window].amax(dim=(1, 2)).tolist() == [128, 64, 255]
            assert painted[window].amin(dim=(1, 2)).tolist() == [128, 64, 255]
