"""The summary of a scan: counts, times, the worst files and those that the run fails on."""

import heapq
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from clipfake.records import Verdict
from clipfake.report.findings import UNREAD, Finding, fails, kinds_of

TOP = 10
MOST_GENERATORS = 100  # names that are told apart: files may declare anything
OTHERS = ("(others)", None)
LISTED = 10_000  # findings that are kept to be listed; all are counted, and the report has all
_CONFLICT = "conflict"
_MOST_NAME = 100  # characters of a generator's name
_RANKS = {Verdict.AI.value: 2, Verdict.INCONCLUSIVE.value: 0}
_CONFLICT_RANK = 1


class Summary:
    """Counts a report's rows as they come; its size does not depend on their number.

    Attributes:
        verdicts: files by verdict.
        errors: files without a verdict, by error code.
        skipped: those of them that are no image that clipfake reads.
        unread: those of them that are images, or were asked for by name or named like one.
        bytes: sizes of all files that could be opened, together.
        declared: files by what they say of their own origin.
        generators: files by generator and what that is known by; the first ``MOST_GENERATORS``
            that come are told apart.
        conflicts: files whose basis is ``conflict``.
        fail_on: kinds of findings that the run fails on.
        failing: how many files are of these kinds.
        findings: the first ``LISTED`` of them, in order.
        unjudged: the first files that are unread, as many as ``top``.
        suppressed: findings that a baseline knows.
        failing_known: how many of those that the run fails on are among them.
        second_looks: files at whose pixels a second look was taken.
        restored: files whose rows an earlier, interrupted run of the scan wrote.
    """

    def __init__(
        self, *, fail_on: frozenset[str] = frozenset(), top: int = TOP, kept: int = 0
    ) -> None:
        """Begin with nothing.

        Args:
            fail_on: kinds of findings, of ``clipfake.report.findings.KINDS``.
            top: how many of the worst files are shown.
            kept: how many of them are known at least.
        """
        self.fail_on, self.top = fail_on, top
        self._kept = max(top, kept)
        self.verdicts: Counter[Verdict] = Counter()
        self.errors: Counter[str] = Counter()
        self.skipped = 0
        self.unread = 0
        self.bytes = 0
        self.declared: Counter[str] = Counter()
        self.generators: Counter[tuple[str, str | None]] = Counter()
        self.conflicts = 0
        self.failing = 0
        self.findings: list[Finding] = []
        self.unjudged: list[Finding] = []
        self.suppressed = 0
        self.failing_known = 0
        self.second_looks = 0
        self.restored = 0
        self._scored_before = 0
        self._worst: list[tuple[int, float, int, Finding]] = []
        self._start = time.monotonic()

    def add(self, row: Mapping[str, Any]) -> None:
        """Count a row of the report."""
        self.verdicts[Verdict(row["verdict"])] += 1
        self.bytes += row["bytes"] or 0
        if row["declared"] is not None:
            self.declared[row["declared"]] += 1
        if row.get("generator") is not None:
            self._count_generator(row["generator"], row["generator_basis"])
        self.conflicts += row["verdict_basis"] == _CONFLICT
        self.suppressed += row.get("suppressed") is not None
        self.second_looks += row.get("looks") == 2
        kinds = kinds_of(row)
        if row["error_code"] is not None:
            self.errors[row["error_code"]] += 1
            self.skipped += "error" not in kinds
        self.unread += UNREAD in kinds
        if fails(row, self.fail_on):
            self.failing += 1
            self.failing_known += row.get("suppressed") is not None
            if len(self.findings) < LISTED:
                self.findings.append(Finding.of(row))
        if UNREAD in kinds and len(self.unjudged) < self.top:
            self.unjudged.append(Finding.of(row))
        self._rank(row)

    def _count_generator(self, generator: str, basis: str | None) -> None:
        key = (generator[:_MOST_NAME], basis)
        known = key in self.generators or len(self.generators) < MOST_GENERATORS
        self.generators[key if known else OTHERS] += 1

    def most_generators(self, count: int) -> list[tuple[str, str | None, int]]:
        """The generators with most files, what they are known by, and how many files."""
        ranked = sorted(self.generators.items(), key=lambda each: (-each[1], each[0][0]))
        return [(*key, files) for key, files in ranked[:count]]

    def restore(self, row: Mapping[str, Any]) -> None:
        """Count a row that an earlier run of the same scan wrote; it bears on no rate."""
        scored = self.scored
        self.add(row)
        self.restored += 1
        self._scored_before += self.scored - scored

    def _rank(self, row: Mapping[str, Any]) -> None:
        """Keep a row if it is among the worst: ai first, then conflicts, then what is undecided."""
        rank = _RANKS.get(row["verdict"])
        if rank == 0 and row["score"] is None:
            rank = None  # nobody looked at its pixels
        if row["verdict_basis"] == _CONFLICT:
            rank = max(rank or 0, _CONFLICT_RANK)
        if rank is None or not self._kept:
            return
        # at equal scores the earlier file counts as the higher
        score = -1.0 if row["score"] is None else row["score"]
        heapq.heappush(self._worst, (rank, score, -self.files, Finding.of(row)))
        if len(self._worst) > self._kept:
            heapq.heappop(self._worst)

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
        """Images that have no verdict: errors less those skipped."""
        return self.verdicts[Verdict.ERROR] - self.skipped

    @property
    def seconds(self) -> float:
        """Wall time since the summary was begun."""
        return time.monotonic() - self._start

    @property
    def pace(self) -> float:
        """Files a second that this run has seen."""
        return (self.files - self.restored) / max(self.seconds, 1e-9)

    @property
    def rate(self) -> float:
        """Files a second that this run has given a verdict."""
        return (self.scored - self._scored_before) / max(self.seconds, 1e-9)

    @property
    def worst(self) -> list[Finding]:
        """The ``top`` worst files, worst first: ai, conflicts, inconclusive, each by score."""
        return self.most_suspicious(self.top)

    def most_suspicious(self, count: int) -> list[Finding]:
        """So many of the worst files, or as many as are known, worst first."""
        ranked = sorted(self._worst, key=lambda entry: entry[:3], reverse=True)
        return [entry[3] for entry in ranked[:count]]

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
            "unread": self.unread,
            "declared": dict(sorted(self.declared.items())),
            "generators": [
                {"generator": name, "basis": basis, "files": files}
                for name, basis, files in self.most_generators(MOST_GENERATORS + 1)
            ],
            "conflicts": self.conflicts,
            "suppressed": self.suppressed,
            "second_looks": self.second_looks,
            "error_codes": dict(sorted(self.errors.items())),
            "bytes": self.bytes,
            "seconds": round(seconds, 3),
            "images_per_second": round(self.rate, 2) if seconds else None,
            "worst": [finding.to_json() for finding in self.worst],
            "not_judged": [finding.to_json() for finding in self.unjudged],
            "fail_on": sorted(self.fail_on),
            "failing": self.failing,
            "findings": [finding.to_json() for finding in self.findings],
        }
