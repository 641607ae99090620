"""`clipfake baseline`."""

import getpass
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clipfake.cli.options import Debug
from clipfake.cli.streams import echo_json
from clipfake.errors import UsageError
from clipfake.report.text import printable

if TYPE_CHECKING:
    from clipfake.report.baseline import Baseline, Change
    from clipfake.report.places import Places

baseline_app = typer.Typer(
    help="Keep findings that were looked at and accepted, so that scans tell only what is new.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
)

File = Annotated[Path, typer.Argument(help="The baseline, a text file to be committed.")]
Reports = Annotated[
    list[Path],
    typer.Argument(help="Reports of scans, .parquet or .parts, with the findings."),
]
Reason = Annotated[str, typer.Option(help="Why the new findings are accepted.")]
Who = Annotated[
    str | None, typer.Option(help="Who accepts them (default: the name that git commits by).")
]
Inconclusive = Annotated[
    bool, typer.Option("--inconclusive", help="Keep pictures that are not decided, too.")
]


@baseline_app.command("create")
def create_command(
    file: File,
    reports: Reports,
    reason: Reason = "",
    who: Who = None,
    inconclusive: Inconclusive = False,
    debug: Debug = False,
) -> int:
    """Make a baseline of the findings of reports."""
    del debug
    from clipfake.report.baseline import Baseline

    if file.exists():
        raise UsageError(f"{file}: is there already; clipfake baseline update adds to it")
    _change(Baseline(file), reports, reason, who, inconclusive, prune=False)
    return 0


@baseline_app.command("update")
def update_command(
    file: File,
    reports: Reports,
    reason: Reason = "",
    who: Who = None,
    inconclusive: Inconclusive = False,
    prune: Annotated[
        bool,
        typer.Option("--prune", help="Delete entries that match nothing of the reports."),
    ] = False,
    debug: Debug = False,
) -> int:
    """Add the findings of reports to a baseline, and say where moved files are now."""
    del debug
    from clipfake.report.baseline import read_baseline

    _change(read_baseline(file), reports, reason, who, inconclusive, prune=prune)
    return 0


@baseline_app.command("show")
def show_command(
    file: File,
    as_json: Annotated[bool, typer.Option("--json", help="Print the entries as JSON.")] = False,
    debug: Debug = False,
) -> int:
    """Print the entries of a baseline."""
    del debug
    from dataclasses import asdict

    from clipfake.report.baseline import read_baseline

    baseline = read_baseline(file)
    if as_json:
        echo_json([asdict(entry) for entry in baseline])
        return 0
    for entry in sorted(baseline, key=lambda each: (each.path, each.rule)):
        said = ": ".join(filter(None, (entry.who, entry.reason)))
        line = f"{entry.path or '?'}  {entry.rule}  {entry.sha256[:12]}"
        typer.echo(printable(f"{line}  {said}" if said else line))
    typer.echo(f"{len(baseline)} entries")
    return 0


def _change(
    old: "Baseline",
    reports: list[Path],
    reason: str,
    who: str | None,
    inconclusive: bool,
    *,
    prune: bool,
) -> None:
    from clipfake.report.baseline import updated

    new, change = updated(
        old,
        _rows(reports),
        undecided=inconclusive,
        reason=reason,
        who=_name() if who is None else who,
        prune=prune,
    )
    new.write()
    typer.echo(f"{new.path}: {len(new)} entries, {_told(change)}")
    if change.without_hash:
        typer.echo(
            f"{change.without_hash} findings are left out: their bytes were not read, and an entry "
            "knows a file by them",
            err=True,
        )


def _told(change: "Change") -> str:
    parts = [f"{change.added} new"]
    if change.moved:
        parts.append(f"{change.moved} moved")
    if change.dropped:
        parts.append(f"{change.dropped} deleted that match nothing")
    if change.unmet:
        parts.append(f"{change.unmet} match nothing of these reports (--prune deletes them)")
    return ", ".join(parts)


def _rows(reports: list[Path]) -> "Iterator[tuple[Mapping[str, Any], Places]]":
    from clipfake.report.parquet import parquet_files, read_about
    from clipfake.report.places import Places
    from clipfake.sources.parquet import parquet_batches, parquet_schema

    for report in reports:
        places = Places(read_about(report).get("folder"))
        for file in parquet_files(report):
            names = parquet_schema(file).names
            if missing := [name for name in _NEEDED if name not in names]:
                raise UsageError(
                    f"{report}: made by another version of clipfake, it has no column "
                    f"{missing[0]}; scan again"
                )
            for batch in parquet_batches(file, _BATCH):
                for row in batch.to_pylist():
                    yield row, places


_BATCH = 8192
# what tells findings
_NEEDED = ("path", "path_raw", "sha256", "verdict", "verdict_basis", "error_code", "unread")


def _name() -> str:
    """The name that git commits by, else that of the user; empty where there is none."""
    from clipfake.sources.git import user_name

    try:
        return user_name() or getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
