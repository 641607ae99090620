"""Fitting a generator head on drawn clusters, and adding to it."""

import numpy as np
import pytest
import torch

from clipfake.detector.generators import solve
from clipfake.training.generators import (
    GeneratorOptions,
    add_generator,
    fit_generators,
    folds,
    least_sure,
    remove_generator,
    weigh,
)
from tests.clusters import FAMILIES, OPTIONS, clusters, fitted, small_head, stranger


def test_it_tells_families_of_sources_that_it_has_not_seen() -> None:
    head = small_head()
    new = clusters(seed=9)
    looks = head.looks(head.embed(new.tokens, new.blocks))
    names = np.array([generator.family for generator in head.generators])
    assert (names[looks.shares.argmax(axis=1)] == new.families).mean() > 0.95
    assert looks.shares.sum(axis=1) == pytest.approx(1.0)


def test_labels_that_say_nothing_give_no_confidence() -> None:
    data = clusters(apart=0.0)
    found = fit_generators([data], OPTIONS, lora="")
    right = found.apart.family == data.families
    assert right.mean() < 0.5
    sure = found.head.sure(found.apart.looks)
    assert (sure >= found.head.least).mean() < 0.2


def test_out_of_fold_answers_are_of_heads_without_the_source() -> None:
    data = clusters()
    number = folds(data, OPTIONS)
    for source in np.unique(data.sources):
        assert len(np.unique(number[data.sources == source])) == 1
    assert set(number) == set(range(OPTIONS.folds))
    assert set(fitted().apart.unknown) == {"gan", "flux", "google"}


def test_heads_that_have_not_seen_a_family_never_answer_it() -> None:
    for family, part in fitted().apart.unknown.items():
        assert family not in part.family


def test_passes_take_turns_as_exemplars() -> None:
    data, other = clusters(), clusters(seed=3)
    alone = fit_generators([data], OPTIONS, lora="").head
    both = fit_generators([data, other], OPTIONS, lora="").head
    assert len(both.levels) == len(alone.levels)
    assert not torch.equal(both.levels, alone.levels)


def test_the_same_data_give_the_same_head() -> None:
    first, second = small_head(), small_head()
    assert torch.equal(first.levels, second.levels)
    assert torch.equal(first.solution, second.solution)


def test_too_few_sources() -> None:
    with pytest.raises(ValueError, match="4 sources, at least 6"):
        fit_generators([clusters(sources=1)], GeneratorOptions(), lora="")


def test_families_weigh_alike_whatever_their_numbers() -> None:
    data = clusters()
    more = np.concatenate([np.arange(len(data.families)), np.flatnonzero(data.families == "gan")])
    weight = weigh(data.part(more), balance=1.0)
    sums = [weight[data.families[more] == family].sum() for family in FAMILIES]
    assert sums == pytest.approx([sums[0]] * len(FAMILIES))
    assert weight.mean() == pytest.approx(1.0)


def test_least_confidence_of_a_precision() -> None:
    sure = np.array([0.9, 0.8, 0.7, 0.6])
    assert least_sure(np.array([True, True, False, True]), sure, 0.75) == 0.6
    assert least_sure(np.array([True, True, False, False]), sure, 0.9) == 0.8
    assert least_sure(np.array([False] * 4), sure, 0.9) > 1


def test_leaving_one_out_is_what_fitting_without_it_gives() -> None:
    head = small_head()
    _, _, sums = solve(head)
    from dataclasses import replace

    left = 3
    kept = torch.arange(len(head.levels)) != left
    part = replace(
        head, levels=head.levels[kept], owners=head.owners[kept], weights=head.weights[kept]
    )
    solution, _, _ = solve(part)
    # the base is that of all, in the one as in the other
    base = solve(head)[1]
    targets = torch.nn.functional.one_hot(part.owners, len(head.generators)).double() - base
    points = part.exemplars.double()
    kernel = torch.exp(-head.width * torch.cdist(points, points).square())
    weights = torch.linalg.solve(kernel + torch.diag(head.ridge / part.weights.double()), targets)
    assert solution.shape == weights.shape
    one = head.exemplars[left].double()
    like = torch.exp(-head.width * (points - one).square().sum(dim=1))
    assert sums[left] == pytest.approx((like @ weights + base).numpy(), abs=1e-6)


def test_a_generator_is_added_by_eight_images_and_removed_again() -> None:
    head = small_head()
    tokens = stranger(40)
    points = head.embed(tokens, clusters().blocks)
    added = add_generator(head, points[:8], "Acme", "other")
    assert added.images == 8
    assert added.recall == 1.0
    assert added.taken == 0.0
    assert sum(share for _, share in added.nearest) == pytest.approx(1.0)
    assert added.distance > 1
    new = added.head.looks(points[8:]).shares.argmax(axis=1)
    assert (new == len(head.generators)).mean() > 0.9
    old = clusters(seed=9)
    told = added.head.looks(added.head.embed(old.tokens, old.blocks)).shares.argmax(axis=1)
    assert (told == len(head.generators)).mean() < 0.02
    back = remove_generator(added.head, "Acme")
    assert back.generators == head.generators
    assert torch.allclose(back.solution, head.solution, atol=1e-6)


def test_what_is_like_a_known_one_is_said_to_be() -> None:
    head = small_head()
    data = clusters(seed=4)
    points = head.embed(data.tokens[data.families == "gan"][:8], data.blocks)
    added = add_generator(head, points, "Twin", "gan")
    assert added.nearest[0][0] == "GAN"
    assert added.distance < 2


def test_only_what_was_added_can_be_removed() -> None:
    with pytest.raises(KeyError):
        remove_generator(small_head(), "GAN")
