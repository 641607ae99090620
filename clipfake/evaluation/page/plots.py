"""The plots of an evaluation."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from sklearn.metrics import roc_curve

from clipfake.evaluation.figures import Figures, Images
from clipfake.evaluation.intervals import Estimate
from clipfake.evaluation.page.drawing import Plot, ticks
from clipfake.evaluation.result import CLEAN, Evaluation
from clipfake.report.page.words import counted, percent, shown

_BINS = 20
_MOST_POINTS = 400  # of a ROC curve, so that a page of a large set stays small
_MOST_ROWS = 30  # of a plot that has a row for each generator or perturbation
_NAME = 24  # characters of a row's name that there is room for
_ROW, _ROOM = 19.0, 170.0  # height of a row and room for its name, SVG units
_SHARES = ticks(0.0, 1.0)
# what is drawn of figures under perturbations: name, figure, shape and kind of its mark
_DRAWN: tuple[tuple[str, Callable[[Figures], Estimate | None], str, str], ...] = (
    ("AUC", lambda row: row.auc, "circle", "here"),
    ("recall at the operating point", lambda row: row.recall, "diamond", "ai"),
    ("false-positive rate", lambda row: row.fpr, "triangle", "real"),
)


@dataclass(frozen=True)
class Drawn:
    """A plot with what a reader must know of it.

    Attributes:
        title: what it shows.
        text: how to read it.
        svg: the picture.
    """

    title: str
    text: str
    svg: Markup


def plots(found: Evaluation) -> list[Drawn]:
    """ROC, scores, calibration, scores by generator, robustness, in this order, where known."""
    scored = found.images.part(found.images.scored)
    drawn = [_roc(found, scored), _histogram(found, scored)]
    if found.overall.calibration_error is not None:
        drawn.append(_calibration(found.overall.calibration_error, scored))
    drawn.append(_by_generator(found, scored))
    if found.robustness:
        drawn += [_robustness(found), *_curves(found)]
    return drawn


def _roc(found: Evaluation, scored: Images) -> Drawn:
    rates, recalls, _ = roc_curve(scored.is_ai, scored.scores)
    if len(rates) > _MOST_POINTS:
        taken = np.linspace(0, len(rates) - 1, _MOST_POINTS).round().astype(int)
        rates, recalls = rates[taken], recalls[taken]
    auc, recall, fpr = found.overall.auc, found.overall.recall, found.overall.fpr
    plot = Plot(f"ROC curve; area under it {auc.value:.3f}", 400, (0, 1), (0, 1))
    plot.y_axis(_SHARES, "recall")
    plot.x_axis(_SHARES, "false-positive rate")
    plot.line([0, 1], [0, 1], "faint")
    # a step goes right, then up
    xs, ys = np.repeat(rates, 2)[1:], np.repeat(recalls, 2)[:-1]
    plot.line(xs.tolist(), ys.tolist(), "ai")
    text = f"Area under the curve {auc.value:.3f}."
    if recall is not None and fpr is not None:
        at = f"recall {percent(recall.value)} %, false-positive rate {percent(fpr.value)} %"
        plot.mark(fpr.value, recall.value, "circle", "here", f"operating point: {at}")
        text += f" The dot is the operating point: {at}."
    return Drawn("ROC", text, plot.svg())


def _histogram(found: Evaluation, scored: Images) -> Drawn:
    """AI images above the line and real ones below it, so that no colour has to be told."""
    low, high = _range(found, scored)
    shares = {
        kind: np.histogram(scored.scores[own], _BINS, (low, high))[0] / own.sum()
        for kind, own in (("ai", scored.is_ai), ("real", ~scored.is_ai))
    }
    most = max(float(share.max()) for share in shares.values()) or 1.0
    plot = Plot(
        "Histogram of scores, AI images up, real images down", 400, (low, high), (-most, most)
    )
    plot.y_axis([(part * most, f"{percent(abs(part) * most)} %") for part in (-1, -0.5, 0.5, 1)])
    edges = np.linspace(low, high, _BINS + 1).tolist()
    for (kind, share), up in zip(shares.items(), (1, -1), strict=True):
        for start, end, value in zip(edges, edges[1:], share.tolist(), strict=False):
            if value:
                title = f"{start:.3g} to {end:.3g}: {percent(value)} % of the {_CLASSES[kind]}"
                plot.bar((start, end), (0, up * value), kind, title)
    plot.line([low, high], [0, 0], "ground")
    text = "Shares of each class by score: AI images upwards, real images downwards."
    if found.rule is not None:
        plot.across(found.rule.threshold, f"called AI from {found.rule.threshold:.3f}")
    plot.words(plot.x(low) + 6, plot.y(most) + 14, "AI images")
    plot.words(plot.x(high) - 6, plot.y(-most) - 8, "real images", "end")
    plot.x_axis(ticks(low, high), "score")
    return Drawn("Scores", text, plot.svg())


_CLASSES = {"ai": "AI images", "real": "real images"}


def _calibration(error: Estimate, scored: Images) -> Drawn:
    which = np.minimum((scored.scores * _BINS).astype(int), _BINS - 1)
    counts = np.bincount(which, minlength=_BINS)
    held = counts > 0
    mean = (np.bincount(which, scored.scores, _BINS)[held] / counts[held]).tolist()
    share = (np.bincount(which, scored.is_ai, _BINS)[held] / counts[held]).tolist()
    plot = Plot(f"Calibration; expected error {error.value:.3f}", 400, (0, 1), (0, 1))
    plot.y_axis(_SHARES, "share of AI images")
    plot.x_axis(_SHARES, "score, mean of a bin")
    plot.line([0, 1], [0, 1], "faint")
    plot.line(mean, share, "ai")
    for x, y, count in zip(mean, share, counts[held].tolist(), strict=True):
        plot.mark(x, y, "circle", "ai", f"{counted(count, 'image')}, {percent(y)} % AI")
    text = (
        f"Expected calibration error {error.value:.3f}. On the diagonal a score is the share of AI "
        "images among images with such scores, in a set with as many of each class as this one."
    )
    return Drawn("Calibration", text, plot.svg())


def _by_generator(found: Evaluation, scored: Images) -> Drawn:
    """Histograms of scores, one above the other, as shades."""
    low, high = _range(found, scored)
    names, counts = np.unique(scored.generators[scored.is_ai], return_counts=True)
    most = [str(name) for name in names[np.argsort(-counts, kind="stable")][:_MOST_ROWS]]
    rows = [("real images", ~scored.is_ai)]
    rows += [(name, scored.is_ai & (scored.generators == name)) for name in most]
    plot = _rows("Scores of real images and of each generator, as shades", len(rows), (low, high))
    edges = np.linspace(low, high, _BINS + 1).tolist()
    for place, (name, own) in enumerate(rows):
        count = int(own.sum())
        plot.row(
            place, _short(f"{shown(name)} ({count})"), f"{shown(name)}: {counted(count, 'image')}"
        )
        shares = np.histogram(scored.scores[own], _BINS, (low, high))[0] / count
        most_of_row = float(shares.max())
        plot.bar((low, high), (place - 0.42, place + 0.42), "raised")
        for start, end, share in zip(edges, edges[1:], shares.tolist(), strict=False):
            if share:
                title = f"{start:.3g} to {end:.3g}: {percent(share)} %"
                kind = "ai" if place else "real"
                # the square root, so that one image of a hundred can be seen
                shade = (share / most_of_row) ** 0.5
                plot.bar((start, end), (place - 0.42, place + 0.42), kind, title, opacity=shade)
    if found.rule is not None:
        plot.across(found.rule.threshold, f"called AI from {found.rule.threshold:.3f}")
    plot.x_axis(ticks(low, high), "score")
    text = "The darker, the more of the row's images have such a score."
    if len(names) > len(most):
        more = len(names) - len(most)
        text += f" The {len(most)} generators with most images; {more} more in the table."
    return Drawn("Scores by generator", text, plot.svg())


def _robustness(found: Evaluation) -> Drawn:
    rows = [(CLEAN, found.overall), *((r.perturbation, r.figures) for r in found.robustness)]
    shown_rows = rows[: _MOST_ROWS + 1]
    plot = _rows("Figures under each perturbation", len(shown_rows), (0.0, 1.0))
    plot.x_axis(_SHARES, "share")
    for place, (name, figures) in enumerate(shown_rows):
        plot.line([0, 1], [place, place], "rule")
        plot.row(place, _short(shown(name)), shown(name))
        plot.line([figures.auc.low, figures.auc.high], [place, place], "here")
        for word, pick, shape, kind in _DRAWN:
            if (value := pick(figures)) is not None:
                plot.mark(value.value, place, shape, kind, f"{word} {value.value:.3f}")
    plot.legend([(s, k, w) for w, pick, s, k in _DRAWN if pick(found.overall) is not None])
    text = "Thresholds are those of the images as they are; the line is the 95 % interval of AUC."
    if len(rows) > len(shown_rows):
        text += f" {len(rows) - len(shown_rows)} more in the table."
    return Drawn("Robustness", text, plot.svg())


def _curves(found: Evaluation) -> list[Drawn]:
    """A plot for each kind of perturbation that was measured at several strengths."""
    curves: dict[str, list[tuple[float, Figures]]] = {}
    for row in found.robustness:
        if len(row.change.steps) == 1:
            ((kind, strength),) = row.change.steps
            curves.setdefault(kind, []).append((strength, row.figures))
    drawn = []
    for kind, rows in curves.items():
        # the same strength may have been asked for in two ways of writing it
        points = sorted(dict(rows).items())
        if len(points) > 1:
            drawn.append(_curve(kind, points))
    return drawn


def _curve(kind: str, points: list[tuple[float, Figures]]) -> Drawn:
    strengths = [strength for strength, _ in points]
    title = f"Against the strength of {kind}"
    plot = Plot(title, 300, (strengths[0], strengths[-1]), (0, 1))
    plot.y_axis(_SHARES)
    plot.x_axis([(strength, f"{strength:g}") for strength in strengths], kind)
    for word, pick, shape, mark in _DRAWN:
        values = [(s, e.value) for s, figures in points if (e := pick(figures)) is not None]
        plot.line([s for s, _ in values], [v for _, v in values], mark)
        for strength, value in values:
            plot.mark(strength, value, shape, mark, f"{kind}-{strength:g}: {word} {value:.3f}")
    plot.legend([(s, k, w) for w, pick, s, k in _DRAWN if pick(points[0][1]) is not None])
    return Drawn(title, "Thresholds are those of the images as they are.", plot.svg())


def _rows(label: str, count: int, x: tuple[float, float]) -> Plot:
    height = 24 + 40 + _ROW * count
    return Plot(label, height, x, (count - 0.5, -0.5), left=_ROOM)


def _range(found: Evaluation, scored: Images) -> tuple[float, float]:
    if found.overall.calibration_error is not None:  # probabilities
        return 0.0, 1.0
    low, high = float(scored.scores.min()), float(scored.scores.max())
    return low, high if high > low else low + 1.0


def _short(text: str) -> str:
    """A name that fits; the whole one is its title, and in the table."""
    if len(text) <= _NAME:
        return text
    half = (_NAME - 1) // 2
    return f"{text[:half]}\u2026{text[-half:]}"
