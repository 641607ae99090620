"""The folder of patch evidence beside a report: what it is called, and its pictures found again."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from clipfake.errors import ImageError
from clipfake.imaging.decode import thumbnail
from clipfake.imaging.limits import Limits
from clipfake.imaging.thumbnail import LARGE_SIDE, encode, shrink
from clipfake.report.page.pictures import HeatMaps

CAVEAT = (
    "Patch evidence shows which patches move the detector's score; it does not show where an image "
    "was edited."
)
VALUES = "patch-evidence.jsonl"
_ENDING = ".evidence"
_DIGITS = 12  # of the adapter's digest, in its label
# far more than explaining writes, since a folder may come from anywhere
_MOST, _LONGEST = 20_000, 2**20  # lines, and bytes of one
_LIMITS = Limits(pixels=50_000_000, bytes=2**26)


def folder_of(report: Path) -> Path:
    """The folder beside a report, for the pictures and their values."""
    return report.with_name(report.name + _ENDING)


def heat_maps_beside(report: Path, adapter_sha256: str | None) -> HeatMaps:
    """The pictures that a scan left beside its report, whichever of its reports came first.

    Args:
        report: of the scan; ``r.parquet.evidence`` comes before ``r.html.evidence``.
        adapter_sha256: of the adapter that scored the report; pictures of another one's scores
            are passed over, all where it is None.

    Returns:
        Pictures by path and sha256, read when they are asked for; none, without text, where there
        are none. What is damaged counts as absent.
    """
    found: dict[tuple[str, str | None], Path] = {}
    scorer = f"@{(adapter_sha256 or '')[:_DIGITS]}"
    for folder in _folders(report) if adapter_sha256 else ():
        for entry in _entries(folder / VALUES):
            values = [entry.get(each) for each in ("path", "sha256", "picture", "model")]
            texts = [value for value in values if isinstance(value, str)]
            if len(texts) < len(values):
                continue
            path, sha256, name, model = texts
            plain = Path(name).name == name and "\\" not in name  # it stays in the folder
            if plain and model.endswith(scorer):
                found.setdefault((path, sha256), folder / name)
    return HeatMaps(CAVEAT, _Pictures(found)) if found else HeatMaps()


class _Pictures(Mapping[tuple[str, str | None], bytes]):
    """Files as WebP of the size of a page's larger pictures; those that cannot be read are absent.

    So its length is that of what is listed, and what is listed may still be absent.
    """

    def __init__(self, files: Mapping[tuple[str, str | None], Path]) -> None:
        self._files = files

    def __getitem__(self, key: tuple[str, str | None]) -> bytes:
        path = self._files[key]
        try:
            if not path.is_file() or path.stat().st_size > _LIMITS.bytes:
                raise KeyError(key)
            image = thumbnail(path.read_bytes(), LARGE_SIDE, _LIMITS)
        except (ImageError, OSError) as error:
            raise KeyError(key) from error
        return encode(shrink(image, LARGE_SIDE))

    def __iter__(self) -> Iterator[tuple[str, str | None]]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def _folders(report: Path) -> list[Path]:
    """Folders of the scan's reports, which have one name with several endings."""
    first = folder_of(report)
    try:
        names = sorted(each.name for each in report.parent.iterdir())
    except OSError:
        return []
    start = f"{report.stem}."
    others = [name for name in names if name.startswith(start) and name.endswith(_ENDING)]
    return [first, *(first.with_name(name) for name in others if name != first.name)]


def _entries(values: Path) -> Iterator[Mapping[str, Any]]:
    """Lines of a file of values, as far as it can be read."""
    try:
        if not values.is_file():
            return
        with open(values, "rb") as file:
            for _ in range(_MOST):
                line = file.readline(_LONGEST + 1)
                if not line or len(line) > _LONGEST:
                    return
                try:
                    entry = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(entry, dict):
                    yield entry
    except OSError:
        return
