"""What a page says of the scan itself: what was scanned, when, by what, with digests."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clipfake.report.custody import Inputs
from clipfake.report.page.figures import Figures
from clipfake.report.page.words import counted, shown, size_of

_PATHS = 20  # that are named


@dataclass(frozen=True)
class Scanned:
    """The scan, in lines.

    Attributes:
        title: what was scanned, in short.
        lines: name and text of each fact that is known.
        digests: name and digest of each thing that has one.
        key: by which a browser knows this scan again.
    """

    title: str
    lines: Sequence[tuple[str, str]]
    digests: Sequence[tuple[str, str]]
    key: str

    @classmethod
    def of(cls, about: Mapping[str, Any], figures: Figures, inputs: Inputs) -> "Scanned":
        """From what made a report, and its rows."""
        options = about.get("options")
        options = options if isinstance(options, Mapping) else {}
        paths = options.get("paths")
        paths = [shown(path) for path in paths] if isinstance(paths, list) else []
        named = ", ".join(paths[:_PATHS]) + (
            f" and {len(paths) - _PATHS} more" if len(paths) > _PATHS else ""
        )
        model = about.get("adapter") or ", ".join(figures.models)
        arithmetic = (about.get(name) for name in ("device", "precision", "machine"))
        lines = [
            ("Scanned", named),
            ("In folder", about.get("folder")),
            ("Began", _time(about.get("started"))),
            ("Files", f"{counted(figures.files, 'file')}, {size_of(figures.bytes)}"),
            ("Model", model or "none: pixels were not scored"),
            ("Backbone", about.get("backbone")),
            ("Second looks", _second_looks(about.get("looks"), figures)),
            ("Computed on", ", ".join(str(part) for part in arithmetic if part)),
            ("Program", f"clipfake {about['clipfake']}" if about.get("clipfake") else None),
        ]
        digests = [
            ("names and sha256 of all files", inputs.digest),
            ("model", about.get("adapter_sha256")),
            ("backbone", about.get("backbone_sha256")),
            ("report that this page is of", about.get("report_sha256")),
        ]
        return cls(
            title=paths[0] if len(paths) == 1 else counted(figures.files, "file"),
            lines=[(name, shown(text)) for name, text in lines if text],
            digests=[(name, shown(text)) for name, text in digests if text],
            key=hashlib.sha256(
                f"{inputs.digest} {about.get('started')}".encode("utf-8", "replace")
            ).hexdigest()[:32],
        )


def _second_looks(looks: Any, figures: Figures) -> str | None:
    """At how many of the images that have a score a second look was taken; None where at none."""
    if not figures.second_looks and looks not in ("auto", "all"):
        return None
    return f"at {figures.second_looks:,} of {counted(figures.scored, 'image')} with a score"


def _time(text: Any) -> str:
    """An ISO 8601 time as people read it."""
    return str(text or "").replace("T", " ").replace("+00:00", " UTC")
