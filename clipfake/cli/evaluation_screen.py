"""What an evaluation shows on the terminal."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from clipfake.cli.tables import LISTED, first, print_table
from clipfake.cli.training_screen import TrainingProgress
from clipfake.cli.words import say
from clipfake.evaluation.bias import WARN_ABOVE
from clipfake.evaluation.dataset import LabelledSet
from clipfake.evaluation.figures import Figures
from clipfake.evaluation.generator_head import GeneratorFigures
from clipfake.evaluation.intervals import Estimate
from clipfake.evaluation.markdown import accused_said, attribution_in_all, share
from clipfake.evaluation.result import Evaluation
from clipfake.report.text import printable
from clipfake.training.options import State

_FEATURES = 5  # named of the bias audit
_RULE = "by the share of real images accused, never by accuracy"


class EvaluationScreen:
    """Progress on stderr, tables on stdout."""

    def __init__(self, *, quiet: bool) -> None:
        """Show nothing yet; ``quiet`` keeps it so."""
        self._out = Console(highlight=False, quiet=quiet)
        self._stderr = Console(stderr=True, highlight=False, quiet=quiet)

    def found(self, data: LabelledSet) -> None:
        """Say how the set was read."""
        ai = sum(example.is_ai for example in data.examples)
        lines = [
            f"{printable(data.path)}: layout {data.layout.value}, {ai} AI and "
            f"{len(data.examples) - ai} real images"
        ]
        lines += [f"passed over, {why}: {n}" for why, n in sorted(data.passed_over.items())]
        for line in lines:
            say(self._stderr, line)

    @contextmanager
    def progress(self) -> Iterator[Callable[[str, int, int], None]]:
        """Show how far the scoring is while the block runs."""
        bar = TrainingProgress(self._stderr, 1)
        with bar.live():
            yield lambda phase, done, total: bar.show(State(phase, done, total))

    def show(self, found: Evaluation) -> None:
        """Print tables of everything that was found."""
        out = self._out
        reasons, more = first(sorted(found.unscored.items(), key=_most_first), "reasons")
        for reason, count in reasons:
            self._say(f"without a score: {count}: {printable(reason)}")
        self._say(more)
        print_table(out, _in_all(found.overall, found.scores.by))
        generators: Sequence[Figures] = found.generators
        if len(generators) > LISTED:
            generators = sorted(generators, key=lambda row: row.auc.value)
        listed, more = first(generators, "generators, none of which does worse")
        print_table(out, _table("by generator", list(listed)))
        self._say(more)
        named = ", ".join(f"{name.replace('_', ' ')} {v:.3f}" for name, v in found.means.items())
        self._say(f"mean over generators: {named}")
        if found.rule is not None:
            self._reals(found)
            chosen = f"for {found.rule.fpr:.1%} FPR" if found.rule.fpr is not None else "by hand"
            self._say(
                f"operating point: score {found.rule.threshold:.4f}, chosen {chosen}; such points "
                f"are chosen {_RULE}"
            )
        if found.robustness:
            rows = [found.overall, *(row.figures for row in found.robustness)]
            names = ["none", *(row.perturbation for row in found.robustness)]
            print_table(out, _perturbed(rows, names))
            for name, of in found.chains.items():
                self._say(f"{printable(name)} is {of}")
        self._bias(found)
        if found.attribution is not None:
            self._attribution(found.attribution)
        if found.differences and found.compared:
            print_table(out, _differences(found))

    def wrote(self, path: Path) -> None:
        """Name a file that was written."""
        say(self._out, f"figures: {path}", path=str(path))

    def _reals(self, found: Evaluation) -> None:
        table = Table(title="false alarms by source of real images", title_justify="left")
        for column in ("source", "images", "unscored", "FPR"):
            table.add_column(column, justify="left" if column == "source" else "right")
        worst = sorted(found.real_sources, key=lambda row: -row.fpr.value)
        listed, more = first(worst, "sources, none of which has more")
        for row in listed:
            cells = (str(row.images), str(row.unscored), _share(row.fpr))
            table.add_row(Text(printable(row.name)), *cells)
        print_table(self._out, table)
        self._say(more)

    def _attribution(self, found: GeneratorFigures) -> None:
        known = found.known
        table = Table(
            title=f"generator families, {known.images} AI images of {known.sources} sources",
            title_justify="left",
        )
        table.add_column("")
        table.add_column("value (95 % interval)", justify="right")
        for name, value in attribution_in_all(found):
            table.add_row(name, value)
        print_table(self._out, table)
        if found.unnamed:
            self._say(f"AI images whose label names no single family: {found.unnamed}")
        if found.unknown:
            self._say(f"families that the adapter does not know: {', '.join(found.unknown)}")
        print_table(self._out, _families(found))
        print_table(self._out, _confusion(found))
        self._say(accused_said(found))
        if found.left_out:
            print_table(self._out, _left_out(found))
        if found.shots:
            print_table(self._out, _shots(found))

    def _say(self, text: str) -> None:
        if text:
            say(self._out, text)

    def _bias(self, found: Evaluation) -> None:
        if found.bias is None:
            return
        if found.bias.auc is None:
            self._out.print("bias audit: too few sources of a class to cross-validate")
            return
        top = list(found.bias.alone.items())[:_FEATURES]
        named = ", ".join(f"{name} {area:.2f}" for name, area in top)
        say(
            self._out,
            f"bias audit: format, size, quality and metadata alone tell the label with AUC "
            f"{_number(found.bias.auc)} (the detector: {_number(found.overall.auc)}); "
            f"alone: {named}",
        )
        if found.bias.warns:
            self._out.print(
                f"warning: above {WARN_ABOVE}, this set can flatter any detector that takes notice "
                "of files; normalise size, format and metadata before you trust its figures",
                markup=False,
                soft_wrap=True,
                style="yellow",
            )


def _most_first(entry: tuple[str, int]) -> tuple[int, str]:
    return -entry[1], entry[0]


def _in_all(figures: Figures, by: str) -> Table:
    """Every figure of one set of images, a line each."""
    table = Table(title=f"{printable(by)} on all images", title_justify="left")
    for column in ("", "", "95 % interval"):
        table.add_column(column, justify="left" if not table.columns else "right")
    table.add_row("AI images", _count(figures.ai, figures.ai_unscored), "")
    table.add_row("real images", _count(figures.real, figures.real_unscored), "", end_section=True)
    named = {
        "AUC": figures.auc,
        "average precision": figures.average_precision,
        **{f"recall at {rate:.1%} FPR": value for rate, value in figures.recall_at.items()},
        "expected calibration error": figures.calibration_error,
        "Brier score": figures.brier,
        "accuracy at 0.5": figures.accuracy_half,
        "accuracy at the operating point": figures.accuracy,
        "balanced accuracy there": figures.balanced_accuracy,
        "recall there": figures.recall,
        "false-positive rate there": figures.fpr,
    }
    for name, value in named.items():
        if value is not None:
            table.add_row(name, f"{value.value:.4f}", f"{value.low:.4f} to {value.high:.4f}")
    if figures.inconclusive is not None:
        table.add_row("inconclusive", f"{figures.inconclusive:.4f}", "")
    return table


def _table(title: str, rows: list[Figures]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("", overflow="fold")
    for column in ("AI", "real", "AUC", "recall", "FPR", "at 1 % FPR"):
        table.add_column(column, justify="right")
    for row in rows:
        own = "*" if row.reals == "own" else ""
        table.add_row(
            Text(printable(row.name)),
            _count(row.ai, row.ai_unscored),
            _count(row.real, row.real_unscored) + own,
            _number(row.auc),
            _share(row.recall),
            "-" if row.fpr is None else f"{row.fpr.value:.1%}",
            f"{row.recall_at[0.01].value:.1%}",
        )
    if any(row.reals == "own" for row in rows):
        table.caption = "* the generator's own real images"
    return table


def _perturbed(rows: list[Figures], names: list[str]) -> Table:
    """What the unchanged thresholds do, with intervals."""
    table = Table(title="perturbed, thresholds unchanged", title_justify="left")
    table.add_column("", overflow="fold")
    for column in ("AUC", "recall", "FPR", "unscored"):
        table.add_column(column, justify="right")
    for name, row in zip(names, rows, strict=True):
        unscored = str(row.ai_unscored + row.real_unscored)
        shares = (_share(row.recall), _share(row.fpr))
        table.add_row(Text(printable(name)), _number(row.auc), *shares, unscored)
    return table


def _families(found: GeneratorFigures) -> Table:
    table = Table(title="by family", title_justify="left")
    for column in ("", "images", "recall", "precision", "F1", "named", "wrongly"):
        table.add_column(column, justify="right" if table.columns else "left")
    for row in found.known.families:
        precision = "-" if row.precision != row.precision else f"{row.precision:.1%}"
        shares = (f"{row.recall:.1%}", precision, f"{row.f1:.3f}", f"{row.given:.1%}")
        table.add_row(row.family, str(row.images), *shares, f"{row.wrong:.1%}")
    return table


def _confusion(found: GeneratorFigures) -> Table:
    """Families by number in the columns, so that it fits a narrow terminal."""
    table = Table(title="made by (rows), named as (columns)", title_justify="left")
    known = found.known
    table.add_column("")
    for number in range(len(known.names)):
        table.add_column(str(number + 1), justify="right")
    table.add_column("withheld", justify="right")
    for number, (name, row) in enumerate(
        zip(known.names, known.confusion.tolist(), strict=True), start=1
    ):
        table.add_row(f"{number} {name}", *(str(count) if count else "" for count in row))
    return table


def _left_out(found: GeneratorFigures) -> Table:
    table = Table(title="each family left out", title_justify="left")
    for column in ("", "images", "AUROC", "OSCR", "named"):
        table.add_column(column, justify="right" if table.columns else "left")
    for row in found.left_out:
        cells = (str(row.images), _number(row.auroc), _number(row.oscr), _share(row.named))
        table.add_row(row.family, *cells)
    table.caption = "the projection has seen the family"
    return table


def _shots(found: GeneratorFigures) -> Table:
    table = Table(title="added by a few images, medians of draws", title_justify="left")
    for column in ("", "by", "tested on", "told", "false"):
        table.add_column(column, justify="right" if table.columns else "left")
    for row in found.shots:
        cells = (str(row.shown), str(row.tested), share(row.recall), share(row.false))
        table.add_row(Text(printable(row.generator)), *cells)
    return table


def _differences(found: Evaluation) -> Table:
    first, second = found.compared or ("", "")
    table = Table(title="second report less first, same images", title_justify="left")
    for column in ("", printable(first), printable(second), "difference", "p"):
        table.add_column(Text(column))
    for row in found.differences:
        d = row.difference
        table.add_row(
            row.figure,
            f"{row.first:.4f}",
            f"{row.second:.4f}",
            f"{d.value:+.4f} ({d.low:+.4f} to {d.high:+.4f})",
            f"{row.p:.3f}",
        )
    return table


def _count(images: int, unscored: int) -> str:
    return f"{images} ({unscored} unscored)" if unscored else str(images)


def _number(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ({estimate.low:.2f}-{estimate.high:.2f})"


def _share(estimate: Estimate | None) -> str:
    if estimate is None:
        return "-"
    return f"{estimate.value:.1%} ({estimate.low:.0%}-{estimate.high:.0%})"
