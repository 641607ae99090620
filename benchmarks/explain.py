"""Whether patch evidence earns its name: hiding the hottest patches against hiding any.

    python -m benchmarks.explain MANIFEST [--images 200] [--share 0.2] [--draws 10] [--seed 0]

MANIFEST has columns path, split, label; images of split val are drawn by chance, half of them AI's,
those of another form than normalised left out. Of each image the share of patches that speak most
for its class (that on whose side its logit lies) is hidden, then as many by chance, DRAWS times. It
prints on how many images the logit moves further towards the other class than it does by chance on
average, and how far.
"""

import argparse
import csv
import random
from pathlib import Path

import numpy as np
import torch

from clipfake.detector import Detector
from clipfake.detector.patch_evidence import hidden_logits, patch_evidence
from clipfake.imaging.decode import decode
from clipfake.imaging.limits import Limits


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--share", type=float, default=0.2)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    detector = Detector.load(precision="fp32")
    generator = torch.Generator().manual_seed(args.seed)
    moved: dict[str, list[tuple[float, float]]] = {"ai": [], "real": []}
    for path in _drawn(args.manifest, args.images, args.seed):
        data = path.read_bytes()
        pixels = torch.from_numpy(decode(data, detector.adapter.preprocessing, Limits()).pixels)
        evidence = torch.from_numpy(patch_evidence(detector, pixels[None])[0]).flatten()
        count = len(evidence)
        hidden = round(args.share * count)
        whole = hidden_logits(detector, pixels, torch.arange(count)[None])[0]
        side = 1.0 if whole > 0 else -1.0
        orders = [(side * evidence).argsort()]
        orders += [torch.randperm(count, generator=generator) for _ in range(args.draws)]
        kept = torch.stack([order[: count - hidden].sort().values for order in orders])
        left = side * (whole - hidden_logits(detector, pixels, kept))
        moved["ai" if side > 0 else "real"].append((float(left[0]), float(left[1:].mean())))
    every = moved["ai"] + moved["real"]
    for name, pairs in (("all", every), *moved.items()):
        hot, chance = (np.array(column) for column in zip(*pairs, strict=True))
        print(
            f"{name}: {np.mean(hot > chance):.1%} of {len(pairs)} images; the logit moves by "
            f"{hot.mean():.2f}, by chance {chance.mean():.2f}"
        )


def _drawn(manifest: Path, count: int, seed: int) -> list[Path]:
    with open(manifest, encoding="utf-8", newline="") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row["split"] == "val" and row.get("form", "normalised") == "normalised"
        ]
    random.Random(seed).shuffle(rows)
    chosen = []
    for label in ("fake", "real"):
        chosen += [row for row in rows if row["label"] == label][: count // 2]
    return [manifest.parent / row["path"] for row in chosen]


if __name__ == "__main__":
    main()
