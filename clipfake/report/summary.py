"""The summary of a scan: counts, times and the most suspicious files."""

import heapq
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from clipfake.errors import ErrorCode
from clipfake.records import Record, Verdict

MOST_SUSPICIOUS = 10


class Summary:
    """Counts records as they come; its size does not depend on their number.

    Attributes:
        verdicts: files by verdict.
        errors: files without a score, by error code.
        skipped: those of them that are no image that clipfake reads.
        bytes: sizes of all files that could be opened, together.
        declared: files by what they say of their own origin.
        conflicts: files whose pixels and own statements disagree.
    """

    def __init__(self) -> None:
        self.verdicts: Counter[Verdict] = Counter()
        self.errors: Counter[str] = Counter()
        self.skipped = 0
        self.bytes = 0
        self.declared: Counter[str] = Counter()
        self.conflicts = 0
        self._top: list[tuple[float, int, Record]] = []
        self._start = time.monotonic()

    def add(self, record: Record) -> None:
        """Count one record."""
        self.verdicts[record.verdict] += 1
        self.bytes += record.bytes or 0
        if record.declared is not None:
            self.declared[record.declared] += 1
        self.conflicts += record.verdict_basis == "conflict"
        if record.error_code is not None:
            self.errors[record.error_code.value] += 1
            self.skipped += record.error_code.skipped
        if record.score is not None:
            # at equal scores the earlier file counts as the higher
            heapq.heappush(self._top, (record.score, -self.files, record))
            if len(self._top) > MOST_SUSPICIOUS:
                heapq.heappop(self._top)

    def restore(self, row: Mapping[str, Any], *, named: bool = False) -> None:
        """Count a row that an earlier run of the same scan wrote; ``named`` as a record has it."""
        code = row["error_code"]
        self.add(
            Record(
                row["path"],
                bytes=row["bytes"],
                score=row["score"],
                verdict=Verdict(row["verdict"]),
                verdict_basis=row["verdict_basis"],
                declared=row["declared"],
                error_code=None if code is None else ErrorCode(code),
                named=named,
            )
        )

    @property
    def files(self) -> int:
        """Files seen."""
        return self.verdicts.total()

    @property
    def scored(self) -> int:
        """Files that have a verdict other than error."""
        return self.files - self.verdicts[Verdict.ERROR]

    @property
    def failed(self) -> int:
        """Files that should have had a score: errors less those skipped."""
        return self.verdicts[Verdict.ERROR] - self.skipped

    @property
    def seconds(self) -> float:
        """Wall time since the summary was begun."""
        return time.monotonic() - self._start

    @property
    def most_suspicious(self) -> list[Record]:
        """Records of the highest scores, highest first."""
        return [record for _, _, record in sorted(self._top, key=lambda e: e[:2], reverse=True)]

    def to_json(self) -> dict[str, Any]:
        """The summary as plain values."""
        seconds = self.seconds
        return {
            "files": self.files,
            "scored": self.scored,
            "ai": self.verdicts[Verdict.AI],
            "inconclusive": self.verdicts[Verdict.INCONCLUSIVE],
            "real": self.verdicts[Verdict.REAL],
            "errors": self.failed,
            "skipped": self.skipped,
            "declared": dict(sorted(self.declared.items())),
            "conflicts": self.conflicts,
            "error_codes": dict(sorted(self.errors.items())),
            "bytes": self.bytes,
            "seconds": round(seconds, 3),
            "images_per_second": round(self.scored / seconds, 2) if seconds else None,
            "most_suspicious": [
                {"path": r.path, "score": r.score, "verdict": r.verdict.value}
                for r in self.most_suspicious
            ],
        }
