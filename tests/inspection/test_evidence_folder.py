"""Pictures of patch evidence that a scan left beside its report, found again."""

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from clipfake.imaging.thumbnail import LARGE_SIDE
from clipfake.inspection.evidence_folder import CAVEAT, VALUES, folder_of, heat_maps_beside

ADAPTER = "abcdef0123456789" * 4
SHA = "1" * 64


def left(folder: Path, *entries: Any, size: tuple[int, int] = (40, 30)) -> None:
    """A folder as explaining leaves it; of what is no entry, its text as a line."""
    folder.mkdir(parents=True)
    Image.new("RGB", size, "red").save(folder / "p.png")
    lines = [each if isinstance(each, str) else json.dumps(each) for each in entries]
    (folder / VALUES).write_text("\n".join(lines) + "\n", "utf-8")


def entry(**more: Any) -> dict[str, Any]:
    return {"path": "a.jpg", "sha256": SHA, "picture": "p.png", "model": "m@abcdef012345", **more}


def row(**more: Any) -> dict[str, Any]:
    return {"path": "a.jpg", "sha256": SHA, **more}


@pytest.mark.parametrize("name", ["r.parquet", "r.parts"])
@pytest.mark.parametrize("beside", ["{name}", "r.html", "r.site", "r.csv", "r.code-quality.json"])
def test_they_are_found_beside_whichever_report_came_first(
    tmp_path: Path, name: str, beside: str
) -> None:
    left(folder_of(tmp_path / beside.format(name=name)), entry(), size=(2000, 1000))
    found = heat_maps_beside(tmp_path / name, ADAPTER)
    assert found.text == CAVEAT
    picture = Image.open(io.BytesIO(found.of(row()) or b""))
    assert (picture.format, picture.size) == ("WEBP", (LARGE_SIDE, LARGE_SIDE // 2))


def test_the_folder_of_the_report_itself_comes_first(tmp_path: Path) -> None:
    left(tmp_path / "r.csv.evidence", entry(), size=(10, 10))
    left(tmp_path / "r.parquet.evidence", entry(), size=(20, 20))
    found = heat_maps_beside(tmp_path / "r.parquet", ADAPTER).of(row())
    assert Image.open(io.BytesIO(found or b"")).size == (20, 20)


def test_other_files_other_bytes_and_other_detectors_get_none(tmp_path: Path) -> None:
    left(tmp_path / "r.parquet.evidence", entry())
    left(tmp_path / "other.parquet.evidence", entry(path="b.jpg"))
    found = heat_maps_beside(tmp_path / "r.parquet", ADAPTER)
    assert found.of(row()) is not None
    assert found.of(row(path="b.jpg")) is None
    assert found.of(row(sha256="2" * 64)) is None
    assert found.of(row(sha256=None)) is None
    for adapter in ("0" * 64, None, ""):
        assert not heat_maps_beside(tmp_path / "r.parquet", adapter).held


PICTURES = ["", ".", "..", "../p.png", "/etc/passwd", "a\\p.png", "\0", "gone.png", "b.png"]
MODELS = ["", "m", "m@", "@", "m@0", "m@abc", ADAPTER, f"m@{ADAPTER}"]
HOSTILE = [
    "",
    "{",
    "[1]",
    "[" * 100_000,
    '{"path": "a.jpg"}',
    "x" * (2**20 - 1),
    *(
        json.dumps(entry(**{key: value}))
        for key in ("path", "sha256", "picture", "model")
        for value in (None, 3, [], {}, True)
    ),
    *(json.dumps(entry(picture=name)) for name in PICTURES),
    *(
        json.dumps(entry(model=name))
        for name in ("", "m", "m@", "@", "m@0", "m@abc", ADAPTER, f"m@{ADAPTER}")
    ),
]


def test_what_is_damaged_counts_as_absent(tmp_path: Path) -> None:
    (tmp_path / "p.png").write_bytes(b"elsewhere")
    for place, line in enumerate(HOSTILE):
        report = tmp_path / f"{place}.parquet"
        left(folder_of(report), line)
        (folder_of(report) / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
        assert heat_maps_beside(report, ADAPTER).of(row()) is None, line[:80]
    left(tmp_path / "r.parquet.evidence", *HOSTILE, entry(path="last.jpg"))
    assert heat_maps_beside(tmp_path / "r.parquet", ADAPTER).of(row(path="last.jpg")) is not None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_nothing_waits_for_a_pipe(tmp_path: Path) -> None:
    left(tmp_path / "r.csv.evidence", entry(picture="pipe.png"))
    os.mkfifo(tmp_path / "r.csv.evidence" / "pipe.png")
    (tmp_path / "r.html.evidence").mkdir()
    os.mkfifo(tmp_path / "r.html.evidence" / VALUES)
    (tmp_path / "r.parquet.evidence").write_text("no folder")
    found = heat_maps_beside(tmp_path / "r.parquet", ADAPTER)
    assert len(found.held) == 1
    assert found.of(row()) is None


def test_a_report_that_lies_nowhere_has_none(tmp_path: Path) -> None:
    assert not heat_maps_beside(tmp_path / "no" / "r.parquet", ADAPTER).held
