"""The page's file."""

from pathlib import Path

from clipfake.evaluation.page.attribution import attribution_tables, told_apart
from clipfake.evaluation.page.headline import bias, headline, measured, sentences
from clipfake.evaluation.page.plots import plots
from clipfake.evaluation.page.tables import in_all, mean_over, tables
from clipfake.evaluation.page.wrong import most_wrong
from clipfake.evaluation.result import Evaluation
from clipfake.report.files import partial_path, publish, report_error
from clipfake.report.page.document import document
from clipfake.report.page.words import shown
from clipfake.version import __version__

_HERE = Path(__file__).parent


def write_page(found: Evaluation, path: Path, *, workers: int | None = None) -> None:
    """Write the page.

    Args:
        found: what it shows.
        path: of the file.
        workers: processes that read the images it shows; None suits the machine.

    Raises:
        ReportError: the file cannot be written.
    """
    text = document(
        _HERE / "templates" / "evaluation.html",
        [_HERE / "style" / "evaluation.css"],
        [_HERE / "script" / "tables.js"],
        images="data:",
        version=__version__,
        name=shown(Path(found.data.path).resolve().name or found.data.path, 200),
        headline=headline(found),
        sentences=sentences(found),
        bias=bias(found),
        flatters=found.bias is not None and found.bias.warns,
        plots=plots(found),
        in_all=in_all(found.overall),
        means=mean_over(found.means),
        told_apart=told_apart(found.attribution),
        tables=[*tables(found), *attribution_tables(found.attribution)],
        classes=most_wrong(found, workers),
        measured=measured(found, __version__),
    )
    try:
        partial_path(path).write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise report_error(path, error) from error
    publish(path)
