"""Peak memory of scanning long manifests, most of whose files are missing.

    python -m benchmarks.memory [--rows 2000 200000] [--images examples/images]

A scan runs as a process of its own for each length; every 1000th row names a real picture.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SCAN = """
import resource, sys
from clipfake.cli.app import main
try:
    main(sys.argv[1:])
finally:
    own, workers = (resource.getrusage(w).ru_maxrss // 1024
                    for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(own, workers)
"""


def measure(rows: int, images: list[Path], folder: Path) -> tuple[int, int, float]:
    """Peak MiB of the scan's own process and of its largest worker, and seconds."""
    manifest = folder / f"{rows}.txt"
    with manifest.open("w") as file:
        for row in range(rows):
            real = row % 1000 == 0
            name = images[row // 1000 % len(images)].resolve() if real else f"missing/{row}.jpg"
            file.write(f"{name}\n")
    output = folder / f"{rows}.parquet"
    start = time.perf_counter()
    command = [sys.executable, "-c", SCAN, "scan", str(manifest), "--quiet", "-o", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    own, workers = done.stdout.split()[-2:]
    return int(own), int(workers), time.perf_counter() - start


def main() -> None:
    """Print a line a length."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[2000, 200_000])
    parser.add_argument("--images", type=Path, default=Path("examples/images"))
    args = parser.parse_args()
    images = sorted(p for p in args.images.glob("*.*") if p.name != "broken.jpg")
    with tempfile.TemporaryDirectory() as folder:
        for rows in args.rows:
            own, workers, seconds = measure(rows, images, Path(folder))
            print(
                f"{rows} rows: peak {own} MiB, largest worker {workers} MiB, {seconds:.1f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
