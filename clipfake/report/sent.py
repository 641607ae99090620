"""Reports at URLs: written on this machine first, and sent when they are whole."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from clipfake.errors import ReportError, UsageError
from clipfake.report.page.page import PAGE
from clipfake.report.parts import PARTS
from clipfake.report.site.site import SITE
from clipfake.sources.place import Place
from clipfake.sources.remote import is_url

_FOLDERS = (PARTS, SITE)


@contextmanager
def sent(outputs: Sequence[str], *, network: bool) -> Iterator[list[Path]]:
    """Paths to write reports to; what stands for a URL is sent there once the block is done.

    Where the block raises nothing is sent. Files that are to be sent lie in the system's folder for
    temporary files until then.

    Args:
        outputs: paths and URLs of files.
        network: whether URLs of other machines may be opened.

    Raises:
        UsageError: a URL may not be opened, or names what is a folder.
        ReportError: nothing can be written there.
    """
    goals: list[tuple[Place, str, Path]] = []
    with tempfile.TemporaryDirectory(prefix="clipfake-") as folder:
        paths = []
        for number, output in enumerate(outputs):
            if not is_url(output):
                paths.append(Path(output))
                continue
            above, _, name = output.rpartition("/")
            if output.lower().rstrip("/").endswith(_FOLDERS):
                raise UsageError(
                    f"{Place(above, network=network)}/{name}: a folder is not sent; name a file, "
                    f"such as .parquet, .csv or {PAGE}"
                )
            place = Place(above, network=network)
            if place.path is not None:  # file:// is of this machine
                paths.append(place.path / name)
                continue
            _asked(place, name, place.probe)
            path = Path(folder) / str(number) / name
            path.parent.mkdir()
            goals.append((place, name, path))
            paths.append(path)
        yield paths
        for place, name, path in goals:
            _asked(place, name, partial(place.send, name, path))


def _asked(place: Place, name: str, step: Callable[[], None]) -> None:
    try:
        step()
    except OSError as error:
        reason = error.strerror or error
        raise ReportError(
            f"{place}/{name}: cannot be written ({reason}); look after the place, then repeat the "
            "command"
        ) from error
