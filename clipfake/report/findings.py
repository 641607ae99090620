"""Findings: files for which a run is to fail, by the kinds that ``--fail-on`` names."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from clipfake.errors import ErrorCode, UsageError

UNREAD = "unread"
NEW = "new-"
_KINDS = {
    "ai": "the verdict is ai",
    "inconclusive": "the verdict is inconclusive",
    "error": "an image that could not be judged",
    UNREAD: "not judged, though asked for by name, named like an image, or an image",
}
# what a run can be made to fail on, and what counts as it
KINDS = _KINDS | {
    f"{NEW}{kind}": f"{text}, and no baseline knows it" for kind, text in _KINDS.items()
}


@dataclass(frozen=True)
class Finding:
    """One file that a run fails on.

    Attributes:
        path: as the report names it.
        verdict: ai, inconclusive or error.
        score: None where there is none.
        basis: what the verdict rests on; None for an error.
        error_code: why it was not judged; None where it was.
        reason: the verdict's explanation, or the error with its remedy.
        suppressed: why a baseline accepts it; None for what is new.
    """

    path: str
    verdict: str
    score: float | None
    basis: str | None
    error_code: str | None
    reason: str
    suppressed: str | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Finding":
        """That of a report's row."""
        return cls(
            row["path"],
            row["verdict"],
            row["score"],
            row["verdict_basis"],
            row["error_code"],
            row["explanation"] or row["error"] or "",
            row.get("suppressed"),
        )

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    def line(self) -> str:
        """In one line: path, verdict, score, basis and reason."""
        if self.error_code is not None:
            return f"{self.path}: not judged ({self.error_code}): {_less(self.reason, self.path)}"
        score = "no score" if self.score is None else f"score {self.score:.3f}"
        basis = f", by {self.basis}" if self.basis else ""
        return f"{self.path}: {self.verdict} ({score}{basis}): {_less(self.reason, self.verdict)}"


def kinds_of(row: Mapping[str, Any]) -> set[str]:
    """Kinds that a report's row counts as.

    This is the one rule that tells errors from skipped files: screen, JSON, report and exit code
    follow it. A file without a verdict is skipped when it is no image that clipfake reads, else an
    error; and a skipped one is unread all the same when somebody asked for it by name, or its name
    says that it is a picture.
    """
    code = row["error_code"]
    if code is None:
        return {row["verdict"]} & _KINDS.keys()
    found = {UNREAD} if row["unread"] else set()
    return found if ErrorCode(code).skipped else {"error", UNREAD}


def fails(row: Mapping[str, Any], wanted: frozenset[str]) -> bool:
    """Whether a run fails on a report's row.

    Args:
        row: of a report; what a baseline suppresses is not new.
        wanted: kinds, of ``KINDS``.
    """
    kinds = kinds_of(row)
    if row.get("suppressed") is None:
        kinds |= {NEW + kind for kind in kinds}
    return bool(kinds & wanted)


def parse_kinds(text: str | None, *, strict: bool = False) -> frozenset[str]:
    """Kinds in a list with commas.

    Args:
        text: of ``--fail-on``; None for none.
        strict: unread files are among them.

    Raises:
        UsageError: there is no such kind.
    """
    wanted = frozenset(part.strip() for part in (text or "").split(",") if part.strip())
    if unknown := wanted - KINDS.keys():
        raise UsageError(f"--fail-on {', '.join(sorted(unknown))}: unknown; use {', '.join(KINDS)}")
    return wanted | {UNREAD} if strict else wanted


def _less(reason: str, start: str) -> str:
    """A reason without the words that the line has already."""
    return reason.removeprefix(f"{start}: ")
