"""Perturbed copies of a split: what a detector says of them is how robust it is.

    python -m benchmarks.perturb MANIFEST --out FOLDER
    clipfake evaluate FOLDER/manifest.csv

Each image is changed as `clipfake evaluate --perturb` does. The copies' manifest keeps the other
columns; rows whose form is not normalised are left out.
"""

import argparse
import csv
import sys
from pathlib import Path

from benchmarks.ablation.rows import read_rows
from clipfake.errors import ClipfakeError, ImageError
from clipfake.evaluation.perturbations import perturbation


def main() -> None:
    """Write the copies and their manifest."""
    args = _parser().parse_args()
    try:
        change = perturbation(args.perturb)
        rows = [row for row in read_rows(args.manifest) if row.example.split == args.split]
    except ClipfakeError as error:
        sys.exit(str(error))
    if args.images:
        rows = rows[:: max(1, len(rows) // args.images)][: args.images]
    if not rows:
        sys.exit(f"{args.manifest}: no rows of split {args.split}")
    args.out.mkdir(parents=True, exist_ok=True)
    written = 0
    with (args.out / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["path", *rows[0].columns])
        writer.writeheader()
        for number, row in enumerate(rows):
            name = f"{number:06d}"
            try:
                data = change(Path(row.example.path).read_bytes())
            except (ImageError, OSError) as error:
                print(f"{row.example.path}: left out ({error})", file=sys.stderr)
                continue
            (args.out / name).write_bytes(data)
            columns = row.columns | ({"full": str(Path(row.full).resolve())} if row.full else {})
            writer.writerow({"path": name, **columns})
            written += 1
    print(f"{written} of {len(rows)} images: {change.name}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder for the copies")
    parser.add_argument("--split", default="val")
    parser.add_argument("--perturb", default="resize-0.5+jpeg-75", metavar="NAME")
    parser.add_argument("--images", type=int, help="at most so many, spread over the split")
    return parser


if __name__ == "__main__":
    main()
