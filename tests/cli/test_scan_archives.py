"""`clipfake scan` of archives and URLs, as a user runs it."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from clipfake.cli.app import main
from clipfake.cli.exit_codes import Exit
from tests.conftest import encoded, picture
from tests.sources.archives import OTHER, PICTURE, TEXT, packed
from tests.sources.web import serving

FILES = {"a.png": PICTURE, "../b.jpg": OTHER, "c.txt": TEXT}


def scan(*arguments: object, workers: int = 0) -> int:
    options = ["--no-pixels", "--workers", str(workers), "--quiet"]
    with pytest.raises(SystemExit) as end:
        main(["scan", *map(str, arguments), *options])
    assert isinstance(end.value.code, int)
    return end.value.code


def rows(report: Path) -> list[dict[str, object]]:
    return pq.read_table(report).to_pylist()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("workers", [0, 2])
def test_members_have_rows_like_files(here: Path, workers: int) -> None:
    Path("in").mkdir()
    for form in ("zip", "tar.gz"):
        Path(f"in/x.{form}").write_bytes(packed(FILES, form))
    Path("in/plain.png").write_bytes(PICTURE)
    assert scan("in", "-o", "r.parquet", workers=workers) == Exit.FINE
    found = [(row["path"], row["error_code"]) for row in rows(here / "r.parquet")]
    members = [("a.png", None), ("../b.jpg", None), ("c.txt", "not_an_image")]
    assert found == [
        ("in/plain.png", None),
        *((f"in/x.tar.gz!/{name}", code) for name, code in members),
        *((f"in/x.zip!/{name}", code) for name, code in members),
    ]
    assert sorted(path.name for path in here.iterdir()) == ["in", "r.parquet"]


def test_no_archives_leaves_them_unread(here: Path) -> None:
    Path("x.zip").write_bytes(packed(FILES, "zip"))
    assert scan("x.zip", "--no-archives", "-o", "r.parquet") == Exit.NOTHING_READ
    [row] = rows(here / "r.parquet")
    assert (row["path"], row["error_code"]) == ("x.zip", "unsupported")


def test_globs_and_limits_reach_members(here: Path) -> None:
    Path("x.tar.xz").write_bytes(packed(FILES, "tar.xz"))
    options = ["--include", "*.png", "--max-bytes", "100", "-o", "r.parquet"]
    assert scan("x.tar.xz", *options) == Exit.NOTHING_READ
    [row] = rows(here / "r.parquet")
    assert (row["path"], row["error_code"]) == ("x.tar.xz!/a.png", "too_large")


def test_faults_of_an_archive_make_the_scan_fail_on_error(here: Path) -> None:
    Path("x.zip").write_bytes(packed(FILES, "zip")[:-30])
    Path("a.png").write_bytes(PICTURE)
    assert scan("x.zip", "a.png", "--fail-on", "error") == Exit.FOUND


def test_an_interrupted_scan_goes_on_inside_an_archive(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"{number:03d}.png": encoded(picture(8, 8, number)) for number in range(150)}
    Path("x.tar.gz").write_bytes(packed(files, "tar.gz"))
    assert scan("x.tar.gz", "-o", "whole.parquet") == Exit.FINE
    from clipfake.scanning import reader

    real, read = reader.read_item, []

    def interrupted(item: object, options: object) -> object:
        read.append(item)
        if len(read) == 100:
            raise KeyboardInterrupt
        return real(item, options)  # type: ignore[arg-type]

    monkeypatch.setattr(reader, "read_item", interrupted)
    assert scan("x.tar.gz", "-o", "r.parquet") == Exit.INTERRUPTED
    assert scan("x.tar.gz", "-o", "r.parquet") == Exit.FINE
    assert len(read) < 250
    assert rows(here / "r.parquet") == rows(here / "whole.parquet")


def test_scores_inside_an_archive_are_those_outside(here: Path) -> None:
    Path("in").mkdir()
    for name in ("a.png", "b.jpg"):
        Path("in", name).write_bytes(FILES.get(name, OTHER))
    Path("x.zip").write_bytes(packed({"a.png": PICTURE, "b.jpg": OTHER}, "zip"))
    with pytest.raises(SystemExit) as end:
        main(["scan", "in", "x.zip", "--workers", "1", "--quiet", "-o", "r.parquet"])
    assert end.value.code == Exit.FINE
    found = rows(here / "r.parquet")
    assert [row["path"] for row in found] == [
        "in/a.png",
        "in/b.jpg",
        "x.zip!/a.png",
        "x.zip!/b.jpg",
    ]
    for outside, inside in zip(found[:2], found[2:], strict=True):
        assert {**outside, "path": ""} == {**inside, "path": ""}
        assert outside["score"] is not None


def test_urls_need_allow_network(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert scan("https://user:hunter2@host.invalid/a.png?sig=topsecret") == Exit.USAGE
    error = capsys.readouterr().err
    assert "https://host.invalid/a.png" in error
    assert "--allow-network" in error
    assert "hunter2" not in error
    assert "topsecret" not in error


@pytest.mark.parametrize("workers", [0, 1])
def test_a_report_of_urls_holds_no_secrets(
    here: Path, capsys: pytest.CaptureFixture[str], workers: int
) -> None:
    pytest.importorskip("aiohttp")
    with serving() as server:
        server.answers = {"/a.png": PICTURE}
        secret = f"http://user:hunter2@{server.netloc}"
        Path("list.txt").write_text(f"{secret}/no.png?sig=topsecret\n")
        names = [f"{secret}/a.png?sig=topsecret", "list.txt"]
        outputs = ["-o", "r.parquet", "-o", "r.csv", "-o", "r.jsonl"]
        assert scan(*names, "--allow-network", *outputs, "--debug", workers=workers) == Exit.FINE
        found = [(row["path"], row["error_code"]) for row in rows(here / "r.parquet")]
        assert found == [(f"{server.url}/a.png", None), (f"{server.url}/no.png", "missing")]
    about = json.loads(pq.read_schema("r.parquet").metadata[b"clipfake"])
    assert about["options"]["paths"] == [f"{server.url}/a.png", "list.txt"]
    captured = capsys.readouterr()
    everything = captured.out + captured.err
    everything += "".join(str(p.read_bytes()) for p in here.glob("r.*"))
    assert "hunter2" not in everything
    assert "topsecret" not in everything
