"""The summary: counts, times and the most suspicious files."""

import json
import random

import pytest

from clipfake.errors import ErrorCode
from clipfake.records import Record, Verdict
from clipfake.report import summary as room
from clipfake.report.schema import report_schema, to_row
from clipfake.report.summary import TOP, Summary

SCHEMA = report_schema({})


def scored(path: str, score: float, verdict: Verdict = Verdict.REAL, size: int = 10) -> Record:
    return Record(path, bytes=size, score=score, verdict=verdict)


def failed(path: str, code: ErrorCode, size: int | None = None) -> Record:
    return Record(path, bytes=size, error_code=code, error=f"{path}: {code.value}")


def summed(*records: Record, **options: object) -> Summary:
    summary = Summary(**options)
    for record in records:
        summary.add(to_row(record, SCHEMA))
    return summary


@pytest.fixture
def mixed() -> Summary:
    return summed(
        scored("a", 0.9, Verdict.AI),
        scored("b", 0.1),
        scored("c", 0.5, Verdict.INCONCLUSIVE),
        scored("d", 0.2),
        failed("e", ErrorCode.TRUNCATED, 7),
        failed("f", ErrorCode.NOT_AN_IMAGE, 5),
        failed("g", ErrorCode.NOT_AN_IMAGE, 3),
        failed("h", ErrorCode.MISSING),
        failed("i", ErrorCode.UNSUPPORTED, 1),
    )


def test_files_are_counted(mixed: Summary) -> None:
    assert mixed.files == 9
    assert mixed.scored == 4
    assert mixed.bytes == 56
    assert mixed.verdicts == {
        Verdict.AI: 1,
        Verdict.REAL: 2,
        Verdict.INCONCLUSIVE: 1,
        Verdict.ERROR: 5,
    }


def test_skipped_files_are_not_failed_ones(mixed: Summary) -> None:
    assert mixed.skipped == 3
    assert mixed.failed == 2
    assert mixed.errors == {"truncated": 1, "not_an_image": 2, "missing": 1, "unsupported": 1}


@pytest.mark.parametrize("code", list(ErrorCode))
def test_only_what_is_no_image_is_skipped(code: ErrorCode) -> None:
    summary = summed(failed("a", code))
    assert (summary.skipped, summary.failed) == ((1, 0) if code.skipped else (0, 1))


def test_an_empty_summary_is_all_zeros() -> None:
    summary = Summary()
    assert (summary.files, summary.scored, summary.failed, summary.skipped) == (0, 0, 0, 0)
    assert (summary.worst, summary.unjudged, summary.findings) == ([], [], [])


def test_the_worst_are_ai_then_conflicts_then_undecided_never_real() -> None:
    summary = summed(
        scored("real", 0.3),
        Record("unseen", verdict=Verdict.INCONCLUSIVE),
        scored("undecided", 0.6, Verdict.INCONCLUSIVE),
        Record("torn", score=0.2, verdict=Verdict.INCONCLUSIVE, verdict_basis="conflict"),
        scored("likely", 0.9, Verdict.AI),
        Record("declared", verdict=Verdict.AI, verdict_basis="declared"),
        scored("surely", 0.99, Verdict.AI),
        failed("broken", ErrorCode.DAMAGED),
    )
    expected = ["surely", "likely", "declared", "torn", "undecided"]
    assert [found.path for found in summary.worst] == expected


@pytest.mark.parametrize("top", [0, 3, TOP])
def test_only_the_worst_are_kept(top: int) -> None:
    scores = [number / 128 for number in range(50)]
    random.Random(0).shuffle(scores)
    records = [scored(str(score), score, Verdict.AI) for score in scores]
    kept = [found.score for found in summed(*records, top=top).worst]
    assert kept == sorted(scores, reverse=True)[:top]


def test_at_equal_scores_the_earlier_file_is_kept_and_comes_first() -> None:
    summary = summed(
        *(scored(f"half {number}", 0.5, Verdict.AI) for number in range(15)),
        scored("top", 0.9, Verdict.AI),
    )
    expected = ["top", *(f"half {number}" for number in range(9))]
    assert [found.path for found in summary.worst] == expected


