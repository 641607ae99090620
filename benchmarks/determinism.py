"""Whether the same files get the same scores whatever the batch size and worker count.

python -m benchmarks.determinism DATA [--files 500]
"""

import argparse
from itertools import islice

from clipfake.detector import Detector
from clipfake.imaging.limits import Limits
from clipfake.scanning.score import scan_items
from clipfake.sources import Item, Selection, Sources

BATCHES = (1, 3, 5, 7, 8, 13, 16, 32, 33)
WORKERS = (0, 1, 2)


def main() -> None:
    """Print the largest difference of scores for each setting, against the first."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--precision", default="auto")
    args = parser.parse_args()

    items = [Item(i.path) for i in islice(Sources([args.data], Selection()), args.files)]
    detector = Detector.load(precision=args.precision)
    rule = detector.rule()
    print(f"{len(items)} files, {detector.arithmetic}")
    reference: list[float | None] = []
    for batch_size in BATCHES:
        for workers in WORKERS:
            detector.batch_size = batch_size
            records = scan_items(items, detector, rule, limits=Limits(), workers=workers)
            scores = [record.score for record in records]
            reference = reference or scores
            pairs = [
                (a, b)
                for a, b in zip(reference, scores, strict=True)
                if a is not None and b is not None
            ]
            largest = max(abs(a - b) for a, b in pairs)
            same = scores == reference
            print(
                f"batch {batch_size:2d}, workers {workers}: {len(pairs)} scores, "
                f"largest difference {largest:.1e}, identical: {same}",
                flush=True,
            )


if __name__ == "__main__":
    main()
