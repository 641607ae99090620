"""Logits of images by heads that have not seen their sources: what thresholds are set on."""

import csv
import dataclasses
import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from clipfake.detector import backbone as backbones
from clipfake.detector.adapter import Adapter
from clipfake.detector.calibration import Floats
from clipfake.detector.captions import CaptionHead
from clipfake.detector.detector import Detector
from clipfake.detector.head import Head
from clipfake.detector.second_look import both_logits
from clipfake.training.promise import promise
from clipfake.training.validation import Scored, as_scanned
from tools.gather_images import Row
from tools.split_val import Bools, fold_of, labels, shown_tokens

NEW = ("val", "unseen")  # no head was fitted on images of these splits
SPLITS = (*NEW, "thresholds")  # nor the tower on these
MOST = 32  # of a source of split train; split val has 33 of one, and fewer of all others
_EASY = 300  # real images of split train that have a second look though the first calls them so

Numbers = npt.NDArray[np.int64]


class HeldOut:
    """Images that bear on thresholds, and the logits of heads that have not seen them.

    Attributes:
        rows: of the manifest, those of ``SPLITS`` first.
        unseen: ``[N]``, those of ``SPLITS``, on whose sources the tower was not tuned; all AI
            images are.
        kinds: ``[N]``.
        counted: ``[N]``, those that bear on thresholds.
        shift: of each look the mean move of logits of real images by the tower, of those that it
            was tuned on and of others, and what was added to the former.
        scored: logits of both looks; NaN where the second was not taken.
        weights: ``[N]``, how many images each stands for among those that have a second look.
    """

    def __init__(
        self,
        every: Sequence[Row],
        adapter: Adapter,
        folds: Sequence[Adapter],
        work: Path,
        apart: Sequence[str],
    ) -> None:
        """Compute what is missing.

        Args:
            every: rows of the manifest.
            adapter: whose tower sees the images.
            folds: adapters with the heads of the folds; none leaves split train out.
            work: folder for tokens.
            apart: kinds of real images that bear on no threshold.
        """
        self._work, self._adapter = work, adapter
        self._detector = Detector(backbones.load_backbone(adapter.backbone), adapter)
        self.rows = [row for row in every if row["split"] in SPLITS]
        own = len(self.rows)
        if folds:
            self.rows += drawn_evenly(
                [r for r in every if r["split"] == "train" and r["label"] == "real"]
            )
        self.unseen = np.arange(len(self.rows)) < own
        self.kinds = np.array([kind_of(row) for row in self.rows], dtype=np.str_)
        is_ai, sources = labels(self.rows), np.array([row["source"] for row in self.rows])
        self.counted = is_ai | ~np.isin(self.kinds, apart)
        # the last head is that of no fold; without folds all images are new to it
        new = np.array([not folds or row["split"] in NEW for row in self.rows])
        self._fold = np.where(new, len(folds), fold_of(self.rows, len(folds)))
        self._folds = [*folds, adapter]
        self._real = ~is_ai
        self.shift: dict[str, dict[str, float]] = {}
        first = self._logits("first", np.arange(len(self.rows)))
        self.scored = Scored(first, is_ai, sources)
        self.weights = np.ones(len(first))
        taken = np.flatnonzero(self.unseen | self._drawn())
        second = np.full(len(first), np.nan)
        second[taken] = both_logits(first[taken], self._logits("tiles", taken))
        self.scored = dataclasses.replace(self.scored, second=second)

    def seen(self) -> list[torch.Tensor]:
        """Tokens of both looks at the images of ``SPLITS``, float16 ``[n, K, W]``."""
        return [self._tokens(name, np.flatnonzero(self.unseen)) for name in ("first", "tiles")]

    def write(self, path: Path) -> None:
        """Write what each image got, as CSV; ``second`` is empty where there is none.

        In full, since thresholds lie just above the score of one of the images.
        """
        columns = ("path", "split", "label", "kind", "source", "first", "second", "stands_for")
        second = self.scored.second
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            for number, row in enumerate(self.rows):
                again = math.nan if second is None else float(second[number])
                writer.writerow(
                    [
                        *(row[name] for name in columns[:3]),
                        self.kinds[number],
                        row["source"],
                        float(self.scored.logits[number]),
                        "" if math.isnan(again) else again,
                        float(self.weights[number]),
                    ]
                )

    def _tokens(self, name: str, rows: Numbers) -> torch.Tensor:
        """Tokens of a look at some rows, in ascending order; those of ``SPLITS`` in a file."""
        parts = (("", rows[self.unseen[rows]]), ("-train", rows[~self.unseen[rows]]))
        return torch.cat(
            [
                shown_tokens(
                    self._detector,
                    self._work,
                    name + suffix,
                    [self.rows[row]["path"] for row in own],
                    tiled=name == "tiles",
                )
                for suffix, own in parts
                if len(own)
            ]
        )

    def _logits(self, name: str, rows: Numbers) -> Floats:
        """Logits of a look at some rows, in ascending order, as if the tower had seen none."""
        tokens, found = self._tokens(name, rows), np.zeros(len(rows))
        for number, adapter in enumerate(self._folds):
            own = np.flatnonzero(self._fold[rows] == number)
            if len(own):
                found[own] = _head(adapter, name)(tokens[torch.from_numpy(own)].float())
        if not self.unseen[rows].all() and self._adapter.lora:
            self.shift[name] = self._shift(name, rows, tokens)
            found += np.where(self.unseen[rows], 0.0, self.shift[name]["added"])
        return found

    def _shift(self, name: str, rows: Numbers, tokens: torch.Tensor) -> dict[str, float]:
        """How the tower moves logits of a look at real images, of ``tokens`` of some rows."""
        frozen = dataclasses.replace(self._adapter, lora={}, lora_shape=None, second=None)
        detector = Detector(backbones.load_backbone(frozen.backbone), frozen)
        real, head = np.flatnonzero(self._real[rows]), _head(self._adapter, name)
        paths = [self.rows[row]["path"] for row in rows[real]]
        before = shown_tokens(detector, self._work, f"frozen-{name}", paths, tiled=name == "tiles")
        moves = head(tokens[torch.from_numpy(real)].float()) - head(before.float())
        new = self.unseen[rows[real]]
        tuned, others = float(moves[~new].mean()), float(moves[new].mean())
        return {"tuned_on": tuned, "others": others, "added": others - tuned}

    def _drawn(self) -> Bools:
        """Real images of split train that have a second look.

        Those that the first look does not call real, of most of which ``auto`` takes one, and a
        draw of the others, weighted to stand for them all.
        """
        known = promise(self._adapter, part(self.scored, self.counted))
        if known.second_look is None:
            return np.zeros(len(self.rows), dtype=bool)
        scores = as_scanned(known.calibration(self.scored.logits))
        taken = ~self.unseen & (scores >= known.real_below)
        others = np.flatnonzero(~self.unseen & ~taken)
        # in an order of their own, so that more images change the draw little
        order = [_chance(self.rows[row]) for row in others]
        drawn = others[np.argsort(np.array(order, dtype=np.str_), kind="stable")[:_EASY]]
        self.weights[drawn] = len(others) / max(1, len(drawn))
        taken[drawn] = True
        return taken


