"""What few images of a generator bring for it, and what they cost elsewhere.

    python -m benchmarks.fewshot MANIFEST.csv --work FOLDER

MANIFEST is that of `tools/fit_default.py`; FOLDER keeps the tokens. For each of the generators of
split val that have most images, a head is fitted without any image of it. Then the head is
corrected by some of its images and as many real ones of one half of the sources of split val. The
gain is measured on the generator's other images, the loss on all other generators and on real
images of the other half. Thresholds are set as `clipfake finetune` does: at 1 % of real images on
the shots, each scored by a head that had not seen it, and on the first half, of which every other
source holds the correction back as the reference set does.
"""

import argparse
import dataclasses
from collections import Counter
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.ablation.rows import read_rows
from clipfake.detector.adapter import Adapter
from clipfake.detector.adapter_file import load_adapter
from clipfake.detector.backbone import load_backbone
from clipfake.detector.detector import Detector
from clipfake.training.fewshot import fit_few
from clipfake.training.heads import HeadOptions, fit_head
from clipfake.training.sampling import weights
from clipfake.training.tokens import cached_tokens
from clipfake.training.validation import Scored, calibrate

Rows = npt.NDArray[np.int64]
FIGURES = ("recall", "elsewhere recall", "elsewhere FPR", "elsewhere AUC")


class Images:
    """Tokens and labels of all images, split train first."""

    def __init__(self, manifest: Path, work: Path, base: Adapter) -> None:
        rows = sorted(read_rows(manifest), key=lambda row: row.example.split)
        self.examples = [row.example for row in rows]
        detector = Detector(load_backbone(base.backbone), base)
        parts = [
            cached_tokens(
                detector, [e.path for e in self.examples if e.split == split], work / name
            )
            for split, name in (("train", "as-given.npy"), ("val", "val.npy"))
        ]
        self.tokens = torch.cat(parts)
        self.is_ai = np.array([example.is_ai for example in self.examples])
        self.is_val = np.array([example.split == "val" for example in self.examples])
        self.generators = np.array([example.generator for example in self.examples])
        self.sources = np.array([f"{e.is_ai}:{e.source}" for e in self.examples])

    def scored(self, adapter: Adapter, rows: Rows) -> Scored:
        """Logits of some images."""
        logits = adapter.head(self.tokens[rows].float())
        return Scored(logits, self.is_ai[rows], self.sources[rows])


def without(images: Images, base: Adapter, generator: str, members: int) -> Adapter:
    """The adapter with a head that never saw a generator, calibrated without it too."""
    kept = ~(images.is_ai & (images.generators == generator))
    train = np.flatnonzero(kept & ~images.is_val)
    head = fit_head(
        [images.tokens[train]],
        images.is_ai[train],
        weights([images.examples[row] for row in train]),
        HeadOptions(members=members),
    )
    adapter = dataclasses.replace(base, head=head).as_stored()
    return calibrate(adapter, [images.scored(adapter, np.flatnonzero(kept & images.is_val))])


def draw(
    images: Images, start: Adapter, generator: str, shots: int, seed: int
) -> tuple[list[float], list[float]]:
    """Figures before and after a correction by ``shots`` images of each class."""
    rng = np.random.default_rng([seed, shots])
    own = rng.permutation(np.flatnonzero(images.is_ai & (images.generators == generator)))
    others = np.flatnonzero(images.is_val & ~(images.is_ai & (images.generators == generator)))
    names = np.unique(images.sources[others])
    first = np.isin(images.sources[others], rng.permutation(names)[: len(names) // 2])
    known, elsewhere = others[first], others[~first]
    reals = rng.permutation(known[~images.is_ai[known]])[:shots]
    taken = np.concatenate([own[:shots], reals])
    known, rest = np.setdiff1d(known, reals), own[shots:]
    guarded = np.isin(images.sources[known], np.unique(images.sources[known])[::2])
    fitted = fit_few(
        images.tokens[taken].float(),
        [images.examples[row] for row in taken],
        start.linear_head,
        start.calibration,
        known=images.tokens[known[guarded]].float(),
        seed=seed,
    )
    tuned = dataclasses.replace(start, head=fitted.head)
    shown = Scored(fitted.logits, images.is_ai[taken], images.sources[taken])
    tuned = calibrate(tuned, [shown, images.scored(tuned, known)])

    def measure(adapter: Adapter) -> list[float]:
        threshold = adapter.rule().threshold
        scores = adapter.calibration(adapter.head(images.tokens[rest].float()))
        there = images.scored(adapter, elsewhere).compare(adapter)
        return [float((scores >= threshold).mean()), there.recall, there.fpr, there.auc]

    return measure(start), measure(tuned)


def main() -> None:
    """Print a Markdown table, a row for each generator and number of shots."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--generators", type=int, default=5)
    parser.add_argument("--shots", type=int, nargs="+", default=[8, 16, 64])
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--members", type=int, default=HeadOptions().members)
    args = parser.parse_args()
    base = load_adapter()
    images = Images(args.manifest, args.work, base)
    in_val = set(images.generators[images.is_val & images.is_ai].tolist())
    counts = Counter(name for name in images.generators[images.is_ai].tolist() if name in in_val)
    print(f"median of {args.draws} draws; before -> after\n")
    print("| generator | images | shots | " + " | ".join(FIGURES) + " |")
    print("|---" * (3 + len(FIGURES)) + "|")
    for generator, count in counts.most_common(args.generators):
        start = without(images, base, generator, args.members)
        for shots in args.shots:
            if count < shots + 8:
                continue
            drawn = [draw(images, start, generator, shots, seed) for seed in range(args.draws)]
            cells = []
            for number, figure in enumerate(FIGURES):
                before, after = (median(d[side][number] for d in drawn) for side in (0, 1))
                digits = ".3f" if figure.endswith("AUC") else ".1%"
                cells.append(f"{before:{digits}} -> {after:{digits}}")
            print(f"| {generator} | {count} | {shots} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
