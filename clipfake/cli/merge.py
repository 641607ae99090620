"""`clipfake merge`."""

from pathlib import Path
from typing import Annotated

import typer

from clipfake.cli.exit_codes import Exit
from clipfake.cli.options import Debug, Quiet
from clipfake.cli.words import say
from clipfake.errors import UsageError


def merge_command(
    reports: Annotated[list[Path], typer.Argument(help="Parquet reports of scans, in order.")],
    output: Annotated[
        list[Path],
        typer.Option(
            "--output",
            "-o",
            help="Report file: .parquet, .csv, .jsonl, .parts, .html, .site, .sarif, .junit.xml, "
            ".codequality.json or .md; repeatable.",
        ),
    ],
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Join the reports of several scans, and say what is missing or doubled.

    Exit code 1 when a share of --shard i/n is missing.
    """
    del debug
    from rich.console import Console

    from clipfake.plan import Affects
    from clipfake.plan.plan import names
    from clipfake.report.merge import merge_reports
    from clipfake.report.report import check_outputs

    console = Console(stderr=True, highlight=False, quiet=quiet)
    check_outputs(output)
    for path in reports:
        if not path.exists():
            raise UsageError(f"{path}: no such report")
    merged = merge_reports(reports, output, options=names(Affects.CONTENT, Affects.VERDICT))
    console.print(f"{merged.rows} rows of {len(reports)} reports", markup=False)
    if merged.doubled:
        doubled = ", ".join(merged.doubled_paths)
        say(console, f"{merged.doubled} rows left out, their paths come twice: {doubled}")
    for line in merged.rounding:
        say(console, f"the last digits of scores may differ from {reports[0]}'s: {line}")
    for line in merged.options:
        say(console, f"made with other options than {reports[0]}: {line}")
    for share in merged.missing:
        console.print(f"missing: share {share}", markup=False)
    return Exit.FOUND if merged.missing else Exit.FINE
