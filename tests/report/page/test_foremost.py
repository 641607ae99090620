"""Which rows a page has room for."""

import random

from clipfake.errors import ErrorCode
from clipfake.records import Record, Verdict
from clipfake.report.page.foremost import Foremost
from tests.report.page.rows import record, row


def kept(records: list[Record], most: int) -> list[int]:
    foremost = Foremost(most)
    for each in records:
        foremost.add(row(each), None)
    return [each.number for each in foremost.rows()]


def test_ai_conflict_and_error_come_first_then_scores() -> None:
    records = [
        record(0, 0.1),
        record(1, 0.5),
        record(2, None),
        record(3, 0.95),
        record(4, 0.2, verdict=Verdict.INCONCLUSIVE, verdict_basis="conflict"),
        record(5, 0.99),
        record(6, None, error_code=ErrorCode.NOT_AN_IMAGE),
        record(7, 0.2),
    ]
    assert kept(records, 100) == [5, 3, 4, 2, 1, 7, 0, 6]
    assert kept(records, 3) == [5, 3, 4]
    assert kept(records, 0) == []


def test_of_equal_rows_the_earlier_stay() -> None:
    assert kept([record(number, 0.95) for number in range(10)], 4) == [0, 1, 2, 3]


def test_what_is_kept_is_what_sorting_all_gives() -> None:
    rng = random.Random(1)
    records = [record(n, rng.choice([None, rng.random()])) for n in range(500)]
    assert kept(records, 60) == kept(records, 500)[:60]


def test_pictures_of_rows_that_are_not_kept_are_let_go() -> None:
    foremost = Foremost(2)
    for number in range(50):
        foremost.add(row(record(number, number / 100)), b"picture %d" % number)
    assert [each.thumbnail for each in foremost.rows()] == [b"picture 49", b"picture 48"]
    assert foremost.seen == 50
