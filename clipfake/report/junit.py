"""JUnit XML: a test case for each picture, in the form that Jenkins' junit-10.xsd describes."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import pyarrow as pa

from clipfake.report.places import Places
from clipfake.report.rules import asked_for, rule_of
from clipfake.report.text import printable

MOST_BYTES = 64 * 2**10  # of the whole file
_HEAD_BYTES = 2**10  # what surrounds the cases takes less
_MOST_TEXT = 1000  # characters of a message or a name


class JunitFile:
    """Writes failures, then errors, then skipped cases, then passed ones, up to ``MOST_BYTES``.

    The counts are of all pictures, listed or not; files that are no pictures are no cases.
    """

    def __init__(self, path: Path, schema: pa.Schema, about: dict[str, Any]) -> None:
        """Open the file; ``about`` says where the scan ran and what it was to fail on."""
        del schema
        self._places, self._asked = Places(about.get("folder")), asked_for(about)
        self._counts = dict.fromkeys(_OUTCOMES, 0)
        self._cases: dict[str, list[str]] = {outcome: [] for outcome in _OUTCOMES}
        self._room = dict.fromkeys(_OUTCOMES, MOST_BYTES - _HEAD_BYTES)
        self._file = open(path, "w", encoding="utf-8", newline="\n")  # noqa: SIM115

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Take rows."""
        for row in rows:
            if row["error_code"] is not None and rule_of(row) is None:
                continue
            outcome, message = _outcome(row, self._asked)
            self._counts[outcome] += 1
            if self._room[outcome] <= 0:
                continue
            case = self._case(row, outcome, message)
            self._room[outcome] -= len(case.encode())
            if self._room[outcome] >= 0:
                self._cases[outcome].append(case)

    def close(self) -> None:
        """Write the suite."""
        room, listed = MOST_BYTES - _HEAD_BYTES, []
        for outcome in _OUTCOMES:
            for case in self._cases[outcome]:
                room -= len(case.encode())
                if room < 0:
                    break
                listed.append(case)
        counts = self._counts
        total = sum(counts.values())
        numbers = f'tests="{total}" failures="{counts[_FAILURE]}" errors="{counts[_ERROR]}"'
        left = total - len(listed)
        told = f"<system-out>{left} further test cases are counted, not listed</system-out>\n"
        with self._file as file:
            file.write('<?xml version="1.0" encoding="UTF-8"?>\n')
            file.write(f'<testsuites name="clipfake" {numbers}>\n')
            file.write(f'<testsuite name="clipfake" {numbers} skipped="{counts[_SKIPPED]}">\n')
            file.writelines(listed)
            file.write(told if left else "")
            file.write("</testsuite>\n</testsuites>\n")

    def _case(self, row: Mapping[str, Any], outcome: str, message: str) -> str:
        rule = rule_of(row)
        kind = "real" if rule is None else rule.id
        name = _text(self._places.of(row).text)
        head = f'<testcase classname="clipfake" name="{name}"'
        if outcome == _PASSED:
            return f"{head}/>\n"
        return f'{head}><{outcome} type="{kind}" message="{_text(message)}"/></testcase>\n'


_FAILURE, _ERROR, _SKIPPED, _PASSED = "failure", "error", "skipped", "passed"
_OUTCOMES = (_FAILURE, _ERROR, _SKIPPED, _PASSED)


def _outcome(row: Mapping[str, Any], asked: frozenset[str]) -> tuple[str, str]:
    """What became of a test case, and why."""
    reason = row["explanation"] or row["error"] or ""
    suppressed = row.get("suppressed")
    if suppressed is not None:
        return _SKIPPED, f"known to the baseline ({suppressed}): {reason}"
    if row["error_code"] is not None:
        return _ERROR, reason
    if row["verdict"] == "inconclusive":
        return _FAILURE if "inconclusive" in asked else _SKIPPED, reason
    return _FAILURE if rule_of(row) else _PASSED, reason


def _text(text: str) -> str:
    """Text as an attribute has it: nothing that XML forbids, and not too long."""
    shown = printable(" ".join(text.split()))
    return escape(shown if len(shown) <= _MOST_TEXT else f"{shown[:_MOST_TEXT]}...")
