"""Markdown: a summary for people, in a pull request or the summary of a job."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from clipfake.records import Verdict
from clipfake.report.alerts import Alert, Alerts
from clipfake.report.summary import Summary
from clipfake.report.text import printable

GENERATORS = 20  # that are listed
LISTED = 200  # findings; GitHub shows no summary of over 1 MiB
_MOST_TEXT = 400  # characters of a reason
_MOST_NAME = 1000
# every character of ASCII that could be markup (CommonMark 0.31, section 2.4); digits and letters
# are not. As references they are text wherever they stand (section 2.5).
_MARKUP = re.compile(r"[!-,./:-@\[-`{-~]")


class MarkdownFile:
    """Writes counts, then what is new, then what a baseline knows."""

    def __init__(self, path: Path, schema: pa.Schema, about: dict[str, Any]) -> None:
        """Open the file; ``about`` says where the scan ran and what it was to fail on."""
        del schema
        self._summary = MarkdownSummary(about)
        self._file = open(path, "w", encoding="utf-8", newline="\n")  # noqa: SIM115

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Take rows."""
        self._summary.add(rows)

    def close(self) -> None:
        """Write the summary."""
        with self._file:
            self._file.write(self._summary.text())


class MarkdownSummary:
    """Collects rows for a summary."""

    def __init__(self, about: dict[str, Any]) -> None:
        """Begin with no rows.

        Args:
            about: what made the report.
        """
        self._alerts, self._counts = Alerts(about, most=LISTED), Summary(top=0)

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take rows."""
        self._alerts.add(rows)
        for row in rows:
            self._counts.add(row)

    def text(self) -> str:
        """The whole summary."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        counts, alerts = self._counts, self._alerts
        new = alerts.total(known=False)
        yield "## clipfake"
        yield ""
        told = f"**{_count(new, 'finding')}**" if new else "No findings"
        known = f", and {alerts.known} that the baseline knows" if alerts.known else ""
        yield f"{told}{known}, in {_count(counts.files, 'file')}."
        yield ""
        yield "| ai | inconclusive | real | not readable | no images |"
        yield "|---:|---:|---:|---:|---:|"
        verdicts = (Verdict.AI, Verdict.INCONCLUSIVE, Verdict.REAL)
        numbers = [*(counts.verdicts[v] for v in verdicts), counts.failed, counts.skipped]
        yield f"| {' | '.join(map(str, numbers))} |"
        generators = counts.most_generators(GENERATORS)
        if generators:
            yield ""
            yield "| generator | known by | files |"
            yield "|---|---|---:|"
            for name, basis, files in generators:
                yield f"| {_cell(printable(name))} | {_cell(printable(basis or ''))} | {files} |"
            if left := len(counts.generators) - len(generators):
                yield ""
                yield f"{_count(left, 'further generator')}: see the reports."
        if new:
            yield ""
            yield from _table(alerts.kept(known=False))
            if left := new - len(alerts.kept(known=False)):
                yield ""
                yield f"{_count(left, 'further finding')}: see the reports."
        known_ones = [alert for alert in alerts.kept() if alert.suppressed is not None]
        if known_ones:
            yield ""
            yield f"<details><summary>Known to the baseline: {alerts.known}</summary>"
            yield ""
            yield "| file | accepted because |"
            yield "|---|---|"
            for alert in known_ones:
                yield f"| {_code(alert.place.text)} | {_cell(alert.suppressed or '')} |"
            yield ""
            yield "</details>"
        yield ""
        yield "A score is evidence, not proof. Metadata can be forged; its absence says nothing."


def _table(alerts: Sequence[Alert]) -> Iterator[str]:
    yield "| level | file | finding |"
    yield "|---|---|---|"
    for alert in alerts:
        yield f"| {alert.rule.level.value} | {_code(alert.place.text)} | {_cell(alert.reason)} |"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + "s" * (number != 1)


def _cell(text: str) -> str:
    """Text of unknown origin that is text to every reader of Markdown, in one cell of a table."""
    shown = text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}..."
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", shown)


def _code(text: str) -> str:
    """The same in letters of one width, where no reader looks for names of users or issues."""
    shown = text if len(text) <= _MOST_NAME else f"{text[:_MOST_NAME]}..."
    return f"<code>{_MARKUP.sub(lambda found: f'&#{ord(found[0])};', shown)}</code>"
