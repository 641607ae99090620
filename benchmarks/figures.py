"""Figures of a report whose manifest had columns label, generator and source.

    clipfake scan split-val.csv --output report.parquet
    python benchmarks/figures.py report.parquet

AUC, recall at the operating point per generator, and false-positive rate per source of reals,
with 95 % intervals that take whole sources. Needs scikit-learn: pip install 'clipfake[tools]'.
"""

import argparse
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from sklearn.metrics import roc_auc_score

from clipfake.detector.calibration import share_interval


def main() -> None:
    """Print the figures as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("report", type=Path)
    args = parser.parse_args()
    table = pq.read_table(args.report).to_pydict()
    scored = np.array([score is not None for score in table["score"]])
    scores = np.array([s for s in table["score"] if s is not None])
    is_ai = np.array([label == "fake" for label in table["label"]])[scored]
    called = np.array([verdict == "ai" for verdict in table["verdict"]])[scored]
    generators = np.array(table["generator"])[scored]
    sources = np.array(table["source"])[scored]

    print(f"{len(scores)} images scored, {int((~scored).sum())} not; {table['model'][0]}")
    print(f"AUC {roc_auc_score(is_ai, scores):.4f}")
    for name, kind in (("recall", is_ai), ("FPR", ~is_ai)):
        low, high = share_interval(called[kind], sources[kind])
        share = called[kind].mean()
        print(f"{name} at the operating point: {share:.1%} ({low:.1%} to {high:.1%})")
    for title, kind in (("generator, recall", is_ai), ("source of reals, FPR", ~is_ai)):
        print(f"\n| {title} | images | called AI |\n|---|---|---|")
        for group in sorted(set(generators[kind].tolist())):
            hits = called[kind & (generators == group)]
            print(f"| {group} | {len(hits)} | {hits.mean():.0%} |")


if __name__ == "__main__":
    main()
