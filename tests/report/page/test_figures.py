"""Counts of all rows."""

import pytest

from clipfake.errors import ErrorCode
from clipfake.records import Exif, Fact, Record, Verdict
from clipfake.report.page import figures as module
from clipfake.report.page.figures import BINS, Figures
from tests.report.page.rows import MOMENT, record, row


def counted(*records: Record) -> Figures:
    figures = Figures()
    for each in records:
        figures.add(row(each))
    return figures


def names(figures: Figures, kind: str) -> list[tuple[str, int]]:
    return [(share.name, share.files) for share in figures.groups(kind)]


def test_states_tell_errors_from_what_is_no_image() -> None:
    figures = counted(
        record(0, 0.95),
        record(1, 0.5),
        record(2, 0.1),
        record(3, None),
        record(4, None, error_code=ErrorCode.NOT_AN_IMAGE),
        record(5, None, error_code=ErrorCode.LFS_POINTER),
    )
    assert dict(figures.states) == {
        "ai": 1,
        "inconclusive": 1,
        "real": 1,
        "error": 1,
        "skipped": 2,
    }
    assert figures.files == 6
    assert figures.bytes == sum(range(1000, 1006))
    assert dict(figures.codes) == {"damaged": 1, "not_an_image": 1, "lfs_pointer": 1}


def test_scores_fall_into_bins_by_state() -> None:
    figures = counted(record(0, 0.0), record(1, 0.999), record(2, 1.0), record(3, 0.51))
    assert figures.histogram["real"][0] == 1
    assert figures.histogram["ai"][BINS - 1] == 2
    assert figures.histogram["inconclusive"][25] == 1
    assert figures.scored == 4


def test_what_reaches_the_threshold_counts_by_its_pixels() -> None:
    declared = record(0, 0.1, verdict=Verdict.AI, verdict_basis="conflict")
    figures = counted(declared, record(1, 0.9), record(2, 0.95))
    assert (figures.reaching, figures.states["ai"], figures.conflicts) == (2, 3, 1)


def test_files_are_counted_by_what_they_have_in_common() -> None:
    exif = Exif(make="Canon", model="Canon EOS 5D", datetime_original=MOMENT)
    tool = (Fact("parameters.tool", "ComfyUI", "PNG", 1), Fact("exif.software", "GIMP", "x", 1))
    figures = counted(
        record(0, 0.95, path="a/b/1.png", facts=tool),
        record(1, 0.1, path="a/2.jpg", exif=exif, format="JPEG"),
        record(2, 0.1, path="x.zip!/in/3.jpg", exif=Exif(make="Nikon", model="D1")),
        record(3, 0.1, path="4.jpg"),
        record(4, None, path="a/notes.txt", error_code=ErrorCode.NOT_AN_IMAGE),
    )
    assert names(figures, "folder") == [("a/b", 1), (".", 1), ("a", 1), ("x.zip!/in", 1)]
    assert names(figures, "camera") == [("Canon EOS 5D", 1), ("Nikon D1", 1), ("", 2)]
    assert names(figures, "tool") == [("ComfyUI", 1), ("", 3)]
    assert names(figures, "format") == [("PNG", 3), ("JPEG", 1)]
    assert names(figures, "month") == [("2024-05", 1), ("", 3)]


def test_the_most_ai_comes_first() -> None:
    figures = counted(
        *(record(n, 0.1, path=f"many/{n}.png") for n in range(5)),
        *(record(n, 0.95, path=f"few/{n}.png") for n in range(2)),
    )
    assert names(figures, "folder") == [("few", 2), ("many", 5)]


def test_names_without_end_cost_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_NAMES", 10)
    figures = counted(*(record(n, 0.1, path=f"{n}/x.png") for n in range(30)))
    folders = dict(names(figures, "folder"))
    assert len(folders) == 11
    assert folders["(others)"] == 20
    assert counted(record(0, 0.1, path="x" * 5000 + "/y.png")).groups("folder")[0].name == (
        "x" * 120 + "\u2026"
    )
