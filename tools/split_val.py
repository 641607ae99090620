"""Labelled rows of a manifest, and what an adapter does on those of split val."""

import csv
import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from clipfake.detector.adapter import Adapter
from clipfake.detector.calibration import Floats, expected_calibration_error
from clipfake.detector.detector import Detector
from clipfake.scanning.processes.worker import default_workers
from clipfake.training.tokens import Change, cached_tokens
from clipfake.training.validation import Scored, as_scanned

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


def fold_of(rows: Rows, folds: int) -> npt.NDArray[np.int64]:
    """The fold of each image, by its source alone, so that more data leave it where it is."""
    digests = [hashlib.sha256(row["source"].encode()).digest() for row in rows]
    return np.array([digest[0] % max(1, folds) for digest in digests], dtype=np.int64)


def shown_tokens(
    detector: Detector,
    work: Path,
    name: str,
    paths: list[str],
    augmentation: int | None = None,
    change: Change | None = None,
    *,
    chained: int | None = None,
    tiled: bool = False,
) -> torch.Tensor:
    """Tokens of ``work/name.npy``, computed if they are not there, as ``cached_tokens``."""

    def show(done: int, total: int) -> None:
        if done % (50 * detector.batch_size) == 0 or done == total:
            print(f"{name}: {done} of {total} images", flush=True)

    return cached_tokens(
        detector,
        paths,
        work / f"{name}.npy",
        augmentation=augmentation,
        chained=chained,
        change=change,
        tiled=tiled,
        workers=default_workers(),
        show=show,
    )


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
