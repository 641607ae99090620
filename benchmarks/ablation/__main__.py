"""Run the rows that are not in the results yet, or print the results as a table.

    python -m benchmarks.ablation MANIFEST --work FOLDER --out results.csv
    python -m benchmarks.ablation --table results.csv
    python -m benchmarks.ablation --work FOLDER --paired lora-random lora-tam

The manifest has columns path, split (train, val), label (real, fake), generator and source; rows
whose form is not normalised are left out. A run may be broken off: rows that are finished are in
the results, and are not run again for the same data and options. Logits of every row are kept in
the work folder, in the order of its evaluation.csv.
"""

import argparse
import csv
import dataclasses
import hashlib
import json
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import torch

from clipfake.detector.adapter import Adapter
from clipfake.detector.backbone import Backbone, load_backbone
from clipfake.detector.calibration import Platt
from clipfake.detector.detector import Detector
from clipfake.detector.head import Head
from clipfake.errors import ClipfakeError
from clipfake.evaluation import measures
from clipfake.evaluation.intervals import Estimate, Floats, bootstrap
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.sources.labelled import Example
from clipfake.training.examples import take_shots, usable
from clipfake.training.loop import LoopOptions
from clipfake.training.options import FinetuneOptions
from clipfake.training.store import ImageStore, build_store, open_store
from clipfake.training.validation import Part

from .configurations import BLOCKS, ROWS, START, AnyRow, FrozenRow
from .evaluation import Evaluation
from .frozen import FittedHead, FrozenTower
from .paired import paired
from .parts import HELD_OUT, hold_out
from .results import Result, append_result, read_results, table
from .rows import read_rows
from .tuned import tune

_FPR = 0.01


def main() -> None:
    """Run, or print."""
    args = _parser().parse_args()
    if args.table:
        print(table(read_results(args.table)))
        return
    if args.paired and args.work:
        _print_paired(args.work, *args.paired)
        return
    if args.manifest is None or args.work is None or args.out is None:
        sys.exit("give a manifest, --work and --out, or --table")
    args.work.mkdir(parents=True, exist_ok=True)
    try:
        ablation = Ablation(args)
        for seed in args.seeds:
            for name in args.rows:
                if ROWS[name].by_chance or seed == args.seeds[0]:
                    ablation.run(ROWS[name], seed)
    except ClipfakeError as error:
        sys.exit(str(error))


