"""Fit the default adapter: the heads of both looks, calibration and thresholds.

    python -m tools.fit_default MANIFEST.csv --originals FOLDER --origins ORIGINS.csv \
        --tower ADAPTER --work FOLDER --out ADAPTER.safetensors --reference REFERENCE.safetensors

The manifest has columns path, split (train, val), label (real, fake), generator and source, as
`tools/add_images.py` writes it; full-size originals are found as `tools/fit_generators.py` finds
them. The tower is that of ADAPTER, its LoRA stays. Heads are fitted on split train. Calibration and
thresholds are set on scores of split train by heads that were fitted without the image's source,
and of split val by the heads themselves: a threshold is the lowest one whose false-positive rate
has its upper 95 % bound at the stated rate. Tokens are kept in the work folder, so that a second
run takes minutes. The reference set keeps tokens of half of the sources of split val.
"""

import argparse
import dataclasses
import hashlib
import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from clipfake.detector.adapter import Adapter, load_adapter, save_adapter
from clipfake.detector.calibration import Floats, Platt
from clipfake.detector.detector import Detector
from clipfake.detector.head import Head, normalise
from clipfake.detector.reference import save_reference
from clipfake.detector.second_look import Looks, SecondLook, Thresholds
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.scanning.processes.worker import default_workers
from clipfake.sources.labelled import Example
from clipfake.training.heads import HeadOptions, fit_head, mean_head
from clipfake.training.promise import Reals, coverage, promise
from clipfake.training.sampling import weights
from clipfake.training.token_store import TokenStore
from clipfake.training.tokens import View, fill_token_store, open_token_store
from clipfake.training.validation import Scored, as_scanned
from tools.default_views import (
    FOLDS,
    Draw,
    Second,
    both_looks,
    draw_second,
    first_views,
    folds,
    of_rows,
    second_views,
    tokens,
)
from tools.fit_generators import full_size
from tools.gather_images import Row
from tools.split_val import Bools, labels

_SLACK = 0.25  # logits that the part which is left open is widened by, as heads differ
FIRST = HeadOptions(members=2, units=64)
SECOND = HeadOptions(members=1, units=64)


@dataclasses.dataclass(frozen=True)
class Data:
    """Labelled rows and the tokens of them that the store has."""

    rows: list[Row]
    store: TokenStore

    @property
    def is_ai(self) -> Bools:
        """``[N]``."""
        return labels(self.rows)

    @property
    def sources(self) -> npt.NDArray[np.str_]:
        """``[N]``."""
        return np.array([row["source"] for row in self.rows], dtype=np.str_)

    def weights(self, rows: Sequence[int]) -> Floats:
        """How much some images count in training."""
        return weights(
            [
                Example(r["path"], r["label"] == "fake", r["generator"], r["source"])
                for r in (self.rows[row] for row in rows)
            ]
        )


def read_rows(manifest: Path, originals: Path | None, origins: Path | None) -> list[Row]:
    """Rows with the path of the full-size original, and ``small``, the normalised copy."""
    return [
        {**row, "small": row["small"] if row["small"] != row["path"] else ""}
        for row in full_size(manifest, originals, origins)
    ]


def fit_first(data: Data, rows: npt.NDArray[np.int64], options: HeadOptions) -> Head:
    """The head of the first look, fitted on some rows: half of it on clean images alone."""
    passes = first_views(data.rows, data.store)
    seen = [tokens(data.store, [views[row] for row in rows]) for views in passes]
    is_ai, weight = data.is_ai[rows], data.weights(rows.tolist())
    parts = (seen[:2], seen)
    return mean_head([fit_head(part, is_ai, weight, options) for part in parts])


def fit_second(data: Data, second: Second, options: HeadOptions) -> Head:
    """The head over both looks, fitted on the images that have a second one."""
    passes = second_views(data.rows, second, data.store)
    seen = [both_looks(data.store, views) for views in passes]
    weight = data.weights(second.rows.tolist()) * second.weights
    is_ai = data.is_ai[second.rows]
    for label in (False, True):
        weight[is_ai == label] *= len(is_ai) / 2 / weight[is_ai == label].sum()
    return mean_head([fit_head(part, is_ai, weight, options) for part in (seen[:1], seen)])


def logits_of(head: Head, seen: torch.Tensor) -> Floats:
    """Logits of float16 tokens, in float32 by batches: thousands of images, for measuring."""
    found = []
    for part in torch.split(seen, 512):
        normed = normalise(part.float())
        logits = (normed * head.weight).sum(dim=(1, 2)) + head.bias
        if head.hidden is not None:
            units = normed.flatten(1) @ head.hidden.weight.flatten(1).T + head.hidden.bias
            logits = logits + functional.gelu(units) @ head.hidden.out
        found.append(logits)
    return torch.cat(found).double().numpy()


