"""Check a report against the files that it is of."""

import json
import random
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from clipfake.detector.arithmetic import Arithmetic
from clipfake.detector.detector import Detector
from clipfake.detector.device import is_available
from clipfake.detector.looks import Looks
from clipfake.errors import UsageError
from clipfake.plan import ScanPlan
from clipfake.records import Record
from clipfake.report.custody import Inputs, custody_path, digest_of
from clipfake.report.parquet import parquet_files, read_about
from clipfake.report.parts import PARTS, check_parts, part_numbers
from clipfake.scanning.pipeline import records
from clipfake.sources import Item
from clipfake.sources.found_again import FoundAgain
from clipfake.sources.parquet import parquet_batches, parquet_schema
from clipfake.sources.place import Place
from clipfake.sources.remote import is_url, shown

Row = dict[str, Any]

_BATCH = 4096
# what a sample is compared in; names that only options change are left out
_COMPARED = ("score", "format", "width", "height", "declared", "error_code")
# older reports have these not
_LOOKS = ("looks", "score_first", "score_second")
_SCORES = ("score", "score_first", "score_second")
_GENERATOR = ("generator", "generator_basis", "generator_family")
_BY_SCORE = (
    "verdict",
    "verdict_basis",
    *_GENERATOR,
    *_LOOKS,
)  # these may turn with the last digit of a score


@dataclass
class Differences:
    """What a report says otherwise than the files, or its statement of custody.

    Attributes:
        rows: of the report.
        hashed: files hashed again.
        scored: files of the sample.
        remote: files on other machines, which are not asked for again.
        statement: whether there is a statement of custody.
        tolerance: largest difference of scores that rounding explains; 0.0 where the report's
            arithmetic can be had here.
        arithmetic: what is not as it was for the report.
        rounding: one a file whose score differs by no more than that, with its name.
        lines: one a difference, with the file's name.
    """

    rows: int = 0
    hashed: int = 0
    scored: int = 0
    remote: int = 0
    statement: bool = False
    tolerance: float = 0.0
    arithmetic: list[str] = field(default_factory=list)
    rounding: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def load_detector_of(
    report: str | Path,
    *,
    adapter: Path | None = None,
    backbone: str | None = None,
    device: str = "auto",
    precision: str = "auto",
) -> Detector | None:
    """The detector that made a report, computing as it did, as far as this machine can.

    Args:
        report: Parquet, or a folder of parts; a path or URL.
        adapter: file; None is the one that the scan was given, or the one in the package.
        backbone: None likewise.
        device: ``auto`` is the report's, where there is one here.
        precision: ``auto`` is the report's.

    Returns:
        None for a report without scores.

    Raises:
        UsageError: no report, or it was made by another detector.
        AdapterError: the adapter cannot be read.
        BackboneError: the backbone is absent.
    """
    about = read_about(report)
    if about.get("adapter_sha256") is None:
        return None
    how = ScanPlan.of_report(about).how
    if adapter is None and how.adapter:
        adapter = _folder(about) / how.adapter
    theirs = Arithmetic.from_json(about)
    if theirs and theirs.device == "cpu":
        torch.set_num_threads(theirs.threads)
    if device == "auto" and theirs:
        device = theirs.device if is_available(theirs.device) else "auto"
    if precision == "auto":
        precision = {"bfloat16": "bf16", "float32": "fp32"}.get(str(about.get("precision")), "auto")
    detector = Detector.load(
        adapter,
        backbone=backbone or how.backbone,
        device=device,
        precision=precision,
        micro_batch=theirs.micro_batch if theirs else None,
    )
    if about["adapter_sha256"] != detector.adapter.digest:
        raise UsageError(
            f"{shown(str(report))}: scored by adapter {about.get('adapter')}, not by "
            f"{detector.adapter.label}; give that one with --adapter"
        )
    said = about.get("looks")
    known = [each.value for each in Looks]
    detector.looks = detector.adapter.looks(Looks(said if said in known else how.looks))
    return detector


def verify_report(
    report: str | Path,
    detector: Detector | None,
    *,
    sample: int,
    seed: int = 0,
    workers: int | None = None,
) -> Differences:
    """Hash every file again, and score a sample again.

    Args:
        report: Parquet, or a folder of parts; a path or URL.
        detector: the one that made the report, see ``load_detector_of``; None scores nothing.
        sample: images that are scored again, chosen by chance.
        seed: of the choice.
        workers: decoding processes.

    Raises:
        UsageError: no report.
    """
    about = read_about(report)
    plan = _plan_of(about, workers)
    found, inputs = Differences(), Inputs()
    chosen: list[tuple[Row, Item]] = []
    rng = random.Random(seed)  # noqa: S311
    files, damage = _whole(report)
    rows = _on_this_machine(files, found, inputs)
    for row, item, record in _hashed_again(rows, FoundAgain(str(_folder(about))), plan):
        _compare_hash(row, record, found)
        if row["score"] is None:
            continue
        # reservoir sampling (Vitter 1985, algorithm R)
        found.scored += 1
        if len(chosen) < sample:
            chosen.append((row, item))
        elif (at := rng.randrange(found.scored)) < sample:
            chosen[at] = row, item
    found.scored = len(chosen) if detector else 0
    if detector:
        _score_again(chosen, detector, about, plan, found)
    _check_statement(report, inputs, found)
    found.lines += [f"{shown(str(report))}: {line}" for line in damage]
    return found


