"""Thumbnails made again from the files of rows."""

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from clipfake.imaging.limits import Limits
from clipfake.records import Record
from clipfake.report.report import Report
from clipfake.scanning.pictures import PicturesAgain
from clipfake.scanning.reader import ReadOptions, read_item
from clipfake.sources import Finder, Item
from tests.conftest import encoded, picture
from tests.report.page.parsed import Parsed

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


def hashed(path: str) -> dict[str, Any]:
    record, _ = read_item(Finder().found(Item(path)), ReadOptions(None, metadata=None))
    return {"path": record.path, "path_raw": record.path_raw, "sha256": record.sha256}


def sizes(folder: Path, rows: list[dict[str, Any]], **more: Any) -> list[tuple[int, int] | None]:
    found = list(PicturesAgain(folder, workers=0, **more)(rows))
    return [made and Image.open(io.BytesIO(made)).size for made in found]


def test_what_is_gone_or_changed_has_no_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range(4):
        Path(f"{number}.png").write_bytes(encoded(picture(400, 300, seed=number)))
    rows = [hashed(f"{number}.png") for number in range(4)]
    Path("1.png").unlink()
    Path("2.png").write_bytes(encoded(picture(400, 300, seed=9)))
    monkeypatch.chdir("/")
    assert sizes(tmp_path, rows) == [(192, 144), None, None, (192, 144)]


def test_members_of_archives_and_odd_names_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = encoded(picture(400, 300))
    with zipfile.ZipFile("a.zip", "w") as archive:
        archive.writestr("in/x.png", data)
    odd = os.fsdecode(b"odd\xff.png")
    try:
        Path(odd).write_bytes(data)
    except OSError:
        odd = "odd.png"
        Path(odd).write_bytes(data)
    rows = [hashed("a.zip!/in/x.png"), hashed(odd)]
    assert sizes(tmp_path, rows) == [(192, 144)] * 2


def test_other_machines_are_not_asked(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(encoded(picture()))
    here = {**hashed(str(tmp_path / "x.png"))}
    there = {"path": "https://example.invalid/x.png", "path_raw": None, "sha256": "00" * 32}
    assert sizes(tmp_path, [there, here, there]) == [None, (64, 48), None]
    assert sizes(tmp_path, [there]) == [None]
    assert sizes(tmp_path, []) == []


def test_limits_hold(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(encoded(picture(64, 48)))
    row = hashed(str(tmp_path / "x.png"))
    assert sizes(tmp_path, [row], limits=Limits(pixels=100)) == [None]


@forks
def test_files_are_read_in_processes_of_their_own(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(40)]
    for path in paths:
        path.write_bytes(encoded(picture(seed=1)))
    found = list(PicturesAgain(tmp_path, workers=2)([hashed(str(path)) for path in paths]))
    assert None not in found
    assert len(found) == 40


def test_a_page_shows_what_is_found_again(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(encoded(picture(400, 300)))
    row = hashed(str(tmp_path / "x.png"))
    again = PicturesAgain(tmp_path, workers=0)
    with Report([tmp_path / "r.html"], {}, {}, pictures=again) as report:
        report.add(Record(**row, score=0.5))
    assert len(Parsed(tmp_path / "r.html").named("img")) == 1