def out_of_fold(data: Data, options: HeadOptions) -> Floats:
    """Logits of the first look, each by a head that was fitted without the image's source."""
    found, fold = np.zeros(len(data.rows)), folds(data.rows)
    clean = [View(row["path"]) for row in data.rows]
    for number in range(FOLDS):
        head = fit_first(data, np.flatnonzero(fold != number), options)
        out = np.flatnonzero(fold == number)
        found[out] = logits_of(head, tokens(data.store, [clean[row] for row in out]))
        say(f"first look, fold {number + 1} of {FOLDS}")
    return found


def second_out_of_fold(data: Data, second: Second, options: HeadOptions) -> Floats:
    """Logits of the second look, likewise; NaN where there is none."""
    found, fold = np.full(len(data.rows), np.nan), folds(data.rows)
    for number in range(FOLDS):
        head = fit_second(data, of_rows(second, fold != number), options)
        out = of_rows(second, fold == number).rows
        views = [View(data.rows[row]["path"], tiled=True) for row in out]
        found[out] = logits_of(head, both_looks(data.store, views))
        say(f"second look, fold {number + 1} of {FOLDS}")
    return found


def left_open(logits: Floats, is_ai: Bools, sources: npt.NDArray[np.str_]) -> Bools:
    """Which images the first look leaves open or is about to accuse, with some to spare."""
    blank = Adapter(
        "", "", (), Preprocessing(), Head(torch.zeros(0), torch.zeros(1)), Platt(), (), 0.0, {}
    )
    known = promise(blank, Scored(logits, is_ai, sources))
    scores = known.calibration(logits)
    settled = min(known.points, key=lambda point: point.fpr).threshold
    # the edges in logits
    low, high = logits[scores >= known.real_below].min(), logits[scores < settled].max()
    return np.asarray((logits >= low - _SLACK) & (logits <= high + _SLACK))


