"""What a training shows on the terminal: progress, then what came of it."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from clipfake.cli.streams import spinner
from clipfake.cli.words import say
from clipfake.training.finetune import Finetuned
from clipfake.training.headonly import Outcome
from clipfake.training.options import Move, State
from clipfake.training.validation import Comparison

PLAIN_SECONDS = 10.0


class TrainingProgress:
    """Phase, loss, AUC, images/s and time left: a bar on a terminal, else a line at times."""

    def __init__(self, console: Console, batch_size: int) -> None:
        """Show nothing yet.

        Args:
            console: where; a bar is drawn when it is a terminal.
            batch_size: images of a training step.
        """
        self._console, self._batch_size = console, batch_size
        self._phase, self._done, self._first = "", 0, 0
        self._started = self._said = time.monotonic()
        self._bar: Progress | None = None
        self._task = TaskID(0)

    @contextmanager
    def live(self) -> Iterator[None]:
        """Draw a bar while the block runs, on a terminal that can."""
        console = self._console
        if not console.is_terminal or console.is_dumb_terminal or console.quiet:
            yield
            return
        columns = (
            SpinnerColumn(spinner(console)),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[detail]}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console, transient=True) as bar:
            self._bar = bar
            yield
        self._bar = None

    def show(self, state: State) -> None:
        """Take up how far a training has come."""
        now = time.monotonic()
        anew = state.phase != self._phase or state.done < self._done
        self._done = state.done
        if anew:
            self._phase, self._first, self._started = state.phase, state.done, now
            self._said = now
        # the first of a phase has no time of its own, the clock starts at its end
        rate = max(state.done - self._first, 1) / max(now - self._started, 1e-3)
        left = (state.total - state.done) / rate
        detail = ""
        if state.phase == "training":
            detail = f"loss {state.loss:.3f}, {state.measure} {state.best:.4f}, "
            rate *= self._batch_size
        detail += f"{rate:.1f} images/s"
        if self._bar is not None:
            if anew:
                for task in self._bar.task_ids:
                    self._bar.remove_task(task)
                self._task = self._bar.add_task(state.phase, total=state.total, detail="")
            self._bar.update(self._task, completed=state.done, detail=detail)
        elif now - self._said >= PLAIN_SECONDS or state.done >= state.total:
            self._said = now
            done = f"{state.phase} {state.done} of {state.total}"
            say(self._console, f"{done}, {detail}, {left / 60:.0f} min left")


def tell_left_out(console: Console, errors: Sequence[str], left_out: Mapping[str, int]) -> None:
    """Print which images were not read, and how many were not used."""
    for line in errors:
        say(console, f"unreadable: {line}")
    for reason, count in sorted(left_out.items()):
        say(console, f"{count} images left out: {reason}")


def tell(console: Console, result: Finetuned, out: Path) -> None:
    """Print what was left out, what the new adapter does beside the old one, and its name."""
    outcome = result.outcome
    tell_left_out(console, result.errors, result.left_out)
    trained, held_out = result.images
    lines = [
        f"{result.move.value}: {trained} images trained on, {held_out} held out",
        *([f"  {outcome.choice}"] if outcome.choice else []),
        f"on your images ({outcome.measured}): {compared(outcome.before, outcome.after)}",
        _on_reference(outcome),
        f"Thresholds were set on {_thresholds_from(result)} by the share of real images "
        "accused, never by accuracy; the interval says how little a small set proves.",
    ]
    if not outcome.improved:
        lines.append("nothing did better than the start: only thresholds moved")
    if outcome.adapter.generators is not None and outcome.adapter.generator_head is None:
        lines.append("it tells no generators apart: what did so reads the old encoder's tokens")
    if result.lost_second_look:
        lines.append("it takes no second look: what did so reads the old encoder's tokens")
    lines.append(f"adapter: {out} (clipfake scan --adapter {out} ...)")
    for line in lines:
        say(console, line)


def _on_reference(outcome: Outcome) -> str:
    if outcome.reference is None:
        return f"on the reference set: not measured, {outcome.no_reference}"
    return f"on the reference set: {compared(*outcome.reference)}"


def _thresholds_from(result: Finetuned) -> str:
    outcome = result.outcome
    if result.move is Move.ENCODER or not outcome.choice:
        return "the held-out images"
    own = "your images, each scored by a head that was fitted without it,"
    return own if outcome.reference is None else f"{own} and on the reference set"


def compared(before: Comparison | None, after: Comparison) -> str:
    """What an adapter does on some images, beside the one before it if there is one."""
    low, high = after.fpr_interval
    reals, ais = after.images

    auc, recall, fpr = f"{after.auc:.4f}", f"{after.recall:.1%}", f"{after.fpr:.1%}"
    if before is not None:
        auc = f"{before.auc:.4f} -> {auc}"
        recall, fpr = f"{before.recall:.1%} -> {recall}", f"{before.fpr:.1%} -> {fpr}"
    return (
        f"AUC {auc}, recall {recall} of {ais}, FPR {fpr} of {reals} "
        f"(95 % interval {low:.1%} to {high:.1%})"
    )
