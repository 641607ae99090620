"""What training against captions costs, and what it tells, beside the other ways of training.

    python -m benchmarks.captions DATA/manifest.csv --work WORK

Six named generators of split train and as many real images are trained on, each way in a process of
its own and from the tower as it was released. What is measured, on images of split val, which no
training has seen: AUC, the share of each class judged rightly at a score of 0.5 (mean of both), and
how often the generator is named right; the same AUC on other generators than the six. Seconds are
those of the processor, all its cores together, of the median step, so that a busy machine changes
little; memory is the peak of the process. ``both towers`` joins the image tower of the package to a
text tower whose weights are drawn, since none travels in the package: its cost is that of a real
pair, its accuracy is not.
"""

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.metrics import roc_auc_score

from clipfake.detector.adapter import Adapter
from clipfake.detector.adapter_file import load_adapter, save_adapter
from clipfake.detector.backbone import VISUAL, Traits, load_backbone, traits_of
from clipfake.detector.captions import CaptionHead
from clipfake.detector.detector import Detector
from clipfake.detector.pair import load_pair, save_model
from clipfake.sources.labelled import Example
from clipfake.training.caption_tuning import CaptionOptions, tune_captions
from clipfake.training.examples import read_examples
from clipfake.training.finetune import finetune
from clipfake.training.loop import LoopOptions
from clipfake.training.options import FinetuneOptions, Move, State
from clipfake.training.texture import Masking, Order

GENERATORS = ("sd14", "ldm", "cyclegan", "stylegan2", "gpt-image-2", "midjourney-v6")
WAYS = ("captions full", "captions LoRA", "both towers", "head alone", "encoder LoRA")
BATCH = 16


def chosen(manifest: str, split: str, images: int) -> tuple[list[Example], list[Example]]:
    """As many real images as of the six generators, and others' AI images; seed 0.

    Args:
        manifest: with the columns label, generator, source and split.
        split: ``train`` or ``val``.
        images: real and AI ones together.
    """
    rng = random.Random(0)
    per_generator = images // 2 // len(GENERATORS)
    real = [e for e in read_examples([manifest], is_ai=False) if e.split == split]
    fake = [e for e in read_examples([manifest], is_ai=True) if e.split == split]
    for some in (real, fake):
        rng.shuffle(some)
    own = [[e for e in fake if e.generator == name][:per_generator] for name in GENERATORS]
    known = [example for some in own for example in some]
    others = [e for e in fake if e.generator not in GENERATORS][: len(known)]
    return real[: len(known)] + known, others


def without_split(examples: Sequence[Example]) -> list[Example]:
    """The same, of which training itself holds some out."""
    return [Example(e.path, e.is_ai, e.generator, e.source) for e in examples]


class Clock:
    """Processor seconds of each training step."""

    def __init__(self) -> None:
        self._last = time.process_time()
        self.steps: list[float] = []

    def __call__(self, state: State) -> None:
        """Take up a step; the first of a phase has work of its own and is left out."""
        now = time.process_time()
        if state.phase == "training" and state.done > 1:
            self.steps.append(now - self._last)
        self._last = now


def trained(
    way: str, examples: list[Example], folder: Path, epochs: float
) -> tuple[Path, int, list[float]]:
    """Train one way: the adapter's file, numbers trained, and processor seconds of steps."""
    clock, out = Clock(), folder / "adapter.safetensors"
    captions, full = way not in ("head alone", "encoder LoRA"), way != "captions LoRA"
    rates = (1e-4, 2e-5) if not captions else (1e-5 if full else 1e-4, 1e-3)
    loop = LoopOptions(
        batch_size=BATCH,
        lora_rate=rates[0],
        head_rate=rates[1],
        masking=Masking(Order.NONE if captions else Order.RANDOM),
    )
    move = Move.HEAD if way == "head alone" else Move.ENCODER
    options = FinetuneOptions(move, loop, epochs=epochs, looks=1)
    if not captions:
        done = finetune(
            examples, load_backbone(), None, options, folder, name=way, show=clock
        ).outcome.adapter
        save_adapter(done, out)
        return out, _numbers(done), clock.steps
    tower = load_pair("ViT-B-16", str(_drawn_pair(folder))) if way == "both towers" else None
    result = tune_captions(
        examples,
        tower or load_backbone(),
        options,
        CaptionOptions(lora=not full),
        folder,
        name=way,
        show=clock,
    )
    adapter = result.outcome.adapter
    if result.model is not None:
        file = folder / "adapter.model.safetensors"
        save_model(result.model.tensors, result.model.traits, file)
        adapter = _on(adapter, result.model.architecture, file)
    save_adapter(adapter, out)
    return out, result.parameters, clock.steps


