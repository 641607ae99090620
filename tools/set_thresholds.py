"""Set calibration and thresholds of both looks of an adapter, on images that its head never saw.

    python -m tools.set_thresholds ADAPTER MANIFEST.csv --originals FOLDER --origins ORIGINS.csv \
        --work FOLDER --out ADAPTER.safetensors --reference REFERENCE.safetensors

The manifest has columns path, split, label (real, fake), generator and source, as
`tools/add_images.py` writes it; full-size originals are found as `tools/fit_generators.py` finds
them. Rows of the splits val, unseen and thresholds are used: neither the head nor the tower may
have been fitted on an image of their sources. With `--folds N` the head may have been fitted on
those of split thresholds, and real images of split train, at most 32 of a source, take part as
well: all these are scored by the head that `tools/fit_default.py` fitted without the fold of their
source. The tower was tuned on images of split train. It moves logits of real ones among them
further down than those of others; by the difference of the two means they are raised again, those
of each look by its own. A threshold is the lowest one whose false-positive rate has its upper 95 %
bound at the stated rate. Head and tower stay as they are. Real images of the kinds `--apart` are
measured and bear on nothing: what a generative network has redrawn is neither a photograph nor made
up. Tokens are kept in the work folder, and `logits.csv`, what each image got. The reference set
keeps tokens of both looks at a third of the sources of split val.
"""

import argparse
import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from clipfake.detector.adapter import Adapter
from clipfake.detector.adapter_file import load_adapter, save_adapter
from clipfake.detector.calibration import Floats, expected_calibration_error
from clipfake.detector.looks import Looks
from clipfake.detector.reference import save_reference
from clipfake.training.promise import Reals, coverage, promise
from clipfake.training.validation import Scored, as_scanned
from tools.fit_default import fold_file, unset
from tools.fit_generators import full_size
from tools.gather_images import Row
from tools.held_out import HeldOut, part
from tools.split_val import Bools, labels


