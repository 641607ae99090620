"""Calibrate an adapter on split val, measure it, and keep the reference set of its tokens.

    python -m tools.set_default ADAPTER MANIFEST.csv --work FOLDER \
        --out ADAPTER.safetensors --reference REFERENCE.safetensors

MANIFEST.csv has columns path, split, label (real, fake) and source; of a column form only rows with
form=normalised are used. Calibration, operating points and the score below which an image is called
real are set on split val, whose tokens the reference set keeps. `--tower TUNED --share S` moves the
tower S of the way that the LoRA of another adapter moves it; the head stays. `--check MANIFEST.csv
FORM` prints figures of other images of split val at the thresholds set there.
"""

import argparse
import dataclasses
import hashlib
import json
from pathlib import Path

from clipfake.detector.adapter import Adapter
from clipfake.detector.adapter_file import load_adapter, save_adapter
from clipfake.detector.backbone import load_backbone
from clipfake.detector.detector import Detector
from clipfake.detector.reference import save_reference
from clipfake.training.interpolation import interpolate
from clipfake.training.validation import calibrate
from tools.split_val import figures, labels, read_rows, scored, shown_tokens


def moved(adapter: Adapter, tuned: Adapter, share: float) -> Adapter:
    """An adapter of the frozen tower, its tower moved a share of the way that a tuning moved it."""
    between = interpolate(adapter, dataclasses.replace(tuned, head=adapter.head), share)
    tower = {"lora_of": tuned.label, "share": share, **tuned.facts.get("training", {})}
    facts = {"training": {**adapter.facts["training"], "tower": tower}}
    return dataclasses.replace(between, name=adapter.name, facts=facts)


def main() -> None:
    """Calibrate, save, and print what the adapter does."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("adapter", type=Path)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--work", type=Path, required=True, help="folder for tokens")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--tower", type=Path, help="adapter whose LoRA moves the tower")
    parser.add_argument("--share", type=float, default=1.0, help="how far it does, 0..1")
    parser.add_argument("--name", help="of the adapter; its own by default")
    parser.add_argument(
        "--check", nargs=2, metavar=("MANIFEST", "FORM"), action="append", default=[]
    )
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    adapter = load_adapter(args.adapter)
    if args.tower:
        adapter = moved(adapter, load_adapter(args.tower), args.share)
    detector = Detector(load_backbone(adapter.backbone), adapter)
    val = [row for row in read_rows(args.manifest) if row["split"] == "val"]
    tokens = shown_tokens(detector, args.work, "val", [row["path"] for row in val]).float()
    logits = adapter.head(tokens)
    adapter = calibrate(adapter, [scored(logits, val)])
    metrics = {"split": "val", **figures(adapter, logits, val)}
    facts = {**adapter.facts, "metrics": metrics}
    save_adapter(
        dataclasses.replace(adapter, name=args.name or adapter.name, facts=facts), args.out
    )
    digest = hashlib.sha256(args.manifest.read_bytes()).hexdigest()
    save_reference(
        args.reference,
        tokens,
        labels(val),
        [row["source"] for row in val],
        adapter.backbone,
        adapter.blocks,
        lora=adapter.lora_digest,
        preprocessing=adapter.preprocessing,
        note=f"split val of the manifest {digest[:12]}",
    )
    print(json.dumps(facts, indent=2))
    for number, (manifest, form) in enumerate(args.check):
        checked = [r for r in read_rows(Path(manifest), form) if r["split"] == "val"]
        paths = [row["path"] for row in checked]
        found = shown_tokens(detector, args.work, f"check-{number}", paths)
        print(manifest, form, json.dumps(figures(adapter, adapter.head(found.float()), checked)))
    print(f"wrote {args.out}, {load_adapter(args.out).label}")


if __name__ == "__main__":
    main()
