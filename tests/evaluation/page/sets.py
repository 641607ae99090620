"""Evaluations of labelled sets as tests of the page make them: drawn scores, small pictures."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from clipfake.detector.calibration import DecisionRule
from clipfake.evaluation.dataset import LabelledSet, Layout
from clipfake.evaluation.evaluate import evaluate
from clipfake.evaluation.figures import figures
from clipfake.evaluation.page.page import write_page
from clipfake.evaluation.perturbations import perturbation
from clipfake.evaluation.result import Evaluation, Robustness
from clipfake.evaluation.scores import Scores
from clipfake.sources.labelled import Example
from tests.conftest import picture
from tests.report.page.parsed import Parsed

RULE = DecisionRule(threshold=0.8, real_below=0.3, fpr=0.01)


def evaluation(
    folder: Path,
    *,
    generators: int = 3,
    kinds: int = 2,
    each: int = 4,
    name: str = "{kind}-{number}",
    rule: DecisionRule | None = RULE,
    perturbations: tuple[str, ...] = (),
    logits: bool = False,
) -> Evaluation:
    """An evaluation of drawn scores; the n-th generator is the better found the higher n is.

    Args:
        folder: of the set; one picture that all paths but the last of each group name lies there.
        generators: of AI images.
        kinds: of real images, each a source.
        each: images of a group.
        name: of groups and files.
        rule: operating point.
        perturbations: names, whose figures are those of the clean images.
        logits: scores beyond 0..1.
    """
    folder.mkdir(exist_ok=True)
    picture(80, 60).save(folder / "there.png")
    rng = np.random.default_rng(0)
    examples, scores = [], []
    for is_ai, count in ((True, generators), (False, kinds)):
        for number in range(count):
            group = name.format(kind="gen" if is_ai else "kind", number=number)
            middle = 0.5 + 0.5 * (number + 1) / (count + 1) if is_ai else 0.3
            for own in range(each):
                path = str(folder / (f"{group}.{own}.gone.png" if own == each - 1 else "there.png"))
                examples.append(Example(path, is_ai, group, group))
                scores.append(float(np.clip(rng.normal(middle, 0.15), 0, 1)))
    values = np.array(scores) * (8 if logits else 1)
    held = Scores(values, [None] * len(scores), np.zeros(len(scores), bool), name)
    data = LabelledSet(str(folder / name), Layout.MANIFEST, examples, Counter({name: 2}))
    found = evaluate(data, held, rule, draws=20, audit=False)
    for change in map(perturbation, perturbations):
        found.robustness.append(
            Robustness(change, figures(found.images, rule, name="all", draws=20))
        )
    return found


def page_of(folder: Path, **options: Any) -> Parsed:
    """The page of such an evaluation, taken apart."""
    path = folder / "page.html"
    write_page(evaluation(folder / "set", **options), path, workers=0)
    parsed = Parsed(path)
    assert parsed.unclosed == []
    return parsed
