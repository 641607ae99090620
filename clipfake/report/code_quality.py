"""GitLab's Code Quality: a JSON array of what is new, after Code Climate's format.

docs.gitlab.com/ci/testing/code_quality, "Code Quality report format".
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from clipfake.report.alerts import Alert, Alerts, numbered
from clipfake.report.rules import Level

_SEVERITIES = {Level.ERROR: "critical", Level.WARNING: "major", Level.NOTE: "info"}


class CodeQualityFile:
    """Writes the weightiest findings that no baseline knows; a last entry counts the rest."""

    def __init__(self, path: Path, schema: pa.Schema, about: dict[str, Any]) -> None:
        """Open the file; ``about`` says where the scan ran and what it was to fail on."""
        del schema
        self._alerts = Alerts(about)
        self._file = open(path, "w", encoding="utf-8", newline="\n")  # noqa: SIM115

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Take rows; what is no finding is not written."""
        self._alerts.add(rows)

    def close(self) -> None:
        """Write the array."""
        kept = self._alerts.kept(known=False)
        entries = [_entry(alert, number) for alert, number in numbered(kept)]
        if more := self._alerts.total(known=False) - len(kept):
            text = f"{more} further findings are left out; a report in Parquet has all"
            entries.append(
                {
                    **entries[-1],
                    "description": text,
                    "check_name": "left-out",
                    "fingerprint": "left-out",
                    "severity": "info",
                }
            )
        with self._file:
            json.dump(entries, self._file, ensure_ascii=False, indent=1)
            self._file.write("\n")


def _entry(alert: Alert, number: int) -> dict[str, Any]:
    member = "" if alert.place.member is None else f"{alert.place.member}: "
    # copies of one picture are findings of their own; the number stays when all are moved
    copy = "" if number == 1 else f"-{number}"
    return {
        "description": f"{alert.rule.title}: {member}{alert.reason}",
        "check_name": alert.rule.id,
        "fingerprint": f"{alert.fingerprint[:32]}{copy}",
        "severity": _SEVERITIES[alert.rule.level],
        "location": {"path": alert.place.path, "lines": {"begin": 1}},
    }
