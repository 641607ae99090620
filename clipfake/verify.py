"""Check a report against the files that it is of."""

import json
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clipfake.custody import Inputs, custody_path, digest_of
from clipfake.detector.detector import Detector
from clipfake.errors import UsageError
from clipfake.imaging.limits import Limits
from clipfake.metadata.read import MetadataOptions
from clipfake.reader import ReadOptions, read_item
from clipfake.report.parquet import parquet_files, read_about
from clipfake.scanning import scan_items
from clipfake.sources import Item, Selection
from clipfake.sources.archives.expand import expanded
from clipfake.sources.item import native
from clipfake.sources.parquet import parquet_batches
from clipfake.sources.remote import is_url

_BATCH = 4096
# what a sample is compared in; names that only options change are left out
_COMPARED = ("score", "format", "width", "height", "declared", "error_code")


@dataclass
class Differences:
    """What a report says otherwise than the files, or its statement of custody.

    Attributes:
        rows: of the report.
        hashed: files hashed again.
        scored: files of the sample.
        remote: files on other machines, which are not asked for again.
        statement: whether there is a statement of custody.
        lines: one a difference, with the file's name.
    """

    rows: int = 0
    hashed: int = 0
    scored: int = 0
    remote: int = 0
    statement: bool = False
    lines: list[str] = field(default_factory=list)


def verify_report(
    report: Path, detector: Detector, *, sample: int, seed: int = 0, workers: int | None = None
) -> Differences:
    """Hash every file again, and score a sample again.

    Args:
        report: Parquet.
        detector: the one that made the report.
        sample: images that are scored again, chosen by chance.
        seed: of the choice.
        workers: decoding processes.

    Raises:
        UsageError: no report, or it was made by another detector.
    """
    about = read_about(report)
    if about.get("adapter_sha256") not in (None, detector.adapter.digest):
        raise UsageError(
            f"{report}: scored by adapter {about.get('adapter')}, not by "
            f"{detector.adapter.label}; give that one with --adapter"
        )
    found, inputs = Differences(), Inputs()
    files, limits = _Files(str(about.get("folder") or "")), _limits(about)
    chosen: list[tuple[dict[str, Any], Item]] = []
    rng = random.Random(seed)  # noqa: S311
    for row in _rows(report):
        found.rows += 1
        inputs.add(row)
        if row["sha256"] is None:
            continue
        if is_url(row["path"]):
            found.remote += 1
            continue
        item = files.item(row)
        _hash_again(row, item, limits, found)
        if row["score"] is None:
            continue
        # reservoir sampling (Vitter 1985, algorithm R)
        found.scored += 1
        if len(chosen) < sample:
            chosen.append((row, item))
        elif (at := rng.randrange(found.scored)) < sample:
            chosen[at] = row, item
    found.scored = len(chosen)
    _score_again(chosen, detector, about, found, workers)
    _check_statement(report, inputs, found)
    return found


def _limits(about: dict[str, Any]) -> Limits:
    """The limits of the scan."""
    options = about.get("options") or {}
    return Limits(
        int(options.get("max_pixels") or Limits.pixels),
        int(options.get("max_bytes") or Limits.bytes),
        float(options.get("timeout_per_file", Limits.seconds)),
    )


def _rows(report: Path) -> Iterator[dict[str, Any]]:
    names = ["path", "path_raw", "sha256", "bytes", *_COMPARED]
    for file in parquet_files(report):
        for batch in parquet_batches(file, _BATCH, names):
            yield from batch.to_pylist()


class _Files:
    """Finds the files of rows, as the scan named them from its folder."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._archive, self._members = "", dict[str, Item]()

    def item(self, row: dict[str, Any]) -> Item:
        """The file of a row; an archive is listed once, as its rows stand together."""
        name = os.fsdecode(row["path_raw"]) if row["path_raw"] else native(str(row["path"]))
        path = os.path.join(self._folder, name)
        archive, inside, _ = path.partition("!/")
        if not inside or os.path.lexists(path):
            return Item(path)
        if archive != self._archive:
            self._archive, self._members = archive, {}
            for member in expanded(Item(archive), Selection()):
                self._members.setdefault(member.path, member)
        return self._members.get(path, Item(path))


def _hash_again(row: dict[str, Any], item: Item, limits: Limits, found: Differences) -> None:
    record, _ = read_item(item, ReadOptions(None, limits, None))
    found.hashed += 1
    if record.sha256 is None:
        found.lines.append(f"{row['path']}: {record.error or 'cannot be read'}")
    elif record.sha256 != row["sha256"]:
        found.lines.append(f"{row['path']}: its bytes have changed since the scan")


def _score_again(
    chosen: list[tuple[dict[str, Any], Item]],
    detector: Detector,
    about: dict[str, Any],
    found: Differences,
    workers: int | None,
) -> None:
    options = about.get("options") or {}
    metadata = None if options.get("no_metadata") else MetadataOptions()
    records = scan_items(
        [item for _, item in chosen],
        detector,
        detector.adapter.rule(),
        limits=_limits(about),
        metadata=metadata,
        workers=workers,
    )
    # bf16 and fp32 differ in the third digit
    tolerance = 0.0 if about.get("precision") == str(detector.precision)[6:] else 0.02
    for (row, _), record in zip(chosen, records, strict=True):
        if record.sha256 != row["sha256"]:
            continue  # said already
        for name in _COMPARED:
            was, now = row[name], getattr(record, name)
            if name == "score" and was is not None and now is not None:
                same = abs(was - now) <= tolerance + 1e-6
            else:
                same = was == getattr(now, "value", now)
            if not same:
                found.lines.append(f"{row['path']}: {name} was {was}, is {now}")


def _check_statement(report: Path, inputs: Inputs, found: Differences) -> None:
    path = custody_path(report)
    if not path.is_file():
        return
    found.statement = True
    try:
        statement = json.loads(path.read_text("utf-8"))
        said = statement["inputs"]
        reports = {Path(each["path"]).name: each["sha256"] for each in statement["reports"]}
        wanted = reports[report.name]
    except (OSError, ValueError, KeyError, TypeError) as error:
        found.lines.append(f"{path}: not a readable statement ({type(error).__name__})")
        return
    if digest_of(report) != wanted:
        found.lines.append(f"{report}: is not the report that {path.name} is of")
    if (said.get("files"), said.get("sha256")) != (inputs.files, inputs.digest):
        found.lines.append(f"{report}: its rows are not those that {path.name} is of")
