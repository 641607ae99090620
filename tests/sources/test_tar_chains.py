"""Tars one behind another, and what else follows an end mark."""

import gzip
import tarfile
import time
import tracemalloc
from pathlib import Path

import pytest

from clipfake.errors import ErrorCode
from tests.conftest import PATIENCE
from tests.sources.archives import OTHER, PICTURE, rows, scanned, tar_info, tarred

FIRST, SECOND = tarred({"a.png": PICTURE}), tarred({"d/b.jpg": OTHER, "c.png": PICTURE})
BOTH = ["a.png", "d/b.jpg", "c.png"]


def wrapped(parts: list[bytes], how: str) -> bytes:
    if how == "one gzip":
        return gzip.compress(b"".join(parts))
    return b"".join(gzip.compress(part) for part in parts) if how == "gzips" else b"".join(parts)


@pytest.mark.parametrize("how", ["plain", "one gzip", "gzips"])
@pytest.mark.parametrize("gap", [0, 512, 10_240, 2**20])
def test_members_behind_an_end_mark_are_read(tmp_path: Path, how: str, gap: int) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(wrapped([FIRST, bytes(gap), SECOND], how))
    assert rows(path) == [(f"x.tar!/{name}", None) for name in BOTH]
    assert scanned(path)[1].format == "JPEG"


def test_a_lone_zero_block_is_no_end(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(FIRST.rstrip(b"\0") + bytes(-len(FIRST.rstrip(b"\0")) % 512 + 512) + SECOND)
    assert rows(path) == [(f"x.tar!/{name}", None) for name in BOTH]


def test_many_tars_are_one(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(FIRST * 50)
    assert rows(path) == [("x.tar!/a.png", None)] * 50


def test_attributes_of_all_members_end_with_their_archive(tmp_path: Path) -> None:
    common = tarfile.TarInfo.create_pax_global_header({"path": "renamed.png"})
    path = tmp_path / "x.tar"
    path.write_bytes(common + FIRST + SECOND)
    assert [name for name, _ in rows(path)] == [
        "x.tar!/renamed.png",
        "x.tar!/d/b.jpg",
        "x.tar!/c.png",
    ]


@pytest.mark.parametrize("rest", [b"trailing bytes", b"x" * 512, b"\1" * 5000, PICTURE])
@pytest.mark.parametrize("how", ["plain", "one gzip", "gzips"])
def test_what_is_no_tar_behind_an_end_mark_is_not_looked_at(
    tmp_path: Path, rest: bytes, how: str
) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(wrapped([FIRST, rest], how))
    assert rows(path) == [("x.tar!/a.png", None)]


def test_damage_in_a_later_tar_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(FIRST + SECOND[: len(OTHER) // 2])
    found = rows(path)
    assert found[0] == ("x.tar!/a.png", None)
    assert found[-1] == ("x.tar", ErrorCode.TRUNCATED)


@pytest.mark.parametrize("compressed", [False, True])
def test_zeros_without_end_are_passed_over_in_bounds(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / "x.tar"
    if compressed:
        path.write_bytes(gzip.compress(FIRST + bytes(200 * 2**20), 1))
    else:
        path.write_bytes(FIRST)
        with open(path, "r+b") as file:
            file.truncate(2**40)  # sparse
    start = time.monotonic()
    tracemalloc.start()
    found = rows(path)
    assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    tracemalloc.stop()
    assert time.monotonic() - start < PATIENCE
    assert found == [("x.tar!/a.png", None), ("x.tar", ErrorCode.ARCHIVE_LIMIT)]


def test_a_member_of_a_later_tar_that_climbs_out_is_only_a_name(tmp_path: Path) -> None:
    link = tar_info("s.png", kind=tarfile.SYMTYPE, link="/etc/passwd").tobuf(tarfile.GNU_FORMAT)
    path = tmp_path / "x.tar"
    path.write_bytes(FIRST + link + bytes(1024))
    assert rows(path)[1] == ("x.tar!/s.png", ErrorCode.NOT_A_FILE)
