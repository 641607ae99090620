"""S3 through s3fs, from a server of moto's on this machine."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clipfake.errors import ErrorCode
from clipfake.imaging.limits import Limits
from clipfake.scanning.reader import ReadOptions, read_item
from clipfake.sources import Selection, Sources
from tests.conftest import PATIENCE
from tests.sources.archives import OTHER, PICTURE, TEXT

s3fs = pytest.importorskip("s3fs")
moto = pytest.importorskip("moto.server")

FILES = {
    "in/a b?c#d.png": PICTURE,
    "in/sub/b.jpg": OTHER,
    "in/sub/c.txt": TEXT,
    "large.png": PICTURE + bytes(8 * 2**20),
    "in/.h.png": PICTURE,
}


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
        system.mkdir("pictures")
        for name, data in FILES.items():
            system.pipe(f"pictures/{name}", data)
        yield "s3://pictures"
    server.stop()


def scanned(*names: str, **rules: Any) -> list[Any]:
    options = ReadOptions(None, Limits(), None)
    items = Sources(names, Selection(network=True, **rules))
    return [read_item(item, options)[0] for item in items]


def test_a_bucket_is_walked(bucket: str) -> None:
    found = scanned(bucket)
    assert [(record.path, record.error_code) for record in found] == [
        (f"{bucket}/in/a b?c#d.png", None),
        (f"{bucket}/in/sub/b.jpg", None),
        (f"{bucket}/in/sub/c.txt", ErrorCode.NOT_AN_IMAGE),
        (f"{bucket}/large.png", None),
    ]
    digests = [hashlib.sha256(data).hexdigest() for data in (PICTURE, OTHER, FILES["large.png"])]
    assert [record.sha256 for record in found if record.sha256] == digests
    names = [record.path for record in scanned(f"{bucket}/in/", include=["sub/*.jpg"])]
    assert names == [f"{bucket}/in/sub/b.jpg"]


def test_keys_and_buckets_that_do_not_exist_are_rows(bucket: str) -> None:
    found = scanned(f"{bucket}/no.png", "s3://no-such-bucket/a.png", "s3://no-such-bucket")
    assert [record.error_code for record in found] == [ErrorCode.MISSING] * 3


def test_workers_read_what_the_main_process_lists(bucket: str, tmp_path: Path) -> None:
    report = tmp_path / "r.jsonl"
    command = [sys.executable, "-m", "clipfake", "scan", bucket, "--no-pixels", "--workers", "2"]
    command += ["--allow-network", "--json", "--quiet", "-o", str(report)]
    done = subprocess.run(
        command, capture_output=True, text=True, env=dict(os.environ), timeout=PATIENCE, check=True
    )
    summary = json.loads(done.stdout)
    assert (summary["files"], summary["scored"], summary["skipped"]) == (4, 3, 1)
    assert "hunter2" not in report.read_text() + done.stderr
