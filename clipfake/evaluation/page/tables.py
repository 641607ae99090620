"""The tables of an evaluation: the worst and the best rows shown, those between them folded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from clipfake.evaluation.figures import Figures, RealSource
from clipfake.evaluation.intervals import Estimate
from clipfake.evaluation.markdown import number, share
from clipfake.evaluation.result import CLEAN, Evaluation
from clipfake.report.page.words import shown

END = 10  # rows that are shown of each end
MOST = 500  # rows of each end that a page holds
_NAME = 200  # characters
_MEANS = {
    "auc": "AUC",
    "average_precision": "average precision",
    "accuracy_half": "accuracy at 0.5",
    "balanced_accuracy": "balanced accuracy",
}


@dataclass(frozen=True)
class Cell:
    """What stands in a cell.

    Attributes:
        text: what is read.
        value: what is sorted by; None where there is none, which comes last.
        interval: its ends; empty where there are none.
    """

    text: str
    value: float | str | None
    interval: str = ""


Row = Sequence[Cell]


@dataclass(frozen=True)
class Table:
    """A table that a reader can sort.

    Attributes:
        title: what its rows are.
        columns: names; the first column is of names, the others of numbers.
        rows: all, in order.
        key: column by which they are in order; None for an order of their own.
        falling: whether the highest comes first.
        note: what else must be known.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Row]
    key: int | None = None
    falling: bool = False
    note: str = ""

    @property
    def folds(self) -> bool:
        """Whether rows are folded; those of an order of their own never are."""
        return self.key is not None and len(self.rows) > 2 * END

    @property
    def first(self) -> Sequence[Row]:
        """The worst, or all."""
        return self.rows[:END] if self.folds else self.rows

    @property
    def last(self) -> Sequence[Row]:
        """The best."""
        return self.rows[-END:] if self.folds else ()

    @property
    def between(self) -> Sequence[Row]:
        """The rest, of which a page holds those nearest to the ends."""
        if not self.folds:
            return ()
        rest = self.rows[END:-END]
        most = MOST - END
        return rest if len(rest) <= 2 * most else [*rest[:most], *rest[-most:]]

    @property
    def left_out(self) -> int:
        """Rows that only other outputs have."""
        return len(self.rows) - len(self.first) - len(self.last) - len(self.between)


def tables(found: Evaluation) -> list[Table]:
    """Those of an evaluation, in order."""
    made = [_sets("Generators", "generator", [(row.name, row) for row in found.generators], 1)]
    if len(found.real_kinds) > 1:
        made.append(_alarms("Kinds of real images", "kind", found.real_kinds))
    if found.real_sources != found.real_kinds:
        made.append(_alarms("Sources of real images", "source", found.real_sources))
    if found.robustness:
        rows = [(row.perturbation, row.figures) for row in found.robustness]
        table = _sets("Perturbations", "perturbation", [(CLEAN, found.overall), *rows], None)
        chains = "".join(f" {shown(name)} is {of}." for name, of in found.chains.items())
        made.append(replace(table, note=f"{table.note} Thresholds are unchanged.{chains}"))
    if found.compared:
        made.append(_differences(found, found.compared))
    if found.bias is not None and found.bias.alone:
        rows_alone = [[name_cell(n), Cell(f"{v:.3f}", v)] for n, v in found.bias.alone.items()]
        title = "What the files alone tell"
        made.append(Table(title, ("property of the file", "AUC by itself"), rows_alone, 1, True))
    return made


def in_all(figures: Figures) -> list[tuple[str, str]]:
    """Every figure of all images with its interval, and its name."""
    named: dict[str, tuple[Callable[[Estimate | None], str], Estimate | None]] = {
        "AUC": (number, figures.auc),
        "average precision": (number, figures.average_precision),
        **{f"recall at {rate:.1%} FPR": (share, v) for rate, v in figures.recall_at.items()},
        "recall at the operating point": (share, figures.recall),
        "false-positive rate there": (share, figures.fpr),
        "accuracy there": (share, figures.accuracy),
        "balanced accuracy there": (share, figures.balanced_accuracy),
        "accuracy at 0.5": (share, figures.accuracy_half),
        "expected calibration error": (number, figures.calibration_error),
        "Brier score": (number, figures.brier),
    }
    lines = [(name, say(value)) for name, (say, value) in named.items() if value is not None]
    if figures.inconclusive is not None:
        lines.append(("inconclusive", f"{figures.inconclusive:.1%}"))
    return lines


