"""How well format, size and quality alone tell the label of the training images.

    python benchmarks/bias_audit.py MANIFEST

A detector learns such a bias before it learns anything else. What can be known of an image
without looking at what it shows is given to gradient-boosted trees, cross-validated by source;
an AUC over 0.6 is warned of. Told of are the file that is trained on; what the manifest's columns
width, height and format and the file of its column full say, where there are such; and the square
that the encoder sees, as a scan cuts it and as augmentation leaves it: of the file as the training
loop does, and of the full file, where there is one, as the fit of the default head does. Images
are drawn evenly over generators; rows whose form is not normalised are left out.
"""

import argparse
import csv
import io
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from ablation.intervals import Bools, Estimate, Floats, auc, estimate
from ablation.rows import Row, read_rows
from PIL import Image, JpegImagePlugin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import GroupKFold

from clipfake.errors import ClipfakeError, ImageError
from clipfake.imaging.decode import thumbnail, to_pixels
from clipfake.imaging.limits import Limits
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.training.augment import augment
from clipfake.training.examples import take_shots
from clipfake.training.loop import LoopOptions
from clipfake.training.store import SHORT_SIDE
from clipfake.training.tokens import AUGMENTED_SIDE

WARN_ABOVE = 0.6
_FOLDS = 5
_BLOCK = 8  # side of a JPEG block, pixels
_NONE = -1.0  # what a file without the property has
_JPEG = 90

Features = dict[str, float]
Described = tuple[Row, Features]


def main() -> None:
    """Print the audit as Markdown."""
    args = _parser().parse_args()
    try:
        own = [row for row in read_rows(args.manifest) if row.example.split == args.split]
    except ClipfakeError as error:
        sys.exit(str(error))
    rows = _draw(own, args.images)
    sized = [row for row in rows if row.columns.get("width") and row.columns.get("height")]
    with_full = [row for row in rows if row.full]
    lines = {
        "file trained on": _each(rows, lambda row: file_features(Path(row.example.path))),
        "columns as found on the web": _each(sized, lambda row: column_features(row.columns)),
        "full file": _each(with_full, lambda row: file_features(Path(row.full))),
        "square as scanned": _each(
            rows, lambda row: square_features(row.example.path, SHORT_SIDE, augmented=0.0)
        ),
        "square augmented": _each(
            rows,
            lambda row: square_features(
                row.example.path, SHORT_SIDE, augmented=LoopOptions.augmented
            ),
        ),
        "square of the full file, or else the file, as scanned": _each(
            rows, lambda row: square_features(_fullest(row), AUGMENTED_SIDE, augmented=0.0)
        ),
        "square of the full file, or else the file, augmented": _each(
            rows, lambda row: square_features(_fullest(row), AUGMENTED_SIDE, augmented=1.0)
        ),
    }
    lines = {name: line for name, line in lines.items() if line}
    print("| what is known | images | AUC of all features |\n|---|---|---|")
    warnings = []
    for name, line in lines.items():
        found = _together(line)
        cell = "too few sources"
        if found is not None:
            cell = f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"
            if found.value > WARN_ABOVE:
                warnings.append(f"Warning: {name} tells the label with an AUC of {found.value:.3f}")
        print(f"| {name} | {len(line)} | {cell} |", flush=True)
        if args.work:
            args.work.mkdir(parents=True, exist_ok=True)
            _write(args.work / f"{name.replace(',', '').replace(' ', '-')}.csv", line)
    print("\n" + "\n".join(warnings))
    print("\n| what is known | feature | AUC alone |\n|---|---|---|")
    for name, line in lines.items():
        for feature, area in sorted(_alone(line).items(), key=lambda pair: -pair[1]):
            print(f"| {name} | {feature} | {area:.3f} |")


def file_features(path: Path) -> Features:
    """What a file's header and length say.

    Raises:
        OSError: it cannot be read, or is no image that Pillow knows.
    """
    with Image.open(path) as image:
        tables = getattr(image, "quantization", None) or {}
        features = {
            **_size(image.width, image.height),
            **_format(image.format or ""),
            # the sum of the luminance table falls as the quality rises
            "luminance table": float(sum(tables[0])) if 0 in tables else _NONE,
            "subsampling": _NONE,
        }
        if isinstance(image, JpegImagePlugin.JpegImageFile):
            features["subsampling"] = float(JpegImagePlugin.get_sampling(image))
    size = path.stat().st_size
    return features | {"bytes": size, "bytes a pixel": size / features["pixels"]}


def column_features(columns: dict[str, str]) -> Features:
    """What the manifest's columns width, height (pixels) and format say."""
    size = _size(int(columns["width"]), int(columns["height"]))
    return {**size, **_format(columns.get("format", ""))}


