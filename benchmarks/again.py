"""A second scan of an unchanged tree with a cache, and two scans at once on one cache.

    python -m benchmarks.again DATA [--files 300]

Scans FILES files of DATA (a folder or manifest) twice with one cache, in turn, and prints the ratio
of the times that the scans themselves took (loading the detector is the same for both and told
apart); then empties the cache and runs two scans of the same files at once.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path

import pyarrow.parquet as pq

from clipfake.sources import Selection, Sources


def command(listing: Path, report: Path, cache: Path) -> list[str]:
    """A scan that prints its summary."""
    base = [sys.executable, "-m", "clipfake", "scan", str(listing), "-o", str(report)]
    return [*base, "--cache", str(cache), "--json"]


def main() -> None:
    """Print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--files", type=int, default=300)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        listing = folder / "list.txt"
        items = islice(Sources([args.data], Selection()), args.files)
        listing.write_text("".join(f"{Path(item.path).resolve()}\n" for item in items))
        seconds, tables = [], []
        for number in range(2):
            report = folder / f"{number}.parquet"
            done = subprocess.run(
                command(listing, report, folder / "cache"),
                capture_output=True,
                text=True,
                check=True,
            )
            seconds.append(json.loads(done.stdout)["seconds"])
            tables.append(pq.read_table(report))
        reports = [folder / f"both-{number}.parquet" for number in range(2)]
        both = [
            subprocess.Popen(
                command(listing, report, folder / "cold"),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            for report in reports
        ]
        errors = [process.communicate()[1] for process in both]
        codes = [process.returncode for process in both]
        same = [pq.read_table(report).equals(tables[0]) for report in reports]
    print(
        json.dumps(
            {
                "files": tables[0].num_rows,
                "first_seconds": seconds[0],
                "second_seconds": seconds[1],
                "times_faster": round(seconds[0] / seconds[1], 1),
                "second_report_equal": tables[0].equals(tables[1]),
                "two_at_once_exit_codes": codes,
                "two_at_once_reports_equal": same,
                "two_at_once_messages": [error.decode()[-200:] for error in errors],
            }
        )
    )


if __name__ == "__main__":
    main()
