"""What makes a scan what it is: for the report's metadata, and for going on with it."""

import json
import os
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clipfake import __version__
from clipfake.report.journal import Journal, journal_path
from clipfake.report.schema import report_schema
from clipfake.sources import Sources
from clipfake.sources.remote import shown

if TYPE_CHECKING:  # torch takes seconds to import, and a scan of metadata does without
    from clipfake.detector import Detector

# options that change how a scan runs, and not what it finds
_FREE = {
    "output",
    "fail_on",
    "strict",
    "top",
    "resume",
    "cache",
    "trust_times",
    "custody",
    "quiet",
    "as_json",
    "debug",
    "workers",
    "batch_size",
    "allow_download",
    "allow_network",
}


def open_journal(
    outputs: list[Path],
    sources: Sources,
    about: dict[str, Any],
    *,
    every: int,
    resume: bool,
) -> Journal | None:
    """The journal of the first report.

    Args:
        outputs: reports to write; None is returned without one.
        sources: what is scanned.
        about: what makes the scan.
        every: rows that are kept at once.
        resume: go on with a journal that is there.

    Raises:
        UsageError: the journal is of another scan, or in use.
        ReportError: it cannot be written.
    """
    if not outputs:
        return None
    options = {name: value for name, value in about["options"].items() if name not in _FREE}
    made_by = {name: value for name, value in about.items() if name not in ("started", "options")}
    path, schema = journal_path(outputs[0]), report_schema(sources.columns)
    scan = {**made_by, **options}
    return Journal(path, schema, scan, every=every, resume=resume, lists=sources.stamps())


def about_scan(detector: "Detector | None", options: dict[str, Any]) -> dict[str, Any]:
    """What made a report, for its metadata."""
    options = {**options, "paths": [shown(path) for path in options["paths"]]}
    about = {
        "clipfake": __version__,
        "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "folder": os.fsdecode(os.getcwdb()),
        "options": json.loads(json.dumps(options, default=str)),
    }
    if detector is None:
        return about
    return {
        **about,
        "adapter": detector.adapter.name,
        "adapter_sha256": detector.adapter.digest,
        "backbone": detector.backbone.name,
        "backbone_sha256": detector.backbone.digest,
        **detector.arithmetic.to_json(),
    }