def mean_over(means: Mapping[str, float]) -> str:
    """The means over generators as a sentence."""
    said = ", ".join(f"{_MEANS.get(name, name)} {value:.3f}" for name, value in means.items())
    return f"Mean over generators: {said}."


def _sets(title: str, of: str, rows: Sequence[tuple[str, Figures]], key: int | None) -> Table:
    # what matters most first, so that a narrow screen shows it
    figures: dict[str, Callable[[Figures], Cell]] = {
        "AUC": lambda row: estimate_cell(row.auc, "{:.3f}", 1),
        "AP": lambda row: estimate_cell(row.average_precision, "{:.3f}", 1, bare=True),
        "recall": lambda row: estimate_cell(row.recall, "{:.1f}", 100),
        "FPR": lambda row: estimate_cell(row.fpr, "{:.1f}", 100),
        "balanced accuracy": lambda row: estimate_cell(
            row.balanced_accuracy, "{:.1f}", 100, bare=True
        ),
        "recall at 1 % FPR": lambda row: estimate_cell(
            row.recall_at[0.01], "{:.1f}", 100, bare=True
        ),
        "AI": lambda row: count_cell(row.ai),
        "real": lambda row: Cell(f"{row.real:,}{'*' if row.reals == 'own' else ''}", row.real),
        "unscored": lambda row: count_cell(row.ai_unscored + row.real_unscored),
    }
    cells = [[name_cell(name), *(cell(row) for cell in figures.values())] for name, row in rows]
    note = "Recall, FPR and accuracy in percent."
    if any(row.reals == "own" for _, row in rows):
        note += " * measured against the generator's own real images."
    if key is not None:
        cells.sort(key=lambda row: _order(row[key].value))
    return _told(Table(title, [of, *figures], cells, key, note=note))


def _alarms(title: str, of: str, rows: Sequence[RealSource]) -> Table:
    cells: list[Row] = [
        [
            name_cell(r.name),
            estimate_cell(r.fpr, "{:.1f}", 100),
            count_cell(r.images),
            count_cell(r.unscored),
        ]
        for r in sorted(rows, key=lambda row: (-row.fpr.value, -row.images, row.name))
    ]
    note = "FPR: how many of 100 are called AI at the operating point."
    return _told(Table(title, (of, "FPR", "images", "unscored"), cells, 1, True, note))


def _told(table: Table) -> Table:
    """The table without columns that say nothing: figures that no row has, and none unscored."""
    kept = [
        place
        for place, column in enumerate(table.columns)
        if any(row[place].value is not None for row in table.rows)
        and (column != "unscored" or any(row[place].value for row in table.rows))
    ]
    return replace(
        table,
        columns=[table.columns[place] for place in kept],
        rows=[[row[place] for place in kept] for row in table.rows],
    )


def _differences(found: Evaluation, names: tuple[str, str]) -> Table:
    first, second = (shown(name, _NAME) for name in names)
    cells = [
        [
            name_cell(row.figure),
            Cell(f"{row.first:.4f}", row.first),
            Cell(f"{row.second:.4f}", row.second),
            estimate_cell(row.difference, "{:+.3f}", 1),
            Cell(f"{row.p:.3f}", row.p),
        ]
        for row in found.differences
    ]
    return Table(f"{second} less {first}", ("figure", first, second, "difference", "p"), cells)


def name_cell(text: str) -> Cell:
    """A name, fit to be shown."""
    fit = shown(text, _NAME)
    return Cell(fit, fit)


def count_cell(value: int) -> Cell:
    """A number of images."""
    return Cell(f"{value:,}", value)


def estimate_cell(value: Estimate | None, form: str, times: float, *, bare: bool = False) -> Cell:
    """A figure with its interval, unless that is unknown.

    Args:
        value: None or NaN for none.
        form: of its number.
        times: what it is multiplied by first.
        bare: leave the interval out.
    """
    if value is None or value.value != value.value:
        return Cell("-", None)
    low, high = (form.format(times * end) for end in (value.low, value.high))
    interval = "" if bare or value.low != value.low else f"{low} to {high}"
    return Cell(form.format(times * value.value), value.value, interval)


def _order(value: float | str | None) -> tuple[bool, float]:
    return (False, value) if isinstance(value, float) else (True, 0.0)
