"""Whether an image's quality tells where false alarms gather: side, JPEG quality, sharpness.

    python -m benchmarks.quality LOGITS.csv [--adapter FILE]

LOGITS.csv is what `tools/set_thresholds.py` leaves in its work folder: logits of both looks, by
heads that have not seen the image's source. Of real images in each range of quality it prints how
many `--looks auto` calls AI at the default operating point, the upper 95 % bound of their share by
whole sources, and the sources that have most of them; then how well all that the file and the
encoder's square tell ranks the accused above the others, by trees that saw no image of the source
(AUC, 0.5 is chance).
"""

import argparse
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from benchmarks.bias_audit import square_features
from clipfake.detector.adapter_file import DEFAULT_ADAPTER, load_adapter
from clipfake.detector.calibration import Floats
from clipfake.detector.looks import Looks
from clipfake.evaluation.bias import file_features, out_of_fold
from clipfake.training.promise import Reals
from clipfake.training.tokens import AUGMENTED_SIDE
from clipfake.training.validation import Scored
from tools.gather_images import read_csv
from tools.set_thresholds import scores_of

_NAMED = 2  # sources of a range


def main() -> None:
    """Measure the images, and print a line for each range."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("logits", type=Path)
    parser.add_argument("--adapter", type=Path, default=DEFAULT_ADAPTER)
    args = parser.parse_args()
    adapter = load_adapter(args.adapter)
    apart = set(adapter.facts.get("metrics", {}).get("apart", ()))
    rows = [r for r in read_csv(args.logits) if r["label"] == "real" and r["kind"] not in apart]
    first, second = (np.array([float(r[n] or "nan") for r in rows]) for n in ("first", "second"))
    sources = np.array([row["source"] for row in rows])
    scored = Scored(first, np.zeros(len(rows), dtype=bool), sources, second)
    scores = scores_of(adapter, scored, Looks.AUTO)
    threshold = adapter.rule(looks=Looks.AUTO).threshold
    accused = scores >= threshold
    told = [quality(row["path"]) for row in rows]
    columns = {name: np.array([each[name] for each in told]) for name in told[0]}
    sharpness = columns["mean absolute Laplacian"]
    fifths = np.quantile(sharpness, [0.2, 0.4, 0.6, 0.8]).tolist()
    ranges: dict[str, tuple[Floats, list[float]]] = {
        "short side": (columns["short side"], [0, 256, 300, 400, 600, 1000, 2000, np.inf]),
        "luminance table": (columns["luminance table"], [0, 300, 600, 1200, 2400, np.inf]),
        "sharpness": (sharpness, [0, *fifths, np.inf]),
    }
    print("| quality | from | below | images | sources | accused | upper 95 % bound | most of |")
    print("|---|---|---|---|---|---|---|---|")
    for name, (values, limits) in ranges.items():
        for low, high in pairwise(limits):
            own = (values >= low) & (values < high)
            rate = Reals(scores[own], sources[own]).rate(threshold)
            most = Counter(sources[own & accused].tolist()).most_common(_NAMED)
            print(
                f"| {name} | {low:.4g} | {high:.4g} | {rate.images} | {len(set(sources[own]))} "
                f"| {rate.accused} | {rate.upper:.1%} "
                f"| {', '.join(f'{source} {count}' for source, count in most if count > 1)} |"
            )
    table = np.stack(list(columns.values()), axis=1)
    ranked = roc_auc_score(accused, out_of_fold(table, accused, sources))
    print(f"all together: AUC {ranked:.3f}")


def quality(path: str) -> dict[str, float]:
    """What a file and the encoder's square tell of an image's quality."""
    told = file_features(Path(path))
    square = square_features(path, AUGMENTED_SIDE, augmented=0.0)
    return {**told, **square, "short side": min(told["width"], told["height"])}


if __name__ == "__main__":
    main()
