"""Fit the default adapter's head, calibrate it, and keep the reference set.

    python tools/fit_default.py MANIFEST.csv --work FOLDER --out ADAPTER.safetensors

The manifest has columns path, split (train, val), label (real, fake), generator and source; it may
have form (only rows with form=normalised are used) and full (a full-size original of the image,
or empty), as `tools/gather_images.py` writes it. The head has hidden units. It is the mean of
networks fitted on class tokens of split train, half of them on images as they are and at full size,
half on augmented ones too; which of these an image is shown as, chance decides in each epoch.
`--tower ADAPTER` computes the tokens with the LoRA of a tuned adapter. Calibration, operating
points and the score below which an image is called real are set on split val, whose tokens
`--reference` keeps. `--check MANIFEST.csv FORM` prints figures of other images of split val at the
thresholds set there. Tokens are kept in the work folder, so that a second run takes a minute.
"""

import argparse
import csv
import dataclasses
import hashlib
import json
import time
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from clipfake.detector.adapter import Adapter, load_adapter, save_adapter
from clipfake.detector.backbone import load_backbone
from clipfake.detector.calibration import Floats, Platt, expected_calibration_error
from clipfake.detector.detector import Detector
from clipfake.detector.head import Head
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.sources.labelled import Example
from clipfake.training.heads import HeadOptions, fit_head, mean_head
from clipfake.training.reference import save_reference
from clipfake.training.sampling import weights
from clipfake.training.tokens import cached_tokens
from clipfake.training.validation import Scored, as_scanned, calibrate
from clipfake.workers import default_workers

Rows = list[dict[str, str]]
Bools = npt.NDArray[np.bool_]


def read_rows(manifest: Path, form: str = "normalised") -> Rows:
    """Rows of a form, or all where there is no such column; their paths made absolute."""
    folder = manifest.parent.resolve()
    with manifest.open(newline="") as file:
        rows = [
            {**row, "path": str(folder / row["path"])}
            for row in csv.DictReader(file)
            if row.get("form", form) == form
        ]
    if not rows:
        raise SystemExit(f"{manifest}: no rows")
    return rows


def labels(rows: Rows) -> Bools:
    """True for AI."""
    return np.array([row["label"] == "fake" for row in rows])


def blank(tower: Adapter | None, backbone_name: str, blocks: tuple[int, ...]) -> Adapter:
    """An adapter whose head is still to be fitted."""
    backbone = load_backbone(backbone_name)
    head = Head(torch.zeros(len(blocks), backbone.width), torch.zeros(1))
    preprocessing = Preprocessing(size=backbone.image_size)
    adapter = Adapter("", backbone.name, blocks, preprocessing, head, Platt(), (), 0.0, {})
    if tower is None:
        return adapter
    return dataclasses.replace(adapter, lora_shape=tower.lora_shape, lora=tower.lora)


def scored(logits: Floats, rows: Rows) -> Scored:
    """Logits with what the images are."""
    return Scored(logits, labels(rows), np.array([row["source"] for row in rows]))


def figures(adapter: Adapter, logits: Floats, rows: Rows) -> dict[str, object]:
    """What the adapter does on some images, at its own operating point."""
    found = scored(logits, rows).compare(adapter)
    error = expected_calibration_error(as_scanned(adapter.calibration(logits)), labels(rows))
    return {
        "images": {"real": found.images[0], "ai": found.images[1]},
        "auc": round(found.auc, 4),
        "recall": round(found.recall, 4),
        "fpr": round(found.fpr, 4),
        "fpr_interval": [round(share, 4) for share in found.fpr_interval],
        "ece": round(error, 4),
    }


