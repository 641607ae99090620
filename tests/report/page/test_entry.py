"""What a page shows of one image."""

import json
from typing import Any

import pyarrow as pa
import pytest

from clipfake.records import Exif, Fact, Record
from clipfake.report.page.columns import Columns
from clipfake.report.page.entry import MOST_FACTS, entry_of
from clipfake.report.page.operating import Operating
from clipfake.report.page.words import percent, shown, size_of
from clipfake.report.schema import report_schema, to_row
from tests.report.page.rows import ABOUT, RTL, record, row, telling

OPERATING = Operating.of(ABOUT, [0.9])


def entry(made: Record) -> dict[str, Any]:
    columns = {name: pa.string() for name in made.extra}
    found = entry_of(to_row(made, report_schema(columns)), OPERATING)
    json.dumps(found, allow_nan=False)
    return found


def test_what_is_not_known_is_left_out() -> None:
    assert entry_of(row(Record("a.png")), OPERATING) == {"name": "a.png", "state": "error"}


def test_everything_that_is_known_is_there() -> None:
    found = entry(telling(1, "some text", phash="00" * 8))
    assert found["name"] == "photos/some text"
    assert "path" not in found  # it is shown as it is
    assert found["state"] == "ai"
    assert found["score"] == 0.95
    assert found["facts"][0] == ["parameters.tool", "some text", "some text", 3, "specific", "ai"]
    assert ["taken", "2024-05-06 07:08:09"] in found["exif"]
    assert ["caption", "some text"] in found["extra"]
    assert found["words"][0].startswith("About 1 in 100 real photographs")
    assert found["phash"] == "00" * 8


def test_a_name_that_reverses_the_line_is_shown_with_escapes_and_kept_exactly() -> None:
    found = entry(record(1, path=f"photos/{RTL}"))
    assert found["name"] == "photos/photo\\u202egnp.exe"
    assert found["path"] == f"photos/{RTL}"


def test_long_and_many_facts_are_cut() -> None:
    facts = tuple(Fact(f"k{n}", "x" * 2000, "y", None) for n in range(MOST_FACTS + 7))
    found = entry(record(1, facts=facts))
    assert len(found["facts"]) == MOST_FACTS
    assert found["more"] == 7
    assert len(found["facts"][0][1]) == 601


def test_reviews_come_from_a_column_of_their_own_kind_alone() -> None:
    values = row(record(1))
    review = {"decision": "cleared", "note": "a\nb", "who": None, "when": ""}
    found = entry_of({**values, "reviews": [review]}, OPERATING)
    assert found["reviews"] == [{"decision": "cleared", "note": "a\nb", "who": "", "when": ""}]
    for text in ("confirmed", '[{"decision": "confirmed"}]'):
        found = entry_of({**values, "reviews": text}, OPERATING)
        assert "reviews" not in found
        assert found["extra"] == [["reviews", text]]


def test_columns_tell_shared_texts_once_and_in_parts() -> None:
    columns = Columns()
    for number in range(3):
        columns.add(row(record(number, 0.5)), pictured=number == 1)
    first = columns.take()
    assert first["start"] == 0
    assert first["name"] == ["00000.png", "00001.png", "00002.png"]
    assert first["texts"]["folder"] == ["photos"]
    assert first["folder"] == [0, 0, 0]
    assert first["score"] == [5000] * 3
    assert first["pictured"] == [0, 1, 0]
    columns.add(row(record(3, None, path="b/3.png")), pictured=False)
    second = columns.take()
    assert (second["start"], second["score"], second["folder"]) == (3, [-1], [1])
    assert second["texts"] == {
        "folder": ["b"],
        "camera": [],
        "code": ["damaged"],
        "generator": [],
        "family": [],
    }


def test_cameras_without_end_cost_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clipfake.report.page.columns.MOST_NAMES", 5)
    columns = Columns()
    for number in range(20):
        made = record(number, path=f"{number}/x.png", exif=Exif(model=f"{number}" * 500))
        columns.add(row(made), pictured=False)
    texts = columns.take()["texts"]
    assert len(texts["camera"]) == 6
    assert max(map(len, texts["camera"])) <= 120
    assert len(texts["folder"]) == 20


@pytest.mark.parametrize("path", ["a.png", "/a.png", "a/b.png", "z.zip!/c/d.png", "a\\b.png", "x/"])
def test_folder_and_name_make_the_path(path: str) -> None:
    columns = Columns()
    columns.add(row(record(0, path=path)), pictured=False)
    part = columns.take()
    folder, name = part["texts"]["folder"][0], part["name"][0]
    assert (name if folder == "." else f"{folder}/{name}").replace("\\", "/") == (
        path.replace("\\", "/")
    )


def test_words() -> None:
    assert [percent(share) for share in (0.01, 0.001, 0.7145, 0.0232, 0.0, 1.0)] == [
        "1",
        "0.1",
        "71",
        "2.3",
        "0",
        "100",
    ]
    assert [percent(share) for share in (0.000129, 0.00049, 4e-7)] == ["0.01", "0.05", "0.00004"]
    assert [size_of(n) for n in (1, 999, 1500, 5_300_000, 10**12, 4 * 10**15)] == [
        "1 byte",
        "999 bytes",
        "1.5 kB",
        "5.3 MB",
        "1 TB",
        "4,000 TB",
    ]
    assert shown("a\r\nb\u202ec\x1b") == "a\nb\\u202ec\\x1b"
