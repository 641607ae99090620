"""Everything known about one image."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clipfake.detector.calibration import share_interval
from clipfake.detector.detector import Detector
from clipfake.detector.reference import find_reference
from clipfake.errors import ImageError
from clipfake.inspection.explain import evidence_of
from clipfake.metadata.containers.block import BlockKind
from clipfake.metadata.containers.read import read_blocks
from clipfake.metadata.double_compression import HINT_FROM, periodicity
from clipfake.metadata.exif import exif_table
from clipfake.plan import ScanPlan
from clipfake.records import Fact, Record
from clipfake.scanning.pipeline import records
from clipfake.sources import Finder, Item

_POSITION = {"GPS GPSLatitude", "GPS GPSLongitude", "GPS GPSDestLatitude", "GPS GPSDestLongitude"}
_COMMENT = "EXIF UserComment"


@dataclass(frozen=True)
class Standing:
    """How the score of the first look stands among such scores of known real images.

    Attributes:
        higher: real images of the reference set that score as high or higher.
        reals: real images of the reference set.
        interval: 95 % interval of their share.
    """

    higher: int
    reals: int
    interval: tuple[float, float]


@dataclass(frozen=True)
class Inspection:
    """One image, inspected.

    Attributes:
        record: as a scan gives it.
        standing: None without a score, or without a reference set for the adapter.
        evidence: float32 ``[H, W]``, patch evidence; None where it was not asked for, or without a
            score.
        exif: directory and name, and text, of every EXIF tag; those of the position and the user
            comment only when asked for.
    """

    record: Record
    standing: Standing | None
    exif: list[tuple[str, str]]
    evidence: npt.NDArray[np.float32] | None = None


def inspect_files(
    plan: ScanPlan, detector: Detector, *, explained: bool = False
) -> Iterator[Inspection]:
    """Scan files one by one, and add what only a close look is worth.

    Args:
        plan: its paths name files, or members of archives as a report names them
            (``a.zip!/x.jpg``).
        detector: scores them.
        explained: add patch evidence, which takes about as long as two scores.
    """
    finder = Finder()
    for path in plan.what.paths:
        item = finder.found(Item(path, named=True))
        (record,) = records(plan, items=[item], detector=detector)
        yield _looked_at(item, record, plan, detector, explained)


def _looked_at(
    item: Item, record: Record, plan: ScanPlan, detector: Detector, explained: bool
) -> Inspection:
    if record.sha256 is None or record.format is None:
        return Inspection(record, None, [])
    with item.open() as file:
        data = file.read(record.bytes or 0)
    if record.format == "JPEG" and record.error_code is None:
        record.facts = (*(record.facts or ()), *_compressed_twice(data))
    exif = [
        (name, text)
        for name, text in _exif(data, record.format)
        if (plan.metadata.gps or name not in _POSITION)
        and (plan.metadata.prompts or name != _COMMENT)
    ]
    evidence = None
    if explained and record.score is not None:
        evidence = evidence_of(data, plan, detector)
    return Inspection(record, _standing(record, detector), exif, evidence)


def _standing(record: Record, detector: Detector) -> Standing | None:
    reference, _ = find_reference(detector.adapter)
    known = None if reference is None else reference.real_scores(detector.adapter, detector.looks)
    if reference is None or known is None or record.score is None:
        return None
    hits = known >= np.float32(record.score)
    interval = share_interval(hits, reference.groups[~reference.is_ai])
    return Standing(int(hits.sum()), len(hits), interval)


def _exif(data: bytes, form: str) -> list[tuple[str, str]]:
    for block in read_blocks(data, form)[0]:
        if block.kind is BlockKind.EXIF:
            try:
                return exif_table(block.data)
            except ValueError:
                return []
    return []


def _compressed_twice(data: bytes) -> list[Fact]:
    try:
        found = periodicity(data)
    except (OSError, ImageError):
        return []
    if found is None:
        return []
    word = "likely" if found >= HINT_FROM else "no sign"
    return [Fact("jpeg.double_compression", f"{word} (periodicity {found:.1f})", "JPEG", None)]
