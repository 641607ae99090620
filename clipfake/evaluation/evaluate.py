"""The evaluation: a labelled set and a detector or its report in, figures out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from clipfake.detector.calibration import DecisionRule
from clipfake.detector.detector import Detector
from clipfake.evaluation import bias
from clipfake.evaluation.comparison import compare
from clipfake.evaluation.dataset import LabelledSet
from clipfake.evaluation.figures import (
    Images,
    by_generator,
    by_real_kind,
    by_real_source,
    figures,
    means,
)
from clipfake.evaluation.generator_head import check_attribution, generator_figures
from clipfake.evaluation.perturbations import Perturbation
from clipfake.evaluation.result import Evaluation, Robustness
from clipfake.evaluation.scores import SCORE_COLUMN, Scores, name_of, read_scores, score_images
from clipfake.plan import ScanPlan
from clipfake.scanning.parts import load_detector

DRAWS = 1000
_ROUGH = 4  # so many times fewer draws for the interval of one generator of many

Show = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Scorer:
    """A detector, and how it is run.

    Attributes:
        detector: scores the images.
        rule: its operating point.
        plan: of its runs.
    """

    detector: Detector
    rule: DecisionRule
    plan: ScanPlan

    @classmethod
    def of(cls, plan: ScanPlan) -> "Scorer":
        """The detector of a plan, loaded.

        Raises:
            AdapterError, BackboneError: it cannot be loaded.
            UsageError: it has no such operating point, or the device is not available.
        """
        detector = load_detector(plan)
        rule = detector.rule(fpr=plan.how.fpr, threshold=plan.how.threshold)
        return cls(detector, rule, plan)

    def check_attribution(self, data: LabelledSet) -> None:
        """Raise UsageError where ``attribute`` could not do, before anything is scored."""
        check_attribution(data, self.detector.generators, self.detector.adapter.label)

    def score(self, data: LabelledSet, show: Show, change: Perturbation | None = None) -> Scores:
        """Scores of a set, changed or as it is."""
        phase = "scoring" if change is None else change.name
        return score_images(
            data.examples,
            self.detector,
            self.plan,
            transform=change,
            show=lambda done, total: show(phase, done, total),
        )


def evaluate(
    data: LabelledSet,
    scores: Scores,
    rule: DecisionRule | None,
    *,
    draws: int = DRAWS,
    audit: bool = True,
) -> Evaluation:
    """Figures of scores, in all, by generator and by real source.

    Args:
        data: labelled images.
        scores: of the same images.
        rule: thresholds of the operating point; None leaves out what needs one.
        draws: of each interval's bootstrap.
        audit: whether to tell how far the files alone give the label away.

    Raises:
        UsageError: a class has no image with a score.
    """
    images = Images.of(data.examples, scores)
    images.check(data.path)
    rows = by_generator(images, rule, draws=max(1, draws // _ROUGH))
    return Evaluation(
        data=data,
        scores=scores,
        images=images,
        rule=rule,
        overall=figures(images, rule, draws=draws),
        generators=rows,
        means=means(rows),
        real_sources=[] if rule is None else by_real_source(images, rule),
        real_kinds=[] if rule is None else by_real_kind(images, rule),
        bias=bias.audit(data.examples, draws=draws) if audit else None,
    )


def perturb(
    found: Evaluation,
    scorer: Scorer,
    changes: Sequence[Perturbation],
    show: Show,
    *,
    draws: int = DRAWS,
) -> None:
    """Add figures of the same images under perturbations, at unchanged thresholds.

    Args:
        found: the evaluation of the clean images.
        scorer: the detector that was evaluated.
        changes: what is done to the images, each by itself.
        show: called with the perturbation, images done and in all.
        draws: of each interval's bootstrap.
    """
    for change in changes:
        images = Images.of(found.data.examples, scorer.score(found.data, show, change))
        images.check(f"{found.data.path}, {change.name}")
        found.robustness.append(Robustness(change, figures(images, scorer.rule, draws=draws)))


def attribute(
    found: Evaluation, scorer: Scorer, show: Show, *, draws: int = DRAWS, shots: bool = False
) -> None:
    """Add figures of the generator head, of the scores' own pass over the images.

    Args:
        found: the evaluation of the clean images.
        scorer: the detector that was evaluated.
        show: called with what is done, parts of it and parts in all.
        draws: of each interval's bootstrap.
        shots: whether generators are added by a few images.

    Raises:
        UsageError: the adapter tells no generators apart, or no label names a family.
    """
    head = check_attribution(found.data, scorer.detector.generators, scorer.detector.adapter.label)
    found.attribution = generator_figures(
        found.data, found.scores, head, scorer.rule, show=show, draws=draws, shots=shots
    )


def compare_reports(
    found: Evaluation,
    reports: Sequence[str | Path],
    *,
    column: str = SCORE_COLUMN,
    draws: int = DRAWS,
) -> None:
    """Add the differences of two reports, by path or URL, on the images of an evaluation.

    Raises:
        UsageError: a report cannot be read, or they have too little in common.
    """
    data = found.data
    first, second = (
        Images.of(data.examples, read_scores(report, data.examples, data.path, column=column))
        for report in reports
    )
    found.differences = compare(first, second, draws=draws)
    found.compared = (name_of(reports[0]), name_of(reports[1]))
