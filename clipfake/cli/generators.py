"""`clipfake generators`: what answers to "which generator" can name, and adding to it."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clipfake.attribution.families import Family
from clipfake.cli.adapter_out import check_out, write_out
from clipfake.cli.options import AdapterName, AdapterOut, Debug, Options, Quiet, takes
from clipfake.cli.words import say
from clipfake.errors import UsageError
from clipfake.plan import ScanPlan
from clipfake.report.text import printable

if TYPE_CHECKING:
    import torch
    from rich.console import Console

    from clipfake.detector.adapter import Adapter
    from clipfake.detector.detector import Detector
    from clipfake.detector.generators import GeneratorHead
    from clipfake.training.generators import Added

LEAST_IMAGES = 8
LEAST_RECALL = 0.5  # of its own images, each told by the others
MOST_TAKEN = 0.02  # of the images known before that would be told as the new one
_MAX_NAME = 100

generators_app = typer.Typer(
    help="Generators that verdicts by pixels can name: list them, add your own by a few images.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
)


@generators_app.command("list")
@takes("adapter")
def list_command(
    options: Options,
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
    debug: Debug = False,
) -> int:
    """List what an adapter can name, with the images that it knows each by."""
    del debug
    from clipfake.cli.streams import echo_json

    adapter = _load(options["adapter"])
    head = _head_of(adapter)
    counts = [int((head.owners == at).sum()) for at in range(len(head.generators))]
    rows = [
        {"name": each.name, "family": each.family, "added": each.added, "images": count}
        for each, count in zip(head.generators, counts, strict=True)
    ]
    if as_json:
        echo_json({"adapter": adapter.label, "least": head.least, "generators": rows})
        return 0
    from rich.console import Console
    from rich.table import Table

    from clipfake.cli.tables import print_table

    table = Table(title=f"generators of {printable(adapter.label)}", title_justify="left")
    for name in ("name", "family", "images", ""):
        table.add_column(name, overflow="fold", justify="right" if name == "images" else "left")
    for row in rows:
        added = "added" if row["added"] else ""
        table.add_row(printable(str(row["name"])), str(row["family"]), str(row["images"]), added)
    console = Console(highlight=False)
    print_table(console, table)
    say(
        console,
        f"An answer is given from a confidence of {head.least:.2f} on, and only where the verdict "
        "by pixels is ai; else it is unknown.",
    )
    return 0


@generators_app.command("add")
@takes("adapter", "backbone", "device", "precision", "workers")
def add_command(
    name: Annotated[str, typer.Argument(help="What answers call the generator.")],
    images: Annotated[
        list[str], typer.Argument(help="Images that it made: files, folders, manifests; 8 or more.")
    ],
    out: AdapterOut,
    options: Options,
    family: Annotated[
        Family, typer.Option(help="Family that it belongs to.", case_sensitive=False)
    ] = Family.OTHER,
    rename: AdapterName = None,
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Teach an adapter a generator by images that it made.

    Nothing is trained and scores stay as they are. It says how far the new generator is from those
    known, and refuses one that it cannot tell apart. Images of several subjects and sources teach
    more than many of one.
    """
    del debug
    check_out(out)
    name = " ".join(name.split())
    if not 0 < len(name) <= _MAX_NAME:
        raise UsageError(f"NAME: give a name of 1 to {_MAX_NAME} characters")

    from rich.console import Console

    from clipfake.scanning.parts import load_detector
    from clipfake.training.generators import add_generator

    console = Console(stderr=True, highlight=False, quiet=quiet)
    plan = ScanPlan.of(no_metadata=True, looks="first", **options)  # all that the head reads
    detector = load_detector(plan)
    head = _head_of(detector.adapter)
    if name.lower() in {each.name.lower() for each in head.generators}:
        raise UsageError(
            f"{name}: {detector.adapter.name} has a generator of that name; give another, or "
            "remove it first (clipfake generators remove)"
        )
    points = _points(images, detector, plan, console)
    added = add_generator(head, points, name, family.value)
    _tell(added, name, console)
    if added.recall < LEAST_RECALL or added.taken > MOST_TAKEN:
        raise UsageError(
            f"{name} cannot be told apart: {added.recall:.0%} of its images would be told as it by "
            f"the others (at least {LEAST_RECALL:.0%} are needed), and {added.taken:.1%} of the "
            f"images known before (at most {MOST_TAKEN:.0%}); give more images, of more subjects"
        )
    adapter = dataclasses.replace(
        detector.adapter, name=rename or out.stem, generators=added.head, digest=""
    )
    write_out(adapter, out)
    say(console, f"adapter: {out} (clipfake scan --adapter {out} ...)")
    return 0


