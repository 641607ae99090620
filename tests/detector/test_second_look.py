"""The second look: when it is taken, what it says, and how it is kept."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from clipfake.detector.adapter import Adapter, load_adapter, save_adapter
from clipfake.detector.calibration import OperatingPoint, Platt
from clipfake.detector.detector import Detector
from clipfake.detector.head import Head, Hidden
from clipfake.detector.reference import find_reference, save_reference
from clipfake.detector.second_look import Looks, SecondLook, Thresholds, mean_tokens
from clipfake.errors import AdapterError, UsageError
from tests.conftest import picture
from tests.small import WIDTH, small_adapter, small_tower

IMAGES = [picture(300 + 40 * seed, 260, seed=seed).convert("RGB") for seed in range(5)]


def point(threshold: float, fpr: float = 0.01) -> OperatingPoint:
    return OperatingPoint(fpr, threshold, (0.0, 0.02), 0.5, (0.4, 0.6), 500, 0.007, 0.0099, 80)


def looking(opens: float = 0.0, settled: float = 1.1) -> Adapter:
    adapter = small_adapter()
    drawn = torch.Generator().manual_seed(5)
    shape = (2 * len(adapter.blocks), WIDTH)
    hidden = Hidden(
        torch.randn(4, *shape, generator=drawn) * 0.05,
        torch.randn(4, generator=drawn),
        torch.randn(4, generator=drawn),
    )
    head = Head(torch.randn(*shape, generator=drawn) * 0.1, torch.zeros(1), hidden)
    look = SecondLook(
        head,
        Platt(0.8, 0.1),
        opens,
        settled,
        auto=Thresholds((point(0.7),), 0.2),
        all=Thresholds((point(0.8),), 0.3),
        lora=adapter.lora_digest,
    )
    return dataclasses.replace(adapter, second=look).as_stored()


def test_all_looks_are_scored_by_the_head_over_both() -> None:
    adapter, tower = looking(), small_tower()
    detector = Detector(tower, adapter, looks="all")
    assert detector.tiled
    views = [detector._views(image) for image in IMAGES]
    pixels = torch.from_numpy(np.stack([each.square for each in views]))
    seen = detector.look(pixels, [each.tiles for each in views])
    first = detector.tokens(pixels, adapter.blocks)
    cut = [torch.from_numpy(each.tiles) for each in views]
    tiles = torch.stack([detector.tokens(each, adapter.blocks).mean(dim=0) for each in cut])
    look = adapter.second_look
    assert look is not None
    logits = look.head(torch.cat([first, tiles], dim=1))
    assert seen.scores == pytest.approx(look.calibration(logits), abs=1e-5)
    assert seen.first == pytest.approx(Detector(tower, adapter, looks="first").score(IMAGES))
    assert detector.score(IMAGES).tolist() == seen.scores.tolist()


def test_auto_looks_again_only_where_the_first_look_leaves_it_open() -> None:
    tower = small_tower()
    first = Detector(tower, looking(), looks="first").score(IMAGES)
    every = Detector(tower, looking(), looks="all").score(IMAGES)
    low, high = np.sort(first)[[1, 3]].tolist()
    detector = Detector(tower, looking(low, high))
    assert detector.looks is Looks.AUTO
    wanted = (first >= np.float32(low)) & (first < np.float32(high))
    assert wanted.sum() == 2
    assert detector.score(IMAGES).tolist() == np.where(wanted, every, first).tolist()


@pytest.mark.parametrize("batch_size", [1, 2, 8])
def test_scores_do_not_depend_on_what_is_looked_at_together(batch_size: int) -> None:
    tower, adapter = small_tower(), looking(0.3, 0.9)
    alone = [Detector(tower, adapter).score([image])[0] for image in IMAGES]
    detector = Detector(tower, adapter, batch_size=batch_size)
    assert detector.score(IMAGES).tolist() == alone
    assert detector.score(IMAGES[::-1]).tolist() == alone[::-1]


def test_a_second_look_without_tiles_is_an_error() -> None:
    detector = Detector(small_tower(), looking(), looks="all")
    with pytest.raises(ValueError, match="tiles"):
        detector.look(torch.zeros(2, 3, 224, 224, dtype=torch.uint8))


def test_an_adapter_without_one_makes_do_with_the_first() -> None:
    tower = small_tower()
    detector = Detector(tower, small_adapter())
    assert detector.looks is Looks.FIRST
    assert not detector.tiled
    with pytest.raises(UsageError, match="no second look"):
        Detector(tower, small_adapter(), looks="all")


def test_rules_are_those_of_the_looks_taken() -> None:
    adapter = looking()
    assert adapter.rule(looks=Looks.AUTO).threshold == 0.7
    assert adapter.rule(looks=Looks.ALL).real_below == 0.3
    assert adapter.rule().threshold == adapter.points[1].threshold
    assert Detector(small_tower(), adapter, looks="all").rule().threshold == 0.8
    moved = adapter.with_thresholds(Thresholds((point(0.75),), 0.1), Looks.AUTO)
    assert moved.rule(looks=Looks.AUTO).threshold == 0.75
    assert moved.rule(looks=Looks.ALL) == adapter.rule(looks=Looks.ALL)
    assert moved.rule() == adapter.rule()


def test_the_file_keeps_it(tmp_path: Path) -> None:
    adapter = looking(0.25, 0.95)
    save_adapter(adapter, tmp_path / "a.safetensors")
    back = load_adapter(tmp_path / "a.safetensors")
    look, was = back.second_look, adapter.second_look
    assert look is not None
    assert was is not None
    assert (look.opens, look.settled, look.auto, look.all) == (0.25, 0.95, was.auto, was.all)
    assert look.calibration == was.calibration
    tower = small_tower()
    scores = [Detector(tower, each, looks="all").score(IMAGES) for each in (adapter, back)]
    assert np.array_equal(*scores)


def test_of_another_tower_it_says_nothing_and_is_left_out(tmp_path: Path) -> None:
    adapter = looking()
    assert adapter.second is not None
    other = dataclasses.replace(adapter, second=dataclasses.replace(adapter.second, lora="other"))
    assert other.second_look is None
    save_adapter(other, tmp_path / "a.safetensors")
    assert load_adapter(tmp_path / "a.safetensors").second is None


def test_a_head_of_another_shape_is_told(tmp_path: Path) -> None:
    adapter = looking()
    assert adapter.second is not None
    second = dataclasses.replace(adapter.second, head=adapter.linear_head)
    with pytest.raises(AdapterError, match="second look"):
        Detector(small_tower(), dataclasses.replace(adapter, second=second))


def test_the_mean_of_tiles_is_each_pictures_own() -> None:
    tokens = torch.arange(12.0).reshape(6, 1, 2)
    means = mean_tokens(tokens, [1, 3, 2])
    assert means[:, 0].tolist() == [[0.0, 1.0], [4.0, 5.0], [9.0, 10.0]]


def test_a_correction_moves_the_part_that_reads_the_first_look_alone(tmp_path: Path) -> None:
    adapter = looking()
    look = adapter.second_look
    assert look is not None
    drawn = torch.Generator().manual_seed(6)
    shape = (7, len(adapter.blocks), WIDTH)
    first, tiles = (torch.randn(*shape, generator=drawn) for _ in range(2))
    weight, bias = torch.randn(*shape[1:], generator=drawn), torch.tensor([0.5])
    corrected = look.corrected(weight, bias)
    added = corrected.logits(first, tiles) - look.logits(first, tiles)
    assert added == pytest.approx(corrected.near(first) - look.near(first), abs=1e-4)
    assert corrected.beyond_digest == look.beyond_digest
    assert corrected.beyond(first, tiles) == pytest.approx(look.beyond(first, tiles), abs=1e-4)

    file = tmp_path / "reference.safetensors"
    names = [f"s{number}" for number in range(7)]
    labels = np.arange(7) % 2 == 0
    save_reference(
        file,
        first,
        labels,
        names,
        adapter.backbone,
        adapter.blocks,
        preprocessing=adapter.preprocessing,
        beyond=look.beyond(first, tiles),
        beyond_of=look.beyond_digest,
    )
    changed = dataclasses.replace(adapter, second=corrected)
    reference, _why = find_reference(changed, file)
    assert reference is not None
    found = reference.second_logits(changed)
    assert found == pytest.approx(corrected.logits(first, tiles), abs=0.2)  # int8 tokens
    other = dataclasses.replace(corrected, head=Head(corrected.head.weight, torch.zeros(1)))
    assert reference.second_logits(dataclasses.replace(adapter, second=other)) is None
    assert reference.second_logits(small_adapter()) is None
