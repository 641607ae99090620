"""Which family of generators images are told to be of: figures, plots and tables of the page."""

from collections.abc import Sequence
from dataclasses import dataclass

from clipfake.attribution.families import TITLES, Family
from clipfake.evaluation.attribution import PRECISION, Attributed
from clipfake.evaluation.generator_head import SHOTS, GeneratorFigures
from clipfake.evaluation.intervals import Estimate
from clipfake.evaluation.markdown import LEFT_OUT_NOTE, SHOTS_NOTE, accused_said
from clipfake.evaluation.page.drawing import Plot, ticks
from clipfake.evaluation.page.headline import Figure, plain_figure, share_figure
from clipfake.evaluation.page.plots import Drawn
from clipfake.evaluation.page.tables import Cell, Row, Table, count_cell, estimate_cell, name_cell
from clipfake.report.page.words import counted, percent

_CELL, _ROOM = 30.0, 130.0  # height of a row of the matrix and room for its name, SVG units
_SHARES = ticks(0.0, 1.0)
_SHADE = 0.65  # of a cell with all images of its row, so that its number can be read


@dataclass(frozen=True)
class ToldApart:
    """A section of the page.

    Attributes:
        figures: of all images whose family is known.
        sentences: what else must be known.
        plots: in order.
    """

    figures: Sequence[Figure]
    sentences: Sequence[str]
    plots: Sequence[Drawn]


def told_apart(found: GeneratorFigures | None) -> ToldApart | None:
    """The section; None where attribution was not measured."""
    if found is None:
        return None
    known = found.known
    figures = [
        share_figure(known.accuracy, "accuracy, nothing withheld"),
        plain_figure(known.macro_f1, "macro F1"),
        share_figure(known.given, "have a family named"),
        share_figure(known.precision, "precision of these"),
        share_figure(known.coverage, f"coverage at {PRECISION:.0%} precision"),
    ]
    images = counted(known.images, "AI image")
    sentences = [
        f"{images} of {counted(known.sources, 'source')} carry a label that names one family."
        + (f" {found.unnamed:,} do not, and are left out here." if found.unnamed else "")
        + (f" The adapter does not know: {', '.join(found.unknown)}." if found.unknown else ""),
        accused_said(found),
    ]
    plots = [_confusion(known), _coverage(known)]
    if found.shots:
        plots.append(_few(found))
    return ToldApart(figures, sentences, plots)


def attribution_tables(found: GeneratorFigures | None) -> list[Table]:
    """By family, families left out and generators added, where measured."""
    if found is None:
        return []
    families: list[Row] = [
        [
            name_cell(row.family),
            *(_percent(value) for value in (row.recall, row.precision)),
            Cell(f"{row.f1:.3f}", row.f1),
            *(_percent(value) for value in (row.given, row.wrong)),
            count_cell(row.images),
            count_cell(row.sources),
        ]
        for row in sorted(found.known.families, key=lambda row: row.f1)
    ]
    columns: Sequence[str]
    columns = ("family", "recall", "precision", "F1", "named", "wrongly", "images", "sources")
    note = (
        "In percent. Recall, precision and F1 with nothing withheld; named: any family was, "
        "wrongly: another than the true one."
    )
    made = [Table("Families of generators", columns, families, 3, note=note)]
    if found.left_out:
        strangers: list[Row] = [
            [
                name_cell(row.family),
                estimate_cell(row.auroc, "{:.3f}", 1),
                estimate_cell(row.oscr, "{:.3f}", 1),
                estimate_cell(row.named, "{:.1f}", 100),
                count_cell(row.images),
            ]
            for row in sorted(found.left_out, key=lambda row: row.auroc.value)
        ]
        columns = ("family", "AUROC", "OSCR", "named", "images")
        note = f"{LEFT_OUT_NOTE} Named: in percent, as some other family."
        made.append(Table("Families left out", columns, strangers, 1, note=note))
    if found.shots:
        added: list[Row] = [
            [
                name_cell(row.generator),
                count_cell(row.shown),
                *(estimate_cell(v, "{:.1f}", 100) for v in (row.recall, row.false, row.likeliest)),
                count_cell(row.tested),
            ]
            for row in found.shots
        ]
        columns = ("generator", "by images", "told", "false", "likeliest", "tested on")
        made.append(Table("Generators added", columns, added, note=SHOTS_NOTE))
    return made