@generators_app.command("remove")
@takes("adapter")
def remove_command(
    name: Annotated[str, typer.Argument(help="A generator that was added.")],
    out: AdapterOut,
    options: Options,
    rename: AdapterName = None,
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Take a generator that was added out of an adapter."""
    del debug
    check_out(out)
    from rich.console import Console

    from clipfake.training.generators import remove_generator

    adapter = _load(options["adapter"])
    head = _head_of(adapter)
    try:
        head = remove_generator(head, name)
    except KeyError as error:
        added = ", ".join(each.name for each in head.generators if each.added) or "none"
        raise UsageError(
            f"{name}: no generator of that name was added to {adapter.name} (added: {added})"
        ) from error
    adapter = dataclasses.replace(adapter, name=rename or out.stem, generators=head, digest="")
    write_out(adapter, out)
    say(Console(stderr=True, highlight=False, quiet=quiet), f"adapter: {out}, without {name}")
    return 0


def _load(file: Path | None) -> "Adapter":
    from clipfake.detector.adapter_file import DEFAULT_ADAPTER, load_adapter

    return load_adapter(file or DEFAULT_ADAPTER)


def _head_of(adapter: "Adapter") -> "GeneratorHead":
    head = adapter.generator_head
    if head is None:
        raise UsageError(
            f"adapter {adapter.name} tells no generators apart; leave out --adapter for the one "
            "of the package, which does"
        )
    return head


def _points(
    images: list[str],
    detector: "Detector",
    plan: ScanPlan,
    console: "Console",
) -> "torch.Tensor":
    """The images as points of the head, the same bytes once; what cannot be read is told."""
    import torch

    from clipfake.scanning.parts import limits_of, selection_of
    from clipfake.scanning.see import see_items
    from clipfake.sources import Sources

    points: dict[str, torch.Tensor] = {}
    unreadable = again = 0
    items = Sources(images, selection_of(plan))
    for seen in see_items(items, detector, limits=limits_of(plan), workers=plan.run.workers):
        record, point = seen.record, seen.embedded
        if point is None or record.sha256 is None:
            if not (record.error_code is not None and record.error_code.skipped):
                unreadable += 1
                say(console, f"unreadable: {record.error}", path=record.path)
        elif record.sha256 in points:
            again += 1
        else:
            points[record.sha256] = torch.from_numpy(point)
    if again:
        say(console, f"{again} images left out: given twice")
    if len(points) < LEAST_IMAGES:
        raise UsageError(
            f"{len(points)} readable images, at least {LEAST_IMAGES} are needed, {unreadable} "
            "unreadable; name more files or folders"
        )
    return torch.stack(list(points.values()))


def _tell(added: "Added", name: str, console: "Console") -> None:
    shares = ", ".join(f"{printable(known)} {share:.0%}" for known, share in added.nearest[:3])
    lines = (
        f"{added.images} images of {printable(name)}; each told by the others: "
        f"{added.recall:.0%} as {printable(name)}",
        f"images known before that are now told as it: {added.taken:.1%}",
        f"nearest of those known: {shares}; {added.distance:.2f} times as far as images of one "
        "generator are from each other",
    )
    for line in lines:
        say(console, line)
