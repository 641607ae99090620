"""`clipfake calibrate`."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from clipfake.cli.adapter_out import check_out, write_out
from clipfake.cli.exit_codes import Exit
from clipfake.cli.options import AdapterName, AdapterOut, Debug, Options, Quiet, takes
from clipfake.cli.words import say
from clipfake.errors import UsageError
from clipfake.plan import ScanPlan
from clipfake.report.text import printable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from rich.table import Table

    from clipfake.detector.calibration import Floats, OperatingPoint
    from clipfake.records import Record

LEAST_REALS = 8


@takes("adapter", "backbone", "device", "precision", "looks", "workers")
def calibrate_command(
    real: Annotated[
        list[str],
        typer.Option(help="Folder, file or manifest of real images of your own; repeatable."),
    ],
    out: AdapterOut,
    options: Options,
    source_column: Annotated[
        str, typer.Option(help="Column of the manifest that names an image's source.")
    ] = "source",
    name: AdapterName = None,
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Set an adapter's thresholds on real images of your own.

    Thresholds are chosen by the share of real images that they accuse, never by accuracy. Few
    images can only raise a threshold. Weights and scores stay as they are. A manifest may have
    the columns source, and label, of which rows that are not real are passed over.
    """
    check_out(out)
    from clipfake.training.examples import read_examples

    examples = read_examples(real, is_ai=False, source_column=source_column)

    import numpy as np
    from rich.console import Console

    from clipfake.cli.tables import print_table
    from clipfake.detector.looks import Looks
    from clipfake.detector.reference import find_reference
    from clipfake.scanning.parts import load_detector
    from clipfake.scanning.pipeline import records
    from clipfake.sources import Finder, Item
    from clipfake.training.thresholds import set_on_reals

    console = Console(stderr=True, highlight=False, quiet=quiet)
    plan = ScanPlan.of(no_metadata=True, **options)
    detector = load_detector(plan)
    present, looks = detector.adapter, detector.looks
    points = present.thresholds(looks).points
    if not points:
        raise UsageError(f"adapter {present.name} has no operating points; give another --adapter")
    finder = Finder()
    items = [finder.found(Item(example.path)) for example in examples]
    plan = plan.replaced(fpr=points[0].fpr)
    found = list(records(plan, items=items, detector=detector))
    rows, again = _usable(found)
    unreadable = [record for record in found if record.score is None]
    for record in unreadable:
        say(console, f"unreadable: {record.error}", path=record.path)
    for count, reason in ((len(unreadable), "unreadable"), (again, "given twice")):
        if count:
            say(console, f"{count} images left out: {reason}")
    if len(rows) < LEAST_REALS:
        raise UsageError(
            f"--real: {len(rows)} readable real images, at least {LEAST_REALS} are needed, "
            f"{len(unreadable)} unreadable; name more files or folders"
        )
    scores = np.array([found[row].score for row in rows], dtype=np.float64)
    sources = np.array([examples[row].source for row in rows], dtype=np.str_)
    reference, no_reference = find_reference(present)
    if looks is not Looks.FIRST:
        reference, no_reference = None, "the reference set is of the first look alone"
    tuned = set_on_reals(present, scores, sources, reference, looks)
    facts = {
        "from": present.label,
        "images": len(rows),
        "sources": len(np.unique(sources)),
        "unreadable": len(unreadable),
        "looks": looks.value,
        "fpr_before": {
            f"{point.fpr:g}": round(float((scores >= point.threshold).mean()), 4)
            for point in points
        },
    }
    tuned = dataclasses.replace(
        tuned, name=name or out.stem, facts={**present.facts, "own_reals": facts}
    )
    write_out(tuned, out)
    print_table(console, _table(present.label, points, scores, sources))
    after = tuned.thresholds(looks).points
    say(console, _moved(points, after, len(rows), no_reference))
    if detector.tiled:
        say(console, f"these are the thresholds of --looks {looks.value}; others stay as they were")
    say(console, f"adapter: {out} (clipfake scan --adapter {out} ...)")
    return Exit.FINE


def _usable(found: "list[Record]") -> tuple[list[int], int]:
    """Rows that have a score, the same bytes once; and how many were given again."""
    seen: set[str | None] = set()
    rows, again = [], 0
    for row, record in enumerate(found):
        if record.score is None:
            continue
        if record.sha256 in seen:
            again += 1
            continue
        seen.add(record.sha256)
        rows.append(row)
    return rows, again


def _table(
    label: str,
    points: "Sequence[OperatingPoint]",
    scores: "Floats",
    sources: "npt.NDArray[np.str_]",
) -> "Table":
    from rich.table import Table

    from clipfake.training.thresholds import rates_by_source, total_rate

    table = Table(
        title=f"real images called AI by {printable(label)}, with 95 % intervals",
        title_justify="left",
    )
    table.add_column("source", overflow="fold")
    table.add_column("images", justify="right")
    columns = []
    for point in points:
        table.add_column(f"--fpr {point.fpr:g}", justify="right")
        rates = rates_by_source(scores, sources, point.threshold)
        columns.append([*rates, total_rate(scores, sources, point.threshold)])
    for row in zip(*columns, strict=True):
        shares = [f"{r.fpr:.1%} ({r.interval[0]:.1%} to {r.interval[1]:.1%})" for r in row]
        table.add_row(printable(row[0].source), str(row[0].images), *shares)
    return table


def _moved(
    present: "Sequence[OperatingPoint]",
    tuned: "Sequence[OperatingPoint]",
    images: int,
    no_reference: str,
) -> str:
    from clipfake.training.thresholds import LEAST_ACCUSED

    lines = []
    for before, after in zip(present, tuned, strict=True):
        line = f"--fpr {before.fpr:g}: threshold {before.threshold:.4f} -> {after.threshold:.4f}"
        if images * before.fpr < LEAST_ACCUSED - 1e-9:
            line += f" ({images} images are too few to lower it)"
        if after.recall is None:
            line += f"; recall there is unknown, {no_reference or 'it was not kept'}"
        elif after is not before:
            line += f"; recall {after.recall:.1%} on the reference set"
        lines.append(line)
    lines.append(
        "Thresholds are chosen by the share of real images accused, never by accuracy: a false "
        "accusation costs more than a miss."
    )
    return "\n".join(lines)
