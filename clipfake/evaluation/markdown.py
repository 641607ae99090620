"""The figures as Markdown, for a model card, a pull request or a page of docs."""

from collections.abc import Iterable, Sequence

from clipfake.evaluation.figures import Figures
from clipfake.evaluation.generator_head import SHOT_DRAWS, GeneratorFigures
from clipfake.evaluation.intervals import Estimate
from clipfake.evaluation.result import Evaluation
from clipfake.report.text import printable

_SPECIAL = "\\`*_{}[]<>|"


def markdown(found: Evaluation) -> str:
    """All tables, one after another."""
    parts = [f"`{found.scores.by}`: {found.overall.ai} AI and {found.overall.real} real images."]
    parts += [f"{n} without a score: {_plain(why)}" for why, n in sorted(found.unscored.items())]
    if found.rule is not None:
        chosen = "" if found.rule.fpr is None else f", chosen for {found.rule.fpr:.1%} FPR"
        parts.append(f"Operating point: a score of {found.rule.threshold:.4f}{chosen}.")
    parts.append(_in_all(found.overall))
    named = ", ".join(f"{name.replace('_', ' ')} {v:.3f}" for name, v in found.means.items())
    parts += [f"Mean over generators: {named}.", _sets("generator", found.generators)]
    if found.real_sources:
        rows = [(_plain(r.name), r.images, r.unscored, share(r.fpr)) for r in found.real_sources]
        parts.append(_table(("source of real images", "images", "unscored", "FPR"), rows))
    if found.robustness:
        names = ["none", *(row.perturbation for row in found.robustness)]
        sets = [found.overall, *(row.figures for row in found.robustness)]
        parts.append(_sets("perturbation", sets, names))
        chains = "; ".join(f"{_plain(name)} is {_plain(of)}" for name, of in found.chains.items())
        parts += [f"Thresholds are unchanged{'; ' if chains else ''}{chains}."]
    if found.bias is not None and found.bias.auc is not None:
        warning = "; this set can flatter a detector" if found.bias.warns else ""
        parts.append(
            "Format, size, quality and metadata alone tell the label with an AUC of "
            f"{number(found.bias.auc)}{warning}."
        )
    if found.attribution is not None:
        parts += _attribution(found.attribution)
    if found.compared:
        header = ("figure", *map(_plain, found.compared), "difference", "p")
        differences = [
            (d.figure, f"{d.first:.4f}", f"{d.second:.4f}", number(d.difference), f"{d.p:.3f}")
            for d in found.differences
        ]
        parts.append(_table(header, differences))
    return "\n\n".join(parts) + "\n"


def _attribution(found: GeneratorFigures) -> list[str]:
    known, accused = found.known, found.accused
    parts = [
        f"Generator families of {known.images} AI images of {known.sources} sources.",
        _table(("figure", "value (95 % interval)"), attribution_in_all(found)),
        _table(
            ("family", "images", "sources", "recall", "precision", "F1", "named", "named wrongly"),
            [
                (
                    row.family,
                    row.images,
                    row.sources,
                    f"{row.recall:.1%}",
                    "-" if row.precision != row.precision else f"{row.precision:.1%}",
                    f"{row.f1:.3f}",
                    f"{row.given:.1%}",
                    f"{row.wrong:.1%}",
                )
                for row in known.families
            ],
        ),
        _table(
            ("made by, named as", *known.names, "withheld"),
            [
                (name, *row)
                for name, row in zip(known.names, known.confusion.tolist(), strict=True)
                if sum(row)
            ],
        ),
    ]
    if accused.named is not None:
        parts.append(accused_said(found))
    if found.left_out:
        parts.append(
            _table(
                ("family left out", "images", "AUROC", "OSCR", "named"),
                [
                    (row.family, row.images, number(row.auroc), number(row.oscr), share(row.named))
                    for row in found.left_out
                ],
            )
        )
        parts.append(LEFT_OUT_NOTE)
    if found.shots:
        parts.append(
            _table(
                (
                    "generator added",
                    "family",
                    "by images",
                    "tested on",
                    "likeliest",
                    "told",
                    "false",
                ),
                [
                    (
                        _plain(row.generator),
                        row.family,
                        row.shown,
                        row.tested,
                        *map(share, (row.likeliest, row.recall, row.false)),
                    )
                    for row in found.shots
                ],
            )
        )
        parts.append(SHOTS_NOTE)
    return parts


