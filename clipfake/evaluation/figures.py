"""The figures of a detector on labelled images: in all, for each generator and real source.

An image without a score can never make a figure look better: among AI images it is a miss, and
for accuracy it is wrong in either class. Rates of false alarms are taken over the real images
that were scored, and AUC, average precision, recall at a rate and calibration, which need a
score, over all that were scored. How many were not is part of every row.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clipfake.detector.calibration import DecisionRule, share_interval
from clipfake.errors import UsageError
from clipfake.evaluation import measures
from clipfake.evaluation.intervals import Bools, Counts, Estimate, Floats, Strings, bootstrap
from clipfake.evaluation.scores import Scores
from clipfake.sources.labelled import Example

FPRS = (0.05, 0.01, 0.001)
ALL = "all"


@dataclass(frozen=True)
class Images:
    """Labelled images with their scores.

    Attributes:
        is_ai: ``[N]``.
        generators: ``[N]``.
        sources: ``[N]``; the classes have none in common.
        scores: float64 ``[N]``, NaN where there is none.
    """

    is_ai: Bools
    generators: Strings
    sources: Strings
    scores: Floats

    @classmethod
    def of(cls, examples: Sequence[Example], scores: Scores) -> "Images":
        """Examples with their scores; files that are no image at all are left out."""
        taken = ~scores.no_image
        own = [example for example, take in zip(examples, taken, strict=True) if take]
        return cls(
            is_ai=np.array([example.is_ai for example in own], dtype=bool),
            generators=np.array([example.generator for example in own], dtype=np.str_),
            # a quiz's real and AI images are drawn apart, so that a draw has no fixed mix
            sources=np.array([f"{e.is_ai}:{e.source}" for e in own], dtype=np.str_),
            scores=scores.values[taken],
        )

    def part(self, taken: Bools) -> "Images":
        """Some of them."""
        return Images(
            self.is_ai[taken], self.generators[taken], self.sources[taken], self.scores[taken]
        )

    @property
    def scored(self) -> Bools:
        """Which have a score, ``[N]``."""
        return ~np.isnan(self.scores)

    def check(self, of: str) -> None:
        """Raise UsageError when a class has no scored image."""
        for is_ai, kind in ((False, "real"), (True, "AI-generated")):
            own = self.is_ai == is_ai
            if not self.scored[own].any():
                raise UsageError(
                    f"{of}: none of the {int(own.sum())} {kind} images has a score; "
                    "both classes are needed"
                )


@dataclass(frozen=True)
class Figures:
    """What a detector does on some images; None where a figure has no meaning.

    Attributes:
        name: of the generator, or ``all``.
        reals: whose real images the AI ones are measured against, ``own`` or ``all``.
        ai: AI images.
        real: real images.
        ai_unscored: AI images without a score.
        real_unscored: real images without a score.
        auc: area under the ROC curve.
        average_precision: area under the precision-recall curve.
        recall_at: highest recall at a false-positive rate, for each of ``FPRS``; its threshold
            is chosen on these very images.
        accuracy_half: share right when 0.5 divides; None for scores outside 0..1.
        accuracy: share right at the operating point.
        balanced_accuracy: mean of recall and share of reals not accused, at the operating point.
        recall: share of AI images called AI at the operating point.
        fpr: share of scored real images called AI at the operating point.
        inconclusive: share of scored images in between, by the rule.
        calibration_error: expected calibration error; None for scores outside 0..1.
        brier: Brier score; None for scores outside 0..1.
    """

    name: str
    reals: str
    ai: int
    real: int
    ai_unscored: int
    real_unscored: int
    auc: Estimate
    average_precision: Estimate
    recall_at: dict[float, Estimate]
    accuracy_half: Estimate | None
    accuracy: Estimate | None
    balanced_accuracy: Estimate | None
    recall: Estimate | None
    fpr: Estimate | None
    inconclusive: float | None
    calibration_error: Estimate | None
    brier: Estimate | None


@dataclass(frozen=True)
class RealSource:
    """False alarms among the real images of one source or kind.

    Attributes:
        name: the source, or the kind.
        images: real images that were scored.
        unscored: those that were not.
        fpr: share of the scored ones called AI, with its interval.
    """

    name: str
    images: int
    unscored: int
    fpr: Estimate


def figures(
    images: Images, rule: DecisionRule | None, *, name: str = ALL, reals: str = ALL, draws: int
) -> Figures:
    """Figures of some images.

    Args:
        images: both classes with at least one score each.
        rule: thresholds of the operating point; None leaves out what needs one.
        name: of the row.
        reals: whose real images these are.
        draws: of each interval's bootstrap.
    """
    scored = images.scored
    with_score = images.part(scored)
    scores, is_ai = with_score.scores, with_score.is_ai
    probabilities = bool((scores >= 0).all() and (scores <= 1).all())
    # comparing with NaN is False, so an image without a score is right for neither class
    thresholds = {"accuracy_half": 0.5} if probabilities else {}
    if rule is not None:
        thresholds["accuracy"] = rule.threshold
    right = {
        name: np.where(images.is_ai, images.scores >= threshold, images.scores < threshold)
        for name, threshold in thresholds.items()
    }

    def measure(times: Counts) -> list[float]:
        own = times[scored]
        if not own[is_ai].any() or not own[~is_ai].any():  # a draw of unscored images alone
            return [np.nan] * len(names)
        auc, recalls = measures.ranking(scores, is_ai, own, FPRS)
        found = [auc, measures.average_precision(scores, is_ai, own), *recalls]
        if probabilities:
            found.append(measures.calibration_error(scores, is_ai, own))
            found.append(measures.brier(scores, is_ai, own))
        found += [measures.share(hits, times) for hits in right.values()]
        if rule is not None:
            found.append(measures.balanced(right["accuracy"], images.is_ai, times))
        return found

    names = ["auc", "average_precision", *(f"recall_at_{rate}" for rate in FPRS)]
    names += ["calibration_error", "brier"] if probabilities else []
    names += [*right, *(["balanced_accuracy"] if rule is not None else [])]
    estimates = bootstrap(measure, images.is_ai, images.sources, draws=draws)
    found = dict(zip(names, estimates, strict=True))

    recall = fpr = inconclusive = None
    if rule is not None:
        called = images.scores >= rule.threshold
        recall = _share(called, images.is_ai, images.sources)
        fpr = _share(called, scored & ~images.is_ai, images.sources)
        inconclusive = float(((scores < rule.threshold) & (scores >= rule.real_below)).mean())
    return Figures(
        name=name,
        reals=reals,
        ai=int(images.is_ai.sum()),
        real=int((~images.is_ai).sum()),
        ai_unscored=int((images.is_ai & ~scored).sum()),
        real_unscored=int((~images.is_ai & ~scored).sum()),
        auc=found["auc"],
        average_precision=found["average_precision"],
        recall_at={rate: found[f"recall_at_{rate}"] for rate in FPRS},
        accuracy_half=found.get("accuracy_half"),
        accuracy=found.get("accuracy"),
        balanced_accuracy=found.get("balanced_accuracy"),
        recall=recall,
        fpr=fpr,
        inconclusive=inconclusive,
        calibration_error=found.get("calibration_error"),
        brier=found.get("brier"),
    )


def by_generator(images: Images, rule: DecisionRule | None, *, draws: int) -> list[Figures]:
    """Figures of each generator that has a scored image, by name.

    Its AI images are measured against the real ones that carry its name (as trees of the field
    have them, each generator with its own), or else against all.
    """
    rows = []
    for name in sorted(set(images.generators[images.is_ai].tolist())):
        own = images.generators == name
        its_reals = bool((own & ~images.is_ai & images.scored).any())
        part = images.part(own if its_reals else (own & images.is_ai) | ~images.is_ai)
        if part.scored[part.is_ai].any():
            whose = "own" if its_reals else ALL
            rows.append(figures(part, rule, name=name, reals=whose, draws=draws))
    return rows


def means(rows: Sequence[Figures]) -> dict[str, float]:
    """Means over generators, each counting once, as papers of the field report them."""
    named: dict[str, Callable[[Figures], Estimate | None]] = {
        "auc": lambda row: row.auc,
        "average_precision": lambda row: row.average_precision,
        "accuracy_half": lambda row: row.accuracy_half,
        "accuracy": lambda row: row.accuracy,
        "balanced_accuracy": lambda row: row.balanced_accuracy,
        "recall": lambda row: row.recall,
    }
    found = {
        name: [e.value for row in rows if (e := pick(row)) is not None]
        for name, pick in named.items()
    }
    return {name: float(np.mean(values)) for name, values in found.items() if values}


def by_real_source(images: Images, rule: DecisionRule) -> list[RealSource]:
    """False alarms of each source of real images that has a scored one, by name.

    Where every image is a source of its own, of each kind that ``generators`` names.
    """
    reals = images.part(~images.is_ai)
    names = np.array([source.partition(":")[2] for source in reals.sources.tolist()])
    if len(np.unique(names)) == len(names):
        names = reals.generators
    return _false_alarms(reals, names, rule)


def by_real_kind(images: Images, rule: DecisionRule) -> list[RealSource]:
    """False alarms of each kind of real images, as ``generators`` names them, by name."""
    reals = images.part(~images.is_ai)
    return _false_alarms(reals, reals.generators, rule)


def _false_alarms(reals: Images, names: Strings, rule: DecisionRule) -> list[RealSource]:
    rows = []
    for name in sorted(set(names.tolist())):
        own = reals.part(names == name)
        fpr = _share(own.scores >= rule.threshold, own.scored, own.sources)
        if fpr is not None:
            rows.append(RealSource(name, int(own.scored.sum()), int((~own.scored).sum()), fpr))
    return rows


def _share(hits: npt.NDArray[np.bool_], among: Bools, sources: Strings) -> Estimate | None:
    """Share of hits among some images; None where there are none."""
    own = hits[among]
    if not len(own):
        return None
    low, high = share_interval(own, sources[among])
    return Estimate(float(own.mean()), low, high)
