"""Join reports: the shares of a scan over several machines, or scans of several folders."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from clipfake.errors import UsageError
from clipfake.report.parquet import parquet_files, read_about
from clipfake.report.parts import PARTS, check_parts, part_numbers
from clipfake.report.report import Report
from clipfake.report.schema import COLUMNS
from clipfake.sources.parquet import parquet_batches, parquet_schema
from clipfake.sources.place import Place

_BATCH = 8192
_NAMED = 10  # doubled paths that are named
# parts of what made a report that must be the same, or scores do not compare
_SAME = ("adapter_sha256", "backbone_sha256")
# parts that decide how scores round; where they differ, so may the last digits
_ROUNDING = ("device", "precision", "micro_batch", "machine", "threads", "torch_version", "encoder")


@dataclass
class Merged:
    """What came together.

    Attributes:
        rows: of the joined report.
        doubled: rows left out because an earlier one has the same path.
        doubled_paths: some of their paths.
        missing: shares that are not among the reports, ``i/n``.
        rounding: a report whose scores round otherwise than the first one's, and in what; a line
            each.
        options: a report that was made with other options, and which; a line each.
        lacking: what folders of parts lack; a line for each kind of lack.
    """

    rows: int = 0
    doubled: int = 0
    doubled_paths: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    rounding: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Input:
    """A report that is joined: its name, and the files with its rows, in order."""

    name: str
    files: list[str | Path]
    is_folder: bool


def merge_reports(
    inputs: Sequence[str | Path], outputs: Sequence[Path], *, options: Sequence[str] = ()
) -> Merged:
    """Write the rows of Parquet reports as one report, in the order of the inputs.

    Of a folder of parts those that are whole are taken, their digests compared first. Where there
    are several inputs memory grows by 8 bytes a row, which tell doubled paths; in one folder of
    parts paths may come as often as they were listed, and memory stays flat.

    Args:
        inputs: Parquet reports and folders of parts of scans by the same model, paths or URLs.
        outputs: reports to write; the ending chooses the format.
        options: names of those that change results, which are compared.

    Raises:
        UsageError: an input is no report, or the models differ.
        ReportError: an output cannot be written.
    """
    merged = Merged()
    joined = [_input(path, merged) for path in inputs]
    names = [each.name for each in joined]
    abouts = [read_about(each.files[0]) for each in joined]
    _check_same(names, abouts)
    given = [about.get("options") or {} for about in abouts]
    merged.missing = _missing(abouts)
    merged.rounding = _otherwise(names, [_rounding(about) for about in abouts], _ROUNDING)
    merged.rounding += [line for each in joined for line in _parts_rounding(each)]
    merged.options = _otherwise(names, given, options)
    columns: dict[str, pa.DataType] = {}
    for each in joined:
        for name, kind in zip(*_own_columns(each), strict=True):
            columns[name] = kind if columns.get(name, kind) == kind else pa.string()
    doubled = set() if len(joined) == 1 and joined[0].is_folder else _doubled(joined)
    about = {**abouts[0], "merged": names, "parts": abouts}
    about.pop("unit", None)
    seen: set[int] = set()
    with Report(outputs, columns, about) as report:
        for row in _rows(joined):
            key = _key(row)
            if key in doubled:
                if key in seen:
                    merged.doubled += 1
                    if len(merged.doubled_paths) < _NAMED:
                        merged.doubled_paths.append(row["path"])
                    continue
                seen.add(key)
            report.restore(report.fit(row))
            merged.rows += 1
    return merged


def _input(name: str | Path, merged: Merged) -> _Input:
    """A report, or what is whole of a folder of parts; what that lacks is told.

    Raises:
        UsageError: there is no such report, or nothing of it is whole.
    """
    place = Place(name)
    if place.path is not None and not place.path.is_dir():
        return _Input(str(place), list(parquet_files(name)), False)
    if place.path is None and not place.name.lower().endswith(PARTS):
        return _Input(str(place), [place.name], False)
    try:
        found, files = check_parts(place), part_numbers(place)
    except OSError as error:
        raise UsageError(f"{place}: cannot be read ({error.strerror or error})") from error
    if not found.whole:
        raise UsageError(f"{place}: no such report, or no part of it is whole")
    if not found.over:
        merged.lacking.append(f"{place}: its scan is not over, more parts come")
    for numbers, what in ((found.missing, "are missing"), (found.damaged, "are damaged")):
        if numbers:
            some = ", ".join(map(str, numbers[:_NAMED])) + ", ..." * (len(numbers) > _NAMED)
            merged.lacking.append(f"{place}: {len(numbers)} parts {what}: {some}")
    if found.doubled:
        merged.lacking.append(f"{place}: parts that come twice: {', '.join(found.doubled)}")
    whole: list[str | Path] = [place.at(files[number]) for number in found.whole]
    return _Input(str(place), whole, True)


def _parts_rounding(given: _Input) -> list[str]:
    """The first part of each other kind of machine than that of the folder's first part."""
    if not given.is_folder:
        return []
    first, lines = _rounding(read_about(given.files[0])), dict[str, str]()
    for file in given.files[1:]:
        about = _rounding(read_about(file))
        name = f"{given.name}, {str(file).rpartition('/')[2]} on"
        for line in _otherwise([given.name, name], [first, about], _ROUNDING):
            lines.setdefault(line.partition(": ")[2], line)
    return list(lines.values())


