"""The second look: when it is taken, what it says, and how it is kept."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from clipfake.detector.adapter import Adapter
from clipfake.detector.adapter_file import (
    HEADER_KEY,
    TILES_HEAD_FORMAT,
    load_adapter,
    save_adapter,
)
from clipfake.detector.calibration import OperatingPoint, Platt
from clipfake.detector.detector import Detector
from clipfake.detector.head import Head, Hidden
from clipfake.detector.looks import Looks
from clipfake.detector.reference import Reference, find_reference, save_reference
from clipfake.detector.second_look import SETTLED, SecondLook, Thresholds, mean_tokens
from clipfake.errors import AdapterError, UsageError
from tests.conftest import picture
from tests.small import WIDTH, small_adapter, small_second, small_tower

IMAGES = [picture(300 + 40 * seed, 260, seed=seed).convert("RGB") for seed in range(5)]


def point(threshold: float, fpr: float = 0.01) -> OperatingPoint:
    return OperatingPoint(fpr, threshold, (0.0, 0.02), 0.5, (0.4, 0.6), 500, 0.007, 0.0099, 80)


def tiles_head(adapter: Adapter, seed: int = 11) -> Head:
    """A head with hidden units that says something else than the adapter's."""
    drawn = torch.Generator().manual_seed(seed)
    shape = (len(adapter.blocks), WIDTH)
    hidden = Hidden(
        torch.randn(3, *shape, generator=drawn) * 0.05,
        torch.randn(3, generator=drawn),
        torch.randn(3, generator=drawn),
    )
    return Head(torch.randn(*shape, generator=drawn) * 0.1, torch.tensor([-0.3]), hidden)


def looking(opens: float = 0.0, settled: float = 1.1, *, own_head: bool = False) -> Adapter:
    adapter = small_adapter()
    drawn = torch.Generator().manual_seed(5)
    shape = (len(adapter.blocks), WIDTH)
    hidden = Hidden(
        torch.randn(4, *shape, generator=drawn) * 0.05,
        torch.randn(4, generator=drawn),
        torch.randn(4, generator=drawn),
    )
    look = SecondLook(
        Platt(0.8, 0.1),
        opens,
        settled,
        auto=Thresholds((point(0.7),), 0.2),
        all=Thresholds((point(0.8),), 0.3),
        lora=adapter.lora_digest,
        head=tiles_head(adapter) if own_head else None,
    )
    head = dataclasses.replace(adapter.linear_head, hidden=hidden)
    return dataclasses.replace(adapter, head=head, second=look).as_stored()


@pytest.mark.parametrize("own_head", [False, True])
def test_the_second_look_is_the_mean_of_what_is_said_of_both(own_head: bool) -> None:
    adapter, tower = looking(own_head=own_head), small_tower()
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
    reads = look.head if own_head else adapter.head
    assert reads is not None
    logits = (adapter.head(first) + reads(tiles)) / 2
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


def test_auto_looks_again_up_to_a_score_that_hardly_a_real_image_reaches() -> None:
    scores = np.random.default_rng(0).permutation(20_000) / 20_000
    look = small_second().opened(Platt(2.0, 1.0), 0.25, [scores])
    assert (look.calibration, look.opens) == (Platt(2.0, 1.0), 0.25)
    assert (scores.astype(np.float32) >= np.float32(look.settled)).sum() == SETTLED * 20_000 == 4
    few = np.array([0.1, 0.999])  # too few to let one pass
    assert small_second().opened(Platt(), 0.25, [scores, few]).settled > 0.999
    wanted = look.wanted(np.array([0.2, 0.25, look.settled], dtype=np.float32), Looks.AUTO)
    assert wanted.tolist() == [False, True, False]


