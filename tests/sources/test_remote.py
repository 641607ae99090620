"""Files of other machines: URLs, permission, listing, retries, and that no secret gets out."""

import hashlib
import pickle
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from clipfake.errors import ErrorCode, ImageError, UsageError
from clipfake.imaging.limits import Limits
from clipfake.records import Record
from clipfake.scanning.reader import ReadOptions, read_item
from clipfake.sources import Selection, Sources
from clipfake.sources.remote import driver
from clipfake.sources.remote.urls import as_local, is_url, shown
from tests.conftest import PATIENCE
from tests.sources.archives import OTHER, PICTURE, TEXT
from tests.sources.web import Handler, Server, breaking, failing, page, serving

fsspec = pytest.importorskip("fsspec")
LARGE = PICTURE + bytes(3 * 2**20)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses between tries, which are noted and not made."""
    pauses: list[float] = []
    monkeypatch.setattr(driver.time, "sleep", pauses.append)
    return pauses


def scanned(*names: str, limits: Limits | None = None, **rules: Any) -> list[Record]:
    options = ReadOptions(None, limits or Limits(), None)
    sources = Sources(names, Selection(**{"network": True, **rules}))
    return [read_item(pickle.loads(pickle.dumps(item)), options)[0] for item in sources]


def rows(*names: str, **rules: Any) -> list[tuple[str, ErrorCode | None]]:
    return [(record.path, record.error_code) for record in scanned(*names, **rules)]


# URLs


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("s3://bucket/a.png", True),
        ("HTTPS://host/a", True),
        ("webdav+https://host", True),
        ("memory://", True),
        ("c://windows", False),
        ("/a/b://c", False),
        ("a.png", False),
        ("http:/one", False),
        ("simplecache::s3://bucket/a", False),
        ("", False),
    ],
)
def test_a_url_is_told_from_a_name(name: str, is_one: bool) -> None:
    assert is_url(name) is is_one


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("s3://bucket/a b/ü.png", "s3://bucket/a b/ü.png"),
        ("https://user:pass@host:8/a.png", "https://host:8/a.png"),
        ("https://token@host/a@2x.png", "https://host/a@2x.png"),
        ("https://u:p@ss@host/a", "https://host/a"),
        ("https://host/a.png?X-Amz-Signature=secret&x=1#f", "https://host/a.png"),
        ("https://host?sig=secret", "https://host"),
        ("https://host/#secret", "https://host/"),
        ("https://u:p@", "https://"),
        ("folder/a@b?c#d.png", "folder/a@b?c#d.png"),
    ],
)
def test_a_url_is_shown_without_secrets(url: str, text: str) -> None:
    assert shown(url) == text


def test_urls_of_files_are_names(tmp_path: Path) -> None:
    path = tmp_path / "a b.png"
    path.write_bytes(PICTURE)
    assert rows(path.as_uri(), network=False) == [(str(path), None)]
    assert rows(tmp_path.as_uri(), network=False) == [(str(path), None)]
    assert as_local("file://localhost/x/%41") == "/x/A"
    assert as_local("s3://x/y") is None
    with pytest.raises(UsageError, match="names another machine"):
        Sources(["file://host/share/a.png"], Selection())
    with pytest.raises(UsageError, match="no such file"):
        Sources(["file:///no/such/file"], Selection())


# permission


@pytest.mark.parametrize("url", ["s3://u:secret@b/a.png", "https://h/a?secret", "foo://x/secret"])
def test_the_network_needs_permission(url: str, tmp_path: Path) -> None:
    with (
        mock.patch.object(
            sys.modules["fsspec.registry"], "get_filesystem_class", side_effect=AssertionError
        ),
        pytest.raises(UsageError, match="--allow-network") as caught,
    ):
        Sources([url], Selection())
    if url != "foo://x/secret":
        assert "secret" not in str(caught.value)
    (tmp_path / "list.txt").write_text(f"{url}\n")
    with pytest.raises(UsageError, match="--allow-network"):
        list(Sources([tmp_path / "list.txt"], Selection()))


def test_a_driver_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_protocol: str) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(sys.modules["fsspec.registry"], "get_filesystem_class", missing)
    for url, package in (("s3://b", "s3fs"), ("gs://b", "gcsfs"), ("http://h", "aiohttp")):
        with pytest.raises(UsageError) as caught:
            Sources([url], Selection(network=True))
        assert f'pip install "clipfake[remote]" {package}' in str(caught.value)
    monkeypatch.undo()
    with pytest.raises(UsageError, match="knows no such scheme"):
        Sources(["foo://b"], Selection(network=True))


def test_fsspec_itself_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.registry", None)
    with pytest.raises(UsageError, match=r'pip install "clipfake\[remote\]" aiohttp'):
        Sources(["https://h/a"], Selection(network=True))


# memory://


@pytest.fixture
def memory() -> Iterator[Any]:
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    for name, data in {
        "/in/b.png": PICTURE,
        "/in/a/c.jpg": OTHER,
        "/in/a/.d.png": PICTURE,
        "/in/c.txt": TEXT,
        "/in/a/x?y#z.png": PICTURE,
    }.items():
        system.pipe(name, data)
    yield system
    system.store.clear()


def test_a_tree_is_walked_by_name_and_rule(memory: Any) -> None:
    in_order = ["a/c.jpg", "a/x?y#z.png", "b.png", "c.txt"]
    found = scanned("memory://in", network=False)
    assert [record.path for record in found] == [
        "memory://in/a/c.jpg",
        "memory://in/a/x?y#z.png",
        "memory://in/b.png",
        "memory://in/c.txt",
    ]
    assert [record.error_code for record in found] == [None, None, None, ErrorCode.NOT_AN_IMAGE]
    expected = [hashlib.sha256(data).hexdigest() for data in (OTHER, PICTURE, PICTURE)]
    assert [record.sha256 for record in found[:3]] == expected
    assert [record.bytes for record in found] == [len(OTHER), len(PICTURE), len(PICTURE), len(TEXT)]
    assert [record.path for record in scanned("memory://")] == [r.path for r in found]
    assert len(rows("memory://in/", hidden=True)) == len(in_order) + 1
    assert rows("memory://in", include=["*.jpg"]) == [("memory://in/a/c.jpg", None)]
    assert rows("memory://in", include=["a/*.jpg"]) == [("memory://in/a/c.jpg", None)]
    assert rows("memory://in", exclude=["a", "c.*"]) == [("memory://in/b.png", None)]


def test_a_file_may_be_named_outright(memory: Any) -> None:
    assert rows("memory://in/b.png", exclude=["*.png"]) == [("memory://in/b.png", None)]
    assert rows("memory://in/no.png") == [("memory://in/no.png", ErrorCode.MISSING)]


def test_manifests_may_name_urls(memory: Any, tmp_path: Path) -> None:
    (tmp_path / "here.png").write_bytes(PICTURE)
    lines = "path,label\nmemory://in/b.png,1\nhere.png,2\nmemory://in/a,3\n"
    (tmp_path / "list.csv").write_text(lines)
    found = scanned(str(tmp_path / "list.csv"))
    assert [(r.path, r.error_code, r.extra) for r in found] == [
        ("memory://in/b.png", None, {"label": "1"}),
        (f"{tmp_path}/here.png", None, {"label": "2"}),
        ("memory://in/a", ErrorCode.NOT_A_FILE, {"label": "3"}),
    ]


def test_sizes_are_checked_before_reading(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    memory.pipe("/big.png", LARGE)
    asked: list[int] = []
    real = type(memory.store["/big.png"]).read

    def read(self: Any, count: int = -1) -> bytes:
        asked.append(count)
        return bytes(real(self, count))

    monkeypatch.setattr(type(memory.store["/big.png"]), "read", read)
    [record] = scanned("memory://big.png", limits=Limits(bytes=2**20))
    assert (record.error_code, record.bytes) == (ErrorCode.TOO_LARGE, len(LARGE))
    assert max(asked) <= 2**20
    [record] = scanned("memory://big.png")
    assert record.sha256 == hashlib.sha256(LARGE).hexdigest()


def test_a_listing_that_fails_is_a_row(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real, tries = type(memory).ls, []

    def ls(self: Any, path: str, **options: Any) -> Any:
        if path == "/in/a":
            tries.append(path)
            raise OSError(5, "memory://user:secret@in/a")
        return real(self, path, **options)

    monkeypatch.setattr(type(memory), "ls", ls)
    found = scanned("memory://in")
    assert [(r.path, r.error_code) for r in found][:2] == [
        ("memory://in/a", ErrorCode.UNREADABLE),
        ("memory://in/b.png", None),
    ]
    assert len(tries) == 3
    assert "secret" not in str(found[0].error)


def test_folders_without_end_end(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def ls(_self: Any, path: str, **_: Any) -> Any:
        return [{"name": f"{path}/x", "type": "directory", "size": 0}]

    monkeypatch.setattr(type(memory), "ls", ls)
    [(path, code)] = rows("memory://in")
    assert (path.count("/x"), code) == (100, ErrorCode.UNREADABLE)


# tries


def test_pauses_double_and_are_drawn(no_pauses: list[float]) -> None:
    def fail() -> None:
        raise TimeoutError

    for _ in range(20):
        with pytest.raises(ImageError, match="tried 3 times"):
            driver.attempt(fail)
    first, second = no_pauses[::2], no_pauses[1::2]
    assert all(0.25 <= pause <= 0.75 for pause in first)
    assert all(0.5 <= pause <= 1.5 for pause in second)
    assert len(set(no_pauses)) == 40


class _StatusError(Exception):
    def __init__(self, status: int) -> None:
        super().__init__("https://user:secret@host")
        self.status = status


def _boto(status: int) -> Exception:
    error = Exception("secret")
    error.response = {"ResponseMetadata": {"HTTPStatusCode": status}}  # type: ignore[attr-defined]
    return error


def _wrapped(inner: Exception) -> FileNotFoundError:
    outer = FileNotFoundError("https://user:secret@host")
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    ("error", "code", "tries"),
    [
        (FileNotFoundError("secret"), ErrorCode.MISSING, 1),
        (_StatusError(404), ErrorCode.MISSING, 1),
        (_boto(404), ErrorCode.MISSING, 1),
        (_wrapped(_StatusError(404)), ErrorCode.MISSING, 1),
        (PermissionError("secret"), ErrorCode.NO_PERMISSION, 1),
        (_StatusError(401), ErrorCode.NO_PERMISSION, 1),
        (_boto(403), ErrorCode.NO_PERMISSION, 1),
        (_StatusError(400), ErrorCode.UNREADABLE, 1),
        (_StatusError(503), ErrorCode.UNREADABLE, 3),
        (_StatusError(429), ErrorCode.UNREADABLE, 3),
        (_wrapped(_StatusError(500)), ErrorCode.UNREADABLE, 3),
        (_wrapped(ConnectionResetError(104, "secret")), ErrorCode.UNREADABLE, 3),
        (TimeoutError("secret"), ErrorCode.UNREADABLE, 3),
        (OSError("secret"), ErrorCode.UNREADABLE, 3),
        (NotImplementedError("secret"), ErrorCode.UNREADABLE, 1),
    ],
)
def test_what_may_pass_is_tried_again(error: Exception, code: ErrorCode, tries: int) -> None:
    done = []

    def fail() -> None:
        done.append(1)
        raise error

    with pytest.raises(ImageError) as caught:
        driver.attempt(fail)
    assert (caught.value.code, len(done)) == (code, tries)
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


# http://


@pytest.fixture
def web() -> Iterator[Server]:
    pytest.importorskip("aiohttp")
    with serving() as server:
        server.answers = {"/a.png": PICTURE, "/b.jpg": OTHER, "/c.txt": TEXT, "/large.png": LARGE}
        yield server


def test_files_of_the_web_are_read(web: Server) -> None:
    names = [f"{web.url}/{name}" for name in ("a.png", "b.jpg", "c.txt", "large.png", "no.png")]
    found = scanned(*names)
    assert [record.path for record in found] == names
    codes = [None, None, ErrorCode.NOT_AN_IMAGE, None, ErrorCode.MISSING]
    assert [record.error_code for record in found] == codes
    assert found[3].sha256 == hashlib.sha256(LARGE).hexdigest()


def test_a_page_of_links_is_a_folder(web: Server) -> None:
    web.answers |= {
        "/in/": page("../", "?C=N;O=D", "b.png", "a%20b.png", "sub/", "/in/z.png", "/etc.png"),
        "/in/b.png": PICTURE,
        "/in/a%20b.png": PICTURE,
        "/in/z.png": PICTURE,
        "/in/sub/": page("c.png", "/in/", "http://elsewhere/x.png"),
        "/in/sub/c.png": OTHER,
    }
    base = f"{web.url}/in"
    expected = [f"{base}/{name}" for name in ("a%20b.png", "b.png", "sub/c.png", "z.png")]
    assert rows(f"{base}/") == [(name, None) for name in expected]
    assert [name for name, _ in rows(f"{base}/", include=["a b.png"])] == expected[:1]
    assert [name for name, _ in rows(f"{base}/", exclude=["sub"])] == [
        name for name in expected if "sub" not in name
    ]


@pytest.mark.parametrize("status", [503, 0])
@pytest.mark.parametrize("times", [2, 9])
def test_a_server_that_fails_twice_is_asked_three_times(
    web: Server, status: int, times: int
) -> None:
    # asking for the size takes a HEAD and, where that fails, a GET
    web.answers["/f.png"] = failing(times, PICTURE, status)
    [record] = scanned(f"{web.url}/f.png")
    if times == 2:
        assert record.error is None
        assert record.sha256 == hashlib.sha256(PICTURE).hexdigest()
    else:
        assert record.error_code is ErrorCode.UNREADABLE
        assert "tried 3 times" in str(record.error)


@pytest.mark.parametrize("after", [0, 1000, 2**20 + 5])
def test_a_transfer_that_breaks_off_goes_on(web: Server, after: int) -> None:
    web.answers["/f.png"] = breaking(2, LARGE, after)
    [record] = scanned(f"{web.url}/f.png")
    assert record.error is None
    assert record.sha256 == hashlib.sha256(LARGE).hexdigest()


def test_a_folder_that_cannot_be_listed_at_first_is_listed(web: Server) -> None:
    web.answers |= {"/in/": failing(2, page("a.png")), "/in/a.png": PICTURE}
    assert rows(f"{web.url}/in/") == [(f"{web.url}/in/a.png", None)]
    web.answers["/in/"] = failing(9, b"")
    assert rows(f"{web.url}/in/") == [(f"{web.url}/in", ErrorCode.UNREADABLE)]


@pytest.mark.parametrize("size", [None, 5000])
def test_a_server_that_sends_without_end_is_stopped(web: Server, size: int | None) -> None:
    sent = []

    def endless(handler: Handler) -> None:
        handler.send_response(200)
        if size is not None and handler.command == "HEAD":
            handler.send_header("Content-Length", str(size))
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.close_connection = True
        if handler.command == "GET":
            handler.wfile.write(PICTURE)
            while len(sent) < 4000:
                handler.wfile.write(bytes(2**16))
                sent.append(1)

    web.answers["/endless.png"] = endless
    [record] = scanned(f"{web.url}/endless.png", limits=Limits(bytes=2**21))
    if size is None:
        assert record.error_code is ErrorCode.TOO_LARGE
    else:
        assert record.bytes == size  # no more than was told is asked for
    assert len(sent) < 1000


def test_a_server_that_never_answers_is_too_slow(web: Server) -> None:
    def silent(_handler: Handler) -> None:
        done.wait(PATIENCE)

    done = threading.Event()
    web.answers["/slow.png"] = silent
    [record] = scanned(f"{web.url}/slow.png", limits=Limits(seconds=0.5))
    done.set()
    assert record.error_code is ErrorCode.TOO_SLOW


def test_secrets_are_used_and_never_told(web: Server) -> None:
    query = "?X-Amz-Signature=topsecret"
    web.answers["/denied.png"] = lambda handler: handler.reply(403)
    secret = f"http://user:hunter2@{web.netloc}"
    found = scanned(*(f"{secret}/{name}{query}" for name in ("a.png", "no.png", "denied.png")))
    assert [record.path for record in found] == [
        f"{web.url}/{name}" for name in ("a.png", "no.png", "denied.png")
    ]
    codes = [None, ErrorCode.MISSING, ErrorCode.NO_PERMISSION]
    assert [record.error_code for record in found] == codes
    assert all("secret" in path and allowed for _, path, allowed in web.asked)
    for record in found:
        assert "hunter2" not in repr(record)
        assert "topsecret" not in repr(record)
    for item in Sources([f"{secret}/a.png{query}"], Selection(network=True)):
        assert "hunter2" not in repr(item)
        assert "topsecret" not in repr(item)


def test_archives_of_other_machines_are_told_and_left_alone(web: Server) -> None:
    web.answers["/a.zip"] = b"PK\x05\x06" + bytes(18)
    assert rows(f"{web.url}/a.zip") == [(f"{web.url}/a.zip", ErrorCode.UNSUPPORTED)]
