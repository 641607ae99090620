"""`clipfake verify`."""

from pathlib import Path
from typing import Annotated

import typer

from clipfake.cli.exit_codes import Exit
from clipfake.cli.options import (
    AdapterFile,
    Debug,
    Device,
    LocalBackbone,
    Precision,
    Quiet,
    Workers,
)
from clipfake.errors import UsageError
from clipfake.report.text import printable


def verify_command(
    report: Annotated[Path, typer.Argument(help="Parquet report of a scan.")],
    sample: Annotated[
        int, typer.Option(min=0, help="Images that are scored again, chosen by chance.")
    ] = 100,
    seed: Annotated[int, typer.Option(help="Of that choice.")] = 0,
    adapter: AdapterFile = None,
    backbone: LocalBackbone = None,
    device: Device = "auto",
    precision: Precision = "auto",
    workers: Workers = None,
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Check a report: hash every file again, score a sample again, say what differs.

    Run it in any folder; names are taken from the folder of the scan. Where there is a statement
    of custody beside the report, it is checked too. Exit code 1 when anything differs.
    """
    del debug
    if not report.exists():
        raise UsageError(f"{report}: no such report")
    from rich.console import Console

    from clipfake.detector import Detector
    from clipfake.verify import verify_report

    detector = Detector.load(adapter, backbone=backbone, device=device, precision=precision)
    found = verify_report(report, detector, sample=sample, seed=seed, workers=workers)
    console = Console(highlight=False, quiet=quiet)
    for line in found.lines:
        console.print(printable(line), markup=False, soft_wrap=True)
    if found.remote:
        console.print(f"{found.remote} files on other machines are not checked", markup=False)
    statement = "checked" if found.statement else "absent"
    console.print(
        f"{found.rows} rows, {found.hashed} files hashed again, {found.scored} scored again, "
        f"statement of custody {statement}: {len(found.lines)} differences",
        markup=False,
    )
    return Exit.FOUND if found.lines else Exit.FINE
