"""Units whose files and parts lie in S3, from a server of moto's on this machine."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from clipfake.errors import ReportError
from clipfake.plan import ScanPlan
from clipfake.report.merge import merge_reports
from clipfake.scanning import run
from clipfake.scanning.events import Restored
from clipfake.sources.place import Place
from tests.conftest import PATIENCE
from tests.sources.archives import PICTURE

s3fs = pytest.importorskip("s3fs", reason="s3fs is not installed")
moto = pytest.importorskip("moto.server", reason="moto is not installed")

KEYS = 12
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    server = moto.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "topsecret")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        system = s3fs.S3FileSystem(skip_instance_cache=True)
        system.mkdir("archive")
        for number in range(KEYS):
            system.pipe(f"archive/in/{number:03d}.png", PICTURE)
        yield "s3://archive"
    server.stop()


def plan(bucket: str, unit: int) -> ScanPlan:
    return ScanPlan.of(
        [f"{bucket}/in"],
        output=[f"{bucket}/r.parts"],
        unit=unit,
        no_pixels=True,
        workers=0,
        allow_network=True,
    )


def test_a_scan_in_s3_that_is_killed_goes_on(bucket: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "clipfake", "scan", f"{bucket}/in", "--allow-network"]
    command += ["-o", f"{bucket}/r.parts", "--unit", "1", "--no-pixels", "--workers", "0", "-q"]
    place = Place(f"{bucket}/r.parts")
    with subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=Path.cwd()
    ) as scan:
        patience = time.monotonic() + PATIENCE
        while scan.poll() is None and time.monotonic() < patience:
            if "part-000002.parquet" in place.names():
                break
        scan.kill()
    with run(plan(bucket, 1)) as events:
        restored = sum(event.rows for event in events if isinstance(event, Restored))
    assert restored >= 2
    merged = merge_reports([f"{bucket}/r.parts"], [tmp_path / "x.parquet"])
    assert (merged.rows, merged.doubled, merged.lacking) == (KEYS, 0, [])
    found = pq.read_table(tmp_path / "x.parquet")["path"].to_pylist()
    assert found == [f"{bucket}/in/{number:03d}.png" for number in range(KEYS)]
    data = place.read("_items/items-000000.parquet")
    (tmp_path / "items").write_bytes(data)
    [row] = pq.read_table(tmp_path / "items").to_pylist()
    assert row["size"] == len(PICTURE)
    assert row["etag"]
    everything = b"".join(place.read(name) for name in place.names())
    assert b"hunter2" not in everything + data


def test_a_bucket_that_is_not_there_is_told_before_the_work(bucket: str) -> None:
    what = plan(bucket, 1).replaced(output=["s3://no-such-bucket/r.parts"])
    with pytest.raises(ReportError, match="cannot be written"), run(what) as events:
        list(events)
