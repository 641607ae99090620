"""The generator head: its answers, its file, and what it does in a detector."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from clipfake.detector.adapter import Adapter
from clipfake.detector.adapter_file import HEADER_KEY, load_adapter, save_adapter
from clipfake.detector.detector import Detector
from clipfake.detector.generators import Confidence
from clipfake.errors import AdapterError
from clipfake.records import GeneratorBasis
from tests.clusters import clusters, small_head
from tests.small import small_adapter, small_tower


@pytest.fixture
def adapter() -> Adapter:
    adapter = small_adapter()
    return replace(adapter, generators=small_head())


def test_answers_name_a_family_or_none() -> None:
    head = small_head()
    data = clusters(seed=9)
    points = head.embed(data.tokens, data.blocks)
    answers = head.answers(points)
    assert {each.basis for each in answers} == {GeneratorBasis.PIXELS}
    assert all(0 <= (each.score or 0) <= 1 for each in answers)
    told = [each.family for each in answers if each.family is not None]
    assert set(told) <= {"gan", "flux", "google"}  # "another generator" names none
    sure = head.sure(head.looks(points))
    assert [each.score for each in answers] == pytest.approx(sure.tolist())
    silent = replace(head, least=1.1).answers(points)
    assert all(each.family is None for each in silent)


def test_far_from_every_exemplar_nothing_is_sure() -> None:
    head = replace(small_head(), confidence=Confidence(1.0, 1.0, 0.0))
    near = head.looks(head.exemplars[:4])
    far = head.looks(head.exemplars[:4] + 1e3)
    assert (far.nearness < near.nearness).all()
    assert (head.sure(far) < head.sure(near)).all()


def test_the_answer_does_not_depend_on_the_batch() -> None:
    head = small_head()
    data = clusters(seed=9)
    together = head.embed(data.tokens, data.blocks)
    alone = torch.cat([head.embed(each[None], data.blocks) for each in data.tokens])
    assert torch.equal(together, alone)
    shares = head.looks(together).shares
    assert np.array_equal(shares, np.concatenate([head.looks(p[None]).shares for p in together]))


def test_no_images() -> None:
    head = small_head()
    assert head.answers(head.embed(torch.empty(0, 9, 48), clusters().blocks)) == []


def test_a_file_gives_the_same_answers(adapter: Adapter, tmp_path: Path) -> None:
    save_adapter(adapter, tmp_path / "a.safetensors")
    back = load_adapter(tmp_path / "a.safetensors").generator_head
    head, data = adapter.generators, clusters(seed=9)
    assert back is not None
    assert head is not None
    assert back.generators == head.generators
    assert back.facts == json.loads(json.dumps(head.facts))
    points = head.embed(data.tokens, data.blocks)
    assert torch.equal(back.embed(data.tokens, data.blocks), points)
    assert np.array_equal(back.looks(points).shares, head.looks(points).shares)


def test_of_another_tower_it_says_nothing(adapter: Adapter, tmp_path: Path) -> None:
    head = adapter.generators
    assert head is not None
    other = replace(adapter, generators=replace(head, lora="f" * 64))
    assert other.generator_head is None
    save_adapter(other, tmp_path / "a.safetensors")
    assert load_adapter(tmp_path / "a.safetensors").generators is None


def test_one_pass_gives_scores_and_answers(adapter: Adapter) -> None:
    pixels = torch.randint(0, 256, (3, 3, 224, 224), dtype=torch.uint8)
    detector = Detector(small_tower(), adapter, device="cpu", precision="fp32")
    seen = detector.look(pixels)
    scores, looks = seen.scores, detector.attributions(seen)
    assert np.array_equal(scores, detector.score_pixels(pixels))
    assert all(each is not None for each in looks)
    without = Detector(
        small_tower(), replace(adapter, generators=None), device="cpu", precision="fp32"
    )
    assert np.array_equal(without.look(pixels).scores, scores)
    assert without.attributions(without.look(pixels)) == [None] * 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda h: h["generators"].update(generators=[]), "incomplete"),
        (lambda h: h["generators"]["generators"][0].update(family="x"), "incomplete"),
        (lambda h: h["generators"]["generators"][0].update(name=""), "incomplete"),
        (lambda h: h["generators"].update(width=float("nan")), "incomplete"),
        (lambda h: h["generators"].pop("confidence"), "incomplete"),
        (lambda h: h["generators"].update(blocks=[40]), "does not fit"),
    ],
)
def test_damaged_headers(adapter: Adapter, tmp_path: Path, change: object, said: str) -> None:
    file = tmp_path / "a.safetensors"
    save_adapter(adapter, file)
    from safetensors import safe_open

    with safe_open(file, "pt") as opened:
        header = json.loads(opened.metadata()[HEADER_KEY])
    change(header)  # type: ignore[operator]
    save_file(load_file(file), file, metadata={HEADER_KEY: json.dumps(header)})
    with pytest.raises(AdapterError, match=said):
        load_adapter(file).check_fits(small_tower())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("owners", torch.full((4,), -1, dtype=torch.int16)),
        ("weights", torch.zeros(128)),
        ("solution", torch.full((128, 4), torch.nan)),
        ("levels", torch.zeros(3, 3, dtype=torch.int8)),
        ("levels", torch.zeros(128, 16)),
    ],
)
def test_damaged_tensors(adapter: Adapter, tmp_path: Path, name: str, value: torch.Tensor) -> None:
    file = tmp_path / "a.safetensors"
    save_adapter(adapter, file)
    from safetensors import safe_open

    with safe_open(file, "pt") as opened:
        metadata = opened.metadata()
    tensors = load_file(file) | {f"generators.{name}": value}
    save_file(tensors, file, metadata=metadata)
    with pytest.raises(AdapterError):
        load_adapter(file).check_fits(small_tower())