def _confusion(known: Attributed) -> Drawn:
    """Shades of the diagonal are right answers, those beside it wrong ones."""
    rows = [i for i, row in enumerate(known.confusion.tolist()) if sum(row)]
    width = len(known.names) + 1
    plot = Plot(
        "Confusion matrix of families",
        24 + 40 + _CELL * len(rows),
        (-0.5, width - 0.5),
        (len(rows) - 0.5, -0.5),
        left=_ROOM,
    )
    for place, at in enumerate(rows):
        counts = known.confusion[at].tolist()
        made, total = known.names[at], sum(counts)
        plot.row(place, f"{at + 1} {made}", f"{_title(made)}: {counted(total, 'image')}")
        for column, count in enumerate(counts):
            ends = (column - 0.47, column + 0.47), (place - 0.46, place + 0.46)
            plot.bar(*ends, "raised")
            if not count:
                continue
            withheld = column == len(known.names)
            said = "withheld" if withheld else f"named {known.names[column]}"
            kind = "skipped" if withheld else "real" if column == at else "ai"
            title = f"{made}, {said}: {count:,} of {total:,}"
            plot.bar(*ends, kind, title, opacity=_SHADE * (count / total) ** 0.5)
            plot.words(plot.x(column), plot.y(place) + 4, f"{count:,}", "middle", title)
    heads = [(float(column), str(column + 1)) for column in range(len(known.names))]
    plot.x_axis([*heads, (float(len(known.names)), "none")], "named, by the numbers of the rows")
    text = (
        "Rows: what made an image. Columns: what is named; none: withheld. Right answers lie on "
        "the diagonal."
    )
    return Drawn("Confusion", text, plot.svg())


def _coverage(known: Attributed) -> Drawn:
    plot = Plot("Precision against coverage", 400, (0, 1), (0, 1))
    plot.y_axis(_SHARES, "precision")
    plot.x_axis(_SHARES, "coverage: share of images, the most confident first")
    plot.line([0, 1], [PRECISION, PRECISION], "faint")
    plot.line([x for x, _ in known.curve], [y for _, y in known.curve], "ai")
    text = f"The dashed line is {PRECISION:.0%} precision."
    given, precision = known.given.value, known.precision.value
    if precision == precision:
        at = f"{percent(given)} % named, {percent(precision)} % of them rightly"
        plot.mark(given, precision, "circle", "here", at)
        text += f" The dot is what is given: {at}."
    return Drawn("Precision and coverage", text, plot.svg())


def _few(found: GeneratorFigures) -> Drawn:
    places = {count: float(at) for at, count in enumerate(SHOTS)}
    plot = Plot("Generators added by a few images", 400, (-0.2, len(SHOTS) - 0.8), (0, 1))
    plot.y_axis(_SHARES, "share told as the added generator")
    plot.x_axis([(at, str(count)) for count, at in places.items()], "images it was added by")
    for label in dict.fromkeys(row.generator for row in found.shots):
        own = [row for row in found.shots if row.generator == label]
        xs = [places[row.shown] for row in own]
        for pick, kind, shape in (("recall", "ai", "circle"), ("false", "real", "triangle")):
            values: list[Estimate] = [getattr(row, pick) for row in own]
            shown = [(x, v.value) for x, v in zip(xs, values, strict=True) if v.value == v.value]
            plot.line([x for x, _ in shown], [y for _, y in shown], kind)
            for x, y in shown:
                plot.mark(x, y, shape, kind, f"{name_cell(label).text}: {percent(y)} %")
    plot.legend(
        [
            ("circle", "ai", "its other images"),
            ("triangle", "real", "images of other generators"),
        ]
    )
    text = "A line for each generator: medians of draws; a mark says which it is."
    return Drawn("Generators added by a few images", text, plot.svg())


def _title(family: str) -> str:
    return TITLES[Family(family)]


def _percent(value: float) -> Cell:
    return Cell(f"{100 * value:.1f}", value) if value == value else Cell("-", None)
