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
from clipfake.report.report import Report
from clipfake.report.schema import COLUMNS
from clipfake.sources.parquet import parquet_batches, parquet_schema

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
    """

    rows: int = 0
    doubled: int = 0
    doubled_paths: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    rounding: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)


def merge_reports(
    inputs: Sequence[Path], outputs: Sequence[Path], *, options: Sequence[str] = ()
) -> Merged:
    """Write the rows of Parquet reports as one report, in the order of the inputs.

    Memory grows by 8 bytes a row, which tell doubled paths.

    Args:
        inputs: Parquet reports of scans by the same model.
        outputs: reports to write; the ending chooses the format.
        options: names of those that change results, which are compared.

    Raises:
        UsageError: an input is no report, or the models differ.
        ReportError: an output cannot be written.
    """
    abouts = [read_about(path) for path in inputs]
    _check_same(inputs, abouts)
    given = [about.get("options") or {} for about in abouts]
    merged = Merged(
        missing=_missing(abouts),
        rounding=_otherwise(inputs, [_rounding(about) for about in abouts], _ROUNDING),
        options=_otherwise(inputs, given, options),
    )
    columns: dict[str, pa.DataType] = {}
    for path in inputs:
        for name, kind in zip(*_own_columns(path), strict=True):
            columns[name] = kind if columns.get(name, kind) == kind else pa.string()
    doubled = _doubled(inputs)
    about = {**abouts[0], "merged": [str(path) for path in inputs], "parts": abouts}
    seen: set[int] = set()
    with Report(outputs, columns, about) as report:
        for row in _rows(inputs):
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


def _check_same(inputs: Sequence[Path], abouts: Sequence[dict[str, Any]]) -> None:
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
    inputs: Sequence[Path], values: Sequence[Mapping[str, Any]], names: Sequence[str]
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


def _own_columns(path: Path) -> tuple[list[str], list[pa.DataType]]:
    fields = [each for each in parquet_schema(parquet_files(path)[0]) if each.name not in COLUMNS]
    return [each.name for each in fields], [each.type for each in fields]


def _rows(inputs: Sequence[Path]) -> Iterator[dict[str, Any]]:
    for batch in _batches(inputs):
        yield from batch.to_pylist()


def _batches(inputs: Sequence[Path], columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    for path in inputs:
        for file in parquet_files(path):
            yield from parquet_batches(file, _BATCH, columns)


def _key(row: dict[str, Any]) -> int:
    name = row["path_raw"] or row["path"].encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "little", signed=True)


def _doubled(inputs: Sequence[Path]) -> set[int]:
    """Keys that several rows have."""
    keys: list[npt.NDArray[np.int64]] = []
    for batch in _batches(inputs, ["path", "path_raw"]):
        keys.append(np.array([_key(row) for row in batch.to_pylist()], dtype=np.int64))
    if not keys:
        return set()
    found, counts = np.unique(np.concatenate(keys), return_counts=True)
    return set(found[counts > 1].tolist())
