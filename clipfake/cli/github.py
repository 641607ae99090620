"""What a scan says where GitHub Actions runs it: annotations, and the summary of the job."""

import os
from collections.abc import Mapping
from typing import Any, TextIO

from clipfake.report.alerts import Alerts
from clipfake.report.annotations import Annotations
from clipfake.report.markdown import MarkdownSummary
from clipfake.report.text import printable
from clipfake.scanning.events import Event, Finished, Recorded, Started

_SUMMARY = "GITHUB_STEP_SUMMARY"
_MOST_BYTES = 2**20  # of a step's summary; GitHub shows none that is larger


def wanted(asked: str, environment: Mapping[str, str]) -> bool:
    """Whether annotations are printed.

    Args:
        asked: ``--format``.
        environment: of the process.
    """
    return asked == "github" or (asked == "auto" and environment.get("GITHUB_ACTIONS") == "true")


class GitHub:
    """Collects findings as they come, and tells them at the end."""

    def __init__(self, out: TextIO, environment: Mapping[str, str] | None = None) -> None:
        """Begin with none.

        Args:
            out: gets the annotations; a runner reads both streams of a step.
            environment: of the process; None for its own.
        """
        self._out = out
        self._path = (os.environ if environment is None else environment).get(_SUMMARY)
        self._alerts: Alerts | None = None
        self._summary: MarkdownSummary | None = None

    def show(self, event: Event) -> None:
        """Take what a run tells."""
        match event:
            case Started():
                self._alerts = Alerts(event.about)
                self._summary = MarkdownSummary(dict(event.about))
            case Recorded():
                self._add(event.row)
            case Finished():
                self._finish()

    def _add(self, row: Mapping[str, Any]) -> None:
        if self._alerts is not None and self._summary is not None:
            self._alerts.add([row])
            self._summary.add([row])

    def _finish(self) -> None:
        if self._alerts is None or self._summary is None:
            return
        for line in Annotations(self._alerts).lines():
            self._out.write(f"{line}\n")
        if self._path:
            try:
                _append(self._path, self._summary.text())
            except OSError as error:  # the findings are told all the same
                reason = error.strerror or error
                self._out.write(printable(f"{self._path}: no job summary ({reason})") + "\n")
        self._out.flush()


def _append(path: str, text: str) -> None:
    """Add to what the step has said before, unless it would be too much for GitHub."""
    data = text.encode()
    with open(path, "ab") as file:
        if file.tell() + len(data) <= _MOST_BYTES:
            file.write(data)
