"""Where figures may go: looked at before anything that takes long is imported."""

from pathlib import Path

from clipfake.errors import UsageError
from clipfake.report.files import check_writable, partial_path

ENDINGS = (".json", ".csv", ".parquet", ".md")


def check_figures_path(path: Path, endings: tuple[str, ...] = ENDINGS) -> None:
    """Find out before the work whether figures can go to this path.

    Raises:
        UsageError: they cannot, because of what it is called or where it is to lie.
        ReportError: there is no space.
    """
    if path.suffix.lower() not in endings:
        raise UsageError(f"{path}: the ending names no format; use one of {', '.join(endings)}")
    check_writable(path, [partial_path(path)])
