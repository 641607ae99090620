"""What pages and sites weigh, how long they take, and what thumbnails cost a scan.

    python -m benchmarks.page size [--images 12 2000 20000]
    python -m benchmarks.page cost DATA [--files 300] [--rounds 3]

``size`` makes reports of drawn pictures and prints, for each number of images, bytes and seconds of
the page and of the site, and the memory that writing it added. Where Chromium and playwright are at
hand it opens each from disk and prints the time to the first paint, until all cards are there, and
from a letter in the search to the new cards. ``cost`` scans the files of DATA with and without
thumbnails, in turn, chunk by chunk, so that a machine's changes of speed fall on both, and decodes
each file alone with and without: where others use the machine too, CPU seconds tell more.
"""

import argparse
import io
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from clipfake.detector import Detector
from clipfake.detector.adapter_file import load_adapter
from clipfake.detector.operating import operating_facts
from clipfake.errors import ErrorCode, ImageError
from clipfake.imaging.decode import decode
from clipfake.imaging.limits import Limits
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.imaging.thumbnail import LARGE_SIDE, SIDE, encode, shrink
from clipfake.records import Claim, Exif, Fact, Record, Strength, Verdict
from clipfake.report.page.pictures import Pictures
from clipfake.report.report import Report
from clipfake.scanning.score import scan_items
from clipfake.sources import Item, Selection, Sources

PICTURES = 200  # that differ; a report repeats them, with hashes of their own
ENDINGS = (".html", ".site")
CAMERAS = (("Canon", "EOS 5D"), ("Nikon", "D850"), ("Sony", "ILCE-7M3"), (None, None))
TOOLS = ("ComfyUI", "AUTOMATIC1111", None, None, None)
CHUNK = 20


def drawn(seed: int) -> Image.Image:
    """A smooth picture with some grain."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((640, 480), Image.Resampling.BICUBIC), dtype=np.int16)
    grain = rng.integers(-12, 13, smooth.shape)
    return Image.fromarray((smooth + grain).clip(0, 255).astype(np.uint8))


def thumbnails() -> list[bytes]:
    """As a scan makes them."""
    found = []
    for seed in range(PICTURES):
        buffer = io.BytesIO()
        drawn(seed).save(buffer, "JPEG", quality=90)
        made = decode(buffer.getvalue(), Preprocessing(), Limits(), pictured=True).thumbnail
        found.append(made or b"")
    return found


def larger() -> Pictures:
    """Gives any row a larger picture, as a scan makes it; a scan decodes the row's file for it."""
    made = []
    for seed in range(PICTURES):
        made.append(encode(shrink(drawn(seed), LARGE_SIDE)))

    def pictures(rows: Sequence[Mapping[str, Any]], side: int = SIDE) -> Iterator[bytes | None]:
        for place, _ in enumerate(rows):
            yield made[place % PICTURES] if side == LARGE_SIDE else None

    return pictures


