"""`clipfake report`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clipfake.cli.exit_codes import Exit
from clipfake.cli.options import AllowNetwork, Debug, Options, Quiet, takes
from clipfake.cli.words import say
from clipfake.errors import AdapterError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


@takes("adapter", "workers")
def report_command(
    options: Options,
    report: Annotated[str, typer.Argument(help="Parquet report or .parts of a scan; also a URL.")],
    output: Annotated[
        list[Path],
        typer.Option(
            "--output",
            "-o",
            help="Report file: .html, .site, .parquet, .csv, .jsonl or .parts; repeatable.",
        ),
    ],
    reviews: Annotated[
        list[Path] | None,
        typer.Option(
            help="Decisions of reviewers, .csv or .json as pages export them; repeatable."
        ),
    ] = None,
    allow_network: AllowNetwork = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Show an earlier scan as a page or a site, with reviews beside its verdicts.

    Pictures are made from the files, found again by path and sha256; what is gone is shown without
    one. Heat maps are those that the scan left beside the report. A review never changes a score
    or a verdict.
    """
    del debug
    from rich.console import Console

    from clipfake.inspection.evidence_folder import heat_maps_beside
    from clipfake.report.parquet import read_about
    from clipfake.report.parts import open_report
    from clipfake.report.report import check_outputs, shows_pictures
    from clipfake.report.reviews import Reviews
    from clipfake.report.rewrite import rewrite_report
    from clipfake.scanning.parts import limits_of
    from clipfake.scanning.pictures import PicturesAgain
    from clipfake.sources.remote import shown

    console = Console(stderr=True, highlight=False, quiet=quiet)
    opened = open_report(report, network=allow_network)
    for path in output:
        if path.exists() and isinstance(opened, Path) and path.samefile(opened):
            raise UsageError(f"{path}: is the report itself; give another --output")
    check_outputs(output)
    about = read_about(opened)
    decided = Reviews() if reviews else None
    for path in reviews or []:
        decided.read(path)  # type: ignore[union-attr]
    pictures, heat_maps, operating = None, None, None
    if any(map(shows_pictures, output)):
        folder = str(about.get("folder") or "")
        pictures = PicturesAgain(folder, limits_of(_cost_of(about)), options["workers"])
        if isinstance(opened, Path):
            heat_maps = heat_maps_beside(opened, _text(about.get("adapter_sha256")))
        operating = _operating(about, options["adapter"])
    count = rewrite_report(
        opened,
        output,
        reviews=decided,
        pictures=pictures,
        heat_maps=heat_maps,
        operating=operating,
    )
    say(console, f"{count} rows of {shown(str(opened))}")
    if heat_maps is not None and heat_maps.held:
        say(console, f"{len(heat_maps.held)} heat maps beside it")
    if decided is not None:
        say(console, f"{len(decided) - decided.unmatched} reviews beside them")
        if decided.unmatched:
            say(console, f"{decided.unmatched} reviews are of images that the report has not")
    for path in output:
        say(console, f"report: {path}", path=str(path))
    return Exit.FINE


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _cost_of(about: "Mapping[str, Any]") -> Any:
    """A plan with the limits of the scan, as far as the report says them rightly."""
    from clipfake.plan import ScanPlan

    try:
        return ScanPlan.of_report(about)
    except UsageError:
        return ScanPlan()


def _operating(about: "Mapping[str, Any]", adapter: Path | None) -> "Mapping[str, Any] | None":
    """What is known of the thresholds, where the adapter that scored is at hand."""
    if "operating" in about or not about.get("adapter_sha256"):
        return None
    from clipfake.detector.adapter_file import DEFAULT_ADAPTER, load_adapter
    from clipfake.detector.looks import Looks
    from clipfake.detector.operating import operating_facts

    said = about.get("options")
    named = said.get("adapter") if isinstance(said, dict) else None
    tried = [Path(str(about.get("folder") or "")) / str(named)] if named else [DEFAULT_ADAPTER]
    for path in [adapter] if adapter else tried:
        try:
            found = load_adapter(path)
        except AdapterError:
            if adapter:
                raise
            continue
        if found.digest == about["adapter_sha256"]:
            said = about.get("looks")
            return operating_facts(found, Looks(said) if said in list(Looks) else Looks.FIRST)
        if adapter:
            raise UsageError(f"{adapter}: is not the adapter that scored the report")
    return None