class Ablation:
    """The data, cut once, and the rows that are run on it."""

    def __init__(self, args: argparse.Namespace) -> None:
        """Choose the parts, decode the training images."""
        self._args = args
        parts = hold_out(
            [row.example for row in read_rows(args.manifest)],
            args.holdout_generators,
            args.evaluation,
        )
        self._evaluation = Evaluation(parts.evaluation, Preprocessing(), _say)
        chosen = take_shots(parts.train, args.images // 2, seed=0) if args.images else parts.train
        store = _store(chosen, args.work, args.workers)
        rows = [
            row
            for row in usable(chosen, store)[0]
            if store.images[row].sha256 not in self._evaluation.digests
        ]
        self._train = Part.of(chosen, store, rows)
        self._backbone = load_backbone()
        blank = Head(torch.zeros(len(BLOCKS), self._backbone.width), torch.zeros(1))
        self._start = _adapter(self._backbone, blank)
        detector = Detector(self._backbone, self._start, device=args.device)
        self._tower = FrozenTower(
            detector,
            self._train.examples,
            self._evaluation,
            args.work,
            passes=args.passes,
            workers=args.workers,
            say=_say,
        )
        self._start_head = cache(lambda seed: self._tower.fit(START, seed))
        self._list_evaluation()
        ai, measured = int(self._train.is_ai.sum()), self._evaluation.is_ai
        _say(
            f"training on {ai} AI and {len(self._train.is_ai) - ai} real images, measured on "
            f"{int(measured.sum())} AI and {int((~measured).sum())} real ones"
        )

    def run(self, row: AnyRow, seed: int) -> None:
        """Train and measure a row, unless the results hold it."""
        setting = self._setting(row)
        if (row.name, seed, setting) in {r.key for r in read_results(self._args.out)}:
            _say(f"{row.name}, seed {seed}: is there")
            return
        if isinstance(row, FrozenRow):
            if row.images is not None and row.images > len(self._train.examples):
                _say(f"{row.name}: passed over, there are only {len(self._train.examples)} images")
                return
            fitted = self._start_head(seed) if row == START else self._tower.fit(row, seed)
            plain = self._tower.logits(row, fitted.head, degraded=False)
            degraded = self._tower.logits(row, fitted.head, degraded=True)
        else:
            start = dataclasses.replace(self._start, head=self._start_head(seed).head)
            options = FinetuneOptions(
                loop=dataclasses.replace(self._loop(), seed=seed),
                rank=self._args.rank,
                workers=self._args.workers,
                device=self._args.device,
            )
            tuned = tune(row, start, self._backbone, self._train, options, _say)
            images = len(self._train.examples)
            fitted = FittedHead(
                tuned.adapter.linear_head, images, tuned.seen, tuned.parameters, tuned.seconds
            )
            plain, degraded = (
                self._evaluation.logits(
                    self._backbone, tuned.adapter, self._args.device, degraded=degraded
                )
                for degraded in (False, True)
            )
        self._keep(row, seed, setting, fitted, plain, degraded)

    def _keep(
        self,
        row: AnyRow,
        seed: int,
        setting: str,
        fitted: FittedHead,
        plain: Floats,
        degraded: Floats,
    ) -> None:
        folder = self._args.work / "logits"
        folder.mkdir(exist_ok=True)
        np.savez(folder / f"{row.name}-{seed}-{setting}.npz", plain=plain, degraded=degraded)
        is_ai, sources = self._evaluation.is_ai, self._evaluation.sources

        def estimate(measure: Callable[..., float], logits: Floats, *more: float) -> Estimate:
            return bootstrap(lambda times: [measure(logits, is_ai, times, *more)], is_ai, sources)[
                0
            ]

        area = estimate(measures.auc, plain)
        recall = estimate(measures.recall_at_fpr, plain, _FPR)
        area_degraded = estimate(measures.auc, degraded)
        result = Result(
            row=row.name,
            seed=seed,
            setting=setting,
            auc=area.value,
            auc_low=area.low,
            auc_high=area.high,
            recall=recall.value,
            recall_low=recall.low,
            recall_high=recall.high,
            auc_degraded=area_degraded.value,
            auc_degraded_low=area_degraded.low,
            auc_degraded_high=area_degraded.high,
            seconds=round(fitted.seconds, 1),
            images=fitted.images,
            images_seen=fitted.seen,
            parameters=fitted.parameters,
            ai=int(is_ai.sum()),
            real=int((~is_ai).sum()),
        )
        append_result(self._args.out, result)
        _say(f"{row.name}, seed {seed}: AUC {area.value:.4f}, recall {recall.value:.1%}")

    def _loop(self) -> LoopOptions:
        return LoopOptions(
            steps=self._args.steps,
            batch_size=self._args.batch,
            lora_rate=self._args.lora_rate,
            head_rate=self._args.head_rate,
            average=self._args.average,
        )

    def _setting(self, row: AnyRow) -> str:
        """Digest of the data, and for tuned rows one of the options that all of them share."""
        detector = self._tower.detector
        data = _digest(
            [example.path for example in self._train.examples],
            [example.path for example in self._evaluation.examples],
            detector.backbone.digest,
            str(detector.precision),
            self._args.passes,
        )
        if isinstance(row, FrozenRow):
            return data
        return f"{data}-{_digest(repr(self._loop()), self._args.rank)}"

    def _list_evaluation(self) -> None:
        with (self._args.work / "evaluation.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["path", "label", "generator", "source"])
            for e in self._evaluation.examples:
                writer.writerow([e.path, "fake" if e.is_ai else "real", e.generator, e.source])


def _print_paired(work: Path, first: str, second: str) -> None:
    try:
        differences = paired(work, first, second)
    except ClipfakeError as error:
        sys.exit(str(error))
    for row in differences:
        d = row.difference
        print(
            f"{row.figure}: {first} {row.first:.4f}, {second} {row.second:.4f}, difference "
            f"{d.value:+.4f} ({d.low:+.4f} to {d.high:+.4f}), p {row.p:.3f}"
        )


def _adapter(backbone: Backbone, head: Head) -> Adapter:
    return Adapter(
        name="ablation",
        backbone=backbone.name,
        blocks=BLOCKS,
        preprocessing=Preprocessing(),
        head=head,
        calibration=Platt(),
        points=(),
        real_below=0.0,
        facts={},
    )


def _store(examples: list[Example], folder: Path, workers: int) -> ImageStore:
    paths = [example.path for example in examples]
    store = open_store(folder, paths)
    if store is None:
        for done in build_store(paths, folder, workers=workers):
            if done % 512 == 0 or done == len(paths):
                _say(f"decoding: {done} of {len(paths)}")
        store = open_store(folder, paths)
    if store is None:
        raise RuntimeError(f"{folder}: the store was changed while it was written")
    return store


def _digest(*facts: object) -> str:
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:8]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ablation", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("manifest", type=Path, nargs="?")
    parser.add_argument("--work", type=Path, help="folder for decoded images and tokens")
    parser.add_argument("--out", type=Path, help="CSV that finished rows are added to")
    parser.add_argument("--table", type=Path, metavar="CSV", help="print results as Markdown")
    parser.add_argument("--paired", nargs=2, metavar="ROW", help="compare two rows in --work")
    parser.add_argument("--holdout-generators", nargs="+", default=list(HELD_OUT), metavar="REGEX")
    parser.add_argument("--rows", nargs="+", default=list(ROWS), choices=list(ROWS), metavar="NAME")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--images", type=int, help="images to train on, at most; all by default")
    parser.add_argument("--evaluation", type=int, default=400, help="images to measure on, at most")
    parser.add_argument("--passes", type=int, default=1, help="augmented passes of the start head")
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--lora-rate", type=float, default=1e-4)
    parser.add_argument("--head-rate", type=float, default=2e-5)
    parser.add_argument("--average", type=float, default=0.95)
    parser.add_argument("--workers", type=int, default=1, help="decoding processes")
    parser.add_argument("--device", default="auto")
    return parser


if __name__ == "__main__":
    main()
