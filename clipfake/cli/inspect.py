"""`clipfake inspect`."""

from typing import Annotated

import typer

from clipfake.cli.exit_codes import Exit
from clipfake.cli.options import Debug, Options, takes
from clipfake.cli.streams import echo_json
from clipfake.cli.words import say
from clipfake.plan import ScanPlan


@takes(
    "adapter",
    "backbone",
    "device",
    "precision",
    "looks",
    "fpr",
    "threshold",
    "gps",
    "prompts",
    "c2pa_trust",
)
def inspect_command(
    files: Annotated[
        list[str], typer.Argument(help="Image files, also inside archives: a.zip!/x.jpg.")
    ],
    options: Options,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON object a file instead of tables.")
    ] = False,
    debug: Debug = False,
) -> int:
    """Show everything known about a few images.

    The score and what share of real images score as high, what the file says of itself, where it
    says so and how much that is worth. A score is evidence, not proof; metadata can be forged.
    Exit code 3 when a file could not be judged.
    """
    del debug
    plan = ScanPlan.of(files, workers=0, **options)
    from clipfake.metadata.trust import read_trust

    read_trust(plan.metadata.c2pa_trust)  # before the model is loaded
    from rich.console import Console

    from clipfake.cli.inspection_screen import as_object, show
    from clipfake.inspection.inspect import inspect_files
    from clipfake.scanning.parts import load_detector

    detector = load_detector(plan)
    rule = detector.rule(fpr=plan.how.fpr, threshold=plan.how.threshold)
    points = detector.adapter.thresholds(detector.looks).points
    console, stderr = Console(highlight=False), Console(stderr=True, highlight=False)
    unjudged = []
    drawn = console.is_terminal and not as_json
    for found in inspect_files(plan, detector, explained=drawn):
        if found.record.error is not None:
            unjudged.append(found.record.error)
        if as_json:
            echo_json(as_object(found, rule))
        else:
            show(found, rule, points, console)
    for error in unjudged:
        say(stderr, f"not judged: {error}")
    return Exit.NOTHING_READ if unjudged else Exit.FINE
