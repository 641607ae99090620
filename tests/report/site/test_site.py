"""A site's folder: its parts, what is loaded when, and what takes its place."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from clipfake.errors import ReportError, UsageError
from clipfake.imaging.thumbnail import SIDE
from clipfake.report.custody import digest_of
from clipfake.report.report import Report, check_output
from clipfake.report.site import site as module
from tests.report.page.parsed import Parsed
from tests.report.page.rows import ABOUT, record, row, telling, thumbnail, written
from tests.report.page.test_page import TEXTS, runs_nothing


def called(path: Path) -> list[Any]:
    """What a script of the data hands over."""
    found = re.fullmatch(r"clipfake\.(\w+)\((.*)\);\n", path.read_text("utf-8"), re.DOTALL)
    assert found is not None
    return json.loads(f"[{found[2]}]")


def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DETAILS_A_PART", 4)
    monkeypatch.setattr(module, "COLUMNS_A_PART", 5)
    monkeypatch.setattr(module, "AT_ONCE", 3)
    monkeypatch.setattr(module, "FOREMOST", 6)


def test_all_rows_are_in_parts_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_parts(monkeypatch)
    site = written(tmp_path / "r.site", [record(n, n / 20) for n in range(19)])
    meta = Parsed(site / "index.html").data["meta"]
    assert (meta["rows"], meta["parts"]) == (19, 4)
    names = [
        name
        for part in range(meta["parts"])
        for name in called(site / "data" / f"columns-{part}.js")[0]["name"]
    ]
    assert names == [f"{n:05d}.png" for n in range(19)]
    entries = [
        (number, entry["name"])
        for number in range(5)
        for entry in called(site / "data" / f"details-{number}.js")[1]
    ]
    assert entries == [(n // 4, f"photos/{n:05d}.png") for n in range(19)]
    assert called(site / "data" / "details-4.js")[0] == 4
    assert called(site / "data" / "copies.js") == [[-1] * 19]


def test_the_foremost_are_readable_without_scripts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_parts(monkeypatch)
    with Report([tmp_path / "r.site"], {}, ABOUT) as report:
        for n in range(19):
            report.add(record(n, n / 20, thumbnail=thumbnail(n) if n % 2 else None))
    found = Parsed(tmp_path / "r.site" / "index.html")
    sources = [image["src"] for image in found.named("img")]
    assert sources == [f"pictures/000/0000{n:02d}.webp" for n in (17, 15, 13)]
    for n in range(1, 19, 2):
        path = tmp_path / "r.site" / "pictures" / "000" / f"0000{n:02d}.webp"
        assert path.read_bytes() == thumbnail(n)


@pytest.mark.parametrize("text", TEXTS)
def test_hostile_texts_stay_text(tmp_path: Path, text: str) -> None:
    site = written(tmp_path / "r.site", [telling(0, text)])
    found = Parsed(site / "index.html")
    runs_nothing(found, set())
    assert found.policy["script-src"][0] == "'self'"
    assert found.policy["img-src"] == ["'self'"]
    for path in (site / "data").iterdir():
        called(path)
        assert not re.search("[<>&\u2028\u2029]", path.read_text("utf-8"))


def test_pictures_are_found_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_parts(monkeypatch)
    asked: list[int] = []

    def pictures(rows: Any, side: int = SIDE) -> Any:
        if side != SIDE:
            return
        asked.append(len(rows))
        for each in rows:
            yield each["path"].encode()

    with Report([tmp_path / "r.site"], {}, ABOUT, pictures=pictures) as report:
        for n in range(7):
            report.restore(row(record(n, 0.5)))
    assert asked == [3, 3, 1]
    assert len(list((tmp_path / "r.site" / "pictures").rglob("*.webp"))) == 7


def test_a_site_takes_the_place_of_a_site(tmp_path: Path) -> None:
    written(tmp_path / "r.site", [record(n, 0.5, thumbnail=thumbnail()) for n in range(3)])
    first = digest_of(tmp_path / "r.site")
    written(tmp_path / "r.site", [record(0)])
    assert not list((tmp_path / "r.site").rglob("*.webp"))
    assert digest_of(tmp_path / "r.site") != first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.site"]


def test_what_is_left_of_a_killed_scan_is_no_part_of_the_next(tmp_path: Path) -> None:
    (tmp_path / "r.site.partial" / "pictures" / "009").mkdir(parents=True)
    (tmp_path / "r.site.partial" / "pictures" / "009" / "009000.webp").write_bytes(b"old")
    written(tmp_path / "r.site", [record(0)])
    assert not (tmp_path / "r.site" / "pictures").exists()


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "r.site").mkdir()
    check_output(tmp_path / "r.site")
    (tmp_path / "r.site" / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="is a folder of other things than a site"):
        check_output(tmp_path / "r.site")


def test_a_file_of_the_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "r.site").write_text("mine")
    with pytest.raises(UsageError, match="is a file, a site needs a folder"):
        check_output(tmp_path / "r.site")


def test_an_interrupted_site_is_readable_as_far_as_it_goes(tmp_path: Path) -> None:
    def interrupted() -> None:
        with Report([tmp_path / "r.site"], {}, ABOUT) as report:
            report.add(record(0, 0.95))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not (tmp_path / "r.site").exists()
    assert Parsed(tmp_path / "r.site.partial" / "index.html").data["meta"]["rows"] == 1


def test_a_picture_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_parts(monkeypatch)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    records = [record(n, 0.5, thumbnail=b"x") for n in range(9)]
    with pytest.raises(ReportError, match=r"r\.site: report cannot be written \(No space"):
        written(tmp_path / "r.site", records)
    assert Parsed(tmp_path / "r.site.partial" / "index.html").data["meta"]["rows"] == 0
