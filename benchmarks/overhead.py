"""What a scan costs beyond decoding and encoding, measured in one process.

    python -m benchmarks.overhead DATA [--files 500] [--chunk 100]

DATA is a folder or manifest. For each chunk of files it times, one after the other so that a
machine's changes of speed fall on all three: decoding alone (hash, decode and EXIF in the same
workers), the encoder alone (pixels ready in memory), and the scan with a Parquet report. Overhead
is scan / (decoding + encoder) - 1; it is negative where decoding runs beside the encoder.
"""

import argparse
import statistics
import tempfile
import time
from itertools import islice
from pathlib import Path

from clipfake.detector import Detector
from clipfake.imaging.limits import Limits
from clipfake.report.report import Report
from clipfake.scanning.batches import Batch, read_batches
from clipfake.scanning.processes.worker import default_workers
from clipfake.scanning.reader import ReadOptions
from clipfake.scanning.score import scan_items
from clipfake.sources import Item, Selection, Sources


def decode_alone(items: list[Item], detector: Detector) -> tuple[float, list[Batch]]:
    """Seconds to read all items, and the batches that have pixels."""
    start = time.perf_counter()
    options = ReadOptions(detector.adapter.preprocessing, tiled=detector.tiled)
    size, workers = detector.batch_size, default_workers()
    batches = list(read_batches(items, options, batch_size=size, workers=workers))
    seconds = time.perf_counter() - start
    return seconds, [batch for batch in batches if batch.pixels is not None]


def encode_alone(batches: list[Batch], detector: Detector) -> float:
    """Seconds to score pixels that are ready, with the second looks that they call for."""
    start = time.perf_counter()
    for batch in batches:
        if batch.pixels is not None:
            detector.look(batch.pixels, batch.tiles)
    return time.perf_counter() - start


def scan_all(items: list[Item], detector: Detector, output: Path) -> float:
    """Seconds of a scan with a report."""
    start = time.perf_counter()
    with Report([output], {}, {}) as report:
        for record in scan_items(items, detector, detector.rule(), limits=Limits()):
            report.add(record)
    return time.perf_counter() - start


def main() -> None:
    """Print a line a chunk, the total and the median overhead."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--chunk", type=int, default=100)
    args = parser.parse_args()

    items = [Item(i.path) for i in islice(Sources([args.data], Selection()), args.files)]
    start = time.perf_counter()
    detector = Detector.load()
    print(f"loading the detector: {time.perf_counter() - start:.2f} s")
    encode_alone(decode_alone(items[:32], detector)[1], detector)  # warm up
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for first in range(0, len(items), args.chunk):
            chunk = items[first : first + args.chunk]
            decode, batches = decode_alone(chunk, detector)
            encode = encode_alone(batches, detector)
            scan = scan_all(chunk, detector, Path(folder) / "report.parquet")
            lines.append((decode, encode, scan))
            print(_line(f"files {first + 1} to {first + len(chunk)}", *lines[-1]), flush=True)
    decode, encode, scan = (sum(column) for column in zip(*lines, strict=True))
    print(_line(f"all {len(items)} files", decode, encode, scan))
    median = statistics.median(s / (d + e) - 1 for d, e, s in lines)
    print(f"median overhead of a chunk {median:+.1%}")


def _line(what: str, decode: float, encode: float, scan: float) -> str:
    overhead = scan / (decode + encode) - 1
    return (
        f"{what}: decoding {decode:.2f} s, encoder {encode:.2f} s, scan {scan:.2f} s, "
        f"overhead {overhead:+.1%}"
    )


if __name__ == "__main__":
    main()
