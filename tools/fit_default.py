"""Fit the head of the default adapter on tokens of the frozen tower.

    python -m tools.fit_default MANIFEST.csv --originals FOLDER --origins ORIGINS.csv \
        --work FOLDER --out ADAPTER.safetensors

The manifest has columns path, split, label (real, fake), generator and source, as
`tools/add_images.py` writes it; full-size originals are found as `tools/fit_generators.py` finds
them. The head has hidden units over class tokens. It is the mean of networks fitted on those of the
images of `--splits`, half of them on images at full size and their small copies, half on these and
on chains of changes (`clipfake/training/chains.py`) too; which of these an image is shown as,
chance decides in each epoch; once a third of them is over, those that are told wrong are shown more
often (`--hard`). The second look has a head of its own, of as many networks, fitted on mean tokens
of tiles. Each network sees them as they are, after chains of changes, and those of small copies.
Tiles cost most, so `--tiles-of` may name files that list some of the images, by their names, a line
each: those whose tiles are seen, those whose changed tiles are seen, too, and those whose small
copies' are. `--tiles-units 0` leaves the tiles to the first head. `--tower ADAPTER` puts the LoRA
of a tuned adapter under the heads, and its head that tells generators apart beside them; they are
fitted on the frozen tower all the same, since a tower shows the images that it was tuned on
otherwise than others. `--folds N` fits N times more, each time without the sources of a fold, heads
whose scores of these thresholds can be set on (`tools/set_thresholds.py`); they are written beside
ADAPTER. Calibration and thresholds of the first look are set on split val. Tokens are kept in the
work folder, so that a second run takes minutes.
"""

import argparse
import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from clipfake.detector import backbone as backbones
from clipfake.detector.adapter import Adapter
from clipfake.detector.adapter_file import load_adapter, save_adapter
from clipfake.detector.calibration import Platt
from clipfake.detector.detector import Detector
from clipfake.detector.head import Head
from clipfake.detector.second_look import SecondLook, Thresholds
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.sources.labelled import Example
from clipfake.training.heads import HeadOptions, fit_head, mean_head
from clipfake.training.sampling import weights
from clipfake.training.validation import calibrate
from tools.fit_generators import full_size
from tools.gather_images import Row
from tools.split_val import figures, fold_of, labels, scored, shown_tokens


def blank(backbone_name: str, blocks: tuple[int, ...]) -> Adapter:
    """An adapter of the frozen tower whose head is still to be fitted."""
    backbone = backbones.load_backbone(backbone_name)
    head = Head(torch.zeros(len(blocks), backbone.width), torch.zeros(1))
    preprocessing = Preprocessing(size=backbone.image_size)
    return Adapter("", backbone.name, blocks, preprocessing, head, Platt(), (), 0.0, {})


def over(tower: Adapter | None, adapter: Adapter, tiles: Head | None) -> Adapter:
    """The adapter with the LoRA and the head for generators of another, and a head for tiles.

    Both heads are made compact. The second look has no calibration yet, and no thresholds.
    """
    if tower is not None:
        adapter = dataclasses.replace(
            adapter, lora_shape=tower.lora_shape, lora=tower.lora, generators=tower.generators
        )
    adapter = dataclasses.replace(adapter, head=adapter.linear_head.compact())
    tiles = None if tiles is None else tiles.compact()
    return dataclasses.replace(adapter, second=unset(adapter, tiles)).as_stored()


def unset(adapter: Adapter, tiles: Head | None) -> SecondLook:
    """A second look of the adapter's tower whose thresholds are still to be set."""
    none = Thresholds((), 0.0)
    return SecondLook(Platt(), 0.0, 1.0, none, none, lora=adapter.lora_digest, head=tiles)


def fold_file(out: Path, fold: int) -> Path:
    """Where the adapter of a fold is written."""
    return out.with_name(f"{out.stem}-fold-{fold}{out.suffix}")


