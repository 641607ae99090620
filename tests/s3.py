"""A server that stands in for S3."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest


@contextmanager
def bucket_of(name: str, files: Mapping[str, bytes]) -> Iterator[str]:
    """The URL of a bucket that holds some files; what asks for it knows server and keys.

    The test that asks is skipped where moto or s3fs is not installed.
    """
    moto = pytest.importorskip("moto.server", reason="moto is not installed")
    s3fs = pytest.importorskip("s3fs", reason="s3fs is not installed")
    server = moto.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "topsecret")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        s3fs.S3FileSystem.clear_instance_cache()  # connections to another server
        system = s3fs.S3FileSystem(skip_instance_cache=True)
        system.mkdir(name)
        for key, data in files.items():
            system.pipe(f"{name}/{key}", data)
        yield f"s3://{name}"
    server.stop()
