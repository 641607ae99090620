"""`clipfake merge`."""

from typing import Annotated

import typer

from clipfake.cli.exit_codes import Exit
from clipfake.cli.options import AllowNetwork, Debug, Quiet
from clipfake.cli.words import say


def merge_command(
    reports: Annotated[
        list[str], typer.Argument(help="Parquet reports and .parts of scans, in order; also URLs.")
    ],
    output: Annotated[
        list[str],
        typer.Option(
            "--output",
            "-o",
            help="Report file: .parquet, .csv, .jsonl, .parts, .html, .site, .sarif, .junit.xml, "
            ".codequality.json or .md; files also by URL, sent when they are whole; repeatable.",
        ),
    ],
    allow_network: AllowNetwork = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Join reports and parts of scans, and say what is missing, damaged or doubled.

    Exit code 1 when a share of --shard i/n or a part is missing or damaged.
    """
    del debug
    from rich.console import Console

    from clipfake.plan import Affects
    from clipfake.plan.plan import names
    from clipfake.report.merge import merge_reports
    from clipfake.report.parts import open_report
    from clipfake.report.report import check_outputs
    from clipfake.report.sent import sent

    console = Console(stderr=True, highlight=False, quiet=quiet)
    with sent(output, network=allow_network) as paths:
        check_outputs(paths)
        opened = [open_report(path, network=allow_network) for path in reports]
        merged = merge_reports(opened, paths, options=names(Affects.CONTENT, Affects.VERDICT))
    console.print(f"{merged.rows} rows of {len(reports)} reports", markup=False)
    if merged.doubled:
        doubled = ", ".join(merged.doubled_paths)
        say(console, f"{merged.doubled} rows left out, their paths come twice: {doubled}")
    for line in merged.rounding:
        say(console, f"the last digits of scores may differ from {reports[0]}'s: {line}")
    for line in merged.options:
        say(console, f"made with other options than {reports[0]}: {line}")
    for line in merged.lacking:
        say(console, line)
    for share in merged.missing:
        console.print(f"missing: share {share}", markup=False)
    return Exit.FOUND if merged.missing or merged.lacking else Exit.FINE
