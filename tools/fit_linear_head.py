"""Fit the default adapter: a logistic head on class tokens of frozen CLIP blocks.

    python tools/fit_linear_head.py MANIFEST.csv --out clipfake/assets/default-adapter.safetensors

The manifest has columns path, split (train, val), label (real, fake), generator and source,
and may have form (only rows with form=normalised are used). Class tokens of the named blocks
are layer-normalised, then standardised; each image is weighted by 1/sqrt(images of its
generator), both classes weigh the same. Two heads are fitted on split train, one on the images
as they are and one on these and on augmented passes over them; the mean of both, each scaled to
the same spread of logits on split train, is itself a linear head. Calibration, operating points
and the score below which an image is called real are set on split val.
"""

import argparse
import csv
import hashlib
import json
import random
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from torch.utils.data import DataLoader, Dataset

from clipfake.detector.adapter import Adapter, load_adapter, save_adapter
from clipfake.detector.backbone import EMBEDDED_BACKBONE, Backbone, load_backbone
from clipfake.detector.calibration import (
    REAL_BELOW_RECALL,
    Floats,
    fit_platt,
    operating_points,
    share_interval,
    threshold_at_recall,
)
from clipfake.detector.detector import Detector
from clipfake.detector.head import Head, normalise
from clipfake.imaging.decode import to_pixels
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.reader import ReadOptions, read_batches
from clipfake.scanning import default_workers
from clipfake.sources import Item
from clipfake.training.augment import augment

Rows = list[dict[str, str]]
Strings = npt.NDArray[np.str_]


def read_rows(manifest: Path) -> Rows:
    """Rows of the manifest that are used."""
    with manifest.open(newline="") as file:
        rows = [
            row for row in csv.DictReader(file) if row.get("form", "normalised") == "normalised"
        ]
    if not rows:
        raise SystemExit(f"{manifest}: no rows")
    return rows


def blank_adapter(backbone: Backbone, blocks: tuple[int, ...]) -> Adapter:
    """An adapter with a head of zeros, to read tokens through the scan's own path."""
    head = Head(torch.zeros(len(blocks), backbone.width), torch.zeros(1))
    preprocessing = Preprocessing(size=backbone.image_size)
    rule = fit_platt(np.array([-1.0, 1.0]), np.array([False, True]))
    return Adapter("blank", backbone.name, blocks, preprocessing, head, rule, (), 0.0, {})


def read_tokens(detector: Detector, folder: Path, rows: Rows) -> npt.NDArray[np.float32]:
    """Class tokens, float32 `[N, K, W]`, as a scan has them; an unreadable image ends the run."""
    parts = []
    batches = read_batches(
        (Item(str(folder / row["path"])) for row in rows),
        ReadOptions(detector.adapter.preprocessing),
        batch_size=detector.batch_size,
        workers=default_workers(),
    )
    for number, batch in enumerate(batches):
        errors = [record.error for record in batch.records if record.error]
        if errors or batch.pixels is None:
            raise SystemExit(f"unreadable: {errors}")
        parts.append(detector.tokens(batch.pixels, detector.adapter.blocks))
        if number % 50 == 0:
            print(f"{number * detector.batch_size} of {len(rows)} images", flush=True)
    return torch.cat(parts).numpy()


class AugmentedImages(Dataset[torch.Tensor]):
    """Squares of augmented images; chance depends on the pass and the file's name alone."""

    def __init__(self, folder: Path, rows: Rows, number: int, preprocessing: Preprocessing) -> None:
        self.folder, self.rows, self.number = folder, rows, number
        self.preprocessing = preprocessing

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> torch.Tensor:
        """The square of one image, uint8 `[3, S, S]`."""
        path = self.rows[index]["path"]
        with Image.open(self.folder / path) as image:
            changed = augment(image.convert("RGB"), random.Random(f"{self.number}:{path}"))
        return torch.from_numpy(to_pixels(changed, self.preprocessing)[0])


def read_augmented_tokens(
    detector: Detector, folder: Path, rows: Rows, number: int
) -> npt.NDArray[np.float32]:
    """Class tokens of an augmented pass, float32 `[N, K, W]`."""
    adapter = detector.adapter
    images = AugmentedImages(folder, rows, number, adapter.preprocessing)
    loader = DataLoader(images, batch_size=detector.batch_size, num_workers=default_workers())
    parts = []
    for step, pixels in enumerate(loader):
        parts.append(detector.tokens(pixels, adapter.blocks))
        if step % 50 == 0:
            print(f"pass {number}: {step * detector.batch_size} of {len(rows)} images", flush=True)
    return torch.cat(parts).numpy()


def weights(generators: Strings, is_ai: npt.NDArray[np.bool_]) -> Floats:
    """1/sqrt(images of the generator), scaled so that both classes weigh the same."""
    counts = Counter(generators.tolist())
    weight = np.array([counts[name] ** -0.5 for name in generators.tolist()])
    for label in (True, False):
        weight[is_ai == label] *= len(is_ai) / 2 / weight[is_ai == label].sum()
    return weight


