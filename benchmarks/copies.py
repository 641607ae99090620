"""How far perceptual hashes tell copies of a picture from other pictures.

    python -m benchmarks.copies MANIFEST [--out SHEET.png]

MANIFEST is a list with a column ``path``. Files of one name in two folders are taken for copies
of one picture (the same picture in another form), all others for different ones. Printed are the
numbers of pairs by the bits in which their hashes differ; ``--out`` draws the pairs of different
names that ``NEAR`` takes for copies, to be looked at.
"""

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from clipfake.errors import ImageError
from clipfake.imaging.decode import decode, thumbnail
from clipfake.imaging.limits import Limits
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.report.page.copies import NEAR, distances
from clipfake.sources.manifest import Manifest

FARTHEST = 12  # bits that are told
SIDE = 160


def hashes_of(paths: list[Path]) -> tuple[list[Path], list[int]]:
    """Paths that have a hash, and the hashes."""
    kept, found = [], []
    for path in paths:
        try:
            made = decode(path.read_bytes(), Preprocessing(), Limits(), hashed=True).phash
        except (ImageError, OSError):
            continue
        if made is not None:
            kept.append(path)
            found.append(int(made, 16))
    return kept, found


def draw(pairs: list[tuple[Path, Path]], out: Path) -> None:
    """A sheet of pairs, side by side."""
    columns = 5
    lines = -(-len(pairs) // columns)
    sheet = Image.new("RGB", (columns * (2 * SIDE + 20), max(lines, 1) * (SIDE + 10)), "white")
    for number, pair in enumerate(pairs):
        for side, path in enumerate(pair):
            small = thumbnail(path.read_bytes(), SIDE, Limits()).resize((SIDE, SIDE))
            left = (number % columns) * (2 * SIDE + 20) + side * SIDE
            sheet.paste(small, (left, (number // columns) * (SIDE + 10)))
    sheet.save(out)


def main() -> None:
    """Print a line a distance."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    paths, values = hashes_of([Path(item.path) for item in Manifest(args.manifest)])
    hashes = np.array(values, dtype=np.uint64)
    copies: Counter[int] = Counter()
    others: Counter[int] = Counter()
    near = []
    for first in range(len(paths)):
        far = distances(hashes[first], hashes[first + 1 :])
        for place, bits in enumerate(far.tolist()):
            second = first + 1 + place
            if paths[first].stem == paths[second].stem:
                copies[bits] += 1
            else:
                others[bits] += 1
                if bits <= NEAR:
                    near.append((paths[first], paths[second]))
    print(f"{len(paths)} pictures with a hash")
    for bits in range(0, FARTHEST + 1):
        if copies[bits] or others[bits]:
            print(f"{bits} bits: {copies[bits]} pairs of copies, {others[bits]} of other names")
    beyond = sum(number for bits, number in copies.items() if bits > FARTHEST)
    print(f"further: {beyond} pairs of copies; all: {copies.total()} and {others.total()} pairs")
    for one, other in near:
        print(f"taken for copies: {one} {other}")
    if args.out:
        draw(near, args.out)


if __name__ == "__main__":
    main()
