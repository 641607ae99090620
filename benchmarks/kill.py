"""Kill a scan at random moments, resume it each time, and compare with an unbroken one.

    python -m benchmarks.kill [--files 5000] [--distinct 250] [--kills 20] [--seed 0] [--no-pixels]

Makes FILES small pictures of which DISTINCT differ (the same bytes are scored once, so that the run
takes minutes on a CPU), scans them unbroken, then again with KILLS times `kill -9`: each within
half a second after a number of rows, drawn at random, is kept. The rows of each journal are counted
after the kill: as they are whole batches, what a kill wastes is what was under way of the next one.
"""

import argparse
import base64
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from clipfake.report.journal import journal_path


def pictures(folder: Path, files: int, distinct: int) -> None:
    """Noisy pictures of 96 x 64 pixels, in folders of a thousand."""
    rng = np.random.default_rng(0)
    blobs = []
    for _ in range(distinct):
        coarse = Image.fromarray(rng.integers(0, 256, (4, 6, 3), dtype=np.uint8))
        path = folder / "one.png"
        coarse.resize((96, 64), Image.Resampling.BICUBIC).save(path)
        blobs.append(path.read_bytes())
    (folder / "one.png").unlink()
    for number in range(files):
        part = folder / f"{number // 1000:03d}"
        part.mkdir(exist_ok=True)
        (part / f"{number:06d}.png").write_bytes(blobs[number * distinct // files])


def command(data: Path, report: Path, options: list[str]) -> list[str]:
    """A scan."""
    base = [sys.executable, "-m", "clipfake", "scan", str(data), "-o", str(report), "--quiet"]
    return [*base, *options]


def rows_of(journal: Path) -> list[int]:
    """Rows of each whole frame of a journal."""
    if not journal.exists():
        return []
    with journal.open("rb") as file:
        line = file.readline()
        if not line.endswith(b"\n"):
            return []
        header = json.loads(line)
        schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(header["schema"])))
        counts = []
        while len(head := file.read(8)) == 8:
            data = file.read(int.from_bytes(head[:4], "little"))
            if zlib.crc32(data) != int.from_bytes(head[4:], "little"):
                break
            counts.append(pa.ipc.read_record_batch(pa.py_buffer(data), schema).num_rows)
    return counts


def kill_once(arguments: list[str], journal: Path, rows: int, delay: float) -> bool:
    """Start a scan and kill it some seconds after so many rows are kept; whether it still ran."""
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as scan:
        while scan.poll() is None:
            if sum(rows_of(journal)) >= rows:
                time.sleep(delay)
                scan.send_signal(signal.SIGKILL)
                break
            time.sleep(0.02)
    return scan.returncode == -signal.SIGKILL


def main() -> None:
    """Print a line a kill, and what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--distinct", type=int, default=250)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-pixels", action="store_true")
    args = parser.parse_args()
    rng = random.Random(args.seed)
    options = ["--no-pixels"] if args.no_pixels else []
    with tempfile.TemporaryDirectory() as name:
        data = Path(name) / "data"
        data.mkdir()
        pictures(data, args.files, args.distinct)
        whole, broken = Path(name) / "whole.parquet", Path(name) / "broken.parquet"
        subprocess.run(command(data, whole, options), check=True)
        killed, done, whole_batches = 0, [0], True
        journal = journal_path(broken)
        for rows in sorted(rng.randrange(args.files) for _ in range(args.kills)):
            if not kill_once(command(data, broken, options), journal, rows, rng.uniform(0, 0.5)):
                break
            killed += 1
            counts = rows_of(journal)
            whole_batches = whole_batches and len(set(counts)) <= 1
            done.append(sum(counts))
            print(f"kill {killed} after {rows} rows: {done[-1]} rows are kept", flush=True)
        subprocess.run(command(data, broken, options), check=True)
        expected, found = pq.read_table(whole), pq.read_table(broken)
        paths = found["path"].to_pylist()
        print(
            json.dumps(
                {
                    "kills": killed,
                    "rows": found.num_rows,
                    "lost": args.files - len(set(paths)),
                    "doubled": len(paths) - len(set(paths)),
                    "equal": expected.equals(found),
                    "kept_rows_ever_fewer": done != sorted(done),
                    "kept_rows_are_whole_batches": whole_batches,
                }
            )
        )


if __name__ == "__main__":
    main()
