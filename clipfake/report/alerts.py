"""Alerts: findings as pipelines are told them, as many as a format takes, the weightiest first."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clipfake.report.places import Place, Places
from clipfake.report.rules import Level, Rule, asked_for, is_told, rule_of
from clipfake.report.text import printable

MOST = 5000  # what GitHub's code scanning shows of a file; it refuses over 25,000 results
_LEVELS = (Level.ERROR, Level.WARNING, Level.NOTE)


@dataclass(frozen=True)
class Alert:
    """One finding.

    Attributes:
        rule: what it is of.
        place: where.
        reason: why, in one line fit to be shown.
        fingerprint: 64 hex digits of the file's bytes and the rule, whatever the score and the
            name; of the name where the bytes are not known.
        suppressed: why a baseline accepts it; None for what is new.
    """

    rule: Rule
    place: Place
    reason: str
    fingerprint: str
    suppressed: str | None

    def line(self) -> str:
        """In one line, with its place."""
        return f"{self.place.text}: {self.reason}"


class Alerts:
    """Collects the findings among a report's rows; holds no more than a format takes.

    Attributes:
        new: how many findings no baseline knows, by their level.
        known: how many a baseline knows.
    """

    def __init__(self, about: Mapping[str, Any], *, most: int = MOST) -> None:
        """Begin with none.

        Args:
            about: what made the report: the folder of the scan, and what it was to fail on.
            most: how many are kept of each level, and of those known.
        """
        self.new: Counter[Level] = Counter()
        self.known = 0
        self.places = Places(about.get("folder"))
        self._asked = asked_for(about)
        self._most = most
        self._kept: dict[Level | None, list[Alert]] = {level: [] for level in (*_LEVELS, None)}

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Look at rows."""
        for row in rows:
            rule = rule_of(row)
            if rule is None or not is_told(row, self._asked):
                continue
            known = row.get("suppressed") is not None
            self.new[rule.level] += not known
            self.known += known
            kept = self._kept[None if known else rule.level]
            if len(kept) < self._most:
                kept.append(_alert(row, rule, self.places))

    def kept(self, *, known: bool = True) -> list[Alert]:
        """The weightiest, as many as a format takes, each level in the order of the rows.

        Args:
            known: with those that a baseline knows, last.
        """
        levels: tuple[Level | None, ...] = (*_LEVELS, None) if known else _LEVELS
        return [alert for level in levels for alert in self._kept[level]][: self._most]

    def total(self, *, known: bool = True) -> int:
        """How many there are, kept or not."""
        return self.new.total() + (self.known if known else 0)


def numbered(alerts: Sequence[Alert]) -> Iterator[tuple[Alert, int]]:
    """Alerts with the number of each among those of its fingerprint, from 1: copies have one."""
    seen: Counter[str] = Counter()
    for alert in alerts:
        seen[alert.fingerprint] += 1
        yield alert, seen[alert.fingerprint]


def _alert(row: Mapping[str, Any], rule: Rule, places: Places) -> Alert:
    place = places.of(row)
    what = row["sha256"] or place.text
    digest = hashlib.sha256(f"{what} {rule.id}".encode()).hexdigest()
    reason = row["explanation"] or row["error"] or row["verdict"]
    reason = printable(" ".join(reason.removeprefix(f"{row['path']}: ").split()))
    suppressed = row.get("suppressed")
    return Alert(rule, place, reason, digest, None if suppressed is None else printable(suppressed))
