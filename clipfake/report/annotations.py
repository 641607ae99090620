"""GitHub's annotations: workflow commands that a runner reads from the output of a step.

docs.github.com, "Workflow commands for GitHub Actions"; how text is escaped is in actions/toolkit's
description of commands.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from clipfake.report.alerts import Alert, Alerts
from clipfake.report.rules import Level

MOST = 10  # of each level and step are shown
_COMMANDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "notice"}
_MOST_TEXT = 2000  # characters of a message


@dataclass(frozen=True)
class Annotations:
    """What a step prints.

    Attributes:
        alerts: with those that a baseline knows, which are not told here.
    """

    alerts: Alerts

    def lines(self) -> Iterator[str]:
        """Up to ``MOST`` commands of each level, then a line on those left out."""
        shown = dict.fromkeys(Level, 0)
        for alert in self.alerts.kept(known=False):
            level = alert.rule.level
            if shown[level] < MOST:
                shown[level] += 1
                yield _command(alert)
        if left := self.alerts.total(known=False) - sum(shown.values()):
            yield f"{left} further findings are in the job summary and in the reports"


def _command(alert: Alert) -> str:
    place = f"file={_property(alert.place.path)},line=1," if alert.place.below_root else ""
    message = _data(alert.line()[:_MOST_TEXT])
    title = _property(alert.rule.title)
    return f"::{_COMMANDS[alert.rule.level]} {place}title={title}::{message}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