def test_what_a_run_fails_on_is_listed_in_order() -> None:
    records = [
        scored("a", 0.9, Verdict.AI),
        scored("b", 0.5, Verdict.INCONCLUSIVE),
        failed("c", ErrorCode.DAMAGED),
        failed("d.txt", ErrorCode.NOT_AN_IMAGE),
        Record("e.jpg", error_code=ErrorCode.NOT_AN_IMAGE, error="e.jpg: no", unread=True),
        scored("f", 0.1),
    ]
    listed = {
        kinds: [found.path for found in summed(*records, fail_on=frozenset(kinds)).findings]
        for kinds in [("ai",), ("inconclusive",), ("error",), ("unread",), ("ai", "unread")]
    }
    assert listed == {
        ("ai",): ["a"],
        ("inconclusive",): ["b"],
        ("error",): ["c"],
        ("unread",): ["c", "e.jpg"],
        ("ai", "unread"): ["a", "c", "e.jpg"],
    }
    assert summed(*records).unread == 2


def test_all_findings_are_counted_and_only_some_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "LISTED", 3)
    records = [scored(str(number), 0.9, Verdict.AI) for number in range(5)]
    summary = summed(*records, fail_on=frozenset({"ai"}))
    assert (summary.failing, len(summary.findings)) == (5, 3)


def test_json_has_these_keys_and_values(mixed: Summary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Summary, "seconds", 2.00049)
    found = mixed.to_json()
    assert json.loads(json.dumps(found)) == found
    worst = [(entry["path"], entry["verdict"], entry["score"]) for entry in found.pop("worst")]
    assert worst == [("a", "ai", pytest.approx(0.9)), ("c", "inconclusive", 0.5)]
    assert [entry["path"] for entry in found.pop("not_judged")] == ["e", "h"]
    assert found == {
        "files": 9,
        "scored": 4,
        "ai": 1,
        "inconclusive": 1,
        "real": 2,
        "errors": 2,
        "skipped": 3,
        "unread": 2,
        "declared": {},
        "generators": [],
        "conflicts": 0,
        "suppressed": 0,
        "second_looks": 0,
        "error_codes": {"missing": 1, "not_an_image": 2, "truncated": 1, "unsupported": 1},
        "bytes": 56,
        "seconds": 2.0,
        "images_per_second": 2.0,
        "fail_on": [],
        "failing": 0,
        "findings": [],
    }
    assert list(found["error_codes"]) == sorted(found["error_codes"])


def test_no_time_is_no_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Summary, "seconds", 0.0)
    assert summed(scored("a", 0.5)).to_json()["images_per_second"] is None


def test_seconds_are_counted_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(room.time, "monotonic", lambda: now[0])
    summary = Summary()
    now[0] = 103.5
    assert summary.seconds == 3.5


def test_declarations_and_conflicts_are_counted() -> None:
    records = [
        Record("a", declared="ai", verdict=Verdict.AI, verdict_basis="conflict"),
        Record("b", declared="ai", verdict=Verdict.AI, verdict_basis="both"),
        Record("c", declared="none", verdict=Verdict.REAL, verdict_basis="pixels"),
        Record("d"),
    ]
    found = summed(*records).to_json()
    assert found["declared"] == {"ai": 2, "none": 1}
    assert found["conflicts"] == 1


def test_what_an_earlier_run_did_bears_on_no_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Summary, "seconds", 2.0)
    summary = Summary()
    rows = [to_row(scored(name, 0.5), SCHEMA) for name in "abcd"]
    for row in rows[:3]:
        summary.restore(row)
    assert (summary.restored, summary.pace, summary.rate) == (3, 0.0, 0.0)
    summary.add(rows[3])
    summary.add(to_row(failed("e", ErrorCode.DAMAGED), SCHEMA))
    assert (summary.files, summary.scored, summary.restored) == (5, 4, 3)
    assert (summary.pace, summary.rate) == (1.0, 0.5)
    assert summary.to_json()["images_per_second"] == 0.5


def told(generator: str | None, basis: str | None = "declared") -> Record:
    return Record("a", verdict=Verdict.AI, generator=generator, generator_basis=basis)


def test_generators_are_counted_by_what_they_are_known_by() -> None:
    rows = [told("DALL-E"), told("DALL-E", "pixels"), told("DALL-E"), told("FLUX"), told(None)]
    summary = summed(*rows)
    assert summary.most_generators(2) == [("DALL-E", "declared", 2), ("DALL-E", "pixels", 1)]
    assert summary.to_json()["generators"] == [
        {"generator": "DALL-E", "basis": "declared", "files": 2},
        {"generator": "DALL-E", "basis": "pixels", "files": 1},
        {"generator": "FLUX", "basis": "declared", "files": 1},
    ]


def test_names_without_end_take_no_room_without_end() -> None:
    summary = summed(*(told(f"{number} {'x' * 5000}") for number in range(500)))
    assert len(summary.generators) == room.MOST_GENERATORS + 1
    assert summary.most_generators(1) == [(*room.OTHERS, 400)]
    assert all(len(name) < 200 for name, _ in summary.generators)