def _on(adapter: Adapter, architecture: str, file: Path) -> Adapter:
    digest = load_backbone(f"{architecture}/{file}").digest
    return replace(adapter, backbone=f"{architecture}/{file}", weights=digest)


def _numbers(adapter: Adapter) -> int:
    head = adapter.linear_head
    hidden = [head.hidden.weight, head.hidden.bias, head.hidden.out] if head.hidden else []
    tensors = [*adapter.lora.values(), head.weight, head.bias, *hidden]
    return sum(tensor.numel() for tensor in tensors)


def _drawn_pair(folder: Path) -> Path:
    """The package's image tower with a text tower of drawn weights."""
    import open_clip

    torch.manual_seed(0)
    tower = load_backbone()
    state = open_clip.create_model("ViT-B-16", force_quick_gelu=True).state_dict()
    own = {VISUAL + name: value for name, value in tower.visual.state_dict().items()}
    traits: Traits = traits_of(tower)
    save_model(state | own, traits, folder / "pair.safetensors")
    return folder / "pair.safetensors"


def measured(out: Path, val: list[Example], others: list[Example]) -> dict[str, float]:
    """AUC, accuracy and generators named right on images that no training has seen."""
    adapter = load_adapter(out)
    detector = Detector.load(out, backbone=adapter.backbone)
    tokens = _tokens(detector, val + others)
    scores = adapter.calibration(adapter.head(tokens))
    is_ai = np.array([example.is_ai for example in val])
    own, foreign = scores[: len(val)], scores[len(val) :]
    real = own[~is_ai]
    found = {
        "auc": float(roc_auc_score(is_ai, own)),
        "accuracy": float(((own[is_ai] >= 0.5).mean() + (real < 0.5).mean()) / 2),
        "auc_others": float(
            roc_auc_score([0] * len(real) + [1] * len(foreign), np.concatenate([real, foreign]))
        ),
    }
    if isinstance(adapter.head, CaptionHead):
        named = adapter.head.name_shares(tokens[: len(val)])[:, 1:].argmax(axis=1)
        names = adapter.head.names[1:]
        right = [names[n] == e.generator for n, e in zip(named, val, strict=True) if e.is_ai]
        found["named"] = float(np.mean(right))
    return found


def _tokens(detector: Detector, examples: Sequence[Example]) -> torch.Tensor:
    squares: list[npt.NDArray[np.uint8]] = [
        detector._views(example.path).square for example in examples
    ]
    return detector.tokens(torch.from_numpy(np.stack(squares)), detector.adapter.blocks)


def child(args: argparse.Namespace) -> dict[str, Any]:
    """Train and measure one way, in this process."""
    folder = Path(args.work) / args.way.replace(" ", "-")
    folder.mkdir(parents=True, exist_ok=True)
    train, _ = chosen(args.manifest, "train", args.images)
    val, others = chosen(args.manifest, "val", args.held_out)
    began, wall = time.process_time(), time.monotonic()
    out, parameters, steps = trained(args.way, without_split(train), folder, args.epochs)
    whole, took = time.process_time() - began, time.monotonic() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    found = measured(out, val, others)
    seconds = statistics.median(steps) / BATCH if steps else None
    cost = {"seconds": seconds, "whole": whole, "wall": took, "gib": peak}
    return {"way": args.way, "parameters": parameters, **cost, **found}


def main() -> None:
    """Train each way, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("manifest")
    parser.add_argument("--work", required=True)
    parser.add_argument("--images", type=int, default=240)
    parser.add_argument("--held-out", type=int, default=240)
    parser.add_argument("--epochs", type=float, default=2.0)
    parser.add_argument("--way", choices=WAYS, action="append")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        args.way = args.way[0]
        print(json.dumps(child(args)))
        return
    columns = ["way", "numbers trained", "s/image", "CPU s in all", "peak GiB", "AUC"]
    columns += ["right at 0.5", "generator right", "AUC, other generators"]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}", flush=True)
    for way in args.way or WAYS:
        command = [sys.executable, "-m", "benchmarks.captions", args.manifest, "--child"]
        command += ["--work", args.work, "--images", str(args.images), "--way", way]
        command += ["--held-out", str(args.held_out), "--epochs", str(args.epochs)]
        ended = subprocess.run(command, capture_output=True, text=True)
        if ended.returncode:
            print(f"{way}: {ended.stderr.strip().splitlines()[-1]}", flush=True)
            continue
        found = json.loads(ended.stdout.splitlines()[-1])
        seconds = "-" if found["seconds"] is None else f"{found['seconds']:.2f}"
        named = f"{found['named']:.1%}" if "named" in found else "-"
        print(
            f"| {way} | {found['parameters']:,} | {seconds} | {found['whole']:.0f} | "
            f"{found['gib']:.1f} | {found['auc']:.3f} | {found['accuracy']:.1%} | {named} | "
            f"{found['auc_others']:.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