def _whole(report: str | Path) -> tuple[list[str | Path], list[str]]:
    """The files of a report that are as they were written, and what of a folder of parts is not."""
    place, files = Place(report), parquet_files(report)
    folder = place.name.lower().endswith(PARTS) if place.path is None else place.path.is_dir()
    if not folder:
        return files, []
    found, names = check_parts(place), part_numbers(place)
    lines = [f"part {number} is not what was written" for number in found.damaged]
    lines += [f"{name} is there twice" for name in found.doubled]
    whole = [place.at(names[number]) for number in found.whole]
    return [name if place.path is None else Path(name) for name in whole], lines


def _folder(about: Mapping[str, Any]) -> Path:
    """Where the scan was started, which names of its files begin at."""
    return Path(str(about.get("folder") or ""))


def _plan_of(about: Mapping[str, Any], workers: int | None) -> ScanPlan:
    """A plan that gives the same of the same bytes as that of the report."""
    plan = ScanPlan.of_report(about)
    trust = plan.metadata.c2pa_trust
    return plan.alone(workers=workers, c2pa_trust=_folder(about) / trust if trust else None)


def _on_this_machine(
    files: Sequence[str | Path], found: Differences, inputs: Inputs
) -> Iterator[Row]:
    """Count all rows; those whose files were hashed and can be asked for again."""
    for row in _rows(files):
        found.rows += 1
        inputs.add(row)
        if row["sha256"] is None:
            continue
        if is_url(row["path"]):
            found.remote += 1
            continue
        yield row


def _rows(files: Sequence[str | Path]) -> Iterator[Row]:
    names = ["path", "path_raw", "sha256", "bytes", *_COMPARED, *_BY_SCORE]
    for file in files:
        held = parquet_schema(file).names
        names = [name for name in names if name in held or name not in (*_GENERATOR, *_LOOKS)]
        for batch in parquet_batches(file, _BATCH, names):
            yield from batch.to_pylist()


def _hashed_again(
    rows: Iterable[Row], files: FoundAgain, plan: ScanPlan
) -> Iterator[tuple[Row, Item, Record]]:
    """Each row with its file, and with what hashing that again gave, in order."""
    under_way: deque[tuple[Row, Item]] = deque()

    def items() -> Iterator[Item]:
        for row in rows:
            item = files.item(row)
            under_way.append((row, item))
            yield item

    for record in records(plan.replaced(hash_alone=True), items=items()):
        yield (*under_way.popleft(), record)


def _compare_hash(row: Row, record: Record, found: Differences) -> None:
    found.hashed += 1
    if record.sha256 is None:
        found.lines.append(f"{row['path']}: {record.error or 'cannot be read'}")
    elif record.sha256 != row["sha256"]:
        found.lines.append(f"{row['path']}: its bytes have changed since the scan")


def _score_again(
    chosen: Sequence[tuple[Row, Item]],
    detector: Detector,
    about: Mapping[str, Any],
    plan: ScanPlan,
    found: Differences,
) -> None:
    mine, theirs = detector.arithmetic, Arithmetic.from_json(about)
    found.tolerance = mine.tolerance(theirs, about.get("precision"))
    found.arithmetic = mine.differences(theirs) if theirs else []
    again = records(plan, items=[item for _, item in chosen], detector=detector)
    for (row, _), record in zip(chosen, again, strict=True):
        if record.sha256 == row["sha256"]:  # else said already
            _compare(row, record, found)


def _compare(row: Row, record: Record, found: Differences) -> None:
    names: tuple[str, ...] = (*_COMPARED, *_BY_SCORE)
    if row.get("looks") is None:  # of a version before second looks, also where it was merged since
        row = {name: value for name, value in row.items() if name not in _LOOKS}
    if (rounding := _rounding(row, record, found.tolerance)) is not None:
        found.rounding.append(f"{row['path']}: {rounding}")
        names = tuple(name for name in _COMPARED if name != "score")
    for name in names:
        if name not in row:
            continue
        is_now = getattr(record, name)
        if row[name] != getattr(is_now, "value", is_now):
            found.lines.append(f"{row['path']}: {name} was {row[name]}, is {is_now}")


def _rounding(row: Row, record: Record, tolerance: float) -> str | None:
    """What rounding did to a file's scores; None where they are equal, or further apart."""
    turned = row.get("looks", record.looks) != record.looks
    # whether a second look is taken hangs on the score of the first, which is then all they share
    names = ("score_first",) if turned else _SCORES
    pairs = [(name, row[name], getattr(record, name)) for name in names if name in row]
    apart = [(name, was, now) for name, was, now in pairs if was != now]
    if not apart or any(None in each or abs(each[1] - each[2]) > tolerance for each in apart):
        return None
    name, was, now = apart[0]
    looks = f"looks were {row['looks']}, are {record.looks}: " if turned else ""
    return f"{looks}{name} was {was:.6f}, is {now:.6f}"


def _check_statement(report: str | Path, inputs: Inputs, found: Differences) -> None:
    if not isinstance(report, Path):
        return  # a statement lies beside reports of this machine
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
