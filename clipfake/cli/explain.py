"""`clipfake explain`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clipfake.cli.exit_codes import Exit
from clipfake.cli.options import Debug, Options, Quiet, takes
from clipfake.cli.words import say
from clipfake.errors import UsageError
from clipfake.plan import ScanPlan

if TYPE_CHECKING:
    from clipfake.detector.detector import Detector
    from clipfake.report.summary import Summary
    from clipfake.scanning.events import Event


@takes("adapter", "backbone", "device", "precision", "fpr", "threshold")
def explain_command(
    files: Annotated[
        list[str], typer.Argument(help="Image files, also inside archives: a.zip!/x.jpg.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the pictures and their values.")],
    options: Options,
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Show what drives a score: which patches of an image move it, and which way.

    Red patches speak for AI, blue ones for real; what the detector does not see is dimmed. It is no
    localisation of edits. Exit code 3 when a file could not be judged.
    """
    del debug
    plan = ScanPlan.of(files, workers=0, no_metadata=True, **options)
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out}: is a file; name a folder")
    from rich.console import Console

    from clipfake.inspection.explain import CAVEAT, explain, write_explanations
    from clipfake.scanning.parts import load_detector
    from clipfake.sources import Finder, Item

    console = Console(stderr=True, highlight=False, quiet=quiet)
    detector = load_detector(plan)
    finder = Finder()
    items = (finder.found(Item(path, named=True)) for path in plan.what.paths)
    unjudged = 0
    for each, path in write_explanations(explain(items, plan, detector), out, detector):
        record = each.record
        if path is None:
            unjudged += 1
            say(Console(stderr=True, highlight=False), f"not judged: {record.error or record.path}")
        else:
            say(console, f"{record.path}: score {record.score:.3f}, {path}", path=str(path))
    say(console, CAVEAT)
    return Exit.NOTHING_READ if unjudged else Exit.FINE


class Explaining:
    """Draws what drives the scores of a scan's worst files, in a folder beside its first report."""

    def __init__(self, plan: ScanPlan, *, quiet: bool) -> None:
        self._plan, self._quiet = plan, quiet
        self._detector: Detector | None = None

    def show(self, event: "Event") -> None:
        """Follow a run: draw once it has finished.

        Raises:
            ReportError: a file cannot be written.
        """
        from clipfake.scanning.events import Finished, Started

        if isinstance(event, Started):
            self._detector = event.detector
        elif isinstance(event, Finished) and self._detector is not None:
            self._draw(event.summary, self._detector)

    def _draw(self, summary: "Summary", detector: "Detector") -> None:
        from rich.console import Console

        from clipfake.inspection.explain import CAVEAT, explain, write_explanations
        from clipfake.sources import Finder, Item
        from clipfake.sources.item import native

        report = self._plan.outputs.output[0]
        folder, finder = report.with_name(report.name + ".evidence"), Finder()
        worst = summary.most_suspicious(self._plan.outputs.explain)
        items = (finder.found(Item(native(found.path))) for found in worst)
        found = explain(items, self._plan.alone(no_metadata=True), detector)
        written = write_explanations(found, folder, detector)
        drawn = sum(path is not None for _, path in written)
        console = Console(stderr=True, highlight=False, quiet=self._quiet)
        say(console, f"patch evidence of {drawn} files: {folder}", path=str(folder))
        say(console, CAVEAT)
