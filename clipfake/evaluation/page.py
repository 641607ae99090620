"""One self-contained HTML page of an evaluation: nothing on it is fetched, and no script runs."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from clipfake.errors import ImageError
from clipfake.evaluation.markdown import number, share
from clipfake.evaluation.plots import check_plots, plots
from clipfake.evaluation.result import Evaluation
from clipfake.imaging.decode import thumbnail
from clipfake.imaging.limits import Limits
from clipfake.report.files import partial_path, publish, report_error
from clipfake.report.text import printable
from clipfake.version import __version__

WORST = 12  # of each class
_THUMBNAIL = 160


@dataclass(frozen=True)
class Worst:
    """An image that the detector is most wrong about.

    Attributes:
        path: the file.
        score: what it was given.
        group: its generator or kind.
        picture: a small JPEG as a data URL; None where it cannot be decoded.
    """

    path: str
    score: float
    group: str
    picture: str | None


def write_page(found: Evaluation, path: Path) -> None:
    """Write the page.

    Raises:
        UsageError: the extra for plots is not installed.
        ReportError: the file cannot be written.
    """
    check_plots()
    environment = Environment(
        loader=PackageLoader("clipfake.evaluation"), autoescape=True, undefined=StrictUndefined
    )
    environment.filters |= {
        "printable": printable,
        "estimate": number,
        "share": share,
        "zip": lambda names, rows: zip(names, rows, strict=True),
    }
    text = environment.get_template("evaluation.html").render(
        found=found,
        version=__version__,
        # matplotlib escapes what it writes into SVG
        plots={name: Markup(svg) for name, svg in plots(found).items()},  # noqa: S704
        accused=worst(found, is_ai=False),
        missed=worst(found, is_ai=True),
    )
    try:
        partial_path(path).write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise report_error(path, error) from error
    publish(path)


def worst(found: Evaluation, *, is_ai: bool) -> list[Worst]:
    """The real images with the highest scores, or the AI images with the lowest."""
    values = found.scores.values
    own = np.array([example.is_ai == is_ai for example in found.data.examples])
    rows = np.flatnonzero(own & ~np.isnan(values))
    order = np.argsort(values[rows] if is_ai else -values[rows], kind="stable")[:WORST]
    examples = found.data.examples
    return [
        Worst(examples[r].path, float(values[r]), examples[r].generator, _picture(examples[r].path))
        for r in rows[order].tolist()
    ]


def _picture(path: str) -> str | None:
    try:
        small = thumbnail(Path(path).read_bytes(), _THUMBNAIL, Limits())
    except (ImageError, OSError):
        return None
    small.thumbnail((2 * _THUMBNAIL, _THUMBNAIL))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
