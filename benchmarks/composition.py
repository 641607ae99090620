"""What a manifest's images are: counts by split, class, kind and generator, as Markdown.

    python benchmarks/composition.py MANIFEST.csv

The kind of a real image is its generator's name up to the first dash (exif, hard, pair, photo,
stock, web; other where there is no dash). Rows whose form is not normalised are left out.
"""

import argparse
import csv
from collections import Counter, defaultdict
from pathlib import Path


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path)
    args = parser.parse_args()
    with args.manifest.open(newline="") as file:
        rows = [
            row for row in csv.DictReader(file) if row.get("form", "normalised") == "normalised"
        ]
    kinds: dict[tuple[str, str], set[str]] = defaultdict(set)
    images = Counter[tuple[str, str]]()
    for row in rows:
        if row["label"] == "real":
            kind, dash, _ = row["generator"].partition("-")
            key = (row["split"], kind if dash else "other")
            kinds[key].add(row["source"])
            images[key] += 1
    print("| real images | train | sources | val | sources |\n|---|---|---|---|---|")
    for kind in sorted({kind for _, kind in images}):
        cells = [
            str(count)
            for split in ("train", "val")
            for count in (images[split, kind], len(kinds[split, kind]))
        ]
        print(f"| {kind} | " + " | ".join(cells) + " |")
    for split in ("train", "val"):
        fakes = [row for row in rows if row["label"] == "fake" and row["split"] == split]
        counts = Counter(row["generator"] for row in fakes)
        sources = len({row["source"] for row in fakes})
        print(
            f"\n{len(fakes)} AI images of {len(counts)} generators, {sources} sources ({split}): "
        )
        print(", ".join(f"{name} {count}" for name, count in counts.most_common()))


if __name__ == "__main__":
    main()
