"""`clipfake explain`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clipfake.cli.exit_codes import Exit
from clipfake.cli.options import Debug, Options, Quiet, takes
from clipfake.cli.words import say
from clipfake.errors import ReportError, UsageError
from clipfake.plan import ScanPlan

if TYPE_CHECKING:
    from clipfake.detector.detector import Detector
    from clipfake.report.page.pictures import HeatMaps
    from clipfake.report.summary import Summary
    from clipfake.scanning.events import Event


@takes("adapter", "backbone", "device", "precision", "looks", "fpr", "threshold")
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

    from clipfake.inspection.evidence_folder import CAVEAT
    from clipfake.inspection.explain import explain, write_explanations
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
            second = record.score_second is not None
            drawn = f" (drawn: first look, {record.score_first:.3f})" if second else ""
            say(console, f"{record.path}: score {record.score:.3f}{drawn}, {path}", path=str(path))
    say(console, CAVEAT)
    return Exit.NOTHING_READ if unjudged else Exit.FINE


class Explaining:
    """Draws what drives the scores of a scan's worst files, in a folder beside its first report.

    The reports that show pictures get the drawings too.
    """

    def __init__(self, plan: ScanPlan, *, quiet: bool) -> None:
        from clipfake.inspection.evidence_folder import folder_of

        self._plan, self._quiet = plan, quiet
        self._folder = folder_of(plan.outputs.local[0])
        self._drawn = 0
        self._failure: ReportError | None = None

    def draw(self, summary: "Summary", detector: "Detector") -> "HeatMaps":
        """Draw the worst files of a scan; should that fail, ``show`` tells it."""
        from clipfake.inspection.evidence_folder import CAVEAT
        from clipfake.inspection.explain import explain, heat_map, write_explanations
        from clipfake.report.page.pictures import HeatMaps
        from clipfake.report.schema import clean
        from clipfake.sources import Finder, Item
        from clipfake.sources.item import native

        finder = Finder()
        worst = summary.most_suspicious(self._plan.outputs.explain)
        items = (finder.found(Item(native(found.path))) for found in worst)
        found = explain(items, self._plan.alone(no_metadata=True), detector)
        held: dict[tuple[str, str | None], bytes] = {}
        try:
            for each, path in write_explanations(found, self._folder, detector):
                self._drawn += path is not None
                if each.picture is not None:
                    held[clean(each.record.path), each.record.sha256] = heat_map(each.picture)
        except ReportError as error:  # the rows are worth more than their pictures
            self._failure = error
        return HeatMaps(CAVEAT, held)

    def show(self, event: "Event") -> None:
        """Follow a run: say what was drawn once it has finished.

        Raises:
            ReportError: a file could not be written.
        """
        from rich.console import Console

        from clipfake.inspection.evidence_folder import CAVEAT
        from clipfake.scanning.events import Finished

        if not isinstance(event, Finished):
            return
        if self._failure is not None:
            raise self._failure
        console = Console(stderr=True, highlight=False, quiet=self._quiet)
        text = f"patch evidence of {self._drawn} files: {self._folder}"
        say(console, text, path=str(self._folder))
        say(console, CAVEAT)
