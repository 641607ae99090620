"""Fit a head for the default adapter on tokens of the frozen tower, or of a tuned one.

    python -m tools.fit_default MANIFEST.csv --work FOLDER --out ADAPTER.safetensors

The manifest has columns path, split (train, val), label (real, fake), generator and source; it may
have form (only rows with form=normalised are used) and full (a full-size original of the image,
or empty), as `tools/gather_images.py` writes it. The head has hidden units. It is the mean of
networks fitted on class tokens of split train, half of them on images as they are and at full size,
half on augmented ones too; which of these an image is shown as, chance decides in each epoch.
`--tower ADAPTER` computes the tokens with the LoRA of a tuned adapter. Calibration and thresholds
are set on split val. Tokens are kept in the work folder, so that a second run takes minutes.
"""

import argparse
import dataclasses
import hashlib
import json
from collections import Counter
from pathlib import Path

import torch

from clipfake.detector.adapter import Adapter
from clipfake.detector.adapter_file import load_adapter, save_adapter
from clipfake.detector.backbone import load_backbone
from clipfake.detector.calibration import Platt
from clipfake.detector.detector import Detector
from clipfake.detector.head import Head
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.sources.labelled import Example
from clipfake.training.heads import HeadOptions, fit_head, mean_head
from clipfake.training.sampling import weights
from clipfake.training.validation import calibrate
from tools.split_val import figures, labels, read_rows, scored, shown_tokens


def blank(tower: Adapter | None, backbone_name: str, blocks: tuple[int, ...]) -> Adapter:
    """An adapter whose head is still to be fitted."""
    backbone = load_backbone(backbone_name)
    head = Head(torch.zeros(len(blocks), backbone.width), torch.zeros(1))
    preprocessing = Preprocessing(size=backbone.image_size)
    adapter = Adapter("", backbone.name, blocks, preprocessing, head, Platt(), (), 0.0, {})
    if tower is None:
        return adapter
    return dataclasses.replace(adapter, lora_shape=tower.lora_shape, lora=tower.lora)


def main() -> None:
    """Compute tokens, fit, calibrate, save, and print what the adapter does."""
    defaults = HeadOptions()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tower", type=Path, help="adapter whose LoRA computes the tokens")
    parser.add_argument("--backbone", default="ViT-B-16/openai")
    parser.add_argument("--blocks", default="4-12", help="first-last, 1 is the first block")
    parser.add_argument("--passes", type=int, default=1, help="augmented passes over split train")
    parser.add_argument("--members", type=int, default=2, help="networks of each half")
    parser.add_argument("--units", type=int, default=defaults.units)
    parser.add_argument("--epochs", type=float, default=defaults.epochs)
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--name", default="hidden-b4-12")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    rows = read_rows(args.manifest)
    train = [row for row in rows if row["split"] == "train"]
    val = [row for row in rows if row["split"] == "val"]
    first, last = map(int, args.blocks.split("-"))
    tower = load_adapter(args.tower) if args.tower else None
    adapter = blank(tower, args.backbone, tuple(range(first, last + 1)))
    detector = Detector(load_backbone(args.backbone), adapter)

    def tokens(name: str, paths: list[str], augmentation: int | None = None) -> torch.Tensor:
        return shown_tokens(detector, args.work, name, paths, augmentation)

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
    val_logits = adapter.head(tokens("val", [row["path"] for row in val]).float())
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
    print(json.dumps(facts, indent=2))
    print(f"wrote {args.out}, {load_adapter(args.out).label}")


if __name__ == "__main__":
    main()
