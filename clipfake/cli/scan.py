"""`clipfake scan`."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clipfake.cli.exit_codes import Exit
from clipfake.cli.options import Debug, Options, Quiet, takes
from clipfake.cli.settings import ConfigFile, NoConfig, Profile, settings_here
from clipfake.errors import UsageError
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
    A score is evidence, not proof. Every switch has its opposite (--no-hidden, --archives), for
    what settings have turned.
    """
    del debug
    plan = _plan(options, profile, config, look=not no_config)
    from clipfake.cli import github
    from clipfake.cli.explain import Explaining
    from clipfake.cli.screen import Screen
    from clipfake.scanning import run
    from clipfake.scanning.events import Finished

    screen = Screen(quiet=quiet, as_json=as_json)
    listeners = [screen.show]
    if github.wanted(plan.outputs.format, os.environ):
        listeners.append(github.GitHub(sys.stderr if as_json else sys.stdout).show)
    explaining = Explaining(plan, quiet=quiet) if plan.outputs.explain else None
    if explaining is not None:
        listeners.append(explaining.show)
    explain = explaining.draw if explaining is not None else None
    code = Exit.FINE
    try:
        with screen.following(), run(plan, count=screen.live, explain=explain) as events:
            for event in events:
                for show in listeners:
                    show(event)
                if isinstance(event, Finished):
                    code = _exit_code(event)
    except KeyboardInterrupt:
        screen.interrupted(plan.outputs.output)
        raise
    return code


def _plan(options: Options, profile: str | None, file: Path | None, *, look: bool) -> ScanPlan:
    """The plan of a command line, over files of settings and the environment."""
    settings = settings_here(profile, file, look=look)
    values = {name: each.value for name, each in settings.under(options).items()}
    plan = ScanPlan.of(**values, settings=settings.said)
    asks_git = plan.what.staged or plan.what.changed_since is not None
    if not plan.what.paths and not asks_git:
        raise UsageError(
            "no files are named; give files, folders, lists, or - for names on standard input "
            "(--staged and --changed-since ask git)"
        )
    return plan


def _exit_code(end: "Finished") -> Exit:
    if end.summary.failing:
        return Exit.FOUND
    return Exit.FINE if end.summary.scored or end.nothing_to_scan else Exit.NOTHING_READ
