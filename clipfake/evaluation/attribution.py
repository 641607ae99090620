"""How well images are attributed to families of generators: figures of answers beside the truth.

An answer has a family, a confidence, and is given or withheld. What no family of the head made
("unknown") must be withheld: that is the open set.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from sklearn.metrics import roc_auc_score

from clipfake.detector.generators import GeneratorHead
from clipfake.evaluation.intervals import Bools, Counts, Estimate, Floats, Strings, bootstrap

PRECISION = 0.9  # at which coverage is told


@dataclass(frozen=True)
class Answers:
    """What was said of some AI images, and what is true.

    Attributes:
        truth: ``[N]``, the family that made each.
        family: ``[N]``, the most likely family of those that the head knows.
        confidence: float64 ``[N]``, 0..1, of that answer.
        given: ``[N]``, whether it is spoken out; else the answer is ``unknown``.
        sources: ``[N]``, where each image came from.
    """

    truth: Strings
    family: Strings
    confidence: Floats
    given: Bools
    sources: Strings

    @property
    def right(self) -> Bools:
        """``[N]``, whether the most likely family is the true one."""
        return np.asarray(self.truth == self.family)

    def part(self, taken: Bools | npt.NDArray[np.int64]) -> "Answers":
        """Some of the images, by a mask ``[N]`` or by row, also one several times."""
        return Answers(
            self.truth[taken],
            self.family[taken],
            self.confidence[taken],
            self.given[taken],
            self.sources[taken],
        )


@dataclass(frozen=True)
class OfFamily:
    """Answers about one family.

    Attributes:
        family: its name.
        images: made by it.
        sources: that these came from.
        recall: share of them for which it is the most likely family.
        precision: share of the images for which it is the most likely that it made; NaN where
            there is none.
        f1: their harmonic mean.
        given: share of them for which any family was spoken out.
        wrong: share of them for which another family was spoken out.
    """

    family: str
    images: int
    sources: int
    recall: float
    precision: float
    f1: float
    given: float
    wrong: float


@dataclass(frozen=True)
class Attributed:
    """Figures of answers.

    Attributes:
        images: AI images whose generator is known.
        sources: that they came from.
        accuracy: share for which the most likely family is the true one.
        macro_f1: mean of the families' F1, each counting once.
        given: share of images for which a family was spoken out.
        precision: share of these for which it was the true one.
        coverage: largest share of images, the most confident first, of which 90 % are right.
        families: figures of each, by name.
        confusion: int64 ``[F, F + 1]``; row: what made it, column: the most likely family, the
            last column what was withheld.
        names: ``[F]`` of its rows.
        curve: coverage and precision, the most confident images first.
    """

    images: int
    sources: int
    accuracy: Estimate
    macro_f1: Estimate
    given: Estimate
    precision: Estimate
    coverage: Estimate
    families: list[OfFamily]
    confusion: npt.NDArray[np.int64]
    names: tuple[str, ...]
    curve: list[tuple[float, float]]


def answers_of(
    head: GeneratorHead, embedded: torch.Tensor, truth: Strings, sources: Strings
) -> Answers:
    """What a head says of images that it has not seen.

    Args:
        head: that embedded them.
        embedded: float32 ``[N, D]``.
        truth: ``[N]``, the family that made each.
        sources: ``[N]``.

    Returns:
        Its answers; where the likeliest is another generator than those it names, the confidence
        in a family is zero.
    """
    names = np.array([generator.family for generator in head.generators], dtype=np.str_)
    told = np.array([generator.told for generator in head.generators])
    looks = head.looks(embedded)
    best = looks.shares.argmax(axis=1)
    sure = head.sure(looks)
    given = head.given(best, sure)
    return Answers(truth, names[best], np.where(told[best], sure, 0.0), given, sources)


def attributed(answers: Answers, *, draws: int = 1000) -> Attributed:
    """Figures of answers, with intervals that take whole sources.

    Args:
        answers: about one image or more.
        draws: of the bootstrap.
    """
    names = tuple(sorted({*answers.truth.tolist(), *answers.family.tolist()}))
    order = np.argsort(-answers.confidence, kind="stable")

    def measure(times: Counts) -> Sequence[float]:
        weight = times.astype(np.float64)
        return (
            float(weight @ answers.right / weight.sum()),
            _macro_f1(answers, weight, names),
            float(weight @ answers.given / weight.sum()),
            coverage_at(answers.right[order], weight[order]),
        )

    def right_of_given(times: Counts) -> Sequence[float]:
        weight = times * answers.given
        return (float(weight @ answers.right / weight.sum()) if weight.any() else float("nan"),)

    accuracy, macro_f1, given, coverage = bootstrap(measure, None, answers.sources, draws=draws)
    # apart, since a draw without any answer has no precision, but all else
    (precision,) = bootstrap(right_of_given, None, answers.sources, draws=draws)
    seen = np.cumsum(answers.right[order]) / np.arange(1, len(order) + 1)
    marks = np.unique(np.linspace(0, len(order) - 1, min(len(order), 101)).astype(int))
    return Attributed(
        len(answers.truth),
        len(np.unique(answers.sources)),
        accuracy,
        macro_f1,
        given,
        precision,
        coverage,
        families=[_of_family(answers, name) for name in np.unique(answers.truth).tolist()],
        confusion=confusion(answers, names),
        names=names,
        curve=[(float((at + 1) / len(order)), float(seen[at])) for at in marks],
    )


def coverage_at(right: Bools, weight: Floats, precision: float = PRECISION) -> float:
    """Largest share of images, taken from the first on, of which so many are right.

    Args:
        right: ``[N]``, the most confident first.
        weight: ``[N]``, how much each counts.
        precision: 0..1.

    Returns:
        0..1; 0 where not even the first ones are right often enough.
    """
    total = np.cumsum(weight)
    reached = (np.cumsum(weight * right) >= precision * total) & (total > 0)
    return float(total[np.flatnonzero(reached)[-1]] / total[-1]) if reached.any() else 0.0


def confusion(answers: Answers, names: Sequence[str]) -> npt.NDArray[np.int64]:
    """Images by the family that made them and the answer; see ``Attributed.confusion``."""
    place = {name: at for at, name in enumerate(names)}
    table = np.zeros((len(names), len(names) + 1), dtype=np.int64)
    for truth, family, given in zip(answers.truth, answers.family, answers.given, strict=True):
        table[place[str(truth)], place[str(family)] if given else len(names)] += 1
    return table


def open_set(known: Answers, unknown: Answers) -> tuple[float, float]:
    """How well confidence keeps what the head knows from what it does not.

    Args:
        known: answers about images of families that the head knows.
        unknown: about images of families that it does not.

    Returns:
        AUROC of the confidence, known against unknown, and OSCR: area under the curve of correct
        classification rate over false positive rate (Dhamija et al. 2018, arXiv 1811.04110,
        section 4), 0..1.
    """
    confidence = np.concatenate([known.confidence, unknown.confidence])
    is_known = np.arange(len(confidence)) < len(known.confidence)
    auroc = float(roc_auc_score(is_known, confidence))
    right = np.concatenate([known.right, np.zeros(len(unknown.confidence), dtype=bool)])
    order = np.argsort(-confidence, kind="stable")
    # images of the same confidence are let through together
    last = np.append(np.diff(confidence[order]) != 0, True)
    correct = np.append(0.0, np.cumsum(right[order])[last] / len(known.confidence))
    false = np.append(0.0, np.cumsum(~is_known[order])[last] / len(unknown.confidence))
    return auroc, float(np.trapezoid(correct, false))


def _macro_f1(answers: Answers, weight: Floats, names: Sequence[str]) -> float:
    values = []
    for name in names:
        made, said = answers.truth == name, answers.family == name
        if weight[made].any():
            hits = float(weight[made & said].sum())
            values.append(2 * hits / float(weight[made].sum() + weight[said].sum()))
    return float(np.mean(values))


def _of_family(answers: Answers, name: str) -> OfFamily:
    made, said = answers.truth == name, answers.family == name
    hits = int((made & said).sum())
    given = answers.given[made]
    return OfFamily(
        family=name,
        images=int(made.sum()),
        sources=len(np.unique(answers.sources[made])),
        recall=hits / int(made.sum()),
        precision=hits / int(said.sum()) if said.any() else float("nan"),
        f1=2 * hits / int(made.sum() + said.sum()),
        given=float(given.mean()),
        wrong=float((given & ~answers.right[made]).mean()),
    )
