"""Whether an image's quality tells where false alarms gather: side, JPEG quality, sharpness.

    python -m benchmarks.quality LOGITS.csv [--adapter FILE]

LOGITS.csv is what `tools/set_thresholds.py` leaves in its work folder: logits of both looks, by
heads that have not seen the image's source. Of real images in each range of quality it prints how
many `--looks auto` calls AI at the default operating point, and the upper 95 % bound of their share
by whole sources; then how well all of them together, in a logistic regression fitted on other
sources, rank the accused above the others (AUC, 0.5 is chance).
"""

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from clipfake.detector.adapter_file import DEFAULT_ADAPTER, load_adapter
from clipfake.detector.looks import Looks
from clipfake.training.promise import Reals
from clipfake.training.validation import Scored
from tools.gather_images import read_csv
from tools.set_thresholds import scores_of

Floats = npt.NDArray[np.float64]
_SIDE = 448  # sharpness is that of a copy with such a short side
_STANDARD_MEAN = 57.625  # of the luminance table at quality 50, ITU-T T.81 annex K.1


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
    measured = np.array([quality(Path(row["path"])) for row in rows])
    side, jpeg, sharpness = measured.T
    edges: dict[str, tuple[Floats, list[float]]] = {
        "short side": (side, [0, 256, 300, 400, 600, 1000, 2000, np.inf]),
        "JPEG quality": (jpeg, [0, 60, 75, 85, 92, 96, 101]),
        "sharpness": (sharpness, [-np.inf, *np.quantile(sharpness, [0.2, 0.4, 0.6, 0.8]), np.inf]),
    }
    print("| quality | from | below | images | sources | accused | upper 95 % bound |")
    print("|---|---|---|---|---|---|---|")
    for name, (values, limits) in edges.items():
        for low, high in pairwise(limits):
            own = (values >= low) & (values < high)
            rate = Reals(scores[own], sources[own]).rate(threshold)
            print(
                f"| {name} | {low:.4g} | {high:.4g} | {rate.images} | {len(set(sources[own]))} "
                f"| {rate.accused} | {rate.upper:.1%} |"
            )
    accused = scores >= threshold
    columns = np.stack([np.log(side), sharpness, np.nan_to_num(jpeg, nan=90.0), np.isnan(jpeg)], 1)
    scaled = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    model = LogisticRegression(max_iter=1000, class_weight="balanced")
    told = cross_val_predict(
        model, scaled, accused, groups=sources, cv=GroupKFold(5), method="predict_proba"
    )[:, 1]
    print(f"all together: AUC {roc_auc_score(accused, told):.3f}")


def quality(path: Path) -> tuple[float, float, float]:
    """Short side in pixels, JPEG quality (1..100, NaN of other formats), log of sharpness.

    Sharpness is the variance of the Laplacian of grey levels. JPEG quality is that by which the
    IJG's library scales the standard table to the mean of the file's luminance table.
    """
    with Image.open(path) as image:
        side, jpeg = min(image.size), float("nan")
        if isinstance(image, JpegImageFile) and image.quantization:
            ratio = 100 * float(np.mean(image.quantization[0])) / _STANDARD_MEAN
            jpeg = (200 - ratio) / 2 if ratio <= 100 else 5000 / ratio
        image.draft("L", (_SIDE, _SIDE))
        grey = image.convert("L")
    scale = _SIDE / min(grey.size)
    if scale < 1:
        size = (round(grey.width * scale), round(grey.height * scale))
        grey = grey.resize(size, Image.Resampling.BICUBIC)
    levels: Floats = np.asarray(grey, dtype=np.float64)
    around = levels[1:-1, :-2] + levels[1:-1, 2:] + levels[:-2, 1:-1] + levels[2:, 1:-1]
    variance = float((around - 4 * levels[1:-1, 1:-1]).var())
    return float(side), jpeg, float(np.log(variance + 1e-3))


if __name__ == "__main__":
    main()
