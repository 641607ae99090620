"""Larger pictures and heat maps of the rows that matter most."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from clipfake.imaging.thumbnail import LARGE_SIDE, SIDE
from clipfake.records import Record
from clipfake.report.page import page as page_module
from clipfake.report.page.page import data_url
from clipfake.report.page.pictures import HeatMaps
from clipfake.report.report import Report
from clipfake.report.site import site as site_module
from tests.report.page.parsed import Parsed
from tests.report.page.rows import ABOUT, record, thumbnail


class Made:
    """Makes pictures of any rows, and keeps which were asked for.

    Attributes:
        asked: numbers of the records whose larger picture was asked for.
    """

    def __init__(self, *gone: int) -> None:
        self.asked: list[int] = []
        self._gone = gone

    def __call__(self, rows: Sequence[Mapping[str, Any]], side: int = SIDE) -> Iterator[Any]:
        for row in rows:
            number = int(row["sha256"], 16) & 0xFFFF
            if side == LARGE_SIDE:
                self.asked.append(number)
            yield None if number in self._gone else picture_of(number, side)


def picture_of(number: int, side: int) -> bytes:
    return thumbnail(number) + (b"large" if side == LARGE_SIDE else b"")


def heat_maps(*numbers: int) -> HeatMaps:
    held = {(f"photos/{n:05d}.png", f"{n:016x}" * 4): b"heat%d" % n for n in numbers}
    return HeatMaps("What moves it.", held)


def report(path: Path, records: list[Record], pictures: Made, maps: HeatMaps) -> Path:
    with Report([path], {}, ABOUT, pictures=pictures) as made:
        for each in records:
            made.add(each)
        made.explain(maps)
    return path


def records() -> list[Record]:
    """Errors, small pictures and others; the foremost have the highest numbers."""
    made = [record(n, n / 20) for n in range(20)]
    made[19] = record(19, 0.99, width=SIDE, height=SIDE)
    made[18] = record(18, None)
    made[17] = record(17, 0.98, width=None, height=None)
    return made


def test_a_page_has_larger_pictures_of_what_matters_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "LARGE", 3)
    made = Made(15)
    found = Parsed(report(tmp_path / "r.html", records(), made, heat_maps(16, 3, 77)))
    names = [entry["name"] for entry in found.data["details"]]
    assert made.asked == [16, 15, 14]  # no error, and none that its thumbnail shows whole
    held = {names[int(place)]: address for place, address in found.data["large"].items()}
    assert held == {f"photos/000{n}.png": data_url(picture_of(n, LARGE_SIDE)) for n in (16, 14)}
    heat = {names[int(place)]: address for place, address in found.data["heat"].items()}
    assert heat == {f"photos/{n:05d}.png": data_url(b"heat%d" % n) for n in (16, 3)}
    assert found.data["meta"]["caveat"] == "What moves it."


def test_larger_pictures_have_a_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(picture_of(16, LARGE_SIDE)) + len(picture_of(15, LARGE_SIDE))
    monkeypatch.setattr(page_module, "LARGE_BYTES", size)
    found = Parsed(report(tmp_path / "r.html", records(), Made(), heat_maps()))
    assert len(found.data["large"]) == 2


def test_a_site_has_them_as_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_module, "LARGE", 4)
    monkeypatch.setattr(site_module, "AT_ONCE", 3)
    monkeypatch.setattr(site_module, "PICTURES_A_FOLDER", 10)
    made = Made(15)
    site = report(tmp_path / "r.site", records(), made, heat_maps(16, 14, 77))
    meta = Parsed(site / "index.html").data["meta"]
    assert made.asked == [16, 15, 14, 13]
    assert meta["large"] == [16, 14, 13]
    assert meta["heat"] == [16, 14]
    assert meta["caveat"] == "What moves it."
    large = {path.name: path.read_bytes() for path in site.rglob("*.large.webp")}
    assert large == {f"0000{n}.large.webp": picture_of(n, LARGE_SIDE) for n in (16, 14, 13)}
    assert (site / "pictures" / "001" / "000014.heat.webp").read_bytes() == b"heat14"


@pytest.mark.parametrize("ending", ["html", "site"])
def test_without_files_there_are_none(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"r.{ending}"
    with Report([path], {}, ABOUT) as made:
        made.add(record(0, 0.95))
    data = Parsed(path / "index.html" if ending == "site" else path).data
    held = data if ending == "html" else data["meta"]
    assert not held["large"]
    assert not held["heat"]
    assert data["meta"]["caveat"] == ""
