"""`clipfake verify`."""

from typing import TYPE_CHECKING, Annotated

import typer

from clipfake.cli.exit_codes import Exit
from clipfake.cli.options import AllowNetwork, Debug, Options, Quiet, takes
from clipfake.cli.words import say

if TYPE_CHECKING:
    from clipfake.verification.verify import Differences


@takes("adapter", "backbone", "device", "precision", "workers")
def verify_command(
    report: Annotated[str, typer.Argument(help="Parquet report or .parts of a scan; also a URL.")],
    options: Options,
    sample: Annotated[
        int, typer.Option(min=0, help="Images that are scored again, chosen by chance.")
    ] = 100,
    seed: Annotated[int, typer.Option(help="Of that choice.")] = 0,
    allow_network: AllowNetwork = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Check a report: hash every file again, score a sample again, say what differs.

    Run it in any folder; names are taken from the folder of the scan. Where there is a statement
    of custody beside the report, it is checked too. Images are scored as the scan did: on the same
    kind of machine scores must be equal, on another they may differ by what rounding explains,
    which is said. Exit code 1 when anything differs.
    """
    del debug
    from rich.console import Console

    from clipfake.report.parts import open_report

    opened = open_report(report, network=allow_network)  # told before anything large is imported
    from clipfake.verification.verify import load_detector_of, verify_report

    workers = options.pop("workers")
    detector = load_detector_of(opened, **options)
    found = verify_report(opened, detector, sample=sample, seed=seed, workers=workers)
    console = Console(highlight=False, quiet=quiet)

    for line in found.lines:
        say(console, line)
    for line in found.rounding:
        say(console, f"{line}: rounding, no difference")
    if found.remote:
        say(console, f"{found.remote} files on other machines are not checked")
    if found.scored:
        say(console, _promise(found))
    statement = "checked" if found.statement else "absent"
    say(
        console,
        f"{found.rows} rows, {found.hashed} files hashed again, {found.scored} scored again, "
        f"statement of custody {statement}: {len(found.lines)} differences"
        + (f", {len(found.rounding)} scores that differ by rounding" if found.rounding else ""),
    )
    return Exit.FOUND if found.lines else Exit.FINE


def _promise(found: "Differences") -> str:
    if not found.tolerance:
        return "scored as the scan did, so that scores must be equal"
    what = "; ".join(found.arithmetic) or "the report does not say how it was scored"
    return (
        f"not scored as the scan did (here, there: {what}), so that scores may differ by up to "
        f"{found.tolerance:g}"
    )
