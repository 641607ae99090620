"""Plots of an evaluation, as SVG text; needs the extra `plots`."""

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import roc_curve

from clipfake.errors import UsageError
from clipfake.evaluation.figures import Images
from clipfake.evaluation.result import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BINS = 20
_MOST_POINTS = 400  # of a ROC curve, so that a page of a large set stays small
_MOST_GENERATORS = 30
_REAL, _AI = "#2b6cb0", "#c05621"


def check_plots() -> None:
    """Raise UsageError when the extra is missing."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        text = "--html needs an extra: pip install 'clipfake[plots]'"
        raise UsageError(text) from error


def plots(found: Evaluation) -> dict[str, str]:
    """SVG elements by title."""
    scored = found.images.part(found.images.scored)
    drawn = {"ROC": _drawn(4.6, 4.2, lambda axes: _roc(axes, found, scored))}
    if found.overall.calibration_error is not None:
        drawn["Calibration"] = _drawn(4.6, 4.2, lambda axes: _calibration(axes, scored))
    names = _generators(scored)
    height = 1.2 + 0.28 * (len(names) + 1)
    drawn["Scores by generator"] = _drawn(9.0, height, lambda axes: _strips(axes, found, names))
    if found.robustness:
        height = 1.2 + 0.28 * (len(found.robustness) + 1)
        drawn["Robustness"] = _drawn(9.0, height, lambda axes: _robustness(axes, found))
        for kind, points in _curves(found).items():
            drawn[f"Against the strength of {kind}"] = _drawn(
                4.6, 3.2, lambda axes, kind=kind, points=points: _curve(axes, kind, points)
            )
    return drawn


def _drawn(width: float, height: float, draw: Any) -> str:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "clipfake", "font.size": 9}):
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure.add_subplot())
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def _roc(axes: "Axes", found: Evaluation, scored: Images) -> None:
    rates, recalls, _ = roc_curve(scored.is_ai, scored.scores)
    if len(rates) > _MOST_POINTS:
        taken = np.linspace(0, len(rates) - 1, _MOST_POINTS).round().astype(int)
        rates, recalls = rates[taken], recalls[taken]
    axes.plot(rates, recalls, color=_AI, drawstyle="steps-post")
    axes.plot([0, 1], [0, 1], color="0.8", linewidth=0.8)
    if found.overall.recall is not None and found.overall.fpr is not None:
        axes.plot(found.overall.fpr.value, found.overall.recall.value, "o", color="black")
        axes.annotate(
            " operating point", (found.overall.fpr.value, found.overall.recall.value), va="top"
        )
    axes.set_xlabel("false-positive rate")
    axes.set_ylabel("recall")
    axes.set_title(f"AUC {found.overall.auc.value:.3f}")


def _calibration(axes: "Axes", scored: Images) -> None:
    which = np.minimum((scored.scores * _BINS).astype(int), _BINS - 1)
    counts = np.bincount(which, minlength=_BINS)
    held = counts > 0
    mean = np.bincount(which, scored.scores, _BINS)[held] / counts[held]
    share = np.bincount(which, scored.is_ai, _BINS)[held] / counts[held]
    axes.plot([0, 1], [0, 1], color="0.8", linewidth=0.8)
    axes.plot(mean, share, "o-", color=_AI, markersize=4)
    axes.set_xlabel("score, mean of a bin")
    axes.set_ylabel("share of AI images")


def _generators(scored: Images) -> list[str]:
    names, counts = np.unique(scored.generators[scored.is_ai], return_counts=True)
    return [str(name) for name in names[np.argsort(-counts, kind="stable")][:_MOST_GENERATORS]]


def _strips(axes: "Axes", found: Evaluation, names: list[str]) -> None:
    """Histograms of scores, one above the other, as shades."""
    scored = found.images.part(found.images.scored)
    low, high = float(scored.scores.min()), float(scored.scores.max())
    if found.overall.calibration_error is not None:
        low, high = 0.0, 1.0
    high = high if high > low else low + 1.0
    groups = [("real images", ~scored.is_ai)]
    groups += [(name, scored.is_ai & (scored.generators == name)) for name in names]
    table = np.stack(
        [np.histogram(scored.scores[own], _BINS, (low, high))[0] / own.sum() for _, own in groups]
    )
    edges = np.linspace(low, high, _BINS + 1)
    axes.pcolormesh(edges, np.arange(len(groups) + 1), table, cmap="Greys", vmin=0)
    labels = [f"{_plain(name)} ({int(own.sum())})" for name, own in groups]
    axes.set_yticks(np.arange(len(groups)) + 0.5, labels)
    axes.invert_yaxis()
    if found.rule is not None:
        axes.axvline(found.rule.threshold, color=_AI, linewidth=1)
    axes.set_xlabel("score; darker: more of the row's images")


def _robustness(axes: "Axes", found: Evaluation) -> None:
    rows = [("none", found.overall), *((r.perturbation, r.figures) for r in found.robustness)]
    at = np.arange(len(rows))
    areas = [row.auc for _, row in rows]
    axes.hlines(at, [a.low for a in areas], [a.high for a in areas], color=_REAL, linewidth=1)
    axes.plot([a.value for a in areas], at, "o", color=_REAL, label="AUC", markersize=4)
    for label, colour, values in (
        ("recall at the operating point", _AI, [row.recall for _, row in rows]),
        ("false-positive rate there", "black", [row.fpr for _, row in rows]),
    ):
        known = [value.value for value in values if value is not None]
        if len(known) == len(rows):
            axes.plot(known, at, "|", color=colour, label=label, markersize=9)
    axes.set_yticks(at, [name for name, _ in rows])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.01)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=8)


def _curves(found: Evaluation) -> dict[str, list[tuple[float, float, float]]]:
    """Strength, AUC and recall of the kinds that were measured at several strengths."""
    curves: dict[str, list[tuple[float, float, float]]] = {}
    for row in found.robustness:
        kind, _, strength = row.perturbation.partition("-")
        if "+" not in row.perturbation and strength:
            recall = row.figures.recall
            called = np.nan if recall is None else recall.value
            point = (float(strength), row.figures.auc.value, called)
            curves.setdefault(kind, []).append(point)
    return {kind: sorted(points) for kind, points in curves.items() if len(points) > 1}


def _curve(axes: "Axes", kind: str, points: list[tuple[float, float, float]]) -> None:
    strengths = [strength for strength, _, _ in points]
    axes.plot(strengths, [area for _, area, _ in points], "o-", color=_REAL, label="AUC")
    recalls = [recall for _, _, recall in points]
    if not np.isnan(recalls).any():
        axes.plot(strengths, recalls, "o-", color=_AI, label="recall at the operating point")
    axes.set_xlabel(kind)
    axes.set_ylim(0, 1.01)
    axes.legend(fontsize=8)


def _plain(name: str) -> str:
    # a dollar sign would be taken for the start of a formula
    shown = name if len(name) <= 40 else f"{name[:37]}..."
    return shown.replace("$", r"\$")
