"""What makes a scan what it is: for the report's metadata, and for going on with it."""

import os
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from clipfake.plan import ScanPlan
from clipfake.report.journal import Journal, journal_path
from clipfake.report.schema import report_schema
from clipfake.scanning.units import Units
from clipfake.sources import Sources
from clipfake.sources.place import Place
from clipfake.sources.remote import shown
from clipfake.version import __version__

if TYPE_CHECKING:  # torch takes seconds to import, and a scan of metadata does without
    from clipfake.detector.adapter import Adapter
    from clipfake.detector.detector import Detector
    from clipfake.detector.looks import Looks


def about_scan(plan: ScanPlan, detector: "Detector | None") -> dict[str, Any]:
    """What made a report, for its metadata; URLs without what lets them be opened."""
    about = {
        "clipfake": __version__,
        "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "folder": os.fsdecode(os.getcwdb()),
        "options": {
            **plan.to_json(),
            "paths": _shown(plan),
            "output": [shown(name) for name in plan.outputs.output],
        },
    }
    return {**about, **made_by(detector)}


def made_by(detector: "Detector | None") -> dict[str, Any]:
    """What scores, and how it computes; empty for a scan without scores."""
    if detector is None:
        return {}
    return {
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
    """The journal of the first report that is written from the first row to the last.

    Args:
        plan: of the scan; None is returned where it has no report.
        sources: what is scanned.
        about: what makes the scan.
        every: rows that are kept at once.

    Raises:
        UsageError: the journal is of another scan, or in use.
        ReportError: it cannot be written.
    """
    if not plan.outputs.files:
        return None
    made = {name: value for name, value in about.items() if name not in ("started", "options")}
    scan = {**made, **plan.identity(), "paths": _shown(plan)}
    scan["looks"] = about.get("looks")  # those that are taken, whatever is asked for
    return Journal(
        journal_path(plan.outputs.files[0]),
        report_schema(sources.columns),
        scan,
        every=every,
        resume=plan.run.resume,
        lists=sources.stamps(),
    )


def open_units(
    plan: ScanPlan,
    place: Place,
    sources: Sources,
    adapter: "Adapter | None",
    looks: "Looks | None",
) -> Units:
    """The units of a plan, and what its folder of parts holds of them.

    Which kind of machine did a unit is no part of what makes the scan: each part says it.

    Args:
        plan: of the scan.
        place: the folder.
        sources: what is scanned.
        adapter: that scores; None for a scan without scores.
        looks: that are taken; None likewise.

    Raises:
        UsageError: the folder is of another scan, or in use.
        ReportError: it cannot be written.
    """
    scan = {
        "clipfake": __version__,
        "folder": os.fsdecode(os.getcwdb()),
        "adapter_sha256": adapter.digest if adapter else None,
        "backbone": adapter.backbone if adapter else None,
        **plan.identity(),
        "looks": looks.value if looks else None,  # those that are taken, whatever is asked for
        "paths": _shown(plan),
    }
    return Units(
        place,
        sources.columns,
        scan,
        size=plan.run.unit,
        resume=plan.run.resume,
        lists=sources.stamps(),
    )


def _shown(plan: ScanPlan) -> list[str]:
    return [shown(path) for path in plan.what.paths]
