"""The reference set."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from clipfake.detector.adapter import Adapter
from clipfake.detector.adapter_file import load_adapter
from clipfake.detector.calibration import DEFAULT_FPR
from clipfake.detector.head import Head, normalise
from clipfake.detector.lora import LoraShape
from clipfake.detector.reference import (
    Reference,
    find_reference,
    load_reference,
    quantise,
    save_reference,
)
from clipfake.errors import UsageError
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.training.validation import Scored

SOURCES = ["web", "camera", "web", "flux", "flux", "camera"]
IS_AI = np.array([False, False, False, True, True, False])


def frozen() -> Adapter:
    """The default adapter without its LoRA."""
    return replace(load_adapter(), lora_shape=None, lora={})


def tokens(width: int = 32) -> torch.Tensor:
    drawn = torch.randn(6, 3, width, generator=torch.Generator().manual_seed(0))
    return drawn * 5 + 2


@pytest.fixture
def reference(tmp_path: Path) -> Reference:
    file = tmp_path / "r.safetensors"
    save_reference(file, tokens(), IS_AI, SOURCES, "ViT-B-16/openai", (4, 5, 6), note="some")
    return load_reference(file)


def test_what_is_saved_is_read_again(reference: Reference) -> None:
    assert reference.tokens.shape == (6, 3, 32)
    assert reference.tokens.dtype == torch.float32
    assert reference.is_ai.tolist() == IS_AI.tolist()
    groups = reference.groups
    assert groups[0] == groups[2]
    assert groups[3] == groups[4]
    assert len(set(groups.tolist())) == 3
    assert (reference.backbone, reference.blocks, reference.note) == (
        "ViT-B-16/openai",
        (4, 5, 6),
        "some",
    )


def test_rounding_is_half_a_level_at_most(reference: Reference) -> None:
    normed = normalise(tokens())
    step = normed.abs().amax(dim=0) / 127
    assert ((reference.tokens - normed).abs() <= step / 2 + 1e-6).all()
    levels, _scale = quantise(tokens())
    assert levels.abs().amax(dim=0).eq(127).all()


def test_a_head_says_nearly_the_same_of_them(reference: Reference) -> None:
    head = Head(torch.randn(3, 32, generator=torch.Generator().manual_seed(1)), torch.zeros(1))
    assert np.allclose(head(reference.tokens), head(tokens()), atol=0.1)
    assert np.ptp(head(tokens())) > 1


def test_it_fits_only_the_encoder_that_made_it(reference: Reference) -> None:
    adapter = replace(frozen(), blocks=(4, 5, 6))
    assert reference.fits(adapter)
    assert not reference.fits(replace(adapter, blocks=(4, 5, 7)))
    assert not reference.fits(replace(adapter, backbone="ViT-L-14/openai"))
    assert not reference.fits(replace(adapter, preprocessing=Preprocessing(draft=0)))
    lora = {"blocks.1.qkv.a": torch.ones(1, 4)}
    tuned = replace(adapter, lora_shape=LoraShape((1,), rank=1), lora=lora)
    assert not reference.fits(tuned)
    assert replace(reference, lora=tuned.lora_digest).fits(tuned)
    assert not replace(reference, lora=tuned.lora_digest).fits(adapter)


def test_the_lora_digest_is_of_what_a_file_holds() -> None:
    adapter = frozen()
    assert adapter.lora_digest == ""
    values = torch.tensor([[0.1, 0.2]])
    one = replace(adapter, lora={"a": values, "b": values})
    assert one.lora_digest == replace(adapter, lora={"b": values, "a": values}).lora_digest
    assert one.lora_digest == one.as_stored().lora_digest
    assert one.lora_digest != replace(adapter, lora={"a": values, "b": values * 2}).lora_digest
    assert one.lora_digest != replace(adapter, lora={"a": values, "c": values}).lora_digest


def test_where_there_is_none_it_says_why(tmp_path: Path) -> None:
    file = tmp_path / "r.safetensors"
    assert find_reference(load_adapter(), file) == (
        None,
        "this copy of clipfake has no reference set",
    )
    save_reference(file, tokens(), IS_AI, SOURCES, "ViT-B-16/openai", (4, 5, 6))
    found, why = find_reference(replace(load_adapter(), name="mine"), file)
    assert found is None
    assert "another encoder than that of mine" in why
    found, why = find_reference(replace(frozen(), blocks=(4, 5, 6)), file)
    assert found is not None
    assert why == ""


@pytest.mark.parametrize("content", [b"", b"nothing of the kind"])
def test_a_damaged_file_is_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "r.safetensors"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=r"r\.safetensors: not a readable reference set"):
        load_reference(file)


def test_an_adapter_is_no_reference_set(tmp_path: Path) -> None:
    from clipfake.detector.adapter_file import DEFAULT_ADAPTER

    with pytest.raises(UsageError, match="not a readable reference set"):
        load_reference(DEFAULT_ADAPTER)
    with pytest.raises(UsageError, match="no such reference set"):
        load_reference(tmp_path / "absent.safetensors")


def test_numbers_that_differ_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="differ in number"):
        save_reference(tmp_path / "r", tokens(), IS_AI[:5], SOURCES, "b", (4, 5, 6))
    with pytest.raises(ValueError, match="differ in number"):
        save_reference(tmp_path / "r", tokens(), IS_AI, SOURCES, "b", (4, 5))


def test_the_set_in_the_package_is_of_the_built_in_adapter() -> None:
    adapter = load_adapter()
    reference, why = find_reference(adapter)
    assert why == ""
    assert reference is not None
    logits = adapter.head(reference.tokens)
    found = Scored(logits, reference.is_ai, reference.groups).compare(adapter)
    point = next(p for p in adapter.points if p.fpr == DEFAULT_FPR)
    # it holds some of the images that the figures in the adapter's header are of
    assert min(found.images) > 100
    assert found.auc == pytest.approx(adapter.facts["metrics"]["first"]["auc"], abs=0.03)
    assert found.recall == pytest.approx(point.recall, abs=0.15)
    assert found.fpr <= 0.03
    second = reference.second_logits(adapter)
    assert second is not None
    # no worse, as far as so few images can tell: a pair of them more or less is 0.00003
    assert Scored(second, reference.is_ai, reference.groups).auc >= found.auc - 0.001
