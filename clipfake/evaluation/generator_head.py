"""The generator head on a labelled set: known families, families left out, and few images.

What it does on images of generators whose family the labels name; with each family left out, as
if it were new; with a generator added by a few images; and on real images that are accused.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch

from clipfake.attribution.families import Family
from clipfake.attribution.labels import family_of_label
from clipfake.detector.calibration import DecisionRule, share_interval
from clipfake.detector.generators import GeneratorHead
from clipfake.errors import UsageError
from clipfake.evaluation.attribution import (
    Answers,
    Attributed,
    answers_of,
    attributed,
    open_set,
)
from clipfake.evaluation.dataset import LabelledSet
from clipfake.evaluation.intervals import Bools, Counts, Estimate, Strings, bootstrap
from clipfake.evaluation.scores import Scores
from clipfake.training.generators import add_generator, without_family

SHOTS = (8, 16, 32)
SHOT_DRAWS = 3
_ROUGH = 4  # so many times fewer draws for the interval of one family of many

Show = Callable[[str, int, int], None]
_Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LeftOut:
    """A head that has seen nothing of a family, but for its projection, on images of it.

    Attributes:
        family: that was left out.
        images: of it.
        sources: that these came from.
        auroc: of the confidence, images of known families against these.
        oscr: area under correct classification rate over false positive rate.
        named: share of these images that some other family was named for.
    """

    family: str
    images: int
    sources: int
    auroc: Estimate
    oscr: Estimate
    named: Estimate


@dataclass(frozen=True)
class Shots:
    """A generator added by a few images, tested on images of its other sources.

    Each figure is the median of the draws, ``low`` and ``high`` the least and the largest of them.

    Attributes:
        generator: its label.
        family: that the label names.
        shown: images that it was added by.
        tested: images of its other sources, the median of the draws.
        likeliest: share of these for which it was the likeliest.
        recall: share of these that were told as it.
        false: share of the images of other generators that were told as it.
    """

    generator: str
    family: str
    shown: int
    tested: int
    likeliest: Estimate
    recall: Estimate
    false: Estimate


@dataclass(frozen=True)
class Accused:
    """Real images called AI at the operating point, which best have no generator named.

    Attributes:
        images: so called.
        named: share of these for which a family was named; None where none was accused.
        families: how often each was.
    """

    images: int
    named: Estimate | None
    families: dict[str, int]


@dataclass
class GeneratorFigures:
    """The generator head on a labelled set.

    Attributes:
        unnamed: AI images whose label names no single family, which are not measured.
        unscored: AI images of a known family without a score.
        unknown: families of the images that the head has none of.
        known: figures of the answers on the rest.
        left_out: of each family that the head names and the set has.
        accused: real images.
        shots: generators added by a few images, where that was asked.
    """

    unnamed: int
    unscored: int
    unknown: list[str]
    known: Attributed
    left_out: list[LeftOut]
    accused: Accused
    shots: list[Shots] = field(default_factory=list)


def families_of(data: LabelledSet) -> Strings:
    """``[N]``, the family of each image: empty for a real one and where the label names none."""
    known: dict[str, str] = {}
    for example in data.examples:
        if example.is_ai and example.generator not in known:
            family = family_of_label(example.generator)
            known[example.generator] = "" if family is None else family.value
    names = [known[each.generator] if each.is_ai else "" for each in data.examples]
    return np.array(names, dtype=np.str_)


def check_attribution(data: LabelledSet, head: GeneratorHead | None, label: str) -> GeneratorHead:
    """Find out before the images are scored whether attribution can be measured.

    Args:
        data: the set.
        head: of the adapter.
        label: of the adapter, for the message.

    Raises:
        UsageError: the adapter has no head, or no image a label that names one family.
    """
    if head is None:
        raise UsageError(
            f"--attribution: adapter {label} does not tell generators apart; "
            "give an --adapter that does, or leave out --attribution"
        )
    if not (families_of(data) != "").any():
        count = sum(example.is_ai for example in data.examples)
        raise UsageError(
            f"{data.path}: none of the labels of {count} AI images names a family of generators; "
            "--attribution needs a column generator, or folders, with names such as sdxl or flux"
        )
    return head


def generator_figures(
    data: LabelledSet,
    scores: Scores,
    head: GeneratorHead,
    rule: DecisionRule | None,
    *,
    show: Show = lambda _phase, _done, _total: None,
    draws: int,
    shots: bool = False,
) -> GeneratorFigures:
    """Figures of a head.

    Args:
        data: labelled images.
        scores: of the same images, with where each lies for the head.
        head: that they were embedded by.
        rule: by which real images are accused; None accuses none.
        show: called with what is done, parts of it and parts in all.
        draws: of each interval's bootstrap.
        shots: whether generators are added by a few images; takes seconds for each.

    Raises:
        UsageError: no image of a known family has a score.
    """
    families = families_of(data)
    if scores.embedded is None:
        raise ValueError("scores without embeddings")
    scored = ~np.isnan(scores.values)
    taken = scored & (families != "")
    if not taken.any():
        raise UsageError(
            f"{data.path}: none of the images whose label names a family has a score; see the "
            "reasons with clipfake scan"
        )
    is_ai = np.array([example.is_ai for example in data.examples], dtype=bool)
    sources = np.array([example.source for example in data.examples], dtype=np.str_)
    generators = np.array([example.generator for example in data.examples], dtype=np.str_)
    points = torch.from_numpy(scores.embedded)
    own = points[torch.from_numpy(taken)]
    truth, of = families[taken], sources[taken]
    called = np.zeros(len(taken), dtype=bool)
    if rule is not None:
        called = ~is_ai & scored & (np.nan_to_num(scores.values, nan=-np.inf) >= rule.threshold)
    return GeneratorFigures(
        unnamed=int((is_ai & (families == "")).sum()),
        unscored=int(((families != "") & ~scored & ~scores.no_image).sum()),
        unknown=sorted(set(truth.tolist()) - {each.family for each in head.generators}),
        known=attributed(answers_of(head, own, truth, of), draws=draws),
        left_out=list(_left_out(head, own, truth, of, show, max(1, draws // _ROUGH))),
        accused=_accused(head, points[torch.from_numpy(called)], sources[called]),
        shots=list(_shots(head, own, generators[taken], truth, of, show)) if shots else [],
    )


def _left_out(
    head: GeneratorHead,
    points: torch.Tensor,
    truth: Strings,
    sources: Strings,
    show: Show,
    draws: int,
) -> Iterator[LeftOut]:
    told = {each.family for each in head.generators if each.family != Family.OTHER.value}
    present = sorted(told & set(truth.tolist()))
    for number, family in enumerate(present, start=1):
        strange = truth == family
        known = np.isin(truth, sorted(told - {family}))
        if known.any():
            answers = answers_of(without_family(head, family), points, truth, sources)
            yield _of_left_out(family, answers, known, strange, draws)
        show("families left out", number, len(present))


def _of_left_out(
    family: str, answers: Answers, known: Bools, strange: Bools, draws: int
) -> LeftOut:
    part = answers.part(known | strange)
    is_known = known[known | strange]

    def measure(times: Counts) -> tuple[float, float]:
        rows = np.repeat(np.arange(len(times)), times)
        kept = is_known[rows]
        return open_set(part.part(rows[kept]), part.part(rows[~kept]))

    # a source may have images of both, so that they are drawn apart
    drawn = np.array([f"{k}:{s}" for k, s in zip(is_known, part.sources, strict=True)])
    auroc, oscr = bootstrap(measure, is_known, drawn, draws=draws)
    own = answers.part(strange)
    return LeftOut(
        family,
        len(own.truth),
        len(np.unique(own.sources)),
        auroc,
        oscr,
        _share(own.given, own.sources),
    )


def _accused(head: GeneratorHead, points: torch.Tensor, sources: Strings) -> Accused:
    if not len(sources):
        return Accused(0, None, {})
    answers = answers_of(head, points, np.full(len(sources), "", dtype=np.str_), sources)
    counts = Counter(answers.family[answers.given].tolist())
    return Accused(len(sources), _share(answers.given, sources), dict(counts.most_common()))


def _shots(
    head: GeneratorHead,
    points: torch.Tensor,
    generators: Strings,
    truth: Strings,
    sources: Strings,
    show: Show,
) -> Iterator[Shots]:
    asked = [
        (str(label), count)
        for label in np.unique(generators)
        for count in SHOTS
        if _spare(sources[generators == label], count)
    ]
    for number, (label, count) in enumerate(asked):
        own = np.flatnonzero(generators == label)
        found = []
        for draw in range(SHOT_DRAWS):
            shown, tested = _drawn(sources[own], count, np.random.default_rng(draw))
            figures = _added(head, points, own[shown], own[tested], generators != label)
            found.append((len(tested), *figures))
            show("few images", number * SHOT_DRAWS + draw + 1, len(asked) * SHOT_DRAWS)
        tests, *shares = zip(*found, strict=True)
        family = str(truth[own[0]])
        yield Shots(label, family, count, int(np.median(tests)), *map(_middle, shares))


def _added(
    head: GeneratorHead, points: torch.Tensor, shown: _Rows, tested: _Rows, others: Bools
) -> tuple[float, float, float]:
    """Shares of tested images for which an added generator is likeliest and told, and of others."""
    grown = add_generator(head, points[torch.from_numpy(shown)], "added", Family.OTHER.value).head
    looks = grown.looks(points)
    best = looks.shares.argmax(axis=1)
    likeliest = best == len(head.generators)
    told = likeliest & grown.given(best, grown.sure(looks))
    false = float(told[others].mean()) if others.any() else float("nan")
    return float(likeliest[tested].mean()), float(told[tested].mean()), false


def _spare(sources: Strings, count: int) -> list[str]:
    """Sources without which so many images are left."""
    names, sizes = np.unique(sources, return_counts=True)
    return [str(name) for name in names[len(sources) - sizes >= count]]


def _drawn(sources: Strings, count: int, rng: np.random.Generator) -> tuple[_Rows, _Rows]:
    """So many rows, and all rows of the sources that these are not of; one or more is left."""
    held = rng.choice(_spare(sources, count))
    used: list[str] = []
    for name in rng.permutation(np.unique(sources[sources != held])).tolist():
        used.append(name)
        if int(np.isin(sources, used).sum()) >= count:
            break
    among = np.isin(sources, used)
    return rng.permutation(np.flatnonzero(among))[:count], np.flatnonzero(~among)


def _middle(values: tuple[float, ...]) -> Estimate:
    return Estimate(float(np.median(values)), min(values), max(values))


def _share(hits: Bools, sources: Strings) -> Estimate:
    return Estimate(float(hits.mean()), *share_interval(hits, sources))