def main() -> None:
    """Compute tokens, fit, calibrate, save, and print what the adapter does."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--originals", type=Path, help="folder of files named by their sha256")
    parser.add_argument("--origins", type=Path, help="key and sha256 of the manifest's images")
    parser.add_argument("--tower", type=Path, required=True, help="adapter whose tower it is")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--name", default="looks-b4-12")
    parser.add_argument("--open-fakes", type=int, default=Draw.open_fakes)
    parser.add_argument("--easy", type=int, default=Draw.easy)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    rows = read_rows(args.manifest, args.originals, args.origins)
    tower = load_adapter(args.tower)
    detector = Detector.load(args.tower, looks=Looks.FIRST.value)
    store = open_token_store(detector, args.work / "tokens")
    train = Data([row for row in rows if row["split"] == "train"], store)
    val = Data([row for row in rows if row["split"] == "val"], store)

    def compute(what: str, passes: Sequence[Sequence[View]]) -> None:
        views = [view for some in passes for view in some]
        fill_token_store(detector, store, views, workers=default_workers())
        say(f"tokens of {what}: {len(views)} views")

    compute("the first look", [*first_views(train.rows, store), *val_views(val)[:1]])
    first = out_of_fold(train, dataclasses.replace(FIRST, members=1))
    draw = Draw(open_fakes=args.open_fakes, easy=args.easy)
    second = draw_second(train.is_ai, left_open(first, train.is_ai, train.sources), draw)
    compute("the second look", [*second_views(train.rows, second, store), val_views(val)[1]])
    again = second_out_of_fold(train, second, SECOND)
    heads = fit_first(train, np.arange(len(train.rows)), FIRST), fit_second(train, second, SECOND)
    say("heads")
    adapter = dataclasses.replace(
        tower,
        name=args.name,
        head=heads[0],
        second=SecondLook(heads[1], Platt(), 0.0, 1.0, _NONE, _NONE, lora=tower.lora_digest),
        generators=tower.generators,
        digest="",
    ).as_stored()
    evidence = joined(Scored(first, train.is_ai, train.sources, again), seen_by(adapter, val))
    stands_for = np.ones(len(evidence.logits))
    stands_for[second.rows] = second.weights
    adapter = promise(adapter, evidence, stands_for)
    facts = about(adapter, evidence, [*train.rows, *val.rows], train, second, args.manifest, tower)
    adapter = dataclasses.replace(adapter, facts=facts)
    save_adapter(adapter, args.out)
    keep_reference(args.reference, adapter, val, args.manifest)
    print(json.dumps(facts, indent=2))
    print(f"wrote {args.out}, {load_adapter(args.out).label}")


_NONE = Thresholds((), 0.0)


def val_views(val: Data) -> list[list[View]]:
    """Views of split val, full size: of the first look, and of the second."""
    return [[View(row["path"], tiled=tiled) for row in val.rows] for tiled in (False, True)]


def seen_by(adapter: Adapter, data: Data) -> Scored:
    """Logits of both looks at images as they are."""
    first, tiled = val_views(data)
    logits = logits_of(adapter.linear_head, tokens(data.store, first))
    second = None
    if adapter.second_look is not None:
        second = logits_of(adapter.second_look.head, both_looks(data.store, tiled))
    return Scored(logits, data.is_ai, data.sources, second)


def joined(one: Scored, other: Scored) -> Scored:
    """Two sets of images as one."""
    parts = ("logits", "is_ai", "sources", "second")
    return Scored(*(np.concatenate([getattr(one, p), getattr(other, p)]) for p in parts))


def final_scores(adapter: Adapter, evidence: Scored) -> Floats:
    """Scores that a scan with ``--looks auto`` gives."""
    first = as_scanned(adapter.calibration(evidence.logits))
    second = adapter.second_look
    if second is None or evidence.second is None:
        return first
    return second.chosen(first, as_scanned(second.calibration(evidence.second)))


def about(
    adapter: Adapter,
    evidence: Scored,
    rows: Sequence[Row],
    train: Data,
    second: Second,
    manifest: Path,
    tower: Adapter,
) -> dict[str, Any]:
    """What the header says of training and of false-positive rates."""
    scores = final_scores(adapter, evidence)
    real = ~evidence.is_ai
    threshold = adapter.rule(looks=Looks.AUTO).threshold
    kinds = np.array([kind_of(row["generator"]) for row in rows])
    by_kind = {}
    for kind in np.unique(kinds[real]).tolist():
        own = real & (kinds == kind)
        rate = Reals(scores[own], evidence.sources[own]).rate(threshold)
        by_kind[kind] = {
            "images": rate.images,
            "sources": len(np.unique(evidence.sources[own])),
            "accused": round(rate.share, 4),
            "upper": round(rate.upper, 4),
        }
    breaks = {
        f"{fpr:g}": coverage(scores[real], evidence.sources[real], fpr) for fpr in (0.05, 0.01)
    }
    return {
        "training": {
            "manifest_sha256": hashlib.sha256(manifest.read_bytes()).hexdigest(),
            "images": dict(Counter(row["label"] for row in train.rows)),
            "sources": len({row["source"] for row in train.rows}),
            "generators": len({r["generator"] for r in train.rows if r["label"] == "fake"}),
            "second_looks": len(second.rows),
            "method": "hidden units on class tokens of both looks: for each look the mean of a "
            "head fitted on clean images and of one fitted on these and on chains of changes",
            "first": dataclasses.asdict(FIRST),
            "second": dataclasses.asdict(SECOND),
            "tower": tower.facts.get("training", {}).get("tower", tower.label),
        },
        "metrics": {
            "real_images": "scores by heads fitted without the image's source",
            "false_positives": by_kind,
            "promise_broken": breaks,
        },
    }


def kind_of(generator: str) -> str:
    """The kind of a real image: the first word of what its set is called, two where it is hard."""
    words = generator.split("-")
    return "-".join(words[: 2 if words[0] == "hard" else 1])


def keep_reference(path: Path, adapter: Adapter, val: Data, manifest: Path) -> None:
    """Keep tokens of every other source's images of split val, for corrections by few images."""
    names = np.unique(val.sources)
    own = np.flatnonzero(np.isin(val.sources, names[::2]))
    part = Data([val.rows[row] for row in own], val.store)
    first, tiled = (tokens(val.store, views) for views in val_views(part))
    second = adapter.second_look
    digest = hashlib.sha256(manifest.read_bytes()).hexdigest()
    save_reference(
        path,
        first.float(),
        part.is_ai,
        part.sources.tolist(),
        adapter.backbone,
        adapter.blocks,
        lora=adapter.lora_digest,
        preprocessing=adapter.preprocessing,
        note=f"every other source of split val of the manifest {digest[:12]}, full size",
        beyond=None if second is None else second.beyond(first.float(), tiled.float()),
        beyond_of="" if second is None else second.beyond_digest,
    )


_START = time.monotonic()


def say(text: str) -> None:
    """Print a step that is done, and the minutes since the start."""
    print(f"{(time.monotonic() - _START) / 60:6.1f} min  {text}", flush=True)


if __name__ == "__main__":
    main()