def _head(adapter: Adapter, look: str) -> Head | CaptionHead:
    """What reads the tokens of a look."""
    return adapter.tiles_head if look == "tiles" else adapter.head


def drawn_evenly(rows: Sequence[Row]) -> list[Row]:
    """At most ``MOST`` images of each source, in the order given.

    So no single source decides where a threshold lies.
    """
    taken, counts = set(), Counter[str]()
    for row in sorted(rows, key=_chance):
        counts[row["source"]] += 1
        if counts[row["source"]] <= MOST:
            taken.add(row["path"])
    return [row for row in rows if row["path"] in taken]


def _chance(row: Row) -> str:
    """What an image is drawn by: its name, wherever it lies."""
    return hashlib.sha256(Path(row["path"]).name.encode()).hexdigest()


def kind_of(row: Row) -> str:
    """The kind of a real image: the first word of what its set is called, two where it is hard."""
    words = row["generator"].split("-")
    return "-".join(words[: 2 if words[0] == "hard" else 1])


def part(evidence: Scored, rows: Bools) -> Scored:
    """The images of ``evidence`` that are marked, ``rows`` ``[N]``."""
    second = None if evidence.second is None else evidence.second[rows]
    return Scored(evidence.logits[rows], evidence.is_ai[rows], evidence.sources[rows], second)
