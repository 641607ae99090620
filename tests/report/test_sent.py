"""Reports that go to a URL once they are whole."""

from pathlib import Path
from typing import Any

import pytest

from clipfake.errors import ReportError, UsageError
from clipfake.report.sent import sent

fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed")


@pytest.fixture
def place(tmp_path: Path) -> str:
    fsspec.filesystem("memory").makedirs(f"/{tmp_path.name}", exist_ok=True)
    return f"memory://{tmp_path.name}"


def names(place: str) -> list[str]:
    found = fsspec.filesystem("memory").ls(place.removeprefix("memory:/"), detail=False)
    return [name.rpartition("/")[2] for name in found]


def test_files_are_sent_when_the_block_is_done(place: str, tmp_path: Path) -> None:
    outputs = [f"{place}/a.csv", str(tmp_path / "b.csv"), f"file://{tmp_path}/c.csv"]
    with sent(outputs, network=False) as paths:
        assert [path.name for path in paths] == ["a.csv", "b.csv", "c.csv"]
        assert paths[1:] == [tmp_path / "b.csv", tmp_path / "c.csv"]
        paths[0].write_text("rows")
        assert names(place) == []
    assert names(place) == ["a.csv"]
    assert fsspec.filesystem("memory").cat_file(f"/{tmp_path.name}/a.csv") == b"rows"
    assert not paths[0].exists()


def test_what_fails_sends_nothing(place: str) -> None:
    def fail() -> None:
        with sent([f"{place}/a.csv"], network=False) as paths:
            paths[0].write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert names(place) == []


def test_folders_and_other_machines_are_refused(place: str) -> None:
    for output in (f"{place}/r.parts", f"{place}/r.SITE/"):
        with pytest.raises(UsageError, match="a folder is not sent"), sent([output], network=True):
            pass
    web = sent(["https://example.org/r.csv"], network=False)
    with pytest.raises(UsageError, match="--allow-network"), web:
        pass


def test_a_place_that_takes_nothing_is_told_before_the_work(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "no")

    monkeypatch.setattr(fsspec.get_filesystem_class("memory"), "pipe_file", refuse)
    refused = sent([f"{place}/r.csv"], network=False)
    with pytest.raises(ReportError, match="cannot be written"), refused:
        pytest.fail("no work is begun")
