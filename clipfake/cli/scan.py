"""`clipfake scan`."""

from typing import TYPE_CHECKING, Annotated

import typer

from clipfake.cli.exit_codes import Exit
from clipfake.cli.options import Debug, Options, Quiet, takes
from clipfake.plan import ScanPlan

if TYPE_CHECKING:
    from clipfake.scanning.events import Finished


@takes(panels=True)
def scan_command(
    options: Options,
    quiet: Quiet = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON on stdout.")
    ] = False,
    debug: Debug = False,
) -> int:
    """Score every image of folders, files, archives, manifests and URLs.

    Thresholds are chosen by the share of real images that they accuse, never by accuracy.
    A score is evidence, not proof.
    """
    del debug
    plan = ScanPlan.of(**options)
    from clipfake.cli.screen import Screen
    from clipfake.scanning import run
    from clipfake.scanning.events import Finished

    screen = Screen(quiet=quiet, as_json=as_json)
    code = Exit.FINE
    try:
        with screen.following(), run(plan, count=screen.live) as events:
            for event in events:
                screen.show(event)
                if isinstance(event, Finished):
                    code = _exit_code(event)
    except KeyboardInterrupt:
        screen.interrupted(plan.outputs.output)
        raise
    return code


def _exit_code(end: "Finished") -> Exit:
    if end.summary.failing:
        return Exit.FOUND
    return Exit.FINE if end.summary.scored or end.nothing_to_scan else Exit.NOTHING_READ
