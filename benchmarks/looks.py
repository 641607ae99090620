"""What second looks cost a scan: first looks alone, second ones where they are wanted, and all.

    python -m benchmarks.looks DATA [--files 500] [--adapter FILE] [--rounds 1]

DATA is a folder or manifest. The same files are scanned, metadata left out, with each way of
looking in turn, so that a machine's changes of speed fall on all three. For each it prints the
median of the rounds in seconds, how many times the first look alone that is, and at what share of
the images that have a score a second look was taken.
"""

import argparse
import statistics
import time
from itertools import islice
from pathlib import Path

from clipfake.detector import Detector
from clipfake.detector.looks import Looks
from clipfake.imaging.limits import Limits
from clipfake.scanning.score import scan_items
from clipfake.sources import Item, Selection, Sources


def scan(items: list[Item], detector: Detector, workers: int | None) -> tuple[float, int, int]:
    """Seconds of a scan, images that have a score, and second looks that were taken."""
    start = time.perf_counter()
    records = list(
        scan_items(
            items, detector, detector.rule(), limits=Limits(), metadata=None, workers=workers
        )
    )
    seconds = time.perf_counter() - start
    taken = [record.looks for record in records if record.looks is not None]
    return seconds, len(taken), taken.count(2)


def main() -> None:
    """Print a line for each way of looking."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--adapter", type=Path)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--rounds", type=int, default=1)
    args = parser.parse_args()

    items = [Item(i.path) for i in islice(Sources([args.data], Selection()), args.files)]
    detector = Detector.load(args.adapter, device=args.device, looks=Looks.ALL.value)
    print(f"{len(items)} files, {detector.adapter.label}, {detector.arithmetic}")
    scan(items[:16], detector, args.workers)  # warm up
    times: dict[Looks, list[float]] = {looks: [] for looks in Looks}
    told: dict[Looks, tuple[int, int]] = {}
    for _ in range(args.rounds):
        for looks, seconds in times.items():
            detector.looks = looks
            took, scored, second = scan(items, detector, args.workers)
            told[looks] = scored, second
            seconds.append(took)
    least = statistics.median(times[Looks.FIRST])
    for looks, seconds in times.items():
        median, (scored, second) = statistics.median(seconds), told[looks]
        print(
            f"{looks.value:5}: {median:.2f} s ({len(items) / median:.1f} files/s), "
            f"{median / least:.2f} times first; second looks at {second} of {scored} images "
            f"({second / max(scored, 1):.1%})"
        )


if __name__ == "__main__":
    main()
