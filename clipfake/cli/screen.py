"""What a scan shows on the terminal: progress, then the summary."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
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
from clipfake.errors import ClipfakeError
from clipfake.records import Verdict
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
        return Text(f"{task.completed / task.elapsed:.1f} images/s" if task.elapsed else "")


class Screen:
    """Rich on a terminal, plain lines elsewhere, nothing when quiet; all on stderr.

    With ``--json`` stdout carries the summary alone, so tables go to stderr then.
    """

    def __init__(self, *, quiet: bool, as_json: bool) -> None:
        self._quiet = quiet
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
            TextColumn("{task.description}"),
        )
        with Progress(*columns, console=self._stderr, transient=True) as progress:
            self._progress = progress
            task = progress.add_task("", total=None)
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
                self._progress.task_ids[0], advance=1, description=_counts(self._summary)
            )
        elif time.monotonic() - self._said >= PLAIN_SECONDS:
            self._said = time.monotonic()
            rate = self._summary.files / max(self._summary.seconds, 1e-9)
            self._stderr.print(
                f"{self._summary.files} files, {rate:.1f} images/s: {_counts(self._summary)}",
                markup=False,
            )

    def summarise(
        self,
        summary: Summary,
        rule: "DecisionRule | None",
        adapter: "Adapter | None",
        reports: Sequence[Path],
    ) -> None:
        """Print the summary, the most suspicious files and where the reports lie.

        Without a rule and an adapter the scan read metadata alone.
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
        if summary.most_suspicious:
            out.print(_suspects(summary, out.encoding))
        if any(summary.declared.values()):
            out.print(_declared(summary), markup=False)
        if rule is not None and adapter is not None:
            out.print(meaning(rule, adapter), markup=False)
        rate = summary.scored / max(summary.seconds, 1e-9)
        done = "described by their metadata" if adapter is None else "scored"
        out.print(
            f"{summary.scored} images {done} in {summary.seconds:.1f} s ({rate:.1f} images/s)"
            + (f" by {adapter.label}" if adapter else ""),
            markup=False,
        )
        for path in reports:
            out.print(f"report: {printable(str(path))}", markup=False, soft_wrap=True)
        if not reports:
            out.print("no report was written; --output report.parquet keeps one", markup=False)


def _count(sources: Sources, progress: Progress, task: TaskID) -> None:
    """List everything once more, to know the total while the scan runs."""
    with suppress(ClipfakeError):  # the scan itself meets the same error and tells it
        progress.update(task, total=sources.count())


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
        f"{summary.conflicts} disagree with their pixels. Metadata can be forged, and its "
        "absence says nothing."
    )


def _suspects(summary: Summary, encoding: str) -> Table:
    table = Table(title="highest scores", title_justify="left")
    table.add_column("score", justify="right")
    table.add_column("verdict")
    table.add_column("path", overflow="fold")
    for record in summary.most_suspicious:
        verdict = Text(record.verdict.value, STYLES[record.verdict])
        table.add_row(f"{record.score:.3f}", verdict, Text(printable(record.path, encoding)))
    return table


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