def main() -> None:
    """Compute tokens, fit, calibrate, save, and print what the adapter does."""
    defaults = HeadOptions()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--originals", type=Path, help="folder of files named by their sha256")
    parser.add_argument("--origins", type=Path, help="key and sha256 of the manifest's images")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tower", type=Path, help="adapter whose LoRA is put under the head")
    parser.add_argument("--splits", nargs="+", default=["train"], help="that the head is fitted on")
    parser.add_argument("--folds", type=int, default=0, help="heads without the sources of each")
    parser.add_argument(
        "--fit", nargs="+", metavar="WHAT", help="head and folds, by number, of all that there are"
    )
    parser.add_argument("--backbone", default="ViT-B-16/openai")
    parser.add_argument("--blocks", default="4-12", help="first-last, 1 is the first block")
    parser.add_argument("--chains", type=int, default=1, help="passes of chains of changes")
    parser.add_argument("--members", type=int, default=2, help="networks of each half")
    parser.add_argument("--units", type=int, default=112)
    parser.add_argument(
        "--tiles-units", type=int, default=112, help="of the head for tiles; 0 for none"
    )
    parser.add_argument("--tiles-of", type=Path, nargs=3, metavar="FILE", help="see above")
    parser.add_argument("--hard", type=float, default=5.0, help="see HeadOptions")
    parser.add_argument("--epochs", type=float, default=defaults.epochs)
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--name", default="hidden-b4-12")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    rows = list(full_size(args.manifest, args.originals, args.origins))
    train = [row for row in rows if row["split"] in args.splits]
    val = [row for row in rows if row["split"] == "val"]
    first, last = map(int, args.blocks.split("-"))
    tower = load_adapter(args.tower) if args.tower else None
    adapter = blank(args.backbone, tuple(range(first, last + 1)))
    detector = Detector(backbones.load_backbone(args.backbone), adapter)

    tokens = partial(shown_tokens, detector, args.work)
    paths = [row["path"] for row in train]
    small = [row["small"] if row.get("full") else row["path"] for row in train]
    chains = range(args.chains)
    squares = Passes(
        train,
        [tokens("full-size", paths), tokens("small", small)],
        [tokens(f"chained-{number}", paths, chained=number) for number in chains],
    )
    tiles, tiles_seen = None, dict[str, int]()
    if args.tiles_units:
        tiles, tiles_seen = passes_of_tiles(tokens, train, args.tiles_of, chains)
    options = HeadOptions(
        members=args.members,
        units=args.units,
        epochs=args.epochs,
        hard=args.hard,
        seed=args.seed,
    )
    wanted = args.fit or ["head", *map(str, range(args.folds))]
    for what in wanted:
        fold = None if what == "head" else int(what)
        head, of_tiles = fit(squares.without(fold, args.folds), options), None
        if tiles is not None:
            own = dataclasses.replace(options, units=args.tiles_units, members=2 * args.members)
            of_tiles = fit(tiles.without(fold, args.folds), own)
        fitted = over(tower, dataclasses.replace(adapter, name=args.name, head=head), of_tiles)
        if fold is not None:
            save_adapter(fitted, fold_file(args.out, fold))
            print(f"wrote {fold_file(args.out, fold)}", flush=True)
            continue
        scanned = Detector(backbones.load_backbone(args.backbone), fitted)
        paths = [row["path"] for row in val]
        logits = fitted.head(shown_tokens(scanned, args.work, "val", paths).float())
        # thresholds of the second look are set elsewhere; without its logits it would be dropped
        judged = calibrate(fitted, [scored(logits, val)])
        fitted = dataclasses.replace(judged, second=fitted.second)
        about = trained_on(train, args.manifest) | {
            "splits": args.splits,
            "chains": args.chains,
            "head": dataclasses.asdict(options),
            "tiles": None if tiles is None else {"units": args.tiles_units, **tiles_seen},
            "tower": tower_of(tower),
            "precision": str(detector.precision),
        }
        facts = {"training": about, "metrics": {"split": "val", **figures(fitted, logits, val)}}
        save_adapter(dataclasses.replace(fitted, facts=facts), args.out)
        print(json.dumps(facts, indent=2))
        print(f"wrote {args.out}, {load_adapter(args.out).label}", flush=True)


