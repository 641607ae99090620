"""Scan a folder of hostile files and seeded mutants of them, and see that the scan bears it.

    python -m benchmarks.hostile FOLDER [--mutants 2000] [--seed 0] [--report r.parquet]

Mutant N is a change of the N-th file of FOLDER, again from the first when they are used up: bits
flipped, cut off, a piece of another file put in, an integer of the header replaced. All are scanned
in one run, a process of its own. It must end as a scan does, give a row a file, exceed its time a
file by less than a second, and take no more than 2 GiB beyond a scan of one small picture; memory
is that of the process and its workers, summed every 50 ms. The last line is JSON; the exit code is
1 if anything was amiss.
"""

import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pyarrow.parquet as pq
from PIL import Image

from clipfake.errors import ErrorCode

MEBIBYTES = 2048
_HEADER = 512
_NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
# reads as usual, and writes down how long each file took; forked workers share it
_SCAN = """
import json, os, sys, time
from clipfake.scanning import reader, workers
log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def timed(read, how):
    def wrapped(item, options):
        start = time.monotonic()
        try:
            return read(item, options)
        finally:
            line = json.dumps([how, item.path, time.monotonic() - start])
            os.write(log, line.encode() + b"\\n")
    return wrapped
workers.read_alone = timed(workers.read_alone, "alone")
reader.read_item = timed(reader.read_item, "read")
from clipfake.cli.app import main
main(sys.argv[2:])
"""


def mutate(data: bytes, other: bytes, rng: Random) -> bytes:
    """Change a file once to three times; the same for the same state of ``rng``."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        changed = bytearray(data)
        at = rng.randrange(len(data) + 1)
        match rng.randrange(4):
            case 0:
                for _flip in range(rng.choice((1, 4, 32))):
                    if changed:
                        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
            case 1:
                del changed[at:]
            case 2:
                start = rng.randrange(len(other) + 1)
                piece = other[start : start + rng.choice((16, 256, 4096, len(other)))]
                changed[at : at + rng.choice((0, len(piece)))] = piece
            case _:
                size, order = rng.choice((1, 2, 4)), rng.choice(("little", "big"))
                number = rng.choice(_NUMBERS) % 2 ** (8 * size)
                at = rng.randrange(min(len(data), _HEADER) + 1)
                changed[at : at + size] = number.to_bytes(size, order)
        data = bytes(changed)
    return data


def write_mutants(files: list[Path], folder: Path, count: int, seed: int) -> None:
    """Write mutants of files in turn; their names begin with their number."""
    for number in range(count):
        rng = Random(f"{seed}/{number}")
        path = files[number % len(files)]
        data = mutate(path.read_bytes(), rng.choice(files).read_bytes(), rng)
        (folder / f"{number:05d}-{path.name[-100:]}").write_bytes(data)


class Run(NamedTuple):
    """What a scan was seen to do.

    Attributes:
        exit: code of the process, negative for a signal.
        stderr: what it printed there.
        seconds: how long it took.
        peak: largest sum of resident memory over the process and its workers, MiB.
        times: how, which file and how many seconds, of every reading that came to an end.
    """

    exit: int
    stderr: str
    seconds: float
    peak: float
    times: list[tuple[str, str, float]]


def scan(paths: list[Path], report: Path, options: list[str]) -> Run:
    """Scan in a process of its own, and watch it."""
    with tempfile.TemporaryDirectory() as folder:
        log, errors = Path(folder) / "log", Path(folder) / "stderr"
        names = [str(path) for path in paths]
        command = [sys.executable, "-c", _SCAN, str(log), "scan", *names, "-o", str(report)]
        start, peak = time.monotonic(), 0.0
        with errors.open("wb") as stderr:
            process = subprocess.Popen(
                [*command, "--quiet", *options], stdout=subprocess.DEVNULL, stderr=stderr
            )
            while process.poll() is None:
                time.sleep(0.05)
                peak = max(peak, _resident(process.pid) / 2**20)
        seconds = time.monotonic() - start
        lines = log.read_text().splitlines() if log.exists() else []
        times = [(how, path, took) for how, path, took in map(json.loads, lines)]
        return Run(process.returncode, errors.read_text(errors="replace"), seconds, peak, times)


def _resident(root: int) -> int:
    """Bytes of resident memory of a process and all that it started."""
    total, left = 0, [root]
    while left:
        process = Path(f"/proc/{left.pop()}")
        try:
            total += int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            for task in (process / "task").iterdir():
                left += map(int, (task / "children").read_text().split())
        except (OSError, ValueError, IndexError):  # it has just ended
            continue
    return total


def examine(run: Run, empty: Run, expected: list[Path], report: Path, timeout: float) -> Any:
    """The summary of a run, with what was amiss."""
    table = pq.read_table(report, columns=["path", "error_code"]) if report.exists() else None
    paths = table["path"].to_pylist() if table else []
    codes = collections.Counter(table["error_code"].to_pylist() if table else [])
    slow = [(round(took, 2), how, name) for how, name, took in run.times if took > timeout + 1]
    missing = len({str(path) for path in expected} - set(paths))
    unknown = set(codes) - {None} - {code.value for code in ErrorCode}
    failures = {
        "exit code": run.exit not in (0, 1, 3),
        "unexpected": "unexpected" in run.stderr,
        "rows": len(paths) != len(expected) or missing > 0,
        "codes": bool(unknown),
        "time": bool(slow),
        "memory": run.peak > empty.peak + MEBIBYTES,
    }
    longest = sorted(((took, how, name) for how, name, took in run.times), reverse=True)[:3]
    return {
        "failures": [name for name, failed in failures.items() if failed],
        "files": len(expected),
        "rows": len(paths),
        "missing": missing,
        "exit": run.exit,
        "stderr": run.stderr[-300:],
        "seconds": round(run.seconds, 1),
        "peak_mib": round(run.peak),
        "empty_peak_mib": round(empty.peak),
        "read_alone": sum(how == "alone" for how, _, _ in run.times),
        "too_slow": slow,
        "longest": [[round(took, 2), how, Path(name).name] for took, how, name in longest],
        "codes": {str(code): count for code, count in codes.most_common()},
    }


def main() -> None:
    """Print the summary."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--mutants", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--report", type=Path, help="where the report is kept, .parquet")
    parser.add_argument("--keep", type=Path, help="an empty folder for the mutants, to keep them")
    parser.add_argument("--timeout", type=float, default=10.0)
    parser.add_argument("--no-pixels", action="store_true")
    parser.add_argument("--workers", type=int)
    args = parser.parse_args()
    files = sorted(path for path in args.folder.rglob("*") if path.is_file())
    options = ["--timeout-per-file", str(args.timeout)]
    options += ["--no-pixels"] if args.no_pixels else []
    options += ["--workers", str(args.workers)] if args.workers is not None else []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mutants, nearly = args.keep or folder / "mutants", folder / "nearly"
        mutants.mkdir(exist_ok=True)
        nearly.mkdir()
        write_mutants(files, mutants, args.mutants, args.seed)
        Image.new("RGB", (64, 64), "teal").save(nearly / "one.png")
        empty = scan([nearly], folder / "empty.parquet", options)
        report = args.report or folder / "report.parquet"
        run = scan([args.folder, mutants], report, options)
        expected = files + sorted(mutants.iterdir())
        summary = examine(run, empty, expected, report, args.timeout)
    print(json.dumps(summary))
    sys.exit(1 if summary["failures"] else 0)


if __name__ == "__main__":
    main()
