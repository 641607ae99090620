"""What a page says of all rows: counts, by state and by what files have in common."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clipfake.report.page.generators import named_of
from clipfake.report.page.state import CONFLICT, SKIPPED, STATES, camera_of, folder_of, state_of
from clipfake.report.page.words import shown

BINS = 50  # of the histogram, of equal width over scores 0 to 1
MOST_NAMES = 20_000  # of one kind that are told apart, so that hostile names cost no memory
OTHERS = "(others)"
_NAME = 120  # characters
# facts that name the program that made a file, the most telling first
_TOOLS = (
    "parameters.tool",
    "xmp.ai_system_used",
    "c2pa.generator",
    "xmp.creator_tool",
    "exif.software",
)


@dataclass
class Share:
    """Files that have something in common.

    Attributes:
        name: what it is.
        states: how many of each state.
    """

    name: str
    states: Counter[str] = field(default_factory=Counter)

    @property
    def files(self) -> int:
        """How many there are."""
        return self.states.total()


class Figures:
    """Counts rows as they come; its size does not depend on their number.

    Attributes:
        files: rows so far.
        bytes: of the files, together.
        states: files by state.
        bases: files by what their verdict rests on.
        codes: files without a verdict, by error code.
        models: labels of the adapters that scored.
        thresholds: scores from which verdicts are ai.
        histogram: scores, by state, in ``BINS`` bins.
        reaching: files whose score is at or above their threshold.
        second_looks: files at whose pixels a second look was taken.
    """

    def __init__(self) -> None:
        self.files = self.bytes = self.reaching = self.second_looks = 0
        self.states: Counter[str] = Counter()
        self.bases: Counter[str] = Counter()
        self.codes: Counter[str] = Counter()
        self.models: Counter[str] = Counter()
        self.thresholds: Counter[float] = Counter()
        self.histogram: dict[str, list[int]] = {state: [0] * BINS for state in STATES[:3]}
        self._groups: dict[str, dict[str, Share]] = {
            kind: {} for kind in ("folder", "generator", "camera", "tool", "format", "month")
        }

    def add(self, row: Mapping[str, Any]) -> None:
        """Count a row."""
        state = state_of(row)
        self.files += 1
        self.bytes += row["bytes"] or 0
        self.states[state] += 1
        self.second_looks += row.get("looks") == 2
        if row["verdict_basis"]:
            self.bases[row["verdict_basis"]] += 1
        if row["error_code"]:
            self.codes[row["error_code"]] += 1
        if row["score"] is not None and state in self.histogram:
            place = min(max(int(row["score"] * BINS), 0), BINS - 1)
            self.histogram[state][place] += 1
            self.reaching += row["threshold"] is not None and row["score"] >= row["threshold"]
        _count_few(self.models, row["model"])
        # those of a journal are float32
        _count_few(self.thresholds, row["threshold"] and round(row["threshold"], 6))
        if state == SKIPPED:
            return
        taken = row["exif_datetime_original"]
        self._count("folder", folder_of(row["path"]), state)
        named = named_of(row)
        self._count("generator", named.label if named else "", state)
        self._count("camera", camera_of(row), state)
        self._count("tool", tool_of(row), state)
        self._count("format", row["format"] or "", state)
        self._count("month", f"{taken.year:04d}-{taken.month:02d}" if taken else "", state)

    def _count(self, kind: str, name: str, state: str) -> None:
        group, name = self._groups[kind], shown(name, _NAME)
        if name not in group and len(group) >= MOST_NAMES:
            name = OTHERS
        group.setdefault(name, Share(name)).states[state] += 1

    @property
    def scored(self) -> int:
        """Files that have a score."""
        return sum(map(sum, self.histogram.values()))

    @property
    def conflicts(self) -> int:
        """Files whose declaration and pixels contradict each other."""
        return self.bases[CONFLICT]

    def groups(self, kind: str) -> list[Share]:
        """Files by folder, generator, camera, tool, format or month.

        Months come in order of time, others with most ``ai`` first; what has no such name, last.
        """
        found = self._groups[kind].values()
        named = [share for share in found if share.name]
        if kind == "month":
            named.sort(key=lambda share: share.name)
        else:
            named.sort(key=lambda share: (-share.states["ai"], -share.files, share.name))
        return named + [share for share in found if not share.name]


def _count_few(counter: Counter[Any], value: Any) -> None:
    """Count a value, if it is among the first ones."""
    if value is not None and (value in counter or len(counter) < BINS):
        counter[value] += 1


def tool_of(row: Mapping[str, Any]) -> str:
    """The program that a file says it was made with; empty where it names none."""
    facts: dict[str, str] = {}
    for fact in row["evidence"] or ():
        facts.setdefault(fact["key"], fact["value"] or "")
    named = (facts[key] for key in _TOOLS if facts.get(key))
    return next(named, row["exif_software"] or "")
