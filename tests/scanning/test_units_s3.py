"""Units whose files and parts lie in S3, from a server of moto's on this machine."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from clipfake.cli.exit_codes import Exit
from clipfake.errors import ReportError
from clipfake.plan import ScanPlan
from clipfake.report.merge import merge_reports
from clipfake.scanning import run
from clipfake.scanning.events import Restored
from clipfake.sources.place import Place
from tests.cli.command import clipfake
from tests.conftest import PATIENCE
from tests.s3 import bucket_of
from tests.sources.archives import PICTURE

s3fs = pytest.importorskip("s3fs", reason="s3fs is not installed")
moto = pytest.importorskip("moto.server", reason="moto is not installed")

KEYS = 12
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with bucket_of("archive", {f"in/{n:03d}.png": PICTURE for n in range(KEYS)}) as url:
        yield url


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
            time.sleep(0.1)
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


def test_what_is_merged_is_sent_when_it_is_whole(bucket: str, tmp_path: Path) -> None:
    place = Place(bucket)
    what = plan(bucket, 5).replaced(output=[f"{bucket}/m.parts"])
    with run(what) as events:
        list(events)
    words = ["merge", f"{bucket}/m.parts", "--allow-network", "-q"]
    assert clipfake(*words, "-o", f"{bucket}/m.parquet", "-o", tmp_path / "m.csv") == Exit.FINE
    (tmp_path / "m.parquet").write_bytes(place.read("m.parquet"))
    assert pq.read_metadata(tmp_path / "m.parquet").num_rows == KEYS
    assert [name for name in place.names() if name.startswith(("m.", "_"))] == ["m.parquet"]
    assert len((tmp_path / "m.csv").read_text().splitlines()) == KEYS + 1


class _Denying(BaseHTTPRequestHandler):
    """A store that lets nobody in."""

    def _deny(self) -> None:
        body = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(403)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _deny  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def closed() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Denying)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "topsecret")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        s3fs.S3FileSystem.clear_instance_cache()
        yield "s3://closed"
        s3fs.S3FileSystem.clear_instance_cache()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    "words",
    [
        ["scan", "{here}", "--no-pixels", "-o", "{closed}/r.parts"],
        ["scan", "{here}", "--no-pixels", "--engine", "ray", "-o", "{closed}/r.parts"],
        ["merge", "{here}/r.parts", "-o", "{closed}/m.parquet"],
        ["merge", "{closed}/r.parts", "-o", "{here}/m.parquet"],
        ["verify", "{closed}/r.parts"],
    ],
)
def test_a_bucket_that_lets_nobody_in_is_told_in_a_line(
    closed: str, tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "0.png").write_bytes(PICTURE)
    with run(ScanPlan.of([tmp_path], output=[tmp_path / "r.parts"], no_pixels=True)) as events:
        list(events)
    before = sorted(tmp_path.rglob("*"))
    given = [word.format(here=tmp_path, closed=closed) for word in words]
    assert clipfake(*given, "--allow-network", "-q") in (Exit.USAGE, Exit.REPORT_FAILED)
    told = capsys.readouterr().err
    assert "s3://closed" in told
    assert "access denied; check the credentials" in " ".join(told.split())
    assert "Traceback" not in told
    assert "hunter2" not in told
    assert sorted(tmp_path.rglob("*")) == before


def test_a_bucket_that_is_not_there_is_told_before_the_work(bucket: str) -> None:
    what = plan(bucket, 1).replaced(output=["s3://no-such-bucket/r.parts"])
    with pytest.raises(ReportError, match="cannot be written"), run(what) as events:
        list(events)