@pytest.mark.parametrize("own_head", [False, True])
def test_the_file_keeps_it(tmp_path: Path, own_head: bool) -> None:
    adapter = looking(0.25, 0.95, own_head=own_head)
    save_adapter(adapter, tmp_path / "a.safetensors")
    back = load_adapter(tmp_path / "a.safetensors")
    look, was = back.second_look, adapter.second_look
    assert look is not None
    assert was is not None
    assert (look.opens, look.settled, look.auto, look.all) == (0.25, 0.95, was.auto, was.all)
    assert look.calibration == was.calibration
    assert (look.head is not None) == own_head
    tower = small_tower()
    scores = [Detector(tower, each, looks="all").score(IMAGES) for each in (adapter, back)]
    assert np.array_equal(*scores)


def test_a_head_for_tiles_must_fit_the_tower_and_be_of_a_known_kind(tmp_path: Path) -> None:
    adapter = looking(own_head=True)
    assert adapter.second is not None
    narrow = Head(torch.zeros(1, WIDTH), torch.zeros(1))
    other = dataclasses.replace(adapter, second=dataclasses.replace(adapter.second, head=narrow))
    with pytest.raises(AdapterError, match="does not fit"):
        Detector(small_tower(), other)
    file = tmp_path / "a.safetensors"
    save_adapter(adapter, file)
    with safe_open(file, "pt") as read:
        header = json.loads(read.metadata()[HEADER_KEY])
    assert header["format"] == TILES_HEAD_FORMAT
    tensors = load_file(file)

    def written(**changed: object) -> Path:
        damaged = {**header, "second_look": {**header["second_look"], **changed}}
        save_file(tensors, file, metadata={HEADER_KEY: json.dumps(damaged)})
        return file

    assert load_adapter(written()).second is not None
    with pytest.raises(AdapterError, match="unknown head"):
        load_adapter(written(head="cosine"))
    del tensors["second_look.head.hidden.out"]
    with pytest.raises(AdapterError, match="incomplete"):
        load_adapter(written())


def test_of_another_tower_it_says_nothing_and_is_left_out(tmp_path: Path) -> None:
    adapter = looking()
    assert adapter.second is not None
    other = dataclasses.replace(adapter, second=dataclasses.replace(adapter.second, lora="other"))
    assert other.second_look is None
    save_adapter(other, tmp_path / "a.safetensors")
    assert load_adapter(tmp_path / "a.safetensors").second is None


def test_the_mean_of_tiles_is_each_pictures_own() -> None:
    tokens = torch.arange(12.0).reshape(6, 1, 2)
    means = mean_tokens(tokens, [1, 3, 2])
    assert means[:, 0].tolist() == [[0.0, 1.0], [4.0, 5.0], [9.0, 10.0]]


def test_the_reference_set_tells_logits_of_both_looks(tmp_path: Path) -> None:
    adapter = looking()
    drawn = torch.Generator().manual_seed(6)
    shape = (7, len(adapter.blocks), WIDTH)
    first, tiles = (torch.randn(*shape, generator=drawn) for _ in range(2))
    file, names = tmp_path / "reference.safetensors", [f"s{number}" for number in range(7)]

    def kept(tiled: torch.Tensor | None) -> Reference:
        labels = np.arange(7) % 2 == 0
        save_reference(file, first, labels, names, adapter.backbone, adapter.blocks, tiles=tiled)
        reference, _why = find_reference(adapter, file)
        assert reference is not None
        return reference

    expected = (adapter.head(first) + adapter.head(tiles)) / 2
    assert kept(tiles).second_logits(adapter) == pytest.approx(expected, abs=0.1)  # int8 tokens
    own = looking(own_head=True)
    expected = (own.head(first) + own.tiles_head(tiles)) / 2
    assert kept(tiles).second_logits(own) == pytest.approx(expected, abs=0.1)
    scores = kept(tiles).real_scores(own, Looks.ALL)
    assert own.second is not None
    real = np.arange(7) % 2 == 1
    assert scores == pytest.approx(own.second.calibration(expected[real]), abs=0.02)
    assert kept(tiles).second_logits(small_adapter()) is None
    assert kept(None).second_logits(adapter) is None
