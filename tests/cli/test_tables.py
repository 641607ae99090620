"""Tables and progress in logs and on narrow terminals, and screens that do not list hundreds."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console
from rich.table import Table

from clipfake.cli import screen as screen_module
from clipfake.cli.screen import PLAIN_SECONDS, Screen, stages_line
from clipfake.cli.tables import LISTED, first, print_table
from clipfake.cli.training_screen import TrainingProgress
from clipfake.records import Record, Verdict
from clipfake.report.schema import report_schema, to_row
from clipfake.report.summary import Summary
from clipfake.scanning.stages import Pace, Stages
from clipfake.training.options import State

WORDS = ["a-source-with-a-name-that-is-longer-than-any-narrow-terminal/sub", "12.0%", "(11.0%"]


def printed(width: int | None, terminal: bool) -> str:
    table = Table(title="real images called AI by an adapter of some name, with intervals")
    for name in ("source", "images", "--fpr 0.05"):
        table.add_column(name, overflow="fold")
    table.add_row(WORDS[0], "1234567", "12.0% (11.0% to 13.0%)")
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=width, color_system=None)
    print_table(console, table)
    return file.getvalue()


@pytest.mark.parametrize(("width", "terminal"), [(40, True), (20, True), (200, True), (80, False)])
def test_no_word_of_a_table_is_broken(width: int, terminal: bool) -> None:
    said = printed(width, terminal)
    assert all(word in said for word in (*WORDS, "1234567", "13.0%)", "intervals"))


def test_a_row_of_a_log_is_one_line() -> None:
    lines = printed(80, terminal=False).splitlines()
    assert sum(WORDS[0] in line and "12.0% (11.0% to 13.0%)" in line for line in lines) == 1
    assert lines[0] == "real images called AI by an adapter of some name, with intervals"


def test_progress_of_a_training_is_one_line() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=False, width=30)
    TrainingProgress(console, 16).show(State("decoding the images of a large set", 9, 9))
    assert len(file.getvalue().splitlines()) == 1


@pytest.mark.parametrize("count", [0, 3, LISTED, LISTED + 1, 200])
def test_the_worst_are_listed_and_the_others_counted(count: int) -> None:
    rows, more = first(range(count), "sources")
    assert list(rows) == list(range(min(count, LISTED)))
    assert more == "" if count <= LISTED else more.startswith(f"and {count - LISTED} more sources")


def test_a_log_sees_progress_every_so_many_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [1000.0]
    clock = SimpleNamespace(monotonic=lambda: now[0])
    monkeypatch.setattr(screen_module, "time", clock)
    monkeypatch.setattr("clipfake.report.summary.time", clock)
    shown, summary = Screen(quiet=False, as_json=False), Summary()
    stages = Stages()
    with shown.progress(summary, stages):
        for _ in range(25):
            now[0] += PLAIN_SECONDS / 10
            summary.add(to_row(Record("a.png", verdict=Verdict.REAL), report_schema({})))
            stages.read, stages.scored = stages.read + 2, stages.scored + 1
            stages.waiting += 0.5
            shown.advance()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("10 files, 1.0 images/s: ai 0")
    assert lines[0].endswith("; read 2.0 files/s, scored 1.0 images/s, limit: decoding")


def test_what_the_stages_do_fits_a_line() -> None:
    stages = Stages(read=999_999, cached=999_999, scored=999_999)
    for rate in (0.0, 9.96, 99_999.9):
        line = stages_line(Pace(rate, rate, "decoding"), stages)
        assert len(line) <= 80, line
    assert stages_line(Pace(12.345, 0.0, ""), Stages()) == "read 12.3 files/s"