def main() -> None:
    """Compute tokens, set thresholds, save, and print what they do."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("adapter", type=Path)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--originals", type=Path, help="folder of files named by their sha256")
    parser.add_argument("--origins", type=Path, help="key and sha256 of the manifest's images")
    parser.add_argument("--work", type=Path, required=True, help="folder for tokens")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--folds", type=int, default=0, help="heads of folds beside the adapter")
    parser.add_argument("--apart", nargs="*", default=(), help="kinds that bear on no threshold")
    parser.add_argument("--name", help="of the adapter; its own by default")
    args = parser.parse_args()
    every = list(full_size(args.manifest, args.originals, args.origins))
    adapter = load_adapter(args.adapter)
    known = adapter.second_look
    second = unset(adapter, None if known is None else known.head)
    adapter = dataclasses.replace(
        adapter, name=args.name or adapter.name, second=second, digest=""
    ).as_stored()
    args.work.mkdir(parents=True, exist_ok=True)
    folds = [load_adapter(fold_file(args.adapter, number)) for number in range(args.folds)]
    images = HeldOut(every, adapter, folds, args.work, args.apart)
    counted = images.counted
    evidence = part(images.scored, counted)
    adapter = promise(adapter, evidence, images.weights[counted])
    digest = hashlib.sha256(args.manifest.read_bytes()).hexdigest()
    facts = {**adapter.facts, "metrics": figures(adapter, evidence, images.unseen[counted], digest)}
    facts["metrics"]["false_positives"] = by_kind(adapter, images.scored, images.kinds)
    facts["metrics"]["apart"] = sorted(set(images.kinds[~counted].tolist()))
    if folds:
        facts["metrics"]["folds"] = {"number": len(folds), "logits": images.shift}
    save_adapter(dataclasses.replace(adapter, facts=facts), args.out)
    images.write(args.work / "logits.csv")
    keep_reference(args.reference, adapter, images.seen(), images.rows, digest)
    print(json.dumps(facts["metrics"], indent=2))
    print(f"wrote {args.out}, {load_adapter(args.out).label}")


def figures(adapter: Adapter, evidence: Scored, unseen: Bools, manifest: str) -> dict[str, Any]:
    """What the thresholds do to the images that they were set on, by looks.

    Ranks, recall and calibration are those of images whose sources neither head nor tower saw.

    Args:
        adapter: with its thresholds.
        evidence: logits of both looks.
        unseen: ``[N]``, which these are.
        manifest: sha256 of the manifest, hex.
    """
    real, sources = ~evidence.is_ai, evidence.sources
    found: dict[str, Any] = {
        "manifest_sha256": manifest,
        "images": {"real": int(real.sum()), "ai": int((~real).sum())},
        "sources": {
            "real": len(np.unique(sources[real])),
            "ai": len(np.unique(sources[~real])),
        },
    }
    for looks in Looks:
        scores = scores_of(adapter, evidence, looks)
        rule = adapter.rule(looks=looks)
        own = real & unseen if looks is Looks.ALL else real  # of others not all have this score
        auc = Scored(scores[unseen], evidence.is_ai[unseen], sources[unseen]).auc
        found[looks.value] = {
            "auc": round(auc, 4),
            "recall": round(float((scores[~real] >= rule.threshold).mean()), 4),
            "fpr_unseen": round(float((scores[real & unseen] >= rule.threshold).mean()), 4),
            "ece": round(expected_calibration_error(scores[unseen], evidence.is_ai[unseen]), 4),
            "promise_broken": broken(scores[own], sources[own]),
            # a half is a sample, too: what breaks were each image a source of its own
            "broken_by_chance": broken(scores[own], np.arange(own.sum()).astype(np.str_)),
        }
    return found


def broken(scores: Floats, sources: npt.NDArray[np.str_]) -> dict[str, float]:
    """How often a promise breaks, of real images, at two rates."""
    return {f"{fpr:g}": coverage(scores, sources, fpr) for fpr in (0.05, 0.01)}


def by_kind(
    adapter: Adapter, evidence: Scored, kinds: npt.NDArray[np.str_]
) -> dict[str, dict[str, Any]]:
    """How many real images of each kind ``auto`` accuses at the default operating point.

    Args:
        adapter: with its thresholds.
        evidence: logits of both looks.
        kinds: ``[N]``.
    """
    real, sources, found = ~evidence.is_ai, evidence.sources, {}
    scores = scores_of(adapter, evidence, Looks.AUTO)
    threshold = adapter.rule(looks=Looks.AUTO).threshold
    for kind in np.unique(kinds[real]).tolist():
        own = real & (kinds == kind)
        rate = Reals(scores[own], sources[own]).rate(threshold)
        found[kind] = {
            "images": rate.images,
            "sources": len(np.unique(sources[own])),
            "accused": rate.accused,
            "upper": round(rate.upper, 4),
        }
    return found


def scores_of(adapter: Adapter, evidence: Scored, looks: Looks) -> Floats:
    """Scores that a scan gives.

    Args:
        adapter: with its thresholds.
        evidence: logits of both looks.
        looks: that are taken.
    """
    first, second = as_scanned(adapter.calibration(evidence.logits)), adapter.second_look
    if looks is Looks.FIRST or second is None or evidence.second is None:
        return first
    taken, again = ~np.isnan(evidence.second), np.full(len(first), np.nan)
    again[taken] = as_scanned(second.calibration(evidence.second[taken]))
    return second.chosen(first, again) if looks is Looks.AUTO else again


def keep_reference(
    path: Path, adapter: Adapter, seen: Sequence[torch.Tensor], rows: Sequence[Row], manifest: str
) -> None:
    """Keep tokens of every third source of split val, for corrections by few images."""
    val = [row for row in rows if row["split"] == "val"]
    taken = set(sorted({row["source"] for row in val})[::3])
    own = [n for n, row in enumerate(rows) if row["split"] == "val" and row["source"] in taken]
    first, tiles = (tokens[own].float() for tokens in seen)
    kept = [rows[number] for number in own]
    save_reference(
        path,
        first,
        labels(kept),
        [row["source"] for row in kept],
        adapter.backbone,
        adapter.blocks,
        lora=adapter.lora_digest,
        preprocessing=adapter.preprocessing,
        note=f"a third of the sources of split val of the manifest {manifest[:12]}, full size",
        tiles=tiles,
    )


if __name__ == "__main__":
    main()
