"""Findings: what a run fails on."""

import pytest

from clipfake.errors import ErrorCode, UsageError
from clipfake.records import Record, Verdict
from clipfake.report.findings import KINDS, Finding, kinds_of, parse_kinds
from clipfake.report.schema import report_schema, to_row

SCHEMA = report_schema({})


def row(**values: object) -> dict[str, object]:
    return to_row(Record("a/b.png", **values), SCHEMA)


def test_judged_files_are_what_their_verdict_is() -> None:
    found = {v: kinds_of(row(verdict=v)) for v in (Verdict.AI, Verdict.INCONCLUSIVE, Verdict.REAL)}
    assert found == {
        Verdict.AI: {"ai"},
        Verdict.INCONCLUSIVE: {"inconclusive"},
        Verdict.REAL: set(),
    }


@pytest.mark.parametrize("code", list(ErrorCode))
@pytest.mark.parametrize("unread", [False, True])
def test_an_image_that_failed_is_unread_too(code: ErrorCode, unread: bool) -> None:
    found = kinds_of(row(error_code=code, unread=unread or not code.skipped))
    assert found == {"error", "unread"} - ({"error"} if code.skipped else set()) - (
        {"unread"} if code.skipped and not unread else set()
    )


def test_lists_of_kinds() -> None:
    assert parse_kinds(None) == frozenset()
    assert parse_kinds(" ai, error,") == {"ai", "error"}
    assert parse_kinds("ai", strict=True) == {"ai", "unread"}
    assert parse_kinds(",".join(KINDS)) == set(KINDS)
    with pytest.raises(UsageError, match="--fail-on fake: unknown; use ai, inconclusive, error"):
        parse_kinds("fake")


def test_a_line_has_path_verdict_score_basis_and_reason() -> None:
    judged = row(
        verdict=Verdict.AI, score=0.5, verdict_basis="conflict", explanation="ai: it says so."
    )
    assert Finding.of(judged).line() == "a/b.png: ai (score 0.500, by conflict): it says so."
    declared = row(verdict=Verdict.AI, verdict_basis="declared", explanation="ai: it says so.")
    assert Finding.of(declared).line() == "a/b.png: ai (no score, by declared): it says so."


def test_a_line_of_what_was_not_judged_has_the_remedy() -> None:
    error = "a/b.png: HEIC is not read; pip install 'clipfake[heic]'"
    broken = row(error_code=ErrorCode.UNSUPPORTED, error=error)
    expected = "a/b.png: not judged (unsupported): HEIC is not read; pip install 'clipfake[heic]'"
    assert Finding.of(broken).line() == expected