def records(count: int, threshold: float, pictures: Sequence[bytes]) -> Iterator[Record]:
    """Records as a scan of many folders gives them: a tenth ai, a twentieth errors."""
    rng = random.Random(7)
    for number in range(count):
        score = rng.betavariate(6, 0.3) if rng.random() < 0.12 else rng.betavariate(0.25, 1.6)
        if number % 20 == 19:
            path = f"archive/{number // 500:03d}/IMG_{number:06d}.jpg"
            text = f"{path}: JPEG: image file is truncated; get a whole copy"
            yield Record(path, bytes=9999, error_code=ErrorCode.TRUNCATED, error=text)
            continue
        make, model = rng.choice(CAMERAS)
        tool = rng.choice(TOOLS)
        verdict = Verdict.AI if score >= threshold else Verdict.REAL
        if 0.26 < score < threshold:
            verdict = Verdict.INCONCLUSIVE
        facts = [
            Fact("jpeg.quality", "90", "JPEG DQT", 20),
            Fact("jpeg.subsampling", "4:2:0", "JPEG SOF0", 160),
            Fact("exif.software", "Firmware 1.0", "EXIF IFD0", 30),
        ]
        if tool:
            facts.append(Fact("parameters.tool", tool, "PNG tEXt", 41, Strength.SPECIFIC, Claim.AI))
            text = f"steps 20, seed {rng.getrandbits(32)}, {'a long prompt ' * 8}"
            facts.append(Fact("parameters.settings", text, "PNG tEXt", 41))
        yield Record(
            path=f"archive/{number // 500:03d}/IMG_{number:06d}.jpg",
            sha256=f"{rng.getrandbits(256):064x}",
            bytes=rng.randrange(10**5, 10**7),
            format="JPEG",
            width=4000,
            height=3000,
            animated=False,
            score=score,
            verdict=verdict,
            verdict_basis="pixels",
            declared="none",
            explanation=f"{verdict.value}: the pixels score {score:.3f} and the file declares "
            "no origin.",
            threshold=threshold,
            model="default",
            phash=f"{rng.getrandbits(64):016x}",
            exif=Exif(make=make, model=model),
            facts=tuple(facts),
            thumbnail=pictures[number % len(pictures)],
        )


