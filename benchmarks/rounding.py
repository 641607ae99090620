"""How far the scores of the same files differ between reports, by rounding alone.

    clipfake scan FOLDER -o first.parquet
    clipfake scan FOLDER -o fp32.parquet --precision fp32
    OMP_NUM_THREADS=1 clipfake scan FOLDER -o one-thread.parquet
    python -m benchmarks.rounding first.parquet fp32.parquet one-thread.parquet

Each report is compared with the first, row by row; all must be of the same files and model.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from clipfake.report.parquet import read_about
from clipfake.sources.parquet import parquet_batches

_COLUMNS = ["path", "sha256", "model", "score", "verdict"]


def main() -> None:
    """Print a line a report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reports", nargs="+", type=Path)
    reports = parser.parse_args().reports
    first = _rows(reports[0])
    for path in reports[1:]:
        about, rows = read_about(path), _rows(path)
        same = [(row["path"], row["sha256"], row["model"]) for row in rows]
        if same != [(row["path"], row["sha256"], row["model"]) for row in first]:
            raise SystemExit(f"{path}: not of the same files and model as {reports[0]}")
        pairs = [(a, b) for a, b in zip(first, rows, strict=True) if a["score"] is not None]
        apart = np.array([abs(a["score"] - b["score"]) for a, b in pairs])
        turned = sum(a["verdict"] != b["verdict"] for a, b in pairs)
        how = f"{about['precision']}, {about['machine']}, threads {about['threads']}"
        print(f"{path.name} ({how}), {len(apart)} scores: ", end="")
        print(
            f"median {np.median(apart):.4f}, 99th percentile {np.quantile(apart, 0.99):.4f}, "
            f"largest {apart.max():.4f}, {turned} verdicts turned"
        )


def _rows(path: Path) -> list[dict[str, Any]]:
    return [row for batch in parquet_batches(path, 8192, _COLUMNS) for row in batch.to_pylist()]


if __name__ == "__main__":
    main()
