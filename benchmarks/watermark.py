"""Which pictures hold a known watermark, what such marks withstand, and what reading them costs.

    python -m benchmarks.watermark found MANIFEST.csv
    python -m benchmarks.watermark survive MANIFEST.csv --pictures 12
    python -m benchmarks.watermark cost FOLDER
    python -m benchmarks.watermark strangers

MANIFEST has columns path, label and generator; with `--originals FOLDER --origins ORIGINS.csv`
the full-size originals are read, as `tools.fit_generators` finds them. ``found`` counts, for real
images and each label of AI images, how many were read and how many hold a mark; every mark in a
real image is named. ``survive`` embeds the marks with the library itself (`pip install
invisible-watermark`, in an environment of its own: it needs torch and OpenCV) in pictures of
65,536 pixels or more, and reads them after one change each. ``cost`` is the CPU time of decoding
files and of reading marks. ``strangers`` simulates blocks in which other people's texts of ASCII
are embedded: how many pass for a known mark by the bound of chance alone, and with the likeness.
"""

import argparse
import io
import random
import string
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from clipfake.errors import ImageError
from clipfake.imaging.decode import DecodedImage, decode
from clipfake.imaging.limits import Limits
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.metadata.dwt_dct import LEAST_PIXELS, Reading, votes
from clipfake.metadata.watermark import (
    LIKENESS,
    LIMIT,
    WATERMARKS,
    chance,
    likeness,
    read_watermarks,
)
from clipfake.scanning.processes.pool import in_order
from clipfake.scanning.processes.worker import default_workers, quiet_worker
from tools.fit_generators import full_size

