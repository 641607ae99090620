"""Finished rows in a CSV file, one added as soon as it is there, and the table made of them."""

import csv
from collections import defaultdict
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import fmean
from typing import Any


@dataclass(frozen=True)
class Result:
    """A row of the ablation with one seed.

    Attributes:
        row: its name.
        seed: of training.
        setting: digest of the data, for tuned rows one of the options after a dash; rows on the
            same data can be compared.
        auc: of the held-out images; ``_low`` and ``_high`` are the ends of 95 % intervals.
        recall: at 1 % false positives among the same real images.
        auc_degraded: of the same images at half the size, JPEG 75.
        seconds: of training.
        images: different images trained on.
        images_seen: images of all steps.
        parameters: numbers that training moved.
        ai: AI images measured on.
        real: real images measured on.
    """

    row: str
    seed: int
    setting: str
    auc: float
    auc_low: float
    auc_high: float
    recall: float
    recall_low: float
    recall_high: float
    auc_degraded: float
    auc_degraded_low: float
    auc_degraded_high: float
    seconds: float
    images: int
    images_seen: int
    parameters: int
    ai: int
    real: int

    @property
    def key(self) -> tuple[str, int, str]:
        """What it was asked for by."""
        return self.row, self.seed, self.setting


def read_results(path: Path) -> list[Result]:
    """What the file holds; nothing when there is none."""
    if not path.exists():
        return []
    kinds = {field.name: field.type for field in fields(Result)}
    with path.open(newline="") as file:
        return [
            Result(**{name: _typed(kinds[name], text) for name, text in row.items()})
            for row in csv.DictReader(file)
        ]


def append_result(path: Path, result: Result) -> None:
    """Add a row, with a header when it is the first."""
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Result)])
        if new:
            writer.writeheader()
        writer.writerow(asdict(result))


def table(results: list[Result]) -> str:
    """Markdown: means over seeds, in brackets the mean 95 % interval, after ± half the range.

    Rows of the same name but another setting are kept apart.
    """
    groups: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in results:
        groups[result.row, result.setting].append(result)
    lines = [
        "| row | setting | seeds | images | parameters | seconds | AUC | recall at 1 % FPR "
        "| AUC, half size and JPEG 75 |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for (row, setting), own in groups.items():
        cells = [
            row,
            setting,
            " ".join(str(result.seed) for result in own),
            str(own[0].images),
            str(own[0].parameters),
            f"{fmean(result.seconds for result in own):.0f}",
            _cell([(r.auc, r.auc_low, r.auc_high) for r in own], ".3f"),
            _cell([(r.recall, r.recall_low, r.recall_high) for r in own], ".1%"),
            _cell([(r.auc_degraded, r.auc_degraded_low, r.auc_degraded_high) for r in own], ".3f"),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(estimates: list[tuple[float, float, float]], form: str) -> str:
    value, low, high = (fmean(column) for column in zip(*estimates, strict=True))
    seeds = [estimate[0] for estimate in estimates]
    spread = f" ±{(max(seeds) - min(seeds)) / 2:{form}}" if len(seeds) > 1 else ""
    return f"{value:{form}}{spread} [{low:{form}}, {high:{form}}]"


def _typed(kind: object, text: str) -> Any:
    if kind is int:
        return int(text)
    return float(text) if kind is float else text
