"""How well format, size and quality alone tell the label of the training images.

    python -m benchmarks.bias_audit MANIFEST

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
from PIL import Image

from benchmarks.ablation.rows import Row, read_rows
from clipfake.errors import ClipfakeError, ImageError
from clipfake.evaluation.bias import (
    Bias,
    Features,
    file_features,
    format_features,
    of_features,
    size_features,
)
from clipfake.evaluation.intervals import Floats
from clipfake.imaging.decode import thumbnail, to_pixels
from clipfake.imaging.limits import Limits
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.training.augment import augment
from clipfake.training.examples import take_shots
from clipfake.training.loop import LoopOptions
from clipfake.training.store import SHORT_SIDE
from clipfake.training.tokens import AUGMENTED_SIDE

_BLOCK = 8  # side of a JPEG block, pixels
_JPEG = 90

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
    found = {name: _told(line) for name, line in lines.items()}
    for name, bias in found.items():
        cell = "too few sources"
        if bias.auc is not None:
            cell = f"{bias.auc.value:.3f} [{bias.auc.low:.3f}, {bias.auc.high:.3f}]"
        print(f"| {name} | {bias.images} | {cell} |", flush=True)
        if args.work:
            args.work.mkdir(parents=True, exist_ok=True)
            _write(args.work / f"{name.replace(',', '').replace(' ', '-')}.csv", lines[name])
    print()
    for name, bias in found.items():
        if bias.auc is not None and bias.warns:
            print(f"Warning: {name} tells the label with an AUC of {bias.auc.value:.3f}")
    print("\n| what is known | feature | AUC alone |\n|---|---|---|")
    for name, bias in found.items():
        for feature, area in bias.alone.items():
            print(f"| {name} | {feature} | {area:.3f} |")


def _told(line: Sequence[Described]) -> Bias:
    is_ai = np.array([row.example.is_ai for row, _ in line])
    sources = np.array([row.example.source for row, _ in line])
    return of_features([features for _, features in line], is_ai, sources)


def column_features(columns: dict[str, str]) -> Features:
    """What the manifest's columns width, height (pixels) and format say."""
    size = size_features(int(columns["width"]), int(columns["height"]))
    return {**size, **format_features(columns.get("format", ""))}


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


def _write(file: Path, line: Sequence[Described]) -> None:
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(["path", "label", "source", *(line[0][1] if line else ())])
        for row, features in line:
            label = "fake" if row.example.is_ai else "real"
            writer.writerow([row.example.path, label, row.example.source, *features.values()])


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
