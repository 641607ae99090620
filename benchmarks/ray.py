"""What the engine costs, beside a plain scan, and what the driver holds.

    python -m benchmarks.ray rows [--files 200] [--rounds 1]
    python -m benchmarks.ray units [--items 1000000]
    python -m benchmarks.ray driver [--items 1000000] [--engine ray]
    python -m benchmarks.ray listing [--keys 20000]

``rows``: FILES small pictures by a plain scan, and by 1 and 2 actors of one Ray that stays up, in
turn; whether the rows are the same, and seconds. ``units``: a manifest of ITEMS names, none of
which exists, listed into units: seconds to the first unit, and the peak of memory at a tenth of
them and at all. ``driver``: the same manifest scanned by the engine, without pixels: seconds until
the first unit is under way and until all is done, and the peak of the driver's memory. ``listing``:
KEYS keys in S3 (moto's server, here), listed into units.
"""

import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def rows(files: int, rounds: int) -> None:
    """Print the seconds of each way, in turn."""
    import pyarrow.parquet as pq
    import ray

    from benchmarks.kill import pictures
    from clipfake.plan import ScanPlan
    from clipfake.report.parquet import parquet_files
    from clipfake.scanning import run
    from clipfake.scanning.engines.ray import Cluster
    from clipfake.scanning.parts import load_detector

    def timed(output: Path, **options: Any) -> tuple[float, list[dict[str, Any]]]:
        plan = ScanPlan.of([data], output=[output], unit=max(1, files // 8), **options)
        start = time.monotonic()
        with run(plan) as events:
            for _ in events:
                pass
        seconds = time.monotonic() - start
        found = [row for file in parquet_files(output) for row in pq.read_table(file).to_pylist()]
        return seconds, found

    with tempfile.TemporaryDirectory() as name, Cluster(None):
        data = Path(name) / "data"
        data.mkdir()
        pictures(data, files, files)
        load_detector(ScanPlan())  # the imports of torch are no part of what is compared
        for number in range(rounds):
            plain, expected = timed(Path(name) / f"{number}.parquet")
            line = {"round": number, "load": os.getloadavg()[0], "plain": round(plain, 1)}
            for actors in (1, 2):
                out = Path(name) / f"{number}-{actors}.parts"
                took, found = timed(out, engine="ray", actors=actors)
                line |= {f"actors_{actors}": round(took, 1), f"same_{actors}": found == expected}
            print(json.dumps(line), flush=True)
    ray.shutdown()


def list_here(source: str, report: str) -> None:
    """List a source into units, in this process, and print what it took."""
    from clipfake.plan import ScanPlan
    from clipfake.scanning.parts import selection_of
    from clipfake.scanning.provenance import open_units
    from clipfake.sources import Sources
    from clipfake.sources.place import Place

    start, first = time.monotonic(), 0.0
    plan = ScanPlan.of([source], output=[report], no_pixels=True, allow_network=True)
    sources = Sources(plan.what.paths, selection_of(plan))
    units = open_units(plan, Place(report), sources, None, None)
    for _unit in units.cut(sources, sources.passed_over):
        first = first or time.monotonic() - start
    took = time.monotonic() - start
    assert units.listed is not None
    print(units.listed.items, units.listed.units, round(first, 2), round(took, 1), _peak())


def drive_here(source: str, report: str, engine: str) -> None:
    """Scan a manifest without pixels, in this process, and print what it took."""
    start = time.monotonic()
    from clipfake.plan import ScanPlan
    from clipfake.scanning import run
    from clipfake.scanning.events import Noticed, Recorded

    options: dict[str, Any] = {"no_pixels": True, "workers": 0}
    begun, row, rows = 0.0, 0.0, 0
    with run(ScanPlan.of([source], output=[report], engine=engine, **options)) as events:
        for event in events:
            if isinstance(event, Noticed) and "first unit under way" in event.text:
                begun = time.monotonic() - start
            rows += isinstance(event, Recorded)
            row = row or (rows and time.monotonic() - start)
    took = time.monotonic() - start
    print(rows, round(begun, 1), round(row, 1), round(took, 1), _peak())


def _peak() -> int:
    """Most memory that this process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _apart(name: str, *arguments: str) -> list[str]:
    """What a function of this module prints, in a process of its own."""
    code = f"import sys; from benchmarks.ray import {name}; {name}(*sys.argv[1:])"
    words = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr[-800:])
    return done.stdout.split()


def _listed(source: str, folder: Path, name: str) -> None:
    found = _apart("list_here", source, str(folder / f"{name}.parts"))
    items, units, first, seconds, peak = found
    print(f"{items} items, {units} units: first after {first} s, all after {seconds} s, {peak} MiB")


def _manifest(folder: Path, count: int) -> Path:
    """A list of names that do not exist."""
    manifest = folder / f"{count}.csv"
    with manifest.open("w") as file:
        file.write("path,label\n")
        for row in range(count):
            file.write(f"none/{row:09d}.jpg,real\n")
    return manifest


def units(items: int) -> None:
    """Print what listing a manifest costs, a tenth of it and all."""
    with tempfile.TemporaryDirectory() as name:
        for count in (items // 10, items):
            _listed(str(_manifest(Path(name), count)), Path(name), str(count))


def driver(items: int, engine: str) -> None:
    """Print what the driver of a scan holds, at a tenth of a manifest and at all."""
    with tempfile.TemporaryDirectory() as name:
        for count in (items // 10, items):
            report = str(Path(name) / f"{count}.parts")
            source = str(_manifest(Path(name), count))
            rows, begun, row, seconds, peak = _apart("drive_here", source, report, engine)
            print(
                f"{rows} rows by {engine}: first unit under way after {begun} s, first row after "
                f"{row} s, all after {seconds} s; the driver held {peak} MiB at most",
                flush=True,
            )


def listing(keys: int) -> None:
    """Print what listing keys in S3 costs."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(port=0, verbose=False)
    with contextlib.redirect_stderr(None):
        server.start()
    host, port = server.get_host_and_port()
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    from moto.core import DEFAULT_ACCOUNT_ID  # type: ignore[attr-defined]
    from moto.s3.models import s3_backends

    boto3.client("s3").create_bucket(Bucket="keys")
    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    for number in range(keys):
        backend.put_object("keys", f"in/{number:06d}.jpg", b"")
    with tempfile.TemporaryDirectory() as name:
        _listed("s3://keys/in", Path(name), "keys")
    server.stop()


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["rows", "units", "driver", "listing"])
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--engine", choices=["local", "ray"], default="ray")
    parser.add_argument("--keys", type=int, default=20_000)
    args = parser.parse_args()
    if args.what == "rows":
        rows(args.files, args.rounds)
    elif args.what == "units":
        units(args.items)
    elif args.what == "driver":
        driver(args.items, args.engine)
    else:
        listing(args.keys)
    print(f"load {os.getloadavg()[0]:.1f}; this process held {_peak()} MiB at most")


if __name__ == "__main__":
    main()
