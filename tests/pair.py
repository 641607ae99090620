"""A small model of open_clip with both towers, its weights drawn, and a toy set to teach it."""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from tests.conftest import picture

MODEL = "clipfake-tiny"
_CONFIG = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8},
    "text_cfg": {
        "context_length": 77,
        "vocab_size": 49408,
        "width": 32,
        "heads": 2,
        "layers": 2,
    },
}


def add_model(folder: Path, name: str = MODEL, **changes: object) -> str:
    """Let open_clip know the small model, perhaps changed, as long as the process lives."""
    import open_clip

    if name not in open_clip.list_models():
        file = folder / f"{name}.json"
        file.write_text(json.dumps(_CONFIG | changes))
        open_clip.add_model_config(file)
    return name


def save_pair(folder: Path, name: str = MODEL, seed: int = 0) -> Path:
    """A checkpoint of the small model, drawn as open_clip draws one."""
    import open_clip

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        state = open_clip.create_model(add_model(folder, name)).state_dict()
    file = folder / f"{name}-{seed}.safetensors"
    save_file({key: value.contiguous() for key, value in state.items()}, file)
    return file


def striped(seed: int) -> Image.Image:
    """Stripes of some period, as an upsampling may leave them."""
    rng = np.random.default_rng(seed)
    rows = np.arange(64)[:, None] * np.ones((1, 64))
    values = 128 + 100 * np.sin(rows * 1.5 + rng.random() * 6) + rng.normal(0, 8, (64, 64))
    return Image.fromarray(np.repeat(values[:, :, None].clip(0, 255), 3, axis=2).astype(np.uint8))


def noisy(seed: int) -> Image.Image:
    """Noise alone."""
    values = np.random.default_rng(seed).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    return Image.fromarray(values)


def toy_set(root: Path, each: int = 16) -> tuple[Path, Path]:
    """Folders of real pictures and of those of two generators, each a folder."""
    makers = {"real/photos": picture, "fake/stripe-gan": striped, "fake/Noise Diffusion": noisy}
    for name, make in makers.items():
        folder = root / name
        folder.mkdir(parents=True)
        for number in range(each * (2 if name.startswith("real") else 1)):
            make(seed=number).save(folder / f"{number}.png")
    return root / "real", root / "fake"
