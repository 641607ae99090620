"""What an evaluation found, whole, and as plain values for files."""

import dataclasses
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from clipfake.detector.calibration import DecisionRule
from clipfake.evaluation.bias import Bias
from clipfake.evaluation.comparison import Difference
from clipfake.evaluation.dataset import LabelledSet
from clipfake.evaluation.figures import Figures, Images, RealSource
from clipfake.evaluation.generator_head import GeneratorFigures
from clipfake.evaluation.intervals import Estimate
from clipfake.evaluation.perturbations import Perturbation
from clipfake.evaluation.scores import Scores

CLEAN = "none"


@dataclass(frozen=True)
class Robustness:
    """Figures of the same images, changed; thresholds are those of the clean ones.

    Attributes:
        change: what was done to them.
        figures: of all images together.
    """

    change: Perturbation
    figures: Figures

    @property
    def perturbation(self) -> str:
        """The name of the change."""
        return self.change.name


@dataclass
class Evaluation:
    """A detector on a labelled set.

    Attributes:
        data: the images.
        scores: what the detector said of them.
        images: the same as arrays, files that are no image left out.
        rule: the operating point; None where a report was scored without one.
        overall: figures of all images.
        generators: figures of each generator.
        means: over generators, each counting once.
        real_sources: false alarms of each source of real images.
        real_kinds: the same of each kind of real images.
        robustness: figures under perturbations.
        bias: what the files alone tell; None where it was not asked.
        differences: of two reports, where they were compared.
        compared: their names.
        attribution: what the generator head does; None where it was not asked.
    """

    data: LabelledSet
    scores: Scores
    images: Images
    rule: DecisionRule | None
    overall: Figures
    generators: list[Figures]
    means: dict[str, float]
    real_sources: list[RealSource]
    real_kinds: list[RealSource]
    robustness: list[Robustness] = field(default_factory=list)
    bias: Bias | None = None
    differences: list[Difference] = field(default_factory=list)
    compared: tuple[str, str] | None = None
    attribution: GeneratorFigures | None = None

    @property
    def chains(self) -> dict[str, str]:
        """Names of perturbations that stand for others, with what they stand for."""
        changes = [row.change for row in self.robustness]
        return {change.name: change.spelled for change in changes if change.name != change.spelled}

    @property
    def unscored(self) -> Counter[str]:
        """Images without a score, by reason; files that are no image are counted apart."""
        found = Counter[str]()
        for example, problem, no_image in zip(
            self.data.examples, self.scores.problems, self.scores.no_image.tolist(), strict=True
        ):
            if problem is not None:
                reason = problem.removeprefix(f"{example.path}: ")
                found["no image" if no_image else reason] += 1
        return found

    def rows(self) -> list[dict[str, Any]]:
        """A row for each set of images and perturbation, flat: what CSV and Parquet hold."""
        rows = [_flat(figures, CLEAN) for figures in (self.overall, *self.generators)]
        rows += [_flat(found.figures, found.perturbation) for found in self.robustness]
        if self.attribution is None:
            return rows
        told = _flat_attribution(self.attribution)
        return [{**rows[0], **told}, *({**row, **dict.fromkeys(told)} for row in rows[1:])]

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values."""
        values = {
            "data": self.data.path,
            "layout": self.data.layout.value,
            "passed_over": dict(self.data.passed_over),
            "unscored": dict(self.unscored),
            "detector": self.scores.by,
            "threshold": None if self.rule is None else self.rule.threshold,
            "threshold_fpr": None if self.rule is None else self.rule.fpr,
            "overall": dataclasses.asdict(self.overall),
            "generators": [dataclasses.asdict(row) for row in self.generators],
            "means_over_generators": self.means,
            "real_sources": [dataclasses.asdict(row) for row in self.real_sources],
            "real_kinds": [dataclasses.asdict(row) for row in self.real_kinds],
            "robustness": [
                {
                    "perturbation": row.perturbation,
                    "steps": row.change.spelled,
                    **dataclasses.asdict(row.figures),
                }
                for row in self.robustness
            ],
            "bias": None if self.bias is None else dataclasses.asdict(self.bias),
            "compared": self.compared,
            "differences": [dataclasses.asdict(row) for row in self.differences],
            "attribution": None
            if self.attribution is None
            else dataclasses.asdict(self.attribution),
        }
        plain: dict[str, Any] = _plain(values)
        return plain


def _flat(figures: Figures, perturbation: str) -> dict[str, Any]:
    row: dict[str, Any] = {"perturbation": perturbation}
    for item in dataclasses.fields(figures):
        value = getattr(figures, item.name)
        if isinstance(value, Estimate):
            _spread(row, item.name, value)
        elif isinstance(value, dict):
            for rate, estimate in value.items():
                _spread(row, f"recall_at_fpr_{rate:g}", estimate)
        else:
            row[item.name] = value
    plain: dict[str, Any] = _plain(row)
    return plain


def _flat_attribution(found: GeneratorFigures) -> dict[str, Any]:
    """Columns of all images alone."""
    row: dict[str, Any] = {"attribution_images": found.known.images}
    for name in ("accuracy", "macro_f1", "given", "precision", "coverage"):
        _spread(row, f"attribution_{name}", getattr(found.known, name))
    plain: dict[str, Any] = _plain(row)
    return plain


def _spread(row: dict[str, Any], name: str, estimate: Estimate) -> None:
    row |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def _plain(value: Any) -> Any:
    """Values as JSON holds them: no NaN, and names of keys as text."""
    if isinstance(value, dict):
        return {f"{k:g}" if isinstance(k, float) else k: _plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
