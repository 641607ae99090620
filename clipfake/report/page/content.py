"""What a page and a site show alike, gathered row by row."""

from collections.abc import Mapping, Sequence
from typing import Any

from clipfake.report.custody import Inputs
from clipfake.report.page.about import Scanned
from clipfake.report.page.columns import DECISIONS, SCALE
from clipfake.report.page.entry import entry_of
from clipfake.report.page.figures import Figures
from clipfake.report.page.foremost import Foremost, Kept
from clipfake.report.page.generators import ORIGINS
from clipfake.report.page.operating import Operating
from clipfake.report.page.state import BASES, DECLARED, STATES
from clipfake.report.page.words import shown

GROUP_TITLES = {
    "folder": "Folders",
    "generator": "Generators, and what says so",
    "camera": "Cameras that EXIF names",
    "tool": "Programs that files name",
    "format": "Formats",
    "month": "Months in which EXIF says it was taken",
}
# what the plain table shows of an entry
_OF_TABLE = ("score", "basis", "sha256", "explanation", "error", "code", "reviews", "label")
MOST_SHARES = 200  # of one kind that a page lists


class Content:
    """Counts every row, and keeps the foremost.

    Attributes:
        figures: of all rows.
        foremost: the rows that matter most.
        inputs: digest of all rows' names and bytes.
    """

    def __init__(self, about: Mapping[str, Any], most: int) -> None:
        """Begin with nothing.

        Args:
            about: what made the report.
            most: rows that are kept.
        """
        self._about = about
        self.figures, self.foremost, self.inputs = Figures(), Foremost(most), Inputs()
        self._operating: tuple[tuple[float, ...], Operating] | None = None

    def add(self, row: Mapping[str, Any], thumbnail: bytes | None) -> None:
        """Take a row of the report and its picture, if it has one."""
        self.figures.add(row)
        self.inputs.add(row)
        self.foremost.add(row, thumbnail)

    @property
    def operating(self) -> Operating:
        """The operating point of the rows so far."""
        thresholds = tuple(self.figures.thresholds)
        if self._operating is None or self._operating[0] != thresholds:
            self._operating = thresholds, Operating.of(self._about, thresholds)
        return self._operating[1]

    def values(self, kept: Sequence[Kept], pictures: Sequence[str | None]) -> dict[str, Any]:
        """What the template shows.

        Args:
            kept: rows of the plain table, in order.
            pictures: address of each one's picture.
        """
        figures, operating, bins = self.figures, self.operating, self.figures.histogram
        held = dict.fromkeys(STATES, 0)
        entries = []
        for each, picture in zip(kept, pictures, strict=True):
            entry = entry_of(each.row, operating)
            held[entry["state"]] += 1
            entries.append({**dict.fromkeys(_OF_TABLE), **entry, "picture": picture})
        left = {state: figures.states[state] - held[state] for state in STATES}
        return {
            "scanned": Scanned.of(self._about, figures, self.inputs),
            "figures": figures,
            "states": STATES,
            "operating": operating,
            "sentences": operating.sentences(figures.scored, figures.reaching),
            "groups": [
                (title, figures.groups(kind), MOST_SHARES) for kind, title in GROUP_TITLES.items()
            ],
            "histogram": [
                {
                    "place": place,
                    "total": sum(column),
                    "states": dict(zip(bins, column, strict=True)),
                }
                for place, column in enumerate(zip(*bins.values(), strict=True))
            ],
            "known_line": _line(operating.histogram),
            "entries": entries,
            "left_out": {state: number for state, number in left.items() if number},
            "version": shown(self._about.get("clipfake") or ""),
        }

    def meta(self, **more: Any) -> dict[str, Any]:
        """What the gallery's script must know of all rows.

        Args:
            more: of this page or site.
        """
        return {
            "key": Scanned.of(self._about, self.figures, self.inputs).key,
            "states": STATES,
            "bases": BASES,
            "declared": DECLARED,
            "origins": ORIGINS,
            "decisions": DECISIONS,
            "scale": SCALE,
            "threshold": self.operating.threshold,
            "below": self.operating.real_below,
            "histogram": [
                sum(column) for column in zip(*self.figures.histogram.values(), strict=True)
            ],
            "known": self.operating.histogram,
            **more,
        }


def _line(bins: Sequence[int]) -> str:
    """Points of a line over a histogram of 500 by 100, its ground at 102; empty for no bins."""
    most = max(bins, default=0)
    if not most:
        return ""
    width = 500 / len(bins)
    return " ".join(
        f"{width * (place + 0.5):g},{102 - 100 * number / most:.1f}"
        for place, number in enumerate(bins)
    )