def weigh(count: int, folder: Path) -> list[Path]:
    """Write a page and a site, and print what each took."""
    adapter = load_adapter()
    threshold = adapter.rule().threshold
    about = {
        "clipfake": "benchmark",
        "started": "2026-01-01T00:00:00+00:00",
        "folder": "/archive",
        "options": {"paths": ["archive"]},
        "adapter": adapter.name,
        "adapter_sha256": adapter.digest,
        "operating": operating_facts(adapter),
    }
    pictures, large, paths = thumbnails(), larger(), []
    for ending in ENDINGS:
        path = folder / f"report-{count}{ending}"
        before = _memory_from_here()
        start, making = time.perf_counter(), 0.0
        with Report([path], {}, about, pictures=large) as report:
            began = time.perf_counter()
            for record in records(count, threshold, pictures):
                making += time.perf_counter() - began
                report.add(record)
                began = time.perf_counter()
        seconds = time.perf_counter() - start - making
        files = [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else [path]
        size = sum(each.stat().st_size for each in files)
        print(
            f"{count} images, {ending}: {size / 1e6:.2f} MB in {len(files)} files, "
            f"{seconds:.2f} s, memory +{(_peak() - before) / 1e6:.0f} MB at most",
            flush=True,
        )
        paths.append(path)
    return paths


def _memory_from_here() -> int:
    """Bytes in use, from which the peak counts anew (Linux, proc(5): clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> int:
    """Most bytes in use since then."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


OPENED = """() => {
  const paint = performance.getEntriesByName('first-contentful-paint')[0];
  return paint ? paint.startTime : null;
}"""
FILTERED = """async () => {
  const search = document.querySelector('#filters input'), found = [];
  for (const text of ['7', '77', '', '1', '12']) {
    const start = performance.now();
    search.value = text;
    search.dispatchEvent(new Event('input'));
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    found.push(performance.now() - start);
  }
  return found;
}"""


def look(path: Path) -> None:
    """Open a page in Chromium and print its times."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        print(f"{path.name}: no Chromium or no playwright here, not opened")
        return
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        paints, readies, filters = [], [], []
        for _ in range(3):
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            start = time.perf_counter()
            page.goto((path / "index.html" if path.is_dir() else path).resolve().as_uri())
            page.wait_for_selector("html[data-ready]", timeout=120_000)
            readies.append(1000 * (time.perf_counter() - start))
            paints.append(page.evaluate(OPENED) or float("nan"))
            filters += page.evaluate(FILTERED)
            page.close()
        browser.close()
    print(
        f"{path.name}: first paint {statistics.median(paints):.0f} ms, all there "
        f"{statistics.median(readies):.0f} ms, filter {statistics.median(filters):.0f} ms "
        f"(slowest {max(filters):.0f} ms)",
        flush=True,
    )


def cost(data: str, files: int, rounds: int) -> None:
    """Print how much longer a scan takes that makes thumbnails."""
    items = [Item(item.path) for item in islice(Sources([data], Selection()), files)]
    detector = Detector.load()

    def scan(chunk: list[Item], *, pictured: bool) -> tuple[float, float]:
        start, cpu = time.perf_counter(), _cpu()
        rule = detector.rule()
        for _ in scan_items(chunk, detector, rule, limits=Limits(), thumbnails=pictured):
            pass
        return time.perf_counter() - start, _cpu() - cpu

    scan(items[:CHUNK], pictured=True)  # warm up
    taken: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    for turn in range(rounds):
        for first in range(0, len(items), CHUNK):
            order = (False, True) if turn % 2 == 0 else (True, False)
            for pictured in order:
                taken[pictured].append(scan(items[first : first + CHUNK], pictured=pictured))
    print(f"{len(items)} files, {rounds} rounds, chunks of {CHUNK}")
    for place, name in enumerate(("wall", "CPU, with that of the workers")):
        without, with_ = (np.array([each[place] for each in taken[which]]) for which in taken)
        ratios = with_ / without
        print(
            f"{name}: without {without.sum():.1f} s, with thumbnails {with_.sum():.1f} s, ratio "
            f"{with_.sum() / without.sum():.3f}; of chunks: median {np.median(ratios):.3f}, "
            f"{ratios.min():.3f} to {ratios.max():.3f}"
        )
    each = sum(cpu for _, cpu in taken[False]) / (rounds * len(items))
    _decode_alone(items, 1000 * each)


def _decode_alone(items: list[Item], scan: float) -> None:
    """Print what hash and thumbnail add to decoding a file, beside a scan's CPU milliseconds."""
    ways = {"alone": (False, False), "with hash": (True, False), "with thumbnail": (True, True)}
    spent = dict.fromkeys(ways, 0.0)
    for item in items:
        data = Path(item.path).read_bytes()
        for name, (hashed, pictured) in ways.items():
            least = []
            for _ in range(3):
                start = time.process_time()
                try:
                    decode(data, Preprocessing(), Limits(), hashed=hashed, pictured=pictured)
                except ImageError:
                    break
                least.append(time.process_time() - start)
            spent[name] += 1000 * min(least, default=0.0) / len(items)
    hashing = spent["with hash"] - spent["alone"]
    picturing = spent["with thumbnail"] - spent["with hash"]
    print(
        f"decoding, CPU a file: {spent['alone']:.2f} ms; the hash adds {hashing:.2f} ms, the "
        f"thumbnail {picturing:.2f} ms, which is {100 * picturing / scan:.2f} % of the "
        f"{scan:.0f} ms of a scan"
    )


def _cpu() -> float:
    """Seconds of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def main() -> None:
    """Print a line a measurement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    size = commands.add_parser("size")
    size.add_argument("--images", type=int, nargs="+", default=[12, 2000, 20000])
    size.add_argument("--out", type=Path, help="keep the pages here")
    alone = commands.add_parser("alone")  # one number of images, in a process of its own
    alone.add_argument("images", type=int)
    alone.add_argument("out", type=Path)
    costs = commands.add_parser("cost")
    costs.add_argument("data")
    costs.add_argument("--files", type=int, default=300)
    costs.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    if args.command == "cost":
        cost(args.data, args.files, args.rounds)
    elif args.command == "alone":
        for path in weigh(args.images, args.out):
            look(path)
    else:
        with tempfile.TemporaryDirectory() as folder:
            out = args.out or Path(folder)
            out.mkdir(exist_ok=True)
            for count in args.images:
                command = [sys.executable, "-m", "benchmarks.page", "alone", str(count), str(out)]
                subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
