"""The report: records in, files out, in as many formats as asked for."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa

from clipfake.errors import ReportError, UsageError
from clipfake.records import Record
from clipfake.report.baseline import Baseline
from clipfake.report.code_quality import CodeQualityFile
from clipfake.report.csv import CsvFile
from clipfake.report.files import check_writable, partial_path, publish, report_error
from clipfake.report.journal import Journal
from clipfake.report.jsonl import JsonlFile
from clipfake.report.junit import JunitFile
from clipfake.report.markdown import MarkdownFile
from clipfake.report.page.page import PAGE, PageFile
from clipfake.report.page.pictures import HeatMaps, Pictures
from clipfake.report.parquet import ParquetFile
from clipfake.report.parts import PARTS, ParquetParts
from clipfake.report.sarif import SarifFile
from clipfake.report.schema import fit_row, report_schema, to_row
from clipfake.report.site.site import SITE, SiteFile, check_site

ROWS_A_GROUP = 8192

logger = logging.getLogger(__name__)


class ReportFile(Protocol):
    """A file of one format."""

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Append rows."""

    def close(self) -> None:
        """Finish the file."""


@runtime_checkable
class PictureFile(ReportFile, Protocol):
    """A file that shows pictures; it takes each row as it comes, and never by ``write``.

    Attributes:
        pictures: finds the pictures of rows that came without, and larger ones; None leaves them
            without.
        heat_maps: of what drives scores.
    """

    pictures: Pictures | None
    heat_maps: HeatMaps

    def add(self, row: Mapping[str, Any], thumbnail: bytes | None) -> None:
        """Take a row and its picture, if it has one."""


FORMATS: dict[str, Callable[[Path, pa.Schema, dict[str, Any]], ReportFile]] = {
    ".parquet": ParquetFile,
    ".csv": CsvFile,
    ".jsonl": JsonlFile,
    PARTS: ParquetParts,
    ".sarif": SarifFile,
    ".junit.xml": JunitFile,
    ".codequality.json": CodeQualityFile,
    ".md": MarkdownFile,
    PAGE: PageFile,
    SITE: SiteFile,
}
_FOLDERS = (PARTS, SITE)


def shows_pictures(path: Path) -> bool:
    """Whether a report of this name shows pictures, so that thumbnails are worth making."""
    return path.suffix.lower() in (PAGE, SITE)


