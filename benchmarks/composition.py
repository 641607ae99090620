"""What a manifest's images are: counts by split, class, kind and generator, as Markdown.

    python -m benchmarks.composition MANIFEST.csv

The kind of a real image is its generator's name up to the first dash (exif, hard, pair, photo,
stock, web; other where there is no dash). Rows whose form is not normalised are left out.
"""

import argparse
from collections import Counter, defaultdict
from pathlib import Path

from benchmarks.ablation.rows import read_rows

NAMED_FROM = 5  # images of a generator


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path)
    args = parser.parse_args()
    rows = [row.example for row in read_rows(args.manifest)]
    kinds: dict[tuple[str, str], set[str]] = defaultdict(set)
    images = Counter[tuple[str, str]]()
    for row in rows:
        if not row.is_ai:
            kind, dash, _ = row.generator.partition("-")
            key = (row.split, kind if dash else "other")
            kinds[key].add(row.source)
            images[key] += 1
    splits = list(dict.fromkeys(row.split for row in rows))
    head = " | ".join(f"{split} | sources" for split in splits)
    print(f"| real images | {head} |\n|---|{'---|' * 2 * len(splits)}")
    for kind in sorted({kind for _, kind in images}):
        cells = [
            str(count)
            for split in splits
            for count in (images[split, kind], len(kinds[split, kind]))
        ]
        print(f"| {kind} | " + " | ".join(cells) + " |")
    for split in splits:
        fakes = [row for row in rows if row.is_ai and row.split == split]
        counts = Counter(row.generator for row in fakes)
        sources = len({row.source for row in fakes})
        print(
            f"\n{len(fakes)} AI images of {len(counts)} generators, {sources} sources ({split}): "
        )
        named = [f"{name} {n}" for name, n in counts.most_common() if n >= NAMED_FROM]
        rest = [n for n in counts.values() if n < NAMED_FROM]
        more = f"; {len(rest)} of fewer than {NAMED_FROM} images, {sum(rest)} together"
        print(", ".join(named) + (more if rest else ""))


if __name__ == "__main__":
    main()
