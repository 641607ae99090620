"""The adapter file."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from clipfake.detector.adapter import Adapter
from clipfake.detector.adapter_file import (
    DEFAULT_ADAPTER,
    FORMAT,
    HEADER_KEY,
    LEVELS_FORMAT,
    load_adapter,
    save_adapter,
)
from clipfake.detector.backbone import Backbone, load_backbone
from clipfake.detector.detector import Detector
from clipfake.detector.forward import block_tokens
from clipfake.detector.head import Head, Hidden
from clipfake.detector.lora import Lora, LoraShape
from clipfake.errors import AdapterError, UsageError
from tests.small import small_adapter, small_tower


@pytest.fixture(scope="module")
def adapter() -> Adapter:
    return load_adapter()


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    """The tower as it was released; a detector adds its updates to a copy."""
    return load_backbone()


def test_default_adapter_has_all_operating_points(adapter: Adapter) -> None:
    assert [point.fpr for point in adapter.points] == [0.05, 0.01, 0.001]
    thresholds = [point.threshold for point in adapter.points]
    assert thresholds == sorted(thresholds)
    for point in adapter.points:
        assert point.fpr_interval[0] <= point.fpr_interval[1]
        assert point.recall_interval[0] <= point.recall <= point.recall_interval[1]
    assert DEFAULT_ADAPTER.stat().st_size < 12.5e6  # the wheel has to stay below 100 MB


def test_saved_and_loaded_again_it_is_the_same(adapter: Adapter, tmp_path: Path) -> None:
    save_adapter(adapter, tmp_path / "a.safetensors")
    again = load_adapter(tmp_path / "a.safetensors")
    assert torch.equal(again.head.weight, adapter.head.weight)
    assert torch.equal(again.head.bias, adapter.head.bias)
    assert again.lora.keys() == adapter.lora.keys()
    assert all(torch.equal(again.lora[name], value) for name, value in adapter.lora.items())
    assert again.generators is not None
    assert adapter.generators is not None
    assert again.generators.generators == adapter.generators.generators
    assert torch.equal(again.generators.solution, adapter.generators.solution)
    assert again.second is not None
    assert adapter.second is not None
    assert torch.equal(again.tiles_head.weight, adapter.tiles_head.weight)
    unchanged = replace(
        again,
        head=adapter.head,
        second=replace(again.second, head=adapter.second.head),
        lora=adapter.lora,
        generators=adapter.generators,
        digest=adapter.digest,
    )
    assert unchanged == adapter


def test_blocks_that_are_read_are_kept_and_must_fit(tmp_path: Path) -> None:
    tower, file = small_tower(), tmp_path / "a.safetensors"
    save_adapter(small_adapter(blocks=(2, 7)), file)
    again = load_adapter(file)
    assert (again.blocks, again.depth) == ((2, 7), 7)
    Detector(tower, again)
    with pytest.raises(AdapterError, match="head does not fit"):
        Detector(tower, replace(again, blocks=(2, 7, 12)))
    with pytest.raises(AdapterError, match="head does not fit"):
        Detector(tower, replace(again, blocks=(2, 13)))
    save_adapter(replace(again, blocks=(7, 2)), file)
    with pytest.raises(AdapterError, match="ascending"):
        load_adapter(file)


def test_hidden_units_are_kept(adapter: Adapter, backbone: Backbone, tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    shape = (4, *adapter.head.weight.shape)
    units = Hidden(
        torch.randn(shape, generator=generator).half().float(), torch.ones(4), torch.ones(4) / 2
    )
    head = Head(adapter.head.weight, adapter.head.bias, units)
    save_adapter(replace(adapter, head=head), tmp_path / "a.safetensors")
    again = load_adapter(tmp_path / "a.safetensors")
    tokens = torch.randn(3, *adapter.head.weight.shape, generator=generator)
    assert list(again.head(tokens)) == list(head(tokens))
    assert list(again.head(tokens)) != list(adapter.head(tokens))
    Detector(backbone, again)
    short = replace(again, head=replace(head, hidden=replace(units, bias=torch.ones(3))))
    with pytest.raises(AdapterError, match="head does not fit"):
        Detector(backbone, short)


def test_compact_hidden_units_take_a_byte_a_weight(adapter: Adapter, tmp_path: Path) -> None:
    drawn = torch.Generator().manual_seed(1)
    shape = adapter.head.weight.shape
    units = Hidden(torch.randn(64, *shape, generator=drawn), torch.ones(64), torch.ones(64) / 2)
    exact = Head(adapter.head.weight, adapter.head.bias, units)
    compact, tokens = exact.compact(), torch.randn(9, *shape, generator=drawn)
    far = np.abs(compact(tokens) - exact(tokens)).max() / exact(tokens).std()
    assert 0 < far < 0.05
    assert compact.compact().hidden is not None
    large, small = tmp_path / "large.safetensors", tmp_path / "small.safetensors"
    plain = replace(adapter, second=None)
    save_adapter(replace(plain, head=exact), large)
    save_adapter(replace(plain, head=compact), small)
    weights = units.weight.numel()
    assert large.stat().st_size - small.stat().st_size > 0.95 * weights
    for file, number in ((large, FORMAT), (small, LEVELS_FORMAT)):
        with safe_open(file, "pt") as stored:
            assert json.loads(stored.metadata()[HEADER_KEY])["format"] == number
    again = load_adapter(small)
    assert list(again.head(tokens)) == list(compact(tokens))
    assert list(again.as_stored().head(tokens)) == list(compact(tokens))
    save_adapter(again, large)
    assert load_adapter(large).digest == again.digest


@pytest.mark.parametrize("scale", [None, torch.ones(1), torch.ones(2, 9, 768)])
def test_levels_without_the_scale_of_each_unit_and_token_are_refused(
    adapter: Adapter, tmp_path: Path, scale: torch.Tensor | None
) -> None:
    file, shape = tmp_path / "a.safetensors", adapter.head.weight.shape
    units = Hidden(torch.ones(2, *shape), torch.ones(2), torch.ones(2))
    head = Head(adapter.head.weight, adapter.head.bias, units).compact()
    save_adapter(replace(adapter, head=head), file)
    with safe_open(file, "pt") as stored:
        metadata = stored.metadata()
    tensors = load_file(file)
    del tensors["head.hidden.weight.scale"]
    if scale is not None:
        tensors["head.hidden.weight.scale"] = scale
    save_file(tensors, file, metadata=metadata)
    with pytest.raises(AdapterError, match="scale"):
        load_adapter(file)


def test_as_stored_is_what_a_file_gives_back(adapter: Adapter, tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    shape = (4, *adapter.head.weight.shape)
    units = Hidden(torch.randn(shape, generator=generator), torch.rand(4) / 3, torch.rand(4) / 3)
    head = Head(adapter.head.weight, adapter.head.bias, units)
    exact = replace(adapter, head=head, lora={"x": torch.rand(3) / 3})
    save_adapter(exact, tmp_path / "a.safetensors")
    again, stored = load_adapter(tmp_path / "a.safetensors"), exact.as_stored()
    tokens = torch.randn(3, *adapter.head.weight.shape, generator=generator)
    assert list(again.head(tokens)) == list(stored.head(tokens))
    assert list(again.head(tokens)) != list(exact.head(tokens))
    assert torch.equal(again.lora["x"], stored.lora["x"])


def test_lora_is_kept_and_merged_at_load(
    adapter: Adapter, backbone: Backbone, tmp_path: Path
) -> None:
    lora = Lora(backbone, LoraShape((3, 12), rank=2, alpha=4.0, norms=True))
    generator = torch.Generator().manual_seed(0)
    for value in lora.parameters():
        value.data.copy_(torch.randn(value.shape, generator=generator) * 0.02)
    values = {name: value.detach() for name, value in lora.state_dict().items()}
    tuned = replace(adapter, lora_shape=lora.shape, lora=values)
    save_adapter(tuned, tmp_path / "a.safetensors")
    again = load_adapter(tmp_path / "a.safetensors")
    assert again.lora_shape == lora.shape
    assert set(again.lora) == set(values)
    for name, value in values.items():
        assert torch.equal(again.lora[name].float(), value.half().float())
    pixels = torch.randint(0, 256, (1, 3, 224, 224), dtype=torch.uint8, generator=generator)
    merged = Detector(backbone, again, precision="fp32", micro_batch=1)
    frozen = Detector(backbone, adapter, precision="fp32", micro_batch=1)
    lora.load_tensors(again.lora)
    with torch.no_grad():
        beside = block_tokens(backbone, pixels, adapter.blocks, lora=lora)
    assert torch.allclose(merged.tokens(pixels, adapter.blocks), beside, atol=2e-4)
    assert not torch.allclose(frozen.tokens(pixels, adapter.blocks), beside, atol=1e-2)


def test_a_tower_takes_the_lora_of_one_adapter_once() -> None:
    backbone, adapter = load_backbone(), load_adapter()
    other = replace(adapter, name="mine", lora={n: v * 2 for n, v in adapter.lora.items()})
    before = {name: value.clone() for name, value in backbone.visual.state_dict().items()}
    copied = adapter.tune(backbone)
    assert (backbone.lora, copied.lora) == ("", adapter.lora_digest)
    for name, value in backbone.visual.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert adapter.tune(copied) is copied
    assert Detector(copied, adapter).backbone is copied
    for wrong in (other, replace(adapter, name="mine", lora_shape=None, lora={})):
        with pytest.raises(AdapterError, match="mine: the tower has the LoRA of another adapter"):
            Detector(copied, wrong)
    moved = adapter.tune(backbone, in_place=True)
    assert moved.visual is backbone.visual
    for name, value in copied.visual.state_dict().items():
        assert torch.equal(moved.visual.state_dict()[name], value), name
    assert any(not torch.equal(v, before[n]) for n, v in moved.visual.state_dict().items())


def test_lora_of_another_shape_is_refused(adapter: Adapter, backbone: Backbone) -> None:
    other = replace(adapter, lora_shape=LoraShape((3,), rank=2), lora={"x": torch.zeros(1)})
    with pytest.raises(AdapterError, match="LoRA tensors do not fit"):
        Detector(backbone, other)
    other = replace(adapter, lora_shape=LoraShape((13,), rank=2))
    with pytest.raises(AdapterError, match=r"LoRA on blocks .13.: ViT-B-16/openai has 1 to 12"):
        Detector(backbone, other)


def test_rule_takes_a_stored_rate_or_a_threshold(adapter: Adapter) -> None:
    assert adapter.rule() == adapter.rule(fpr=0.01)
    assert adapter.rule(fpr=0.05).threshold < adapter.rule(fpr=0.001).threshold
    low = adapter.rule(threshold=0.0)
    assert (low.threshold, low.real_below, low.fpr) == (0.0, 0.0, None)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"fpr": 0.02}, "no operating point at FPR 0.02 .0.05, 0.01, 0.001."),
        ({"threshold": 1.5}, "not in 0..1"),
        ({"threshold": 0.5, "fpr": 0.01}, "not both"),
    ],
)
def test_rule_refuses_what_it_cannot_do(
    adapter: Adapter, arguments: dict[str, float], text: str
) -> None:
    with pytest.raises(UsageError, match=text):
        adapter.rule(**arguments)


def test_another_backbone_is_a_clear_error(adapter: Adapter, backbone: Backbone) -> None:
    other = replace(adapter, backbone="ViT-L-14/openai")
    with pytest.raises(AdapterError, match="fits backbone ViT-L-14/openai, not ViT-B-16/openai"):
        Detector(backbone, other)


def test_a_head_of_another_shape_is_refused(adapter: Adapter, backbone: Backbone) -> None:
    other = replace(adapter, blocks=adapter.blocks[:-1])
    with pytest.raises(AdapterError, match="head does not fit"):
        Detector(backbone, other)


def rewritten(path: Path, **changes: object) -> Path:
    data = DEFAULT_ADAPTER.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(json.loads(data[8 : 8 + size])["__metadata__"][HEADER_KEY])
    header.update(changes)
    header = {key: value for key, value in header.items() if value is not None}
    save_file(load_file(DEFAULT_ADAPTER), path, metadata={HEADER_KEY: json.dumps(header)})
    return path


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"format": 99}, "format 99; update clipfake"),
        ({"calibration": None}, "header is incomplete"),
        ({"head": "forest"}, "unknown head forest"),
        ({"preprocessing": {"size": 224, "magic": 1}}, "unknown preprocessing"),
    ],
)
def test_headers_that_cannot_be_honoured_are_refused(
    tmp_path: Path, changes: dict[str, object], text: str
) -> None:
    with pytest.raises(AdapterError, match=text):
        load_adapter(rewritten(tmp_path / "a.safetensors", **changes))


def test_a_head_without_the_tensors_that_it_names_is_refused(tmp_path: Path) -> None:
    path, base = tmp_path / "a.safetensors", load_adapter()
    save_adapter(replace(base, head=replace(base.head, hidden=None)), path)
    assert load_adapter(path).head.hidden is None
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()[HEADER_KEY])
    header["head"] = "hidden"
    save_file(load_file(path), path, metadata={HEADER_KEY: json.dumps(header)})
    with pytest.raises(AdapterError, match=r"head\.hidden\.weight"):
        load_adapter(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "plain.safetensors")
    (tmp_path / "text.safetensors").write_text("hello")
    (tmp_path / "empty.safetensors").touch()
    for name, text in (
        ("plain", "not a clipfake adapter"),
        ("text", "not a readable adapter"),
        ("empty", "too large or empty"),
        ("none", "no such adapter file"),
    ):
        with pytest.raises(AdapterError, match=text):
            load_adapter(tmp_path / f"{name}.safetensors")