class Report:
    """Writes records to files; the names appear when the scan is over.

    Used as a context manager. When the block ends by an exception the files are finished as
    far as they go and left under their ``.partial`` names.

    Attributes:
        paths: of the reports.
        schema: of their rows.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        columns: Mapping[str, pa.DataType],
        about: dict[str, Any],
        journal: Journal | None = None,
        baseline: Baseline | None = None,
        pictures: Pictures | None = None,
    ) -> None:
        """Open the files.

        Args:
            paths: the ending chooses the format, see ``FORMATS``.
            columns: the manifests' own columns.
            about: what made the report, kept where the format has a place for it.
            journal: keeps rows through crashes; deleted when the report is whole.
            baseline: says in each row whether it suppresses the finding; the journal's rows are
                without, so that it may change before a scan goes on.
            pictures: finds the pictures of rows that come without one, and larger ones.

        Raises:
            UsageError: an unknown ending, a name twice, or no folder for it.
            ReportError: a file cannot be opened.
        """
        self.paths = list(paths)
        self.schema = report_schema(columns)
        self._journal = journal
        self._baseline = baseline
        self._rows: list[dict[str, Any]] = []
        self._files: list[tuple[Path, ReportFile]] = []
        check_outputs(self.paths)
        for path in self.paths:
            try:
                opened = FORMATS[ending_of(path)](partial_path(path), self.schema, about)
            except OSError as error:
                raise report_error(path, error) from error
            if isinstance(opened, PictureFile):
                opened.pictures = pictures
            self._files.append((path, opened))

    def add(self, record: Record) -> dict[str, Any]:
        """Take one record; rows are written in groups.

        Returns:
            The record's row.

        Raises:
            ReportError: a file cannot be written.
        """
        row = to_row(record, self.schema)
        self.take(row, record.thumbnail)
        return row

    def take(self, row: dict[str, Any], thumbnail: bytes | None = None) -> None:
        """Take a new row, which the journal keeps.

        Raises:
            ReportError: a file cannot be written.
        """
        if self._journal is not None:
            self._journal.add(row)
        self.restore(row, thumbnail)

    def restore(self, row: dict[str, Any], thumbnail: bytes | None = None) -> None:
        """Take a row that the journal holds already; the baseline marks it.

        Raises:
            ReportError: a file cannot be written.
        """
        if self._baseline is not None:
            self._baseline.mark(row)
        if not self._files:
            return
        for path, file in self._files:
            if isinstance(file, PictureFile):
                try:
                    file.add(row, thumbnail)
                except OSError as error:
                    raise report_error(path, error) from error
        self._rows.append(row)
        if len(self._rows) >= ROWS_A_GROUP:
            self._flush()

    def explain(self, heat_maps: HeatMaps) -> None:
        """Take pictures of what drives scores, for the files that show pictures."""
        for _, file in self._files:
            if isinstance(file, PictureFile):
                file.heat_maps = heat_maps

    def fit(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row of another report with the columns of this one."""
        return fit_row(row, self.schema)

    def __enter__(self) -> "Report":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        failures: list[ReportError] = []
        if not isinstance(error, ReportError):  # else writing is what failed
            try:
                self._flush()
            except ReportError as failure:
                failures.append(failure)
        whole = kind is None and not failures
        if self._journal is not None and not whole:
            with suppress(ReportError):  # whatever ended the scan is told, and not this
                self._journal.close()
        # rows are worth more than a page, and are on disk before one is made
        for path, file in sorted(self._files, key=lambda each: isinstance(each[1], PictureFile)):
            if isinstance(file, PictureFile) and not whole:
                file.pictures = None  # whoever interrupts a scan does not wait for pictures
            try:
                _finish(path, file, whole)
            except ReportError as failure:
                failures.append(failure)
        if failures and not isinstance(error, ReportError):
            raise failures[0]
        if self._journal is not None and whole and not failures:
            self._journal.remove()

    def _flush(self) -> None:
        rows, self._rows = self._rows, []
        if not rows:
            return
        failed: tuple[Path, OSError] | None = None
        for path, file in self._files:
            if isinstance(file, PictureFile):
                continue
            try:
                file.write(rows)
            except OSError as error:
                failed = failed or (path, error)  # the other files get their rows all the same
        if failed:
            raise report_error(*failed) from failed[1]


def _finish(path: Path, file: ReportFile, whole: bool) -> None:
    try:
        file.close()
    except OSError as error:
        raise report_error(path, error) from error
    if whole:
        publish(path)
    else:
        logger.warning("%s: the rows so far, finished early", partial_path(path))


def ending_of(path: Path) -> str:
    """The ending that says a report's format: the longest of ``FORMATS``, in any case.

    Raises:
        UsageError: it names none.
    """
    name = path.name.lower()
    fit = [ending for ending in FORMATS if name.endswith(ending) and name != ending]
    if not fit:
        known = ", ".join(FORMATS)
        raise UsageError(f"{path}: the ending names no format; use one of {known}")
    return max(fit, key=len)


def check_outputs(paths: Sequence[Path], beside: Sequence[Path] = ()) -> None:
    """Find out before the work whether reports can be written.

    Args:
        paths: of the reports.
        beside: other files that are written with them.

    Raises:
        UsageError: they cannot, because of what they are called or where they are to lie.
        ReportError: there is no space, or something is in the way.
    """
    for path in paths:
        check_output(path)
    if len({path.parent.resolve() / path.name for path in paths}) < len(paths):
        raise UsageError("the same --output is given twice")
    for path in beside:
        check_writable(path, [path])


def check_output(path: Path) -> None:
    """Find out before the work whether a report can be written.

    Raises:
        UsageError: it cannot, because of what it is called or where it is to lie.
        ReportError: there is no space, or something is in the way.
    """
    parts, unfinished = ending_of(path) in _FOLDERS, partial_path(path)
    if parts and os.path.isfile(path):
        what = "parts need" if path.suffix.lower() == PARTS else "a site needs"
        raise UsageError(f"{path}: is a file, {what} a folder; give another name")
    if path.suffix.lower() == SITE:
        check_site(path)
    if os.path.isdir(unfinished) and not parts:
        raise ReportError(f"{path}: report cannot be written ({unfinished} is a folder); move it")
    tried = unfinished / "part" if os.path.isdir(unfinished) else unfinished
    check_writable(path, [tried], folder=parts)
