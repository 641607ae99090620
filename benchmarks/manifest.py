"""Memory and speed over a manifest that names few images many times.

    python -m benchmarks.manifest [--rows 1000000] [--images 1000] [--plot docs/manifest.svg]

Makes IMAGES small pictures and a manifest of ROWS rows that name them, fills a cache by a scan of
the pictures, then scans the manifest with that cache as a process of its own. The memory of the
process and its workers together is sampled every second.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.kill import pictures

_PAGE = os.sysconf("SC_PAGE_SIZE")


def tree_memory(root: int) -> int:
    """Bytes that a process and its children have to themselves or share, each counted whole."""
    total = 0
    children = {root}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[1]) in children:
                children.add(int(entry.name))
    for process in children:
        try:
            total += int(Path(f"/proc/{process}/statm").read_text().split()[1]) * _PAGE
        except OSError:
            continue
    return total


def watch(command: list[str]) -> tuple[float, list[tuple[float, int]]]:
    """Run a command; its seconds, and samples of seconds and bytes."""
    start, samples = time.monotonic(), []
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            samples.append((time.monotonic() - start, tree_memory(process.pid)))
            time.sleep(1.0)
    if process.returncode:
        raise SystemExit(f"the scan failed with exit code {process.returncode}")
    return time.monotonic() - start, samples


def main() -> None:
    """Print one line of JSON, and draw the memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--plot", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = folder / "data"
        data.mkdir()
        pictures(data, args.images, args.images)
        paths = sorted(data.rglob("*.png"))
        manifest = folder / "rows.csv"
        with manifest.open("w") as file:
            file.write("path,number\n")
            for row in range(args.rows):
                file.write(f"{paths[row % len(paths)]},{row}\n")
        scan = [sys.executable, "-m", "clipfake", "scan", "--quiet", "--cache", str(folder / "c")]
        first, _ = watch([*scan, str(data), "-o", str(folder / "first.parquet")])
        seconds, samples = watch([*scan, str(manifest), "-o", str(folder / "rows.parquet")])
        report = (folder / "rows.parquet").stat().st_size
    tail = samples[len(samples) // 4 :]
    print(
        json.dumps(
            {
                "rows": args.rows,
                "images": args.images,
                "seconds_first_scan_of_images": round(first, 1),
                "seconds": round(seconds, 1),
                "rows_per_second": round(args.rows / seconds),
                "peak_mib": max(size for _, size in samples) // 2**20,
                "mib_after_a_quarter": tail[0][1] // 2**20,
                "mib_at_the_end": tail[-1][1] // 2**20,
                "report_mib": report // 2**20,
            }
        )
    )
    if args.plot:
        _draw(samples, args.plot)


def _draw(samples: list[tuple[float, int]], path: Path) -> None:
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3))
    axes.plot([t for t, _ in samples], [size / 2**20 for _, size in samples])
    axes.set_xlabel("seconds")
    axes.set_ylabel("MiB, process and workers")
    axes.set_ylim(bottom=0)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