def fit_head(
    tokens: npt.NDArray[np.float32], is_ai: npt.NDArray[np.bool_], weight: Floats, c: float
) -> Head:
    """Logistic regression on normalised, standardised tokens, the standardisation folded in."""
    flat = normalise(torch.from_numpy(tokens)).numpy().reshape(len(tokens), -1)
    mean, std = flat.mean(axis=0), flat.std(axis=0) + 1e-6
    model = LogisticRegression(C=c, max_iter=1000)
    model.fit((flat - mean) / std, is_ai, sample_weight=weight)
    coefficients = model.coef_[0] / std
    bias = float(model.intercept_[0] - coefficients @ mean)
    shaped = torch.from_numpy(coefficients.reshape(tokens.shape[1:]).astype(np.float32))
    return Head(shaped, torch.tensor([bias], dtype=torch.float32))


def mean_head(heads: list[Head], tokens: npt.NDArray[np.float32]) -> Head:
    """The mean of heads, each scaled so that its logits of these tokens spread by 1."""
    scales = [1.0 / (len(heads) * head(torch.from_numpy(tokens)).std()) for head in heads]
    weight = sum(scale * head.weight.double() for scale, head in zip(scales, heads, strict=True))
    bias = sum(scale * head.bias.double() for scale, head in zip(scales, heads, strict=True))
    return Head(torch.as_tensor(weight).float(), torch.as_tensor(bias).float())


def main() -> None:
    """Fit, calibrate, save, and print what the adapter does on split val."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--backbone", default=EMBEDDED_BACKBONE)
    parser.add_argument("--blocks", default="4-12", help="first-last, 1 is the first block")
    parser.add_argument("--passes", type=int, default=2, help="augmented passes over split train")
    parser.add_argument("--c", type=float, default=0.004, help="inverse strength of the L2 penalty")
    parser.add_argument("--name", default="linear-b4-12")
    args = parser.parse_args()

    rows = read_rows(args.manifest)
    first, last = map(int, args.blocks.split("-"))
    blocks = tuple(range(first, last + 1))
    backbone = load_backbone(args.backbone)
    detector = Detector(backbone, blank_adapter(backbone, blocks))
    tokens = read_tokens(detector, args.manifest.parent, rows)

    is_ai = np.array([row["label"] == "fake" for row in rows])
    is_val = np.array([row["split"] == "val" for row in rows])
    generators = np.array([row["generator"] for row in rows])
    sources = np.array([row["source"] for row in rows])
    train = ~is_val
    weight = weights(generators[train], is_ai[train])
    heads = [fit_head(tokens[train], is_ai[train], weight, args.c)]
    if args.passes:
        train_rows = [row for row, taken in zip(rows, train, strict=True) if taken]
        passes = [tokens[train]]
        for number in range(args.passes):
            passes.append(read_augmented_tokens(detector, args.manifest.parent, train_rows, number))
        # all augmented passes together weigh as much as the images as they are
        shares = [1.0, *[1.0 / args.passes] * args.passes]
        weight_of_all = np.concatenate([share / 2 * weight for share in shares])
        labels = np.tile(is_ai[train], len(passes))
        heads.append(fit_head(np.concatenate(passes), labels, weight_of_all, args.c))
    head = mean_head(heads, tokens[train])
    logits = head(torch.from_numpy(tokens[is_val]))
    platt = fit_platt(logits, is_ai[is_val])
    scores = platt(logits).astype(np.float32).astype(np.float64)
    points = operating_points(scores, is_ai[is_val], sources[is_val])
    real_below = threshold_at_recall(scores[is_ai[is_val]], REAL_BELOW_RECALL)
    decided_real = scores[~is_ai[is_val]] < real_below
    facts = {
        "training": {
            "manifest_sha256": hashlib.sha256(args.manifest.read_bytes()).hexdigest(),
            "images": {"real": int((train & ~is_ai).sum()), "ai": int((train & is_ai).sum())},
            "sources": len(set(sources[train].tolist())),
            "generators": len(set(generators[train & is_ai].tolist())),
            "method": f"logistic regression, C={args.c}, weights 1/sqrt(images of the generator), "
            f"mean of a head on the images and one on these and {args.passes} augmented passes",
            "precision": str(detector.precision),
        },
        "metrics": {
            "split": "val",
            "images": {"real": int((is_val & ~is_ai).sum()), "ai": int((is_val & is_ai).sum())},
            "auc": round(float(roc_auc_score(is_ai[is_val], scores)), 4),
            "reals_called_real": round(float(decided_real.mean()), 4),
            "reals_called_real_interval": share_interval(decided_real, sources[is_val & ~is_ai]),
        },
    }
    adapter = Adapter(
        args.name,
        backbone.name,
        blocks,
        detector.adapter.preprocessing,
        head,
        platt,
        tuple(points),
        real_below,
        facts,
    )
    save_adapter(adapter, args.out)
    print(json.dumps(facts, indent=2))
    for point in points:
        print(json.dumps(point.to_header()))
    print(f"wrote {args.out}, {load_adapter(args.out).label}")


if __name__ == "__main__":
    main()