def _check_same(inputs: Sequence[str], abouts: Sequence[dict[str, Any]]) -> None:
    for path, about in zip(inputs, abouts, strict=True):
        for name in _SAME:
            if about.get(name) != abouts[0].get(name):
                raise UsageError(
                    f"{path}: made with another {name.removesuffix('_sha256')} than {inputs[0]}, "
                    "so that their scores do not compare; scan again with one of the two"
                )
        # a report of before second looks, or without scores, is of the first look alone
        looks, first = (each.get("looks") or "first" for each in (about, abouts[0]))
        if looks != first:
            raise UsageError(
                f"{path}: made with looks {looks}, and {inputs[0]} with looks {first}, so that "
                "their scores do not compare; scan again with one of the two"
            )


def _rounding(about: Mapping[str, Any]) -> dict[str, Any]:
    return {name: about.get(name) for name in _ROUNDING}  # what is not said differs, too


def _otherwise(
    inputs: Sequence[str], values: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> list[str]:
    """A line for each report that has other values than the first one, where both have one."""
    lines, first = [], values[0]
    for path, these in zip(inputs, values, strict=True):
        parts = [
            f"{name} {these[name]}, not {first[name]}"
            for name in names
            if name in these and name in first and these[name] != first[name]
        ]
        if parts:
            lines.append(f"{path}: {'; '.join(parts)}")
    return lines


def _missing(abouts: Sequence[dict[str, Any]]) -> list[str]:
    shares = [str((about.get("options") or {}).get("shard", "1/1")) for about in abouts]
    counts = {int(share.partition("/")[2]) for share in shares}
    wanted = {f"{number}/{count}" for count in counts for number in range(1, count + 1)}
    return sorted(wanted - set(shares), key=lambda share: [int(n) for n in share.split("/")])


def _own_columns(given: _Input) -> tuple[list[str], list[pa.DataType]]:
    fields = [each for each in parquet_schema(given.files[0]) if each.name not in COLUMNS]
    return [each.name for each in fields], [each.type for each in fields]


def _rows(inputs: Sequence[_Input]) -> Iterator[dict[str, Any]]:
    for batch in _batches(inputs):
        yield from batch.to_pylist()


def _batches(
    inputs: Sequence[_Input], columns: list[str] | None = None
) -> Iterator[pa.RecordBatch]:
    for given in inputs:
        for file in given.files:
            yield from parquet_batches(file, _BATCH, columns)


def _key(row: dict[str, Any]) -> int:
    name = row["path_raw"] or row["path"].encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "little", signed=True)


def _doubled(inputs: Sequence[_Input]) -> set[int]:
    """Keys that several rows have."""
    keys: list[npt.NDArray[np.int64]] = []
    for batch in _batches(inputs, ["path", "path_raw"]):
        keys.append(np.array([_key(row) for row in batch.to_pylist()], dtype=np.int64))
    if not keys:
        return set()
    found, counts = np.unique(np.concatenate(keys), return_counts=True)
    return set(found[counts > 1].tolist())