Pixels = npt.NDArray[np.uint8]
# how each pipeline hands its picture to the library
HANDED = (
    (0, Reading.BYTES),
    (1, Reading.BYTES),
    (2, Reading.BYTES),
    (3, Reading.FLOATS),
    (3, Reading.FLOATS_EXCHANGED),
    (4, Reading.FLOATS),
)


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["found", "survive", "cost", "strangers"])
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--originals", type=Path)
    parser.add_argument("--origins", type=Path)
    parser.add_argument("--pictures", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.what == "strangers":
        strangers(args.seed)
        return
    if args.data is None:
        parser.error("name the data")
    if args.what == "cost":
        cost(args.data)
        return
    rows = list(full_size(args.data, args.originals, args.origins))
    if args.what == "found":
        found(rows)
        return
    random.Random(args.seed).shuffle(rows)
    survive([Path(row["path"]) for row in rows], args.pictures)


def _marks(path: str) -> list[str] | None:
    """Marks of a file as a scan reads it; None where it holds no picture that can be read."""
    try:
        image = decode(Path(path).read_bytes(), Preprocessing(), Limits())
    except (ImageError, OSError):
        return None
    return _of(image)


def _of(image: DecodedImage) -> list[str] | None:
    if image.width * image.height < LEAST_PIXELS:
        return None
    facts = read_watermarks(image.stored, image.width, image.height)
    return [fact.value for fact in facts if fact.key == "watermark.pattern"]


def found(rows: list[dict[str, str]]) -> None:
    """Print a row for real images and for each label that has a mark, and one for all others."""
    paths = [row["path"] for row in rows]
    read, marked, patterns = Counter[str](), Counter[str](), Counter[tuple[str, str]]()
    answers = in_order(_marks, paths, workers=default_workers(), prepare=quiet_worker)
    for row, marks in zip(rows, answers, strict=True):
        label = "real" if row["label"] == "real" else row["generator"]
        if marks is None:
            continue
        read[label] += 1
        for mark in marks:
            patterns[label, mark] += 1
            if label == "real":
                print(f"in a real image: {row['path']}: {mark}")
        marked[label] += bool(marks)
    print("| images | read | with a mark | which |\n|---|---|---|---|")
    shown = ["real", *sorted(label for label in read if marked[label] and label != "real")]
    for label in shown:
        which = ", ".join(f"{mark} {n}" for (of, mark), n in patterns.items() if of == label)
        print(f"| {label} | {read[label]} | {marked[label]} | {which} |")
    rest = sum(count for label, count in read.items() if label not in shown)
    print(f"| other AI images | {rest} | 0 | |")


def survive(paths: list[Path], wanted: int) -> None:
    """Print, for each change, the share of pictures in which each mark is still read."""
    embed = _embedder()
    kept: dict[str, list[list[bool]]] = {}
    pictures = 0
    for path in paths:
        with Image.open(path) as opened:
            rgb = np.asarray(opened.convert("RGB"))
        if rgb.shape[0] * rgb.shape[1] < LEAST_PIXELS:
            continue
        pictures += 1
        for at, reading in HANDED:
            marked = embed(rgb, WATERMARKS[at].bits, reading)
            for name, (image, width, height) in _changed(marked):
                facts = read_watermarks(image, width, height)
                told = WATERMARKS[at].name in [fact.value for fact in facts]
                kept.setdefault(name, [[] for _ in HANDED])[HANDED.index((at, reading))].append(
                    told
                )
        if pictures == wanted:
            break
    titles = [f"{WATERMARKS[at].name}, {reading.name.lower()}" for at, reading in HANDED]
    print(f"{pictures} pictures\n| then | {' | '.join(titles)} |\n|{'---|' * (len(titles) + 1)}")
    for name, columns in kept.items():
        print(f"| {name} | {' | '.join(f'{np.mean(told):.0%}' for told in columns)} |")


def _embedder() -> Callable[[Pixels, npt.NDArray[np.bool_], Reading], Pixels]:
    try:
        from imwatermark import WatermarkEncoder  # type: ignore[import-not-found]
    except ImportError as error:
        raise SystemExit("survive needs the library: pip install invisible-watermark") from error

    def embed(rgb: Pixels, bits: npt.NDArray[np.bool_], reading: Reading) -> Pixels:
        encoder: Any = WatermarkEncoder()
        encoder.set_watermark("bits", bits.astype(int).tolist())
        exchanged = reading in (Reading.BYTES_EXCHANGED, Reading.FLOATS_EXCHANGED)
        given = rgb if exchanged else rgb[..., ::-1]
        if reading in (Reading.FLOATS, Reading.FLOATS_EXCHANGED):
            given = given.astype(np.float32)
        out = encoder.encode(np.ascontiguousarray(given), "dwtDct")
        out = np.asarray(out).round().clip(0, 255).astype(np.uint8)
        return np.ascontiguousarray(out if exchanged else out[..., ::-1])

    return embed


def _changed(marked: Pixels) -> Iterator[tuple[str, tuple[Image.Image, int, int]]]:
    """Names of changes, and the picture as it is decoded then, with its size as stored."""
    image = Image.fromarray(marked)
    width, height = image.size
    for form, options in (("PNG", {}), ("WEBP", {"lossless": True}), ("WEBP", {"quality": 90})):
        said = " ".join(f"{key} {value}" for key, value in options.items())
        yield f"{form} {said}".strip(), _saved(image, form, half=False, **options)
    for subsampling, title in ((0, "4:4:4"), (2, "4:2:0")):
        for quality in (95, 90, 75):
            for half in (False, True):
                size = "half" if half else "full"
                saved = _saved(image, "JPEG", half=half, quality=quality, subsampling=subsampling)
                yield f"JPEG {quality}, {title}, decoded at {size} size", saved
    for title, other in (
        ("10 brighter", Image.fromarray(np.clip(marked.astype(int) + 10, 0, 255).astype(np.uint8))),
        ("scaled by 0.5", image.resize((width // 2, height // 2))),
        ("scaled by 0.9", image.resize((width * 9 // 10, height * 9 // 10))),
        ("rows cut off at the bottom", image.crop((0, 0, width, height * 3 // 4))),
        ("columns cut off at the right", image.crop((0, 0, width * 3 // 4, height))),
        ("8 pixels cut off at the left and top", image.crop((8, 8, width, height))),
        ("mirrored", image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
    ):
        yield title, (other, *other.size)


def _saved(
    image: Image.Image, form: str, *, half: bool, **options: Any
) -> tuple[Image.Image, int, int]:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    opened = Image.open(buffer)
    width, height = opened.size
    if half:
        opened.draft(None, (width // 2, height // 2))
    return opened.convert("RGB"), width, height


def cost(folder: Path) -> None:
    """Print CPU milliseconds a file: decoding, and reading marks."""
    decoding = reading = 0.0
    files = 0
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        data, began = path.read_bytes(), time.process_time()
        try:
            image = decode(data, Preprocessing(), Limits())
        except ImageError:
            continue
        between = time.process_time()
        _of(image)
        decoding += between - began
        reading += time.process_time() - between
        files += 1
    print(
        f"{files} files: decoding {1e3 * decoding / files:.1f} ms of CPU time a file, "
        f"watermarks {1e3 * reading / files:.1f} ms"
    )


def strangers(seed: int, texts: int = 3000) -> None:
    """Print how many of some random texts would count for a known mark."""
    rng = np.random.default_rng(seed)
    lower, upper, digits = string.ascii_lowercase, string.ascii_uppercase, string.digits
    alphabets = [lower, upper, digits, f"{lower}{upper}{digits} -.@"]
    lengths = [len(mark.bits) // 8 for mark in WATERMARKS]
    by_chance = passed = 0
    likest = 0.0
    for number in range(texts):
        # every other one as long as a known text, which is hardest
        length = int(rng.choice(lengths)) if number % 2 else int(rng.integers(1, 40))
        alphabet = np.frombuffer(alphabets[rng.integers(4)].encode(), np.uint8)
        text = np.unpackbits(rng.choice(alphabet, length)).astype(bool)
        blocks = text[np.arange(rng.choice([1024, 4096, 16384])) % len(text)]
        blocks = blocks ^ (rng.random(len(blocks)) < rng.choice([0.0, 0.02, 0.2]))
        near = [
            likeness(heard, mark.bits)
            for mark in WATERMARKS
            if chance(heard := votes(blocks, len(mark.bits)), mark.bits) <= LIMIT
        ]
        by_chance += bool(near)
        passed += any(each >= LIKENESS for each in near)
        likest = max([likest, *near])
    print(
        f"{texts} texts: {by_chance} pass by the bound alone, {passed} with the likeness of "
        f"{LIKENESS}; the likest has {likest:.2f}"
    )


if __name__ == "__main__":
    main()
