"""What a scan shows on the terminal: progress, then the summary."""

import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from clipfake.cli.streams import spinner
from clipfake.cli.words import say
from clipfake.errors import ClipfakeError
from clipfake.records import Verdict
from clipfake.report.findings import UNREAD
from clipfake.report.summary import Summary
from clipfake.report.text import printable
from clipfake.sources import Sources

if TYPE_CHECKING:  # both import torch, which a scan of metadata does without
    from clipfake.detector.adapter import Adapter
    from clipfake.detector.calibration import DecisionRule

PLAIN_SECONDS = 10.0
STYLES = {
    Verdict.AI: "bold red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.REAL: "green",
    Verdict.ERROR: "magenta",
}


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        # over the whole scan: files come in bursts of a batch
        return Text(f"{task.fields['pace']:.1f} images/s")


class Screen:
    """Rich on a terminal, plain lines elsewhere, nothing when quiet; all on stderr.

    With ``--json`` stdout carries the summary alone, so tables go to stderr then.
    """

    def __init__(self, *, quiet: bool, as_json: bool) -> None:
        self._quiet, self._as_json = quiet, as_json
        self._stderr = Console(stderr=True, highlight=False, quiet=quiet)
        self._out = Console(stderr=as_json, highlight=False, quiet=quiet or as_json)
        self._live = self._stderr.is_terminal and not (self._stderr.is_dumb_terminal or quiet)
        self._progress: Progress | None = None
        self._summary: Summary | None = None
        self._said = time.monotonic()

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Show that the detector is being loaded."""
        if not self._live:
            yield
            return
        with self._stderr.status("loading the detector", spinner=spinner(self._stderr)):
            yield

    @contextmanager
    def progress(self, sources: Sources, summary: Summary) -> Iterator[None]:
        """Show progress while the block runs; the total is counted beside it."""
        self._summary = summary
        if not self._live:
            yield
            return
        columns = (
            SpinnerColumn(spinner(self._stderr)),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[least]}{task.description}"),
        )
        with Progress(*columns, console=self._stderr, transient=True) as progress:
            self._progress = progress
            task = progress.add_task("", total=None, least="", pace=0.0)
            if sources.rereadable:
                threading.Thread(target=_count, args=(sources, progress, task), daemon=True).start()
            yield
        self._progress = None

    def advance(self) -> None:
        """One more file is done."""
        if self._summary is None or self._quiet:
            return
        if self._progress is not None:
            self._progress.update(
                self._progress.task_ids[0],
                advance=1,
                description=_counts(self._summary),
                pace=self._summary.pace,
            )
        elif time.monotonic() - self._said >= PLAIN_SECONDS:
            self._said = time.monotonic()
            done = f"{self._summary.files} files, {self._summary.pace:.1f} images/s"
            say(self._stderr, f"{done}: {_counts(self._summary)}")

    def restored(self, rows: int, journal: Path) -> None:
        """Say what an interrupted scan left."""
        if rows:
            self._say(f"went on with an interrupted scan: {rows} rows restored from {journal}")

    def interrupted(self, reports: Sequence[Path]) -> None:
        """Say what becomes of an interrupted scan."""
        if reports:
            self._say("finished rows are kept: the same command goes on from there")
        else:
            self._say("nothing is kept without a report: --output report.parquet makes one")

    def _say(self, text: str) -> None:
        say(self._stderr, text)

    def summarise(
        self,
        summary: Summary,
        rule: "DecisionRule | None",
        adapter: "Adapter | None",
        written: "Written",
        passed_over: Mapping[str, int],
    ) -> None:
        """Print the summary, the worst files and where the reports lie.

        Args:
            summary: of the whole scan.
            rule: None when the scan read metadata alone.
            adapter: None likewise.
            written: what lies where.
            passed_over: what was not looked at, by kind.
        """
        out = self._out
        table = Table(title="clipfake scan", title_justify="left", min_width=40)
        table.add_column("verdict")
        table.add_column("files", justify="right")
        for verdict in (Verdict.AI, Verdict.INCONCLUSIVE, Verdict.REAL):
            table.add_row(Text(verdict.value, STYLES[verdict]), str(summary.verdicts[verdict]))
        table.add_row(Text("error", STYLES[Verdict.ERROR]), str(summary.failed))
        table.add_row("skipped (no images)", str(summary.skipped), end_section=True)
        table.add_row("all", str(summary.files))
        out.print(table)
        for code, count in sorted(summary.errors.items()):
            out.print(f"  {code}: {count}", markup=False)
        left_out = [f"{count} {kind}" for kind, count in sorted(passed_over.items()) if count]
        if left_out:
            say(out, f"passed over: {', '.join(left_out)}")
        self._show_worst(summary)
        if any(summary.declared.values()):
            say(out, _declared(summary))
        if rule is not None and adapter is not None:
            say(out, meaning(rule, adapter))
        done = "described by their metadata" if adapter is None else "scored"
        before = f", {summary.restored} files of them before" if summary.restored else ""
        by = f" by {adapter.label}" if adapter else ""
        took = f"{summary.seconds:.1f} s ({summary.rate:.1f} images/s)"
        say(out, f"{summary.scored} images {done}{by}{before}; this run took {took}")
        for line in written.lines():
            out.print(printable(line), markup=False, soft_wrap=True)

    def _show_worst(self, summary: Summary) -> None:
        """A line a file, whole, so that its path can be copied."""
        if summary.worst:
            shown = len(summary.worst)
            self._out.print(f"worst {shown} (ai, conflicts, inconclusive):", style="bold")
            self._out.print("  score  verdict       basis     path", style="dim")
        for found in summary.worst:
            score = "    -" if found.score is None else f"{found.score:.3f}"
            style = STYLES[Verdict(found.verdict)]
            line = Text(f"  {score}  ")
            line.append(f"{found.verdict:<12}", style)
            line.append(f"  {found.basis or '-':<8}  {printable(found.path)}")
            self._out.print(line, soft_wrap=True)
        if summary.unread:
            more = summary.unread - len(summary.unjudged)
            self._out.print(f"not judged, {summary.unread}:", style="bold")
            for found in summary.unjudged:
                say(self._out, f"  {found.line()}", path=found.path)
            if more and summary.unjudged:
                self._out.print(f"  ... and {more} more, all in the report", markup=False)

    def list_findings(self, summary: Summary) -> None:
        """Print every file that the run fails on to stdout, also when quiet; not beside JSON."""
        if self._as_json or not summary.fail_on:
            return
        stdout = Console(highlight=False)
        for found in summary.findings:
            say(stdout, f"fails: {found.line()}", path=found.path)
        if summary.failing > len(summary.findings):
            more = summary.failing - len(summary.findings)
            stdout.print(f"fails: {more} more files, all in the report", markup=False)
        if summary.failing:
            kinds = ", ".join(sorted(summary.fail_on))
            stdout.print(f"{summary.failing} of {summary.files} files are {kinds}", markup=False)
        if summary.unread and UNREAD not in summary.fail_on:
            say(
                stdout,
                f"{summary.unread} files that look like images, or were asked for by name, were "
                "not judged, and the run does not fail for them; --strict makes it",
            )


@dataclass(frozen=True)
class Written:
    """What a scan wrote.

    Attributes:
        reports: in the order in which they were asked for.
        replaced: those of them that were there before.
        custody: the statement of custody; None without one.
    """

    reports: Sequence[Path]
    replaced: Collection[Path] = ()
    custody: Path | None = None

    def lines(self) -> Iterator[str]:
        """One for each file."""
        for path in self.reports:
            yield f"report: {path}" + (" (replaced an older one)" * (path in self.replaced))
        if self.custody is not None:
            yield f"statement of custody: {self.custody}"
        if not self.reports:
            yield "no report was written; --output report.parquet keeps one"


def _count(sources: Sources, progress: Progress, task: TaskID) -> None:
    """List everything once more, to know the total while the scan runs."""
    with suppress(ClipfakeError):  # the scan itself meets the same error and tells it
        count = sources.count()
        progress.update(
            task, total=count.files, least="" if count.exact else "and what compressed tars hold; "
        )


def _counts(summary: Summary) -> str:
    verdicts = summary.verdicts
    return (
        f"ai {verdicts[Verdict.AI]}, inconclusive {verdicts[Verdict.INCONCLUSIVE]}, "
        f"real {verdicts[Verdict.REAL]}, errors {summary.failed}, skipped {summary.skipped}"
    )


def _declared(summary: Summary) -> str:
    counts = summary.declared
    parts = [f"{name} {counts[name]}" for name in ("ai", "composite", "camera", "conflicting")]
    return (
        f"declared by the files: {', '.join(parts)}, none {counts['none']}; "
        f"{summary.conflicts} with basis conflict. Metadata can be forged, and its absence says "
        "nothing."
    )


def meaning(rule: "DecisionRule", adapter: "Adapter") -> str:
    """What the verdicts stand for, in a sentence."""
    head = f"ai: score {rule.threshold:.3f} and above"
    for point in adapter.points:
        if rule.fpr == point.fpr:
            low, high = point.fpr_interval
            head += (
                f", chosen so that at most {point.fpr:.1%} of {point.reals} real images are "
                f"accused (95 % interval {low:.1%} to {high:.1%})"
            )
    return f"{head}; real: below {rule.real_below:.3f}. A score is evidence, not proof."
