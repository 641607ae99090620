"""What scanning inside an archive costs beside the same files in a folder.

    python -m benchmarks.archive [--files 10000] [--distinct N] [--images FOLDER] [--form zip]
                                 [--pixels] [--rounds 3] [--workers N]

The files are copied from FOLDER, or made small (64 x 48 pixels, four kinds, each with bytes of its
own) where none is given. With --distinct only so many of them differ: as the same bytes are scored
once, less of the time is the encoder's, and more of it what an archive costs. Both are scanned in
turn in one process, so that a machine's changes of speed fall on both; every record must be the
same. The ratio is the archive's time over the folder's.
"""

import argparse
import hashlib
import statistics
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from benchmarks.metadata import small_files
from clipfake.imaging.limits import Limits
from clipfake.metadata.read import MetadataOptions
from clipfake.records import Record
from clipfake.scanning.describe import scan_metadata
from clipfake.sources import Selection, Sources

FORMS = ("zip", "stored.zip", "tar", "tar.gz")

Scan = Callable[[Sources], Iterator[Record]]


def fill(folder: Path, images: Path | None, count: int, distinct: int) -> int:
    """Put ``count`` files into a folder, of which ``distinct`` differ; how many differ."""
    with tempfile.TemporaryDirectory() as place:
        if images is None:
            images = Path(place)
            small_files(images, distinct)
        found = list(islice(filter(Path.is_file, sorted(images.rglob("*"))), distinct))
        if not found:
            raise SystemExit(f"{images}: there is no file in it")
        for number in range(count):
            source = found[number % len(found)]
            part = folder / f"{number // 1000:03d}"
            part.mkdir(exist_ok=True)
            (part / f"{number:06d}{source.suffix}").write_bytes(source.read_bytes())
    return len(found)


def pack(folder: Path, archive: Path, form: str) -> None:
    """Pack the files of a folder in the order of their names."""
    names = sorted(path for path in folder.rglob("*") if path.is_file())
    if form.endswith("zip"):
        how = zipfile.ZIP_STORED if form == "stored.zip" else zipfile.ZIP_DEFLATED
        with zipfile.ZipFile(archive, "w", how) as packed:
            for name in names:
                packed.write(name, name.relative_to(folder))
    else:
        with tarfile.open(archive, "w:gz" if form == "tar.gz" else "w:") as tar:
            for name in names:
                tar.add(name, name.relative_to(folder))


def timed(scan: Scan, source: Path) -> tuple[float, str]:
    """Seconds of a scan, and a digest of what it found, without the paths."""
    digest, start = hashlib.sha256(), time.perf_counter()
    for r in scan(Sources([source], Selection())):
        found = (r.sha256, r.bytes, r.format, r.width, r.score, r.verdict, r.error_code, r.facts)
        digest.update(repr(found).encode("utf-8", "backslashreplace"))
    return time.perf_counter() - start, digest.hexdigest()


def pixels_scan(workers: int | None) -> Scan:
    """A scan with scores."""
    from clipfake.detector import Detector
    from clipfake.scanning.score import scan_items

    detector = Detector.load()
    return partial(
        scan_items,
        detector=detector,
        rule=detector.rule(),
        limits=Limits(),
        workers=workers,
    )


def main() -> None:
    """Print each round and the median ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--distinct", type=int, help="all by default")
    parser.add_argument("--images", type=Path)
    parser.add_argument("--form", choices=FORMS, default="zip")
    parser.add_argument("--pixels", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder, archive = Path(place) / "files", Path(place) / f"files.{args.form}"
        folder.mkdir()
        distinct = fill(folder, args.images, args.files, args.distinct or args.files)
        pack(folder, archive, args.form)
        scan = (
            pixels_scan(args.workers)
            if args.pixels
            else partial(
                scan_metadata, options=MetadataOptions(), limits=Limits(), workers=args.workers
            )
        )
        timed(scan, archive)  # warm up
        ratios = []
        for number in range(args.rounds):
            plain, expected = timed(scan, folder)
            packed, found = timed(scan, archive)
            if found != expected:
                raise SystemExit("the archive's records differ from the folder's")
            ratios.append(packed / plain)
            print(f"round {number}: folder {plain:.2f} s, archive {packed:.2f} s", flush=True)
    kind = "scores" if args.pixels else "metadata"
    print(
        f"{args.files} files, {distinct} of them different, {args.form}, {kind}: "
        f"ratio {statistics.median(ratios):.3f} (median)"
    )


if __name__ == "__main__":
    main()