def trained_on(rows: Sequence[Row], manifest: Path) -> dict[str, Any]:
    """What the header says of the images, and of the method."""
    return {
        "manifest_sha256": hashlib.sha256(manifest.read_bytes()).hexdigest(),
        "images": dict(Counter(row["label"] for row in rows)),
        "small_copies": sum(bool(row.get("full")) for row in rows),
        "sources": len({row["source"] for row in rows}),
        "generators": len({row["generator"] for row in rows if row["label"] == "fake"}),
        "method": "hidden units on tokens of the frozen tower: the mean of a head fitted on "
        "images at full size and small, and of one fitted on these and chains of changes",
    }


def tower_of(adapter: Adapter | None) -> object:
    """How the tower was tuned, as the header of the adapter that it is of says."""
    if adapter is None:
        return "frozen"
    return adapter.facts.get("training", {}).get("tower", adapter.label)


@dataclass(frozen=True)
class Passes:
    """Tokens of the same images, in each pass shown otherwise.

    Attributes:
        rows: ``[N]``, what the images are.
        clean: float16 ``[N, K, W]`` each, what all networks of a head see.
        chained: likewise, what half of them see beside these.
    """

    rows: list[Row]
    clean: list[torch.Tensor]
    chained: list[torch.Tensor]

    def without(self, fold: int | None, folds: int) -> "Passes":
        """Those of images whose sources do not lie in a fold; None leaves none out."""
        if fold is None:
            return self
        kept = np.flatnonzero(fold_of(self.rows, folds) != fold)
        taken = torch.from_numpy(kept)
        clean, chained = ([each[taken] for each in part] for part in (self.clean, self.chained))
        return Passes([self.rows[row] for row in kept], clean, chained)


def passes_of_tiles(
    tokens: Callable[..., torch.Tensor],
    rows: list[Row],
    lists: Sequence[Path] | None,
    chains: Iterable[int],
) -> tuple[Passes, dict[str, int]]:
    """What the head for tiles sees, and of how many images each.

    Where an image has no changed tiles, or none of a small copy, that pass has its tiles as they
    are.

    Args:
        tokens: computes them, by the name of the file that keeps them, paths, and how it is shown.
        rows: what the images are.
        lists: three files that name images, as `--tiles-of` takes them; None is all images.
        chains: numbers of the passes of chains.
    """
    known = [set(file.read_text().split()) for file in lists or ()]

    def named(rows: list[Row], place: int) -> list[Row]:
        return [row for row in rows if not known or Path(row["path"]).name in known[place]]

    rows = named(rows, 0)
    changed, copied = named(rows, 1), [row for row in named(rows, 2) if row.get("full")]
    clean = tokens("tiles", [row["path"] for row in rows], tiled=True)

    def beside(some: list[Row], name: str, column: str = "path", **how: int) -> torch.Tensor:
        own = {row["path"] for row in some}
        marked = torch.tensor([row["path"] in own for row in rows])
        return put(clean, marked, tokens(name, [row[column] for row in some], tiled=True, **how))

    shown = [clean, *(beside(changed, f"chained-tiles-{n}", chained=n) for n in chains)]
    if copied:
        shown.append(beside(copied, "small-tiles", "small"))
    seen = {"images": len(rows), "changed": len(changed), "small": len(copied)}
    return Passes(rows, shown, []), seen


def put(tokens: torch.Tensor, rows: torch.Tensor, those: torch.Tensor) -> torch.Tensor:
    """Tokens ``[N, K, W]``, those of the images that ``rows`` marks being ``those``.

    Args:
        tokens: ``[N, K, W]``; stays as it is.
        rows: bool ``[N]``.
        those: ``[n, K, W]``, one of each that is marked.
    """
    changed = tokens.clone()
    changed[rows] = those
    return changed


def fit(passes: Passes, options: HeadOptions) -> Head:
    """The mean of heads fitted on clean passes and, if there are some, on these and chained ones.

    Args:
        passes: what they see.
        options: of each of the heads.
    """
    rows = passes.rows
    weight = weights(
        [Example(r["path"], r["label"] == "fake", r["generator"], r["source"]) for r in rows]
    )
    parts = [passes.clean]
    if passes.chained:
        parts.append([*passes.clean, *passes.chained])
    return mean_head([fit_head(part, labels(rows), weight, options) for part in parts])


if __name__ == "__main__":
    main()
