"""`clipfake scan`."""

from typing import TYPE_CHECKING, Annotated

import typer

from clipfake.cli.exit_codes import Exit
from clipfake.cli.options import Debug, Options, Quiet, takes
from clipfake.cli.settings import ConfigFile, NoConfig, Profile, settings_here
from clipfake.plan import ScanPlan

if TYPE_CHECKING:
    from clipfake.scanning.events import Finished


@takes(of_scan=True)
def scan_command(
    options: Options,
    profile: Profile = None,
    config: ConfigFile = None,
    no_config: NoConfig = False,
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
    settings = settings_here(profile, config, look=not no_config)
    values = {name: each.value for name, each in settings.under(options).items()}
    plan = ScanPlan.of(**values, settings=settings.said)
    from clipfake.cli.screen import Screen
    from clipfake.scanning import run
    from clipfake.scanning.events import Finished, Started

    screen = Screen(quiet=quiet, as_json=as_json)
    code, detector, end = Exit.FINE, None, None
    try:
        with screen.following(), run(plan, count=screen.live) as events:
            for event in events:
                screen.show(event)
                if isinstance(event, Started):
                    detector = event.detector
                if isinstance(event, Finished):
                    code, end = _exit_code(event), event
    except KeyboardInterrupt:
        screen.interrupted(plan.outputs.output)
        raise
    if detector is not None and end is not None and plan.outputs.explain:
        from clipfake.cli.explain import explain_worst

        explain_worst(plan, end.summary, detector, quiet=quiet)
    return code


def _exit_code(end: "Finished") -> Exit:
    if end.summary.failing:
        return Exit.FOUND
    return Exit.FINE if end.summary.scored or end.nothing_to_scan else Exit.NOTHING_READ
