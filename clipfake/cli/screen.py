"""What a scan shows on the terminal while it runs, event by event."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import typer
from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TimeRemainingColumn,
)
from rich.text import Text

from clipfake.cli.streams import spinner
from clipfake.cli.summary_screen import as_object, print_findings, print_summary
from clipfake.cli.words import say
from clipfake.records import Verdict
from clipfake.report.summary import Summary
from clipfake.scanning.events import (
    Event,
    Finished,
    Listed,
    Loading,
    Noticed,
    Recorded,
    Restored,
    Started,
    Writing,
)
from clipfake.scanning.stages import Pace, Rates, Stages

PLAIN_SECONDS = 10.0
_BESIDE_BAR = 48  # columns, with numbers of six digits


class _Progress(Progress):
    """A bar, and lines of text below it that are cut at the terminal's width.

    Attributes:
        lines: gives them, each time that they are drawn.
    """

    lines: Callable[[], Sequence[str]] = tuple

    def get_renderables(self) -> Iterator[RenderableType]:
        """What is drawn, line by line."""
        yield self.make_tasks_table(self.tasks)
        for line in self.lines():
            yield Text(line, no_wrap=True, overflow="ellipsis")


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        # over the whole scan: files come in bursts of a batch
        return Text(f"{task.fields['pace']:.1f} images/s")


class Screen:
    """Rich on a terminal, plain lines elsewhere, nothing when quiet; all on stderr.

    With ``--json`` stdout carries the summary alone, so tables go to stderr then.

    Attributes:
        live: whether progress is drawn, which wants the total.
    """

    def __init__(self, *, quiet: bool, as_json: bool) -> None:
        self._quiet, self._as_json = quiet, as_json
        self._stderr = Console(stderr=True, highlight=False, quiet=quiet)
        self._out = Console(stderr=as_json, highlight=False, quiet=quiet or as_json)
        self.live = self._stderr.is_terminal and not (self._stderr.is_dumb_terminal or quiet)
        self._drawn = ExitStack()
        self._progress: _Progress | None = None
        self._stages = Stages()
        self._rates = Rates(self._stages, time.monotonic())
        self._least = ""
        self._start: Started | None = None
        self._summary: Summary | None = None
        self._said = time.monotonic()

    @contextmanager
    def following(self) -> Iterator[None]:
        """Follow a run in the block; what is drawn is gone when it ends, however it does."""
        with self._drawn:
            yield

    def show(self, event: Event) -> None:
        """Show what a run tells."""
        match event:
            case Loading():
                self._working("loading the detector")
            case Started():
                self._drawn.close()
                self._start = event
                if settings := event.about["options"].get("settings"):
                    self._say(f"settings of {settings}")
                self._drawn.enter_context(self.progress(event.summary, event.stages))
            case Listed():
                if self._progress is not None:
                    self._least = "" if event.exact else "and what compressed tars hold; "
                    self._progress.update(self._progress.task_ids[0], total=event.files)
            case Restored():
                if event.rows:
                    self._say(
                        f"went on with an interrupted scan: {event.rows} rows restored from "
                        f"{event.journal}"
                    )
            case Noticed():
                self._say(event.text)
            case Recorded():
                self.advance()
            case Writing():
                self._drawn.close()
                self._working("writing the reports")
            case Finished():
                self._drawn.close()
                self._finish(event)

    def _working(self, what: str) -> None:
        if self.live:
            status = self._stderr.status(what, spinner=spinner(self._stderr))
            self._drawn.enter_context(status)

    @contextmanager
    def progress(self, summary: Summary, stages: Stages) -> Iterator[None]:
        """Show progress while the block runs."""
        self._summary, self._stages = summary, stages
        self._rates = Rates(stages, time.monotonic())
        if not self.live:
            yield
            return
        columns = (
            SpinnerColumn(spinner(self._stderr)),
            BarColumn(max(8, min(40, self._stderr.width - _BESIDE_BAR))),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
        )
        with _Progress(*columns, console=self._stderr, transient=True) as progress:
            self._progress = progress
            progress.lines = lambda: (self._least + _counts(summary), self._pace())
            progress.add_task("", total=None, pace=0.0)
            yield
        self._progress = None

    def advance(self) -> None:
        """One more file is done."""
        if self._summary is None or self._quiet:
            return
        if self._progress is not None:
            task = self._progress.task_ids[0]
            self._progress.update(task, advance=1, pace=self._summary.pace)
        elif time.monotonic() - self._said >= PLAIN_SECONDS:
            self._said = time.monotonic()
            done = f"{self._summary.files} files, {self._summary.pace:.1f} images/s"
            say(self._stderr, "; ".join((f"{done}: {_counts(self._summary)}", self._pace())))

    def _pace(self) -> str:
        return stages_line(self._rates.at(time.monotonic()), self._stages)

    def interrupted(self, reports: Sequence[str]) -> None:
        """Say what becomes of an interrupted scan."""
        if reports:
            self._say("finished rows are kept: the same command goes on from there")
        else:
            self._say("nothing is kept without a report: --output report.parquet makes one")

    def _say(self, text: str) -> None:
        say(self._stderr, text)

    def _finish(self, end: Finished) -> None:
        if self._start is None:
            return
        print_summary(self._out, self._start, end)
        if self._as_json:
            typer.echo(json.dumps(as_object(self._start, end)))
        else:
            print_findings(Console(highlight=False), end.summary)
        if end.nothing_to_scan:
            self._say("nothing to scan: no image is named")


def stages_line(pace: Pace, stages: Stages) -> str:
    """What the stages do, in at most 80 columns for numbers of six digits."""
    said = [f"read {_figure(pace.read)} files/s"]
    if pace.limit:
        said.append(f"scored {_figure(pace.scored)} images/s")
    if stages.cached:
        said.append(f"{stages.cached:,} cached")
    if pace.limit:
        said.append(f"limit: {pace.limit}")
    return ", ".join(said)


def _figure(rate: float) -> str:
    return f"{rate:,.1f}" if rate < 100 else f"{rate:,.0f}"


def _counts(summary: Summary) -> str:
    verdicts = summary.verdicts
    return (
        f"ai {verdicts[Verdict.AI]}, inconclusive {verdicts[Verdict.INCONCLUSIVE]}, "
        f"real {verdicts[Verdict.REAL]}, errors {summary.failed}, skipped {summary.skipped}"
    )