LEFT_OUT_NOTE = (
    "Left out: the head without the family's exemplars; its projection has seen the family."
)
SHOTS_NOTE = (
    f"Added: medians of {SHOT_DRAWS} draws, least and largest in brackets; false: share of images "
    "of other generators told as it."
)


def attribution_in_all(found: GeneratorFigures) -> list[tuple[str, str]]:
    """Names and values of the figures of all images whose family is known."""
    known = found.known
    return [
        ("accuracy, nothing withheld", share(known.accuracy)),
        ("macro F1, nothing withheld", number(known.macro_f1)),
        ("a family is named", share(known.given)),
        ("precision of what is named", share(known.precision)),
        ("coverage at 90 % precision", share(known.coverage)),
    ]


def accused_said(found: GeneratorFigures) -> str:
    """What becomes of accused real images, as a sentence."""
    accused = found.accused
    if accused.named is None:
        return "No real image is called AI, so that none has a family named."
    return (
        f"Of {accused.images} real images called AI, {share(accused.named)} have a family named; "
        "it is best withheld."
    )


def _in_all(figures: Figures) -> str:
    named = {
        "AUC": number(figures.auc),
        "average precision": number(figures.average_precision),
        **{f"recall at {rate:.1%} FPR": share(v) for rate, v in figures.recall_at.items()},
        "recall at the operating point": share(figures.recall),
        "false-positive rate there": share(figures.fpr),
        "accuracy there": share(figures.accuracy),
        "balanced accuracy there": share(figures.balanced_accuracy),
        "accuracy at 0.5": share(figures.accuracy_half),
        "expected calibration error": number(figures.calibration_error),
        "Brier score": number(figures.brier),
    }
    if figures.inconclusive is not None:
        named["inconclusive"] = f"{figures.inconclusive:.1%}"
    return _table(("figure", "value (95 % interval)"), named.items())


def _sets(kind: str, rows: Sequence[Figures], names: Sequence[str] | None = None) -> str:
    header = (kind, "AI", "real", "unscored", "AUC", "AP", "accuracy", "recall", "FPR")
    cells = [
        (
            _plain(name),
            row.ai,
            f"{row.real}{' (own)' if row.reals == 'own' else ''}",
            row.ai_unscored + row.real_unscored,
            number(row.auc),
            f"{row.average_precision.value:.3f}",
            _bare(row.accuracy),
            share(row.recall),
            share(row.fpr),
        )
        for name, row in zip(names or [row.name for row in rows], rows, strict=True)
    ]
    return _table(header, cells)


def _table(header: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _plain(name: str) -> str:
    """Text that Markdown leaves as it is."""
    return "".join(f"\\{c}" if c in _SPECIAL else c for c in printable(name))


def number(value: Estimate | None) -> str:
    """A figure with its interval, ``-`` where there is none."""
    return _spread(value, "{:.3f}")


def share(value: Estimate | None) -> str:
    """The same in percent."""
    return _spread(value, "{:.1%}")


def _spread(value: Estimate | None, form: str) -> str:
    if value is None or value.value != value.value:
        return "-"
    if value.low != value.low:
        return form.format(value.value)
    return " ".join(
        (form.format(value.value), f"({form.format(value.low)} to {form.format(value.high)})")
    )


def _bare(value: Estimate | None) -> str:
    return "-" if value is None else f"{value.value:.1%}"
