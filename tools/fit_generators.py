"""Fit the generator head of an adapter: which family of generators an image looks like.

    python -m tools.fit_generators MANIFEST.csv --adapter FILE --work FOLDER --out FILE

The manifest has columns path, label, generator, source and split, as `tools/add_images.py` writes
it, and may have full, a full-size original; with `--originals FOLDER --origins ORIGINS.csv` (key,
the stem of a path, and sha256) these are found by their sha256. Only AI images take part whose
generator is named. The head is fitted on split train, its confidence on answers of heads that had
not seen the source, or the whole family. Split val measures it, as it is and changed. OUT is the
adapter with the head; scores stay as they are.
"""

import argparse
import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from clipfake.attribution.families import Family
from clipfake.attribution.labels import family_of_label
from clipfake.detector.adapter_file import load_adapter, save_adapter
from clipfake.detector.detector import Detector
from clipfake.detector.generators import GeneratorHead
from clipfake.evaluation.attribution import Answers, answers_of, attributed, open_set
from clipfake.evaluation.perturbations import perturbation
from clipfake.training.generators import (
    Apart,
    GeneratorOptions,
    Labelled,
    Strings,
    fit_generators,
)
from tools.gather_images import Row, read_csv
from tools.split_val import shown_tokens

CHANGED = "resize-0.5+jpeg-75"


def main() -> None:
    """Compute tokens, fit, measure, save, and print what the head does."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--adapter", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--originals", type=Path, help="folder of files named by their sha256")
    parser.add_argument("--origins", type=Path, help="key and sha256 of the manifest's images")
    parser.add_argument("--passes", type=int, default=1, help="augmented passes over split train")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    rows = named_rows(args.manifest, args.originals, args.origins)
    train = [row for row in rows if row["split"] == "train"]
    val = [row for row in rows if row["split"] == "val"]
    adapter = load_adapter(args.adapter)
    detector = Detector.load(args.adapter)
    paths = [row["path"] for row in train]
    seen = [shown_tokens(detector, args.work, "generators-train", paths)]
    for number in range(1, 2 * args.passes, 2):  # odd ones are harsh
        name = f"generators-augmented-{number}"
        seen.append(shown_tokens(detector, args.work, name, paths, number))
    fitted = fit_generators(
        [labelled(tokens, adapter.blocks, train) for tokens in seen],
        GeneratorOptions(),
        lora=adapter.lora_digest,
    )
    head, paths = fitted.head, [row["path"] for row in val]
    found = {}
    for number in range(len(seen)):
        title = f"split train, by sources left out{', augmented' if number else ''}"
        found[title] = figures(head, fitted.apart, train, number)
    for title, name, change in (
        ("split val", "generators-val", None),
        (f"split val, {CHANGED}", "generators-val-changed", perturbation(CHANGED)),
    ):
        tokens = shown_tokens(detector, args.work, name, paths, change=change)
        found[title] = measured(head, labelled(tokens, adapter.blocks, val))
    head = dataclasses.replace(head, facts={**head.facts, "metrics": found})
    save_adapter(dataclasses.replace(adapter, generators=head), args.out)
    print(json.dumps(found, indent=2))
    print(f"wrote {args.out}, {load_adapter(args.out).label}")


def named_rows(manifest: Path, originals: Path | None, origins: Path | None) -> list[Row]:
    """AI images whose generator is named; paths absolute, of the full-size originals if at hand."""
    rows = []
    for row in full_size(manifest, originals, origins):
        if row["label"] != "fake":
            continue
        if (family := family_of_label(row["generator"])) is not None:
            rows.append({**row, "family": family.value})
    return rows


def full_size(manifest: Path, originals: Path | None, origins: Path | None) -> Iterator[Row]:
    """Rows of a manifest, their paths those of the full-size originals where these are at hand.

    A column ``small`` then has the path that the manifest gives.
    """
    digests = {} if origins is None else {r["key"]: r["sha256"] for r in read_csv(origins)}
    files = {} if originals is None else {file.stem: file for file in originals.iterdir()}
    folder = manifest.parent.resolve()
    for row in read_csv(manifest):
        if row.get("form", "normalised") == "normalised":
            key = Path(row["path"]).stem
            file = files.get(digests.get(key, key)) or row.get("full") or folder / row["path"]
            yield {**row, "path": str(file), "small": str(folder / row["path"])}


def labelled(tokens: torch.Tensor, blocks: tuple[int, ...], rows: Sequence[Row]) -> Labelled:
    """Tokens with what the images are."""
    families, generators, sources = (
        np.array([row[name] for row in rows], dtype=np.str_)
        for name in ("family", "generator", "source")
    )
    return Labelled(tokens, blocks, families, generators, sources)


def measured(head: GeneratorHead, data: Labelled) -> dict[str, Any]:
    """Figures of a head on images that it has not seen."""
    embedded = head.embed(data.tokens.float(), data.blocks)
    return told(answers_of(head, embedded, data.families, data.sources))


def figures(head: GeneratorHead, apart: Apart, rows: Sequence[Row], number: int) -> dict[str, Any]:
    """Figures of the answers of heads that had not seen the source, about one of the passes."""
    families = np.array([row["family"] for row in rows], dtype=np.str_)
    sources = np.array([row["source"] for row in rows], dtype=np.str_)

    def answers(part: Apart, truth: Strings, of: Strings) -> Answers:
        sure = np.where(part.named, head.sure(part.looks), 0.0)
        return Answers(truth, part.family, sure, sure >= head.least, of)

    shown = slice(number * len(rows), (number + 1) * len(rows))
    known = answers(apart.part(shown), families, sources)
    values = told(known)
    values["open set"] = {}
    for family, part in apart.unknown.items():
        own = families == family
        count = int(own.sum())
        part = part.part(slice(number * count, (number + 1) * count))
        strange = answers(part, families[own], sources[own])
        # of what is known, images of families that answers can name
        rest = known.part(~own & (families != Family.OTHER.value))
        auroc, oscr = open_set(rest, strange)
        values["open set"][family] = {
            "auroc": round(auroc, 3),
            "oscr": round(oscr, 3),
            "named": round(float(strange.given.mean()), 3),
        }
    return values


def told(answers: Answers) -> dict[str, Any]:
    """Figures of answers as JSON."""
    found = attributed(answers, draws=500)
    values: dict[str, Any] = {"images": found.images, "sources": found.sources}
    for name in ("accuracy", "macro_f1", "given", "precision", "coverage"):
        estimate = getattr(found, name)
        values[name] = [round(x, 3) for x in (estimate.value, estimate.low, estimate.high)]
    values["families"] = {
        row.family: {
            "images": row.images,
            "sources": row.sources,
            "recall": round(row.recall, 3),
            "precision": None if np.isnan(row.precision) else round(row.precision, 3),
            "given": round(row.given, 3),
            "wrong": round(row.wrong, 3),
        }
        for row in found.families
    }
    return values


if __name__ == "__main__":
    main()
