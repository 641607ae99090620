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
from tests.s3 import bucket_of
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
    with bucket_of("pictures", FILES) as url:
        yield url


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


def test_a_large_folder_is_listed_page_by_page(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.s3.models import s3_backends

    store, keys = s3_backends[DEFAULT_ACCOUNT_ID]["aws"], 20_000
    s3fs.S3FileSystem(skip_instance_cache=True).mkdir("many")
    for number in range(keys):
        store.put_object("many", f"in/{number:05d}.png", b"")
    for name in ("in/", "in/00000/x.png", "in/00000-.png"):  # a mark of the folder; a folder
        store.put_object("many", name, PICTURE)
    asked: list[Any] = []
    call = s3fs.S3FileSystem._call_s3

    async def counted(self: Any, method: str, *given: Any, **more: Any) -> Any:
        asked.append(more.get("ContinuationToken", "first") if method == "list_objects_v2" else 0)
        return await call(self, method, *given, **more)

    monkeypatch.setattr(s3fs.S3FileSystem, "call_s3", s3fs.core.sync_wrapper(counted))
    items = iter(Sources(["s3://many/in"], Selection(network=True)))
    found = [next(items).text]
    assert sum(each != 0 for each in asked) <= 1 + 1, "the first page alone"
    found += [item.text for item in items]
    expected = ["00000-.png", "00000.png", "00000/x.png"]
    expected += [f"{number:05d}.png" for number in range(1, keys)]
    assert found == [f"s3://many/in/{name}" for name in expected]
    assert sum(each != 0 for each in asked) > keys // 1000
