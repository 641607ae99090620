"""What reading metadata costs: alone on many small files, and as a share of a full scan.

    python -m benchmarks.metadata many [--files 10000]
    python -m benchmarks.metadata share DATA [--files 200] [--rounds 3]

`many` makes small pictures (JPEG with EXIF of a camera, PNG with parameters, WebP with XMP, plain
ones) and runs `clipfake scan --no-pixels` on them as a process of its own. `share` times a scan of
DATA with metadata and one without, in turn in one process; the share is what the first takes more.
"""

import argparse
import io
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from benchmarks.memory import SCAN

XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" e:DigitalSourceType=
"http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"/></rdf:RDF></x:xmpmeta>"""


def small_files(folder: Path, count: int) -> None:
    """Write pictures of four kinds, each with bytes of its own."""
    camera = Image.Exif()
    camera[ExifTags.Base.Make], camera[ExifTags.Base.Model] = "Example Optics", "EO-1"
    camera.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FNumber] = 2.8
    for number in range(count):
        colour = (number % 256, number // 256 % 256, 128)
        image, buffer = Image.new("RGB", (64, 48), colour), io.BytesIO()
        kind = number % 4
        if kind == 0:
            image.save(buffer, "JPEG", exif=camera)
        elif kind == 1:
            words = PngInfo()
            settings = f"Steps: 20, Sampler: Euler, CFG scale: 7, Seed: {number}"
            words.add_text("parameters", f"{number}\n{settings}")
            image.save(buffer, "PNG", pnginfo=words)
        elif kind == 2:
            image.save(buffer, "WEBP", xmp=XMP)
        else:
            image.save(buffer, "PNG")
        part = folder / f"{number // 1000:03d}"
        part.mkdir(exist_ok=True)
        (part / f"{number:06d}.img").write_bytes(buffer.getvalue())


def many(files: int) -> None:
    """Rate and peak memory of a scan of metadata alone."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.mkdir()
        small_files(data, files)
        report = Path(folder) / "report.parquet"
        options = ["scan", str(data), "--no-pixels", "--quiet", "-o", str(report)]
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", SCAN, *options], capture_output=True, text=True, check=True
        )
        seconds = time.perf_counter() - start
    own, workers = done.stdout.split()[-2:]
    print(
        f"{files} files in {seconds:.1f} s ({files / seconds:.0f} files/s, start included), "
        f"peak {own} MiB, largest worker {workers} MiB"
    )


def share(data: str, files: int, rounds: int) -> None:
    """Share of a scan's time that metadata takes."""
    from clipfake.detector import Detector
    from clipfake.imaging.limits import Limits
    from clipfake.metadata.read import MetadataOptions
    from clipfake.scanning.score import scan_items
    from clipfake.sources import Item, Selection, Sources

    items = [Item(item.path) for item in islice(Sources([data], Selection()), files)]
    detector = Detector.load()
    rule = detector.rule()

    def seconds(metadata: MetadataOptions | None) -> float:
        start = time.perf_counter()
        for _ in scan_items(items, detector, rule, limits=Limits(), metadata=metadata):
            pass
        return time.perf_counter() - start

    seconds(MetadataOptions())  # warm up
    shares = []
    for number in range(rounds):
        with_it, without = seconds(MetadataOptions()), seconds(None)
        shares.append(1 - without / with_it)
        print(f"round {number}: with {with_it:.1f} s, without {without:.1f} s", flush=True)
    print(f"{len(items)} files: share of metadata {statistics.median(shares):.1%} (median)")


def main() -> None:
    """Run one of the two."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kinds = parser.add_subparsers(dest="kind", required=True)
    first = kinds.add_parser("many")
    first.add_argument("--files", type=int, default=10_000)
    second = kinds.add_parser("share")
    second.add_argument("data")
    second.add_argument("--files", type=int, default=200)
    second.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    if args.kind == "many":
        many(args.files)
    else:
        share(args.data, args.files, args.rounds)


if __name__ == "__main__":
    main()
