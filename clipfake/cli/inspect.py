"""`clipfake inspect`."""

import logging
from typing import Annotated

import typer

from clipfake.cli.exit_codes import Exit
from clipfake.cli.options import (
    AdapterFile,
    Debug,
    Device,
    Fpr,
    Gps,
    LocalBackbone,
    Precision,
    Prompts,
    Threshold,
    Trust,
)
from clipfake.cli.streams import echo_json
from clipfake.cli.words import say


def inspect_command(
    files: Annotated[
        list[str], typer.Argument(help="Image files, also inside archives: a.zip!/x.jpg.")
    ],
    fpr: Fpr = None,
    threshold: Threshold = None,
    adapter: AdapterFile = None,
    backbone: LocalBackbone = None,
    device: Device = "auto",
    precision: Precision = "auto",
    gps: Gps = False,
    prompts: Prompts = False,
    c2pa_trust: Trust = None,
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
    if debug:
        logging.getLogger("clipfake").setLevel(logging.DEBUG)
    from clipfake.metadata.trust import read_trust

    trust = read_trust(c2pa_trust)
    from rich.console import Console

    from clipfake.cli.inspection_screen import as_object, show
    from clipfake.detector import Detector
    from clipfake.inspection.inspect import inspect_file
    from clipfake.metadata.read import MetadataOptions

    detector = Detector.load(adapter, backbone=backbone, device=device, precision=precision)
    rule = detector.adapter.rule(fpr=fpr, threshold=threshold)
    options = MetadataOptions(gps, prompts, trust)
    console, stderr = Console(highlight=False), Console(stderr=True, highlight=False)
    unjudged = []
    for file in files:
        found = inspect_file(file, detector, rule, options)
        if found.record.error is not None:
            unjudged.append(found.record.error)
        if as_json:
            echo_json(as_object(found, rule))
        else:
            show(found, rule, detector.adapter, console)
    for error in unjudged:
        say(stderr, f"not judged: {error}")
    return Exit.NOTHING_READ if unjudged else Exit.FINE
