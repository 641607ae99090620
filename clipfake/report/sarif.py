"""SARIF 2.1.0 (OASIS, errata 01): findings for code scanning."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from clipfake.report.alerts import Alert, Alerts, numbered
from clipfake.report.places import directory_uri
from clipfake.report.rules import RULES, Rule

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_ROOT = "%SRCROOT%"
_NUMBERS = {rule_id: number for number, rule_id in enumerate(RULES)}


class SarifFile:
    """Writes one run with the weightiest findings, and counts the rest in a notification."""

    def __init__(self, path: Path, schema: pa.Schema, about: dict[str, Any]) -> None:
        """Open the file; ``about`` says where the scan ran and what it was to fail on."""
        del schema
        self._about, self._alerts = about, Alerts(about)
        self._file = open(path, "w", encoding="utf-8", newline="\n")  # noqa: SIM115

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Take rows; what is no finding is not written."""
        self._alerts.add(rows)

    def close(self) -> None:
        """Write the run."""
        with self._file:
            json.dump(self._log(), self._file, ensure_ascii=False, indent=1)
            self._file.write("\n")

    def _log(self) -> dict[str, Any]:
        kept = self._alerts.kept()
        invocation: dict[str, Any] = {"executionSuccessful": True}
        if more := self._alerts.total() - len(kept):
            text = (
                f"{more} further findings are left out, since importers take no more; "
                "a report in Parquet, CSV or JSON Lines has all"
            )
            invocation["toolExecutionNotifications"] = [
                {"level": "warning", "message": {"text": text}}
            ]
        driver: dict[str, Any] = {"name": "clipfake", "rules": [_rule(r) for r in RULES.values()]}
        if version := self._about.get("clipfake"):
            driver["version"] = version
        run = {
            "tool": {"driver": driver},
            "invocations": [invocation],
            "originalUriBaseIds": {_ROOT: {"uri": directory_uri(self._alerts.places.root)}},
            "columnKind": "utf16CodeUnits",
            "results": [_result(alert, number) for alert, number in numbered(kept)],
        }
        return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": "".join(part.capitalize() for part in rule.id.split("-")),
        "shortDescription": {"text": f"{rule.title}."},
        "fullDescription": {"text": rule.help},
        "help": {"text": rule.help, "markdown": rule.help},
        "defaultConfiguration": {"level": rule.level.value},
        "properties": {"tags": ["provenance"], "problem.severity": _SEVERITIES[rule.level.value]},
    }


# GitHub's names for what SARIF calls a note
_SEVERITIES = {"error": "error", "warning": "warning", "note": "recommendation"}


def _result(alert: Alert, number: int) -> dict[str, Any]:
    artifact = {"uri": alert.place.uri}
    if alert.place.below_root:
        artifact["uriBaseId"] = _ROOT
    # importers want a region, though no line of a picture is meant
    location: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": artifact, "region": {"startLine": 1}}
    }
    what = "whole file"
    if alert.place.member is not None:
        location["logicalLocations"] = [{"fullyQualifiedName": alert.place.member}]
        what = f"whole file {alert.place.member} in the archive"
    result: dict[str, Any] = {
        "ruleId": alert.rule.id,
        "ruleIndex": _NUMBERS[alert.rule.id],
        "level": alert.rule.level.value,
        "message": {"text": _plain(f"{what}: {alert.reason}")},
        "locations": [location],
        "partialFingerprints": {
            "primaryLocationLineHash": f"{alert.fingerprint[:32]}:{number}",
        },
    }
    if alert.suppressed is not None:
        accepted = {"kind": "external", "status": "accepted", "justification": alert.suppressed}
        result["suppressions"] = [accepted]
    return result


def _plain(text: str) -> str:
    """Text without what a message takes for a link or a placeholder (sections 3.11.5, 3.11.6)."""
    return re.sub(r"\{(\d+)\}", r"(\1)", text.replace("](", "] ("))