def main() -> None:
    """Compute tokens, fit, calibrate, save, and print what the adapter does."""
    defaults = HeadOptions()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--reference", type=Path, help="reference set to write, .safetensors")
    parser.add_argument("--tower", type=Path, help="adapter whose LoRA computes the tokens")
    parser.add_argument("--backbone", default="ViT-B-16/openai")
    parser.add_argument("--blocks", default="4-12", help="first-last, 1 is the first block")
    parser.add_argument("--passes", type=int, default=1, help="augmented passes over split train")
    parser.add_argument("--members", type=int, default=2, help="networks of each half")
    parser.add_argument("--units", type=int, default=defaults.units)
    parser.add_argument("--epochs", type=float, default=defaults.epochs)
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument(
        "--check", nargs=2, metavar=("MANIFEST", "FORM"), action="append", default=[]
    )
    parser.add_argument("--name", default="hidden-b4-12")
    args = parser.parse_args()
    started = time.monotonic()
    args.work.mkdir(parents=True, exist_ok=True)
    rows = read_rows(args.manifest)
    train = [row for row in rows if row["split"] == "train"]
    val = [row for row in rows if row["split"] == "val"]
    first, last = map(int, args.blocks.split("-"))
    tower = load_adapter(args.tower) if args.tower else None
    adapter = blank(tower, args.backbone, tuple(range(first, last + 1)))
    detector = Detector(load_backbone(args.backbone), adapter)

    def tokens(name: str, paths: list[str], augmentation: int | None = None) -> torch.Tensor:
        def show(done: int, total: int) -> None:
            if done % (50 * detector.batch_size) == 0 or done == total:
                minutes = (time.monotonic() - started) / 60
                print(f"{minutes:6.1f} min, {name}: {done} of {total} images", flush=True)

        file = args.work / f"{name}.npy"
        workers = default_workers()
        return cached_tokens(
            detector, paths, file, augmentation=augmentation, workers=workers, show=show
        )

    paths = [row["path"] for row in train]
    clean = [tokens("as-given", paths)]
    originals = {at: row["full"] for at, row in enumerate(train) if row.get("full")}
    if originals:
        clean.append(clean[0].clone())
        clean[1][list(originals)] = tokens("full-size", list(originals.values()))
    augmented = []
    for number in range(args.passes):
        # even passes start from the full-size originals, odd ones (harsh) from images as given
        start = paths if number % 2 else [row.get("full") or row["path"] for row in train]
        augmented.append(tokens(f"augmented-{number}", start, number))

    examples = [
        Example(r["path"], r["label"] == "fake", r["generator"], r["source"]) for r in train
    ]
    options = HeadOptions(
        members=args.members, units=args.units, epochs=args.epochs, seed=args.seed
    )
    fitted = [
        fit_head(seen, labels(train), weights(examples), options)
        for seen in ([clean, clean + augmented] if augmented else [clean])
    ]
    head = mean_head(fitted)
    adapter = dataclasses.replace(adapter, name=args.name, head=head).as_stored()
    val_tokens = tokens("val", [row["path"] for row in val]).float()
    val_logits = adapter.head(val_tokens)
    adapter = calibrate(adapter, [scored(val_logits, val)])
    facts = {
        "training": {
            "manifest_sha256": hashlib.sha256(args.manifest.read_bytes()).hexdigest(),
            "images": dict(Counter(row["label"] for row in train)),
            "full_size": len(originals),
            "sources": len({row["source"] for row in train}),
            "generators": len({r["generator"] for r in train if r["label"] == "fake"}),
            "method": "hidden units on class tokens: the mean of a head fitted on images as they "
            "are and at full size, and of one fitted on these and augmented passes",
            "passes": args.passes,
            "head": dataclasses.asdict(options),
            "tower": tower.facts.get("training") if tower else "frozen",
            "precision": str(detector.precision),
        },
        "metrics": {"split": "val", **figures(adapter, val_logits, val)},
    }
    adapter = dataclasses.replace(adapter, facts=facts)
    save_adapter(adapter, args.out)
    if args.reference:
        save_reference(
            args.reference,
            val_tokens,
            labels(val),
            [row["source"] for row in val],
            adapter.backbone,
            adapter.blocks,
            lora=adapter.lora_digest,
            preprocessing=adapter.preprocessing,
            note=f"split val of the manifest {facts['training']['manifest_sha256'][:12]}",
        )
    print(json.dumps(facts, indent=2))
    for number, (manifest, form) in enumerate(args.check):
        checked = [r for r in read_rows(Path(manifest), form) if r["split"] == "val"]
        found = tokens(f"check-{number}", [row["path"] for row in checked])
        print(manifest, form, json.dumps(figures(adapter, adapter.head(found.float()), checked)))
    print(f"wrote {args.out}, {load_adapter(args.out).label}")


if __name__ == "__main__":
    main()
