"""The embedded backbone and the loading of others."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from clipfake.detector import forward as forward_module
from clipfake.detector.backbone import (
    EMBEDDED_ASSET,
    EMBEDDED_BACKBONE,
    Backbone,
    embedded_backbone_header,
    load_backbone,
)
from clipfake.detector.forward import block_tokens
from clipfake.errors import BackboneError


@pytest.fixture(scope="module")
def tower() -> Backbone:
    return load_backbone()


def pixels(count: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, 3, 224, 224), dtype=torch.uint8, generator=generator)


def test_embedded_tower_is_clip_vit_b16(tower: Backbone) -> None:
    assert (tower.depth, tower.width, tower.image_size) == (12, 768, 224)
    assert tower.name == EMBEDDED_BACKBONE
    assert not any(p.requires_grad or p.is_meta for p in tower.visual.parameters())
    header = embedded_backbone_header()
    assert header["onnx_sha256"] == (
        "2d2da5e254d60501f138004788497e280fd80eb9dd877241aec41761be285d8d"
    )
    assert EMBEDDED_ASSET.stat().st_size < 90e6


def test_blocks_match_the_reference(tower: Backbone, shared: Path) -> None:
    data = np.load(shared / "backbone" / "reference.npz")
    images = torch.from_numpy(data["images_uint8"]).permute(0, 3, 1, 2)
    ours = block_tokens(tower, images, range(1, 13))
    theirs = torch.from_numpy(data["cls_by_block"])
    assert torch.cosine_similarity(ours, theirs, dim=-1).min() >= 0.9999


def test_tokens_are_those_of_open_clips_own_tower(tower: Backbone) -> None:
    import open_clip

    with torch.device("meta"):  # its weights are ours, so that none are drawn
        model = open_clip.create_model("ViT-B-16", force_quick_gelu=True, device="meta")
    own = {name: value.shape for name, value in model.visual.state_dict().items()}
    assert own == {name: value.shape for name, value in tower.visual.state_dict().items()}
    model.visual.load_state_dict(tower.visual.state_dict(), assign=True)
    model.visual.eval().requires_grad_(False)
    images = pixels()
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (tower.mean, tower.std))
    with torch.inference_mode():
        theirs = model.visual.forward_intermediates(
            (images.float() / 255 - mean) / std,
            intermediates_only=True,
            output_fmt="NLC",
            output_extra_tokens=True,
        )["image_intermediates_prefix"]
        ours = block_tokens(tower, images, [3, 12])
        same = block_tokens(replace(tower, visual=model.visual), images, [3, 12])
    assert torch.equal(ours, same)
    assert torch.allclose(ours[:, 0], theirs[2][:, 0], atol=1e-4)
    assert torch.allclose(ours[:, 1], theirs[11][:, 0], atol=1e-4)


def test_what_is_known_of_the_embedded_tower_is_what_open_clip_says(tower: Backbone) -> None:
    import open_clip

    config = open_clip.get_pretrained_cfg(*EMBEDDED_BACKBONE.split("/"))
    assert config["quick_gelu"]
    assert tower.mean == tuple(config.get("mean") or open_clip.OPENAI_DATASET_MEAN)
    assert tower.std == tuple(config.get("std") or open_clip.OPENAI_DATASET_STD)


def test_forward_stops_at_the_last_block_read(
    tower: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    forward = forward_module.block_forward
    monkeypatch.setattr(forward_module, "block_forward", lambda *a: calls.append(1) or forward(*a))
    assert block_tokens(tower, pixels(1), [2, 4]).shape == (1, 2, 768)
    assert len(calls) == 4


def test_unknown_names_say_what_there_is() -> None:
    with pytest.raises(BackboneError, match="architecture 'ViT-Z' is unknown"):
        load_backbone("ViT-Z/openai")
    with pytest.raises(BackboneError, match=r"tags of ViT-B-32: .*openai"):
        load_backbone("ViT-B-32/none-such")


def test_absent_weights_ask_for_the_download_flag() -> None:
    with pytest.raises(BackboneError, match="--allow-download"):
        load_backbone("ViT-L-14/openai")


def test_a_local_checkpoint_loads_and_a_wrong_one_does_not(tower: Backbone, tmp_path: Path) -> None:
    path = tmp_path / "tower.safetensors"
    state = {f"visual.{k}": v.contiguous() for k, v in tower.visual.state_dict().items()}
    save_file(state, path)
    local = load_backbone(f"ViT-B-16-quickgelu/{path}")
    images = pixels(1)
    assert torch.equal(block_tokens(local, images, [12]), block_tokens(tower, images, [12]))
    with pytest.raises(BackboneError, match="do not fit ViT-B-32"):
        load_backbone(f"ViT-B-32/{path}")


def test_files_that_are_no_safetensors_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "pickle.safetensors"
    path.write_bytes(b"\x80\x04" + b"x" * 100)
    with pytest.raises(BackboneError, match="not a readable safetensors file"):
        load_backbone(f"ViT-B-16/{path}")
    with pytest.raises(BackboneError, match="no such backbone file"):
        load_backbone(f"ViT-B-16/{tmp_path / 'none.safetensors'}")


def test_header_of_the_asset_is_json_in_the_file() -> None:
    head = EMBEDDED_ASSET.read_bytes()[: 1 << 20]
    size = int.from_bytes(head[:8], "little")
    assert "clipfake-backbone" in json.loads(head[8 : 8 + size])["__metadata__"]
