"""What makes a scan what it is: for the report's metadata, and for going on with it."""

import os
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from clipfake.plan import ScanPlan
from clipfake.report.journal import Journal, journal_path
from clipfake.report.schema import report_schema
from clipfake.sources import Sources
from clipfake.sources.remote import shown
from clipfake.version import __version__

if TYPE_CHECKING:  # torch takes seconds to import, and a scan of metadata does without
    from clipfake.detector.detector import Detector


def about_scan(plan: ScanPlan, detector: "Detector | None") -> dict[str, Any]:
    """What made a report, for its metadata; URLs without what lets them be opened."""
    about = {
        "clipfake": __version__,
        "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "folder": os.fsdecode(os.getcwdb()),
        "options": {**plan.to_json(), "paths": _shown(plan)},
    }
    if detector is None:
        return about
    return {
        **about,
        "adapter": detector.adapter.name,
        "adapter_sha256": detector.adapter.digest,
        "backbone": detector.backbone.name,
        "backbone_sha256": detector.backbone.digest,
        "looks": detector.looks.value,
        **detector.arithmetic.to_json(),
    }


def open_journal(
    plan: ScanPlan, sources: Sources, about: dict[str, Any], *, every: int
) -> Journal | None:
    """The journal of the first report.

    Args:
        plan: of the scan; None is returned where it has no report.
        sources: what is scanned.
        about: what makes the scan.
        every: rows that are kept at once.

    Raises:
        UsageError: the journal is of another scan, or in use.
        ReportError: it cannot be written.
    """
    if not plan.outputs.output:
        return None
    made_by = {name: value for name, value in about.items() if name not in ("started", "options")}
    scan = {**made_by, **plan.identity(), "paths": _shown(plan)}
    scan["looks"] = about.get("looks")  # those that are taken, whatever is asked for
    return Journal(
        journal_path(plan.outputs.output[0]),
        report_schema(sources.columns),
        scan,
        every=every,
        resume=plan.run.resume,
        lists=sources.stamps(),
    )


def _shown(plan: ScanPlan) -> list[str]:
    return [shown(path) for path in plan.what.paths]
