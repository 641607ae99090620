"""The summary: counts, times and the most suspicious files."""

import json
import random

import pytest

from clipfake.errors import ErrorCode
from clipfake.records import Record, Verdict
from clipfake.report import summary as room
from clipfake.report.summary import MOST_SUSPICIOUS, Summary


def scored(path: str, score: float, verdict: Verdict = Verdict.REAL, size: int = 10) -> Record:
    return Record(path, bytes=size, score=score, verdict=verdict)


def failed(path: str, code: ErrorCode, size: int | None = None) -> Record:
    return Record(path, bytes=size, error_code=code, error=f"{path}: {code.value}")


def summed(*records: Record) -> Summary:
    summary = Summary()
    for record in records:
        summary.add(record)
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
    skipped = code.value in ("not_an_image", "unsupported", "lfs_pointer")
    assert (summary.skipped, summary.failed) == ((1, 0) if skipped else (0, 1))


def test_an_empty_summary_is_all_zeros() -> None:
    summary = Summary()
    assert (summary.files, summary.scored, summary.failed, summary.skipped) == (0, 0, 0, 0)
    assert summary.most_suspicious == []


def test_the_most_suspicious_come_highest_first(mixed: Summary) -> None:
    assert [record.path for record in mixed.most_suspicious] == ["a", "c", "d", "b"]


def test_only_the_highest_are_kept() -> None:
    scores = [number / 100 for number in range(50)]
    random.Random(0).shuffle(scores)
    summary = summed(*(scored(str(score), score) for score in scores))
    kept = [record.score for record in summary.most_suspicious]
    assert kept == sorted(scores, reverse=True)[:MOST_SUSPICIOUS]
    assert len(kept) == MOST_SUSPICIOUS == 10


def test_at_equal_scores_the_earlier_file_is_kept_and_comes_first() -> None:
    summary = summed(
        *(scored(f"half {number}", 0.5) for number in range(15)),
        scored("top", 0.9),
        failed("broken", ErrorCode.DAMAGED),
    )
    expected = ["top", *(f"half {number}" for number in range(9))]
    assert [record.path for record in summary.most_suspicious] == expected


def test_a_score_of_zero_counts() -> None:
    assert [record.path for record in summed(scored("a", 0.0)).most_suspicious] == ["a"]


def test_json_has_these_keys_and_values(mixed: Summary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Summary, "seconds", 2.00049)
    found = mixed.to_json()
    assert json.loads(json.dumps(found)) == found
    assert found == {
        "files": 9,
        "scored": 4,
        "ai": 1,
        "inconclusive": 1,
        "real": 2,
        "errors": 2,
        "skipped": 3,
        "declared": {},
        "conflicts": 0,
        "error_codes": {"missing": 1, "not_an_image": 2, "truncated": 1, "unsupported": 1},
        "bytes": 56,
        "seconds": 2.0,
        "images_per_second": 2.0,
        "most_suspicious": [
            {"path": "a", "score": 0.9, "verdict": "ai"},
            {"path": "c", "score": 0.5, "verdict": "inconclusive"},
            {"path": "d", "score": 0.2, "verdict": "real"},
            {"path": "b", "score": 0.1, "verdict": "real"},
        ],
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
