"""The operating point in words that a judge understands, and scores measured against it."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from clipfake.report.page.figures import BINS
from clipfake.report.page.words import counted, percent

_CLOSE = 1e-6  # of two thresholds that are one, written as float32 and as float64


@dataclass(frozen=True)
class Point:
    """What a threshold does, measured.

    Attributes:
        fpr: share of real images that may be called AI.
        threshold: score from which an image is called AI.
        fpr_interval: 95 % interval of the share actually called AI.
        recall: share of AI images called AI; None where it was not measured.
        recall_interval: its 95 % interval.
        reals: real images that the threshold was chosen on.
        sources: of these images; None where that is not known.
        accused: share of them that is called AI; None where it was not kept.
        upper: upper end of its one-sided 95 % interval, by whole sources; None likewise.
    """

    fpr: float
    threshold: float
    fpr_interval: tuple[float, float]
    recall: float | None
    recall_interval: tuple[float, float] | None
    reals: int
    sources: int | None
    accused: float | None = None
    upper: float | None = None

    @property
    def measured_on(self) -> str:
        """The images, in words."""
        photographs = counted(self.reals, "real photograph")
        sources = "" if self.sources is None else f" of {counted(self.sources, 'source')}"
        return f"{photographs}{sources}"

    @property
    def stated(self) -> str:
        """What the setting does to real photographs, in a sentence."""
        share = percent(self.fpr)
        verb = "is" if share == "1" else "are"
        if self.accused is None or self.upper is None:
            low, high = map(percent, self.fpr_interval)
            return (
                f"Of 100 real photographs about {share} {verb} called AI at this setting "
                f"(95 % interval {low} to {high}); measured on {self.measured_on}."
            )
        measured = (
            f"of {self.measured_on} {percent(self.accused)} in 100 were, "
            f"which shows that it is at most {percent(self.upper)} in 100 (upper 95 % bound)"
        )
        if self.upper <= self.fpr:
            return (
                f"Of 100 real photographs at most {share} {verb} called AI at this setting: "
                f"{measured}."
            )
        return f"This setting is meant for {share} in 100 real photographs called AI: {measured}."

    @property
    def reached_by(self) -> str:
        """How many real photographs reach the threshold, in words: ``about 1 in 100``."""
        return f"about 1 in {round(1 / self.fpr):,}" if self.fpr > 0 else "none known"


@dataclass(frozen=True)
class Operating:
    """Where a scan drew its lines, and what is known of them.

    Attributes:
        threshold: score from which a verdict is ai; None for a scan without scores.
        real_below: score below which it is real; None where it is not known.
        points: what was measured of thresholds, lowest first.
        known: scores of known real images, ascending.
    """

    threshold: float | None = None
    real_below: float | None = None
    points: Sequence[Point] = ()
    known: Sequence[float] = field(default=(), repr=False)

    @classmethod
    def of(cls, about: Mapping[str, Any], thresholds: Sequence[float]) -> "Operating":
        """From what made a report, and the thresholds of its rows.

        Args:
            about: its part ``operating`` holds the adapter's points, ``real_below``, and scores and
                sources of known real images; what is absent or of another form is not known.
            thresholds: of the rows; several, of reports that were merged, are none.
        """
        threshold = thresholds[0] if len(thresholds) == 1 else None
        facts = about.get("operating")
        if not isinstance(facts, Mapping):
            return cls(threshold)
        try:
            known = facts.get("known") or {}
            scores = sorted(float(score) for score in known.get("scores") or ())
            points = [
                _point(each, len(scores), known.get("sources")) for each in facts["points"] or ()
            ]
            below = facts.get("real_below")
            return cls(
                threshold,
                None if below is None else min(float(below), threshold or 1.0),
                sorted(points, key=lambda point: point.threshold),
                scores,
            )
        except (AttributeError, KeyError, TypeError, ValueError, ZeroDivisionError):
            return cls(threshold)

    @property
    def point(self) -> Point | None:
        """The point in use; None for a threshold of one's own."""
        for point in self.points:
            if self.threshold is not None and abs(point.threshold - self.threshold) < _CLOSE:
                return point
        return None

    def sentences(self, scored: int, called: int) -> list[str]:
        """What the setting means, sentence by sentence.

        Args:
            scored: images of this report that have a score.
            called: those of them whose score reaches the threshold.
        """
        if self.threshold is None:
            return ["No operating point: pixels were not scored, or by several settings."]
        if self.point is None:
            return [
                f"A score from {self.threshold:.3f} on is called AI. This threshold was chosen by "
                "hand, so how many real photographs it accuses was not measured."
            ]
        point, high = self.point, self.point.fpr_interval[1]
        said = [point.stated]
        if point.recall is not None:
            found, missed = percent(point.recall), percent(1 - point.recall)
            said.append(
                f"Of 100 AI images about {found} are called AI, and about {missed} are not: "
                "no finding is no proof that a picture is real."
            )
        if scored:
            share = point.fpr if point.accused is None else point.accused
            most = scored * (high if point.upper is None else point.upper)
            expected = share * scored
            said.append(
                f"Were all {counted(scored, 'scored image')} here real photographs, about "
                f"{_about(expected)} of them would be called AI by their pixels (up to "
                f"{_about(most)} by the interval). {called:,} are."
            )
        return said

    def words(self, score: float) -> list[str]:
        """What a score says, sentence by sentence."""
        reached = [point for point in self.points if score >= point.threshold]
        said = []
        if reached:
            top = reached[-1]
            share = top.reached_by[0].upper() + top.reached_by[1:]
            said.append(
                f"{share} real photographs score {top.threshold:.3f} or more, as this does."
            )
        elif self.points:
            lowest = self.points[0]
            said.append(
                f"More than {lowest.reached_by.removeprefix('about ')} real photographs score as "
                "high as this."
            )
        if self.real_below is not None and score < self.real_below:
            said.append(
                f"95 in 100 AI images score above {self.real_below:.3f}, and this does not."
            )
        if self.known:
            higher = len(self.known) - bisect_left(self.known, score)
            said.append(
                f"Of {len(self.known):,} known real photographs {higher:,} score as high or higher."
            )
        return said

    @property
    def histogram(self) -> list[int]:
        """Known real images by score, in as many bins as the page's; empty where none is known."""
        if not self.known:
            return []
        found = [0] * BINS
        for score in self.known:
            found[min(max(int(score * BINS), 0), BINS - 1)] += 1
        return found


def _point(facts: Mapping[str, Any], known: int, sources: Any) -> Point:
    low, high = facts["fpr_interval"]
    recall = facts["recall_interval"]
    reals = int(facts["reals"])
    return Point(
        float(facts["fpr"]),
        float(facts["threshold"]),
        (float(low), float(high)),
        None if facts["recall"] is None else float(facts["recall"]),
        None if recall is None else (float(recall[0]), float(recall[1])),
        reals,
        _sources(facts, known, reals, sources),
        *(None if facts.get(name) is None else float(facts[name]) for name in ("accused", "upper")),
    )


def _sources(facts: Mapping[str, Any], known: int, reals: int, sources: Any) -> int | None:
    if facts.get("sources") is not None:
        return int(facts["sources"])
    # the known images are those of the measurement where they are as many
    return int(sources) if sources is not None and known == reals else None


def _about(number: float) -> str:
    return f"{number:,.0f}" if number >= 0.95 else f"{number:.1f}"
