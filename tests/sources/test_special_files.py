"""What is no regular file, in folders and behind links: a row, never opened, never waited for."""

import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

import pytest

from clipfake.errors import ErrorCode
from tests.sources.archives import PICTURE, rows, zipped

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")


@pytest.fixture
def special(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one of each, of which opening any fails the test."""
    root = tmp_path / "in"
    root.mkdir()
    (root / "a.png").write_bytes(PICTURE)
    os.mkfifo(root / "fifo.png")
    monkeypatch.chdir(root)  # names of sockets have to be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.png")
    with suppress(OSError, AttributeError):  # only root makes devices
        os.mknod(root / "null.png", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    real = os.open

    def watched(path: object, *rest: object, **options: object) -> int:
        if not isinstance(path, int) and os.path.exists(os.fspath(path)):  # type: ignore[call-overload]
            kind = os.stat(path).st_mode  # type: ignore[call-overload]
            assert stat.S_ISREG(kind) or stat.S_ISDIR(kind), path
        return real(path, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", watched)
    return root


def special_rows(root: Path) -> dict[str, ErrorCode | None]:
    names = [entry.name for entry in root.iterdir() if not entry.is_file()]
    return {f"in/{name}": ErrorCode.NOT_A_FILE for name in names} | {"in/a.png": None}


@pytest.mark.parametrize("archives", [True, False])
def test_fifos_sockets_and_devices_in_folders_are_rows(special: Path, archives: bool) -> None:
    found = dict(rows(special) if archives else rows(special, archives=None))
    assert found == special_rows(special)
    assert len(found) >= 3


def test_they_are_rows_when_named_outright_or_by_a_manifest(special: Path) -> None:
    listed = special.parent / "list.txt"
    listed.write_text("in/fifo.png\nin/socket.png\n")
    assert [code for _, code in rows(listed)] == [ErrorCode.NOT_A_FILE] * 2
    assert rows(special / "fifo.png") == [("fifo.png", ErrorCode.NOT_A_FILE)]


def test_links_to_them_are_rows(special: Path, tmp_path: Path) -> None:
    links = tmp_path / "links"
    links.mkdir()
    for name in ("fifo.png", "socket.png"):
        (links / name).symlink_to(special / name)
    if Path("/dev/zero").exists():
        (links / "zero.png").symlink_to("/dev/zero")
    assert rows(links) == []
    found = rows(links, follow_symlinks=True)
    assert len(found) >= 2
    assert {code for _, code in found} == {ErrorCode.NOT_A_FILE}


def test_a_fifo_that_takes_a_files_place_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PICTURE)
    regular = os.stat(path)
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(os, "stat", lambda *_, **__: regular)
    assert rows(path) == [("a.png", ErrorCode.NOT_A_FILE)]


@pytest.mark.parametrize("hops", [1, 2, 5])
def test_links_that_form_a_ring_end(tmp_path: Path, hops: int) -> None:
    for number in range(hops):
        folder = tmp_path / "in" / str(number)
        folder.mkdir(parents=True)
        (folder / "x.png").write_bytes(PICTURE)
        (folder / "next").symlink_to(tmp_path / "in" / str((number + 1) % hops))
        (folder / "root").symlink_to(tmp_path / "in")
        (folder / "up").symlink_to("..")
        (folder / "me.png").symlink_to("me.png")
    found = rows(tmp_path / "in", follow_symlinks=True)
    # each folder is reached from each other one along the ring, once
    assert len([name for name, code in found if code is None]) == hops * hops
    assert {code for _, code in found} == {None, ErrorCode.MISSING}
    assert len(rows(tmp_path / "in")) == hops


def test_links_to_archives_follow_the_rule_for_links(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "a.zip").write_bytes(zipped({"x.png": PICTURE}))
    (tmp_path / "in" / "l.zip").symlink_to("../a.zip")
    assert rows(tmp_path / "in") == []
    assert rows(tmp_path / "in", follow_symlinks=True) == [("in/l.zip!/x.png", None)]