def square_features(path: str, short_side: int, *, augmented: float) -> Features:
    """What the encoder's square tells of its history, whatever it shows.

    Args:
        path: the file.
        short_side: that it is decoded to, pixels, at most.
        augmented: share of images that are augmented, as in training.

    Raises:
        ImageError: it cannot be decoded.
        OSError: it cannot be read.
    """
    rng = random.Random(path)
    image = thumbnail(Path(path).read_bytes(), short_side, Limits())
    if rng.random() < augmented:
        image = augment(image, rng)
    pixels = to_pixels(image, Preprocessing())[0].transpose(1, 2, 0)
    square = Image.fromarray(pixels)
    grey = np.asarray(square.convert("L"), dtype=np.float64)
    return {
        "side before the resize": min(image.size),
        "PNG bytes a pixel": _encoded(square, "PNG") / grey.size,
        "JPEG bytes a pixel": _encoded(square, "JPEG", quality=_JPEG) / grey.size,
        "mean absolute Laplacian": _laplacian(grey),
        "blockiness": _blockiness(grey),
    }


def out_of_fold(table: Floats, is_ai: Bools, sources: Sequence[str]) -> Floats:
    """Probability of AI for each image by trees that saw no image of its source.

    Args:
        table: ``[N, F]``.
        is_ai: ``[N]``.
        sources: ``[N]``.

    Returns:
        float64 ``[N]``.
    """
    scores = np.zeros(len(table))
    for train, test in GroupKFold(_FOLDS).split(table, is_ai, sources):
        trees = HistGradientBoostingClassifier(random_state=0)
        scores[test] = trees.fit(table[train], is_ai[train]).predict_proba(table[test])[:, 1]
    return scores


def _draw(rows: Sequence[Row], images: int) -> list[Row]:
    """At most so many rows, half of each class, evenly over generators."""
    taken = take_shots([row.example for row in rows], images // 2, seed=0)
    by_path = {row.example.path: row for row in rows}
    return [by_path[example.path] for example in taken]


def _fullest(row: Row) -> str:
    return row.full or row.example.path


def _each(rows: Sequence[Row], features: Callable[[Row], Features]) -> list[Described]:
    """Features of the rows whose image can be read."""
    described = []
    for row in rows:
        try:
            described.append((row, features(row)))
        except (ImageError, OSError) as error:
            print(f"{row.example.path}: left out ({error})", file=sys.stderr)
    return described


def _columns(line: Sequence[Described]) -> tuple[list[str], Floats, Bools, list[str]]:
    """Names of the features, their values ``[N, F]``, labels ``[N]`` and sources."""
    names = list(line[0][1])
    table = np.array([[float(features[name]) for name in names] for _, features in line])
    is_ai = np.array([row.example.is_ai for row, _ in line])
    return names, table, is_ai, [row.example.source for row, _ in line]


def _together(line: Sequence[Described]) -> Estimate | None:
    """AUC of all features; None when a class has fewer sources than there are folds."""
    classes = {(row.example.is_ai, row.example.source) for row, _ in line}
    if min(sum(ai == label for ai, _ in classes) for label in (False, True)) < _FOLDS:
        return None
    _, table, is_ai, sources = _columns(line)
    return estimate(auc, out_of_fold(table, is_ai, sources), is_ai, np.array(sources))


def _alone(line: Sequence[Described]) -> dict[str, float]:
    """AUC of each feature by itself, whichever way it points."""
    names, table, is_ai, _ = _columns(line)
    once = np.ones(len(table), dtype=np.int64)
    areas = {name: auc(table[:, column], is_ai, once) for column, name in enumerate(names)}
    return {name: max(area, 1 - area) for name, area in areas.items()}


def _write(file: Path, line: Sequence[Described]) -> None:
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(["path", "label", "source", *(line[0][1] if line else ())])
        for row, features in line:
            label = "fake" if row.example.is_ai else "real"
            writer.writerow([row.example.path, label, row.example.source, *features.values()])


def _size(width: int, height: int) -> Features:
    pixels = float(width * height)
    return {"width": width, "height": height, "pixels": pixels, "aspect": width / height}


def _format(name: str) -> Features:
    return {
        "is JPEG": float(name.upper() in ("JPEG", "JPG", "MPO")),
        "is PNG": float(name.upper() == "PNG"),
        "is WebP": float(name.upper() == "WEBP"),
    }


def _encoded(image: Image.Image, form: str, **options: int) -> int:
    """Bytes of an image as a file."""
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.tell()


def _laplacian(grey: Floats) -> float:
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float(np.abs(around - 4 * grey[1:-1, 1:-1]).mean())


def _blockiness(grey: Floats) -> float:
    """Mean absolute step between neighbours across an 8-pixel grid, over that elsewhere."""
    at, off = [], []
    for steps in (
        np.abs(np.diff(grey, axis=1)).mean(axis=0),
        np.abs(np.diff(grey, axis=0)).mean(1),
    ):
        across = np.arange(1, len(steps) + 1) % _BLOCK == 0
        at.append(steps[across].mean())
        off.append(steps[~across].mean())
    return float((np.mean(at) + 1e-6) / (np.mean(off) + 1e-6))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--work", type=Path, help="folder for the features of every image, as CSV")
    parser.add_argument("--split", default="train")
    parser.add_argument("--images", type=int, default=2000, help="at most, half of each class")
    return parser


if __name__ == "__main__":
    main()
