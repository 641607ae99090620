"""What an evaluation found, in a line of figures and a few sentences."""

from dataclasses import dataclass

import numpy as np

from clipfake.evaluation.intervals import Estimate
from clipfake.evaluation.markdown import number
from clipfake.evaluation.result import Evaluation
from clipfake.report.page.words import counted, percent, shown


@dataclass(frozen=True)
class Figure:
    """A figure of the headline.

    Attributes:
        value: as it is read.
        name: what it is.
        interval: 95 %, in words; empty for what has none.
    """

    value: str
    name: str
    interval: str = ""


def headline(found: Evaluation) -> list[Figure]:
    """AUC, recall and false-positive rate, images and sources.

    Without an operating point average precision, and recall at 1 % false positives, take the
    place of what needs one.
    """
    overall = found.overall
    line = [plain_figure(overall.auc, "AUC")]
    if overall.recall is not None and overall.fpr is not None:
        line.append(share_figure(overall.recall, "recall"))
        line.append(share_figure(overall.fpr, "false-positive rate"))
    else:
        line.append(plain_figure(overall.average_precision, "average precision"))
        line.append(share_figure(overall.recall_at[0.01], "recall at 1 % false positives"))
    images = overall.ai + overall.real
    sources = len(np.unique(found.images.sources))
    line.append(Figure(f"{images:,}", f"images of {counted(sources, 'source')}"))
    return line


def sentences(found: Evaluation) -> list[str]:
    """What the operating point does, and how it was chosen."""
    rule, recall, fpr = found.rule, found.overall.recall, found.overall.fpr
    if rule is None or recall is None or fpr is None:
        return ["No operating point: the scores are of a report, and no threshold was given."]
    verb = "is" if percent(fpr.value) == "1" else "are"
    chosen = (
        "chosen by hand"
        if rule.fpr is None
        else f"chosen so that {percent(rule.fpr)} % of real images are accused"
    )
    return [
        f"Of 100 real images about {percent(fpr.value)} {verb} called AI at this setting (95 % "
        f"interval {_ends(fpr)}), and of 100 AI images about {percent(recall.value)} "
        f"({_ends(recall)}).",
        f"An image is called AI from a score of {rule.threshold:.4f} on, {chosen}. Thresholds are "
        "chosen by the share of real images accused, never by accuracy: a false accusation costs "
        "more than a miss.",
    ]


def bias(found: Evaluation) -> str | None:
    """What the files alone tell; None where that was not found out."""
    if found.bias is None or found.bias.auc is None:
        return None
    warning = (
        " This set can flatter any detector that takes notice of files." if found.bias.warns else ""
    )
    return (
        "Format, size, quality and metadata alone tell the label with an AUC of "
        f"{number(found.bias.auc)}; the detector's is {found.overall.auc.value:.3f}.{warning}"
    )


def measured(found: Evaluation, version: str) -> list[tuple[str, str]]:
    """What was measured on what: name and text of each fact."""
    lines = [
        ("Detector", found.scores.by),
        ("Data", found.data.path),
        ("Layout", found.data.layout.value),
        ("Images", f"{found.overall.ai:,} AI and {found.overall.real:,} real"),
        ("Unscored", _counts(found.unscored)),
        ("Passed over", _counts(found.data.passed_over)),
        ("Intervals", "95 %, by a bootstrap that takes whole sources"),
        ("Program", f"clipfake {version}"),
    ]
    return [(name, shown(text)) for name, text in lines if text]


def _counts(counts: dict[str, int]) -> str:
    few = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    said = [f"{count:,}: {shown(why, 200)}" for why, count in few[:10]]
    return "; ".join([*said, *([counted(len(few) - 10, "more reason")] if len(few) > 10 else [])])


def plain_figure(value: Estimate, name: str) -> Figure:
    """A figure as a number."""
    interval = "" if value.low != value.low else f"{value.low:.3f} to {value.high:.3f}"
    return Figure(f"{value.value:.3f}", name, interval)


def share_figure(value: Estimate, name: str) -> Figure:
    """A figure in percent; ``-`` where there is none."""
    if value.value != value.value:
        return Figure("-", name)
    interval = "" if value.low != value.low else _ends(value)
    return Figure(f"{percent(value.value)} %", name, interval)


def _ends(value: Estimate) -> str:
    return f"{percent(value.low)} to {percent(value.high)}"
