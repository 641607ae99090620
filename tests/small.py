"""A small tower and its adapter: where it does not matter how well images are told apart.

``python -m tests.small`` is the command `clipfake` with them instead of the default detector.
"""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

import torch

from clipfake.detector import adapter_file as adapters
from clipfake.detector import backbone as backbones
from clipfake.detector import detector as detectors
from clipfake.detector.adapter import Adapter
from clipfake.detector.adapter_file import load_adapter, save_adapter
from clipfake.detector.backbone import Backbone
from clipfake.detector.calibration import OperatingPoint, Platt
from clipfake.detector.head import Head
from clipfake.detector.lora import Lora, LoraShape
from clipfake.detector.second_look import SecondLook, Thresholds
from clipfake.detector.tower import OPENAI_MEAN, OPENAI_STD, ImageTower

WIDTH, DEPTH = 48, 12
NAME = "small/drawn"


def small_tower() -> Backbone:
    """A tower that cuts images as the embedded one does, its weights drawn; always the same."""
    visual = ImageTower(image_size=224, patch_size=16, width=WIDTH, depth=DEPTH, heads=4, outputs=8)
    drawn = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, value in visual.named_parameters():
            if "ln_" in name:
                value.fill_(float(name.endswith("weight")))
            elif name.endswith("bias"):
                value.zero_()
            else:  # so that what comes out of a layer is as large as what goes in
                inputs = value[0].numel() if value.ndim > 1 else WIDTH
                value.copy_(torch.randn(value.shape, generator=drawn) * inputs**-0.5)
    visual.requires_grad_(False).eval()
    return Backbone(NAME, "0" * 64, visual, OPENAI_MEAN, OPENAI_STD)


def small_adapter(
    head: Head | None = None,
    blocks: tuple[int, ...] | None = None,
    second: SecondLook | None = None,
) -> Adapter:
    """The default adapter with another head, for the small tower as it is.

    Args:
        head: None for one that is drawn, without hidden units.
        blocks: that the head reads; None for those of the default adapter.
        second: the second look; None for an adapter without.
    """
    adapter = load_adapter()
    blocks = blocks or adapter.blocks
    drawn = torch.randn(len(blocks), WIDTH, generator=torch.Generator().manual_seed(3))
    head = head or Head(drawn * 0.1, torch.zeros(1))
    return replace(
        adapter,
        backbone=NAME,
        blocks=blocks,
        head=head,
        lora_shape=None,
        lora={},
        second=second,
    )


def small_second(*, opens: float = 0.3, settled: float = 0.9) -> SecondLook:
    """A second look for the small tower as it is, with thresholds of its own.

    Args:
        opens: score of the first look from which ``auto`` takes the second.
        settled: and from which no more.
    """
    auto, every = (
        Thresholds(
            tuple(
                OperatingPoint(fpr, threshold, (0.0, 1.0), None, None, 100)
                for fpr, threshold in ((0.05, least), (0.01, least + 0.1), (0.001, least + 0.2))
            ),
            least - 0.3,
        )
        for least in (0.6, 0.7)
    )
    return SecondLook(Platt(1.0, 0.0), opens, settled, auto, every)


def tuned(adapter: Adapter, shape: LoraShape) -> Adapter:
    """An adapter for the small tower with updates of its weights, which are drawn."""
    lora, drawn = Lora(small_tower(), shape), torch.Generator().manual_seed(4)
    tensors = {
        name: 0.02 * torch.randn(value.shape, generator=drawn)
        for name, value in lora.state_dict().items()
    }
    return replace(adapter, lora_shape=shape, lora=tensors)


def save_small(folder: Path) -> Path:
    """The file of an adapter for the small tower, with updates of its weights as usual."""
    file = folder / "small.safetensors"
    save_adapter(tuned(small_adapter(), LoraShape((11, 12), rank=2, norms=True)), file)
    return file


@contextmanager
def small_by_default(file: Path) -> Iterator[None]:
    """Let the small tower and the adapter of a file be what is loaded where none is named."""
    load = backbones.load_backbone

    def loaded(name: str, **options: bool) -> Backbone:
        return small_tower() if name == NAME else load(name, **options)

    with ExitStack() as replaced:
        for module in (backbones, detectors):
            replaced.enter_context(mock.patch.object(module, "load_backbone", loaded))
        for module in (adapters, detectors):
            replaced.enter_context(mock.patch.object(module, "DEFAULT_ADAPTER", file))
        yield


if __name__ == "__main__":
    from clipfake.cli.app import main

    with tempfile.TemporaryDirectory() as folder, small_by_default(save_small(Path(folder))):
        main()
