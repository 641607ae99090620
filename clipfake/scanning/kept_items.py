"""What was listed for a unit, as Parquet: enough to open each item again, anywhere and at any time.

A row has the item's number in the listing, its path, its URL, size and etag where it has them, its
place where it is in an archive or kept by git, and the manifest's own columns. URLs stand there as
they were given, since they are opened again, so files of items are for their owner's eyes alone.
"""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from clipfake.errors import ErrorCode, ImageError, UsageError
from clipfake.report.schema import fit_row
from clipfake.sources import ArchiveLimits, Item
from clipfake.sources.archives.decompressors import Compression
from clipfake.sources.archives.entry import Span
from clipfake.sources.archives.member import Member
from clipfake.sources.content import Carried, Content
from clipfake.sources.git import Blob
from clipfake.sources.remote.file import RemoteFile

_OWN = "manifest."
_DIGEST = b"clipfake_items"
_COLUMNS: dict[str, pa.DataType] = {
    "row": pa.int64(),
    "path": pa.string(),
    "path_as_named": pa.binary(),
    "url": pa.string(),
    "size": pa.int64(),
    "etag": pa.string(),
    "place": pa.string(),
    "named": pa.bool_(),
    "problem_code": pa.string(),
    "problem": pa.string(),
}


def write_items(
    items: Sequence[Item], first: int, columns: Mapping[str, pa.DataType]
) -> tuple[bytes, str]:
    """Items as a Parquet file.

    Args:
        items: of one unit, in order.
        first: number of the first one in the whole listing.
        columns: the manifests' own, by name.

    Returns:
        The file, and a digest of what it says, hex, which is the same for the same items.

    Raises:
        UsageError: an item can only be read once.
    """
    schema = pa.schema(
        [*_COLUMNS.items(), *((f"{_OWN}{name}", kind) for name, kind in columns.items())]
    )
    rows = [_row(item, first + at, schema) for at, item in enumerate(items)]
    said = json.dumps([schema.to_string(), rows], default=str).encode("utf-8", "backslashreplace")
    digest = hashlib.sha256(said).hexdigest()
    table = pa.Table.from_pylist(rows, schema=schema.with_metadata({_DIGEST: digest}))
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue(), digest


def read_items(data: bytes) -> tuple[list[Item], str]:
    """The items of a file that ``write_items`` made, and its digest.

    Raises:
        ValueError: it is none.
    """
    try:
        table = pq.read_table(pa.BufferReader(data))
        digest = (table.schema.metadata or {})[_DIGEST].decode("ascii")
        return [_item(row) for row in table.to_pylist()], digest
    except (pa.ArrowException, KeyError, TypeError, UnicodeError, OSError) as error:
        raise ValueError(f"no list of items ({error})") from error


def items_digest(data: bytes) -> str | None:
    """The digest of a file that ``write_items`` made; None for anything else."""
    try:
        held = pq.read_schema(pa.BufferReader(data)).metadata or {}
        return str(held[_DIGEST], "ascii")
    except (pa.ArrowException, KeyError, UnicodeError, OSError, ValueError):
        return None


def _row(item: Item, number: int, schema: pa.Schema) -> dict[str, Any]:
    text = item.text
    content = item.content
    if isinstance(content, Carried):
        content = content.again
        if content is None:
            raise UsageError(
                f"{text}: its bytes can be read once alone, so that no unit can be begun again; "
                "give another report than .parts"
            )
    remote = content if isinstance(content, RemoteFile) else None
    values = {
        "row": number,
        "path": text,
        "path_as_named": None if text == item.path else _bytes(item.path),
        "url": None if remote is None else remote.url,
        "size": None if remote is None else remote.size,
        "etag": None if remote is None else remote.etag,
        "place": None if remote is not None else _place(content, text),
        "named": item.named,
        "problem_code": None if item.problem is None else item.problem.code.value,
        "problem": None if item.problem is None else str(item.problem),
        **{f"{_OWN}{name}": value for name, value in item.extra.items()},
    }
    return fit_row(values, schema)


def _item(row: Mapping[str, Any]) -> Item:
    raw = row["path_as_named"]
    code, problem = row["problem_code"], None
    if code is not None:
        problem = ImageError(ErrorCode(code), row["problem"] or "")
    content: Content | None = None
    if row["url"] is not None:
        content = RemoteFile(row["url"], row["size"], row["etag"])
    elif row["place"] is not None:
        content = _content(json.loads(row["place"]))
    return Item(
        row["path"] if raw is None else raw.decode("utf-8", "surrogatepass"),
        {name.removeprefix(_OWN): row[name] for name in row if name.startswith(_OWN)},
        problem,
        content,
        bool(row["named"]),
    )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _place(content: Content | None, text: str) -> str | None:
    """Where an item's bytes are when they are in no file of its own, as JSON."""
    match content:
        case None:
            return None
        case Blob():
            return json.dumps({"git": content.name, "folder": content.folder})
        case Member():
            steps = [_step(step) for step in content.steps]
            place = {
                "archive": content.archive,
                "steps": steps,
                "span": asdict(content.span),
                "limits": asdict(content.limits),
            }
            return json.dumps(place)
    raise UsageError(f"{text}: cannot be opened again elsewhere; give no .parts")


def _step(step: Span | Compression) -> Any:
    return step.value if isinstance(step, Compression) else asdict(step)


def _span(held: Mapping[str, Any]) -> Span:
    return Span(**{**held, "compression": Compression(held["compression"])})


def _content(held: Mapping[str, Any]) -> Content:
    if "git" in held:
        return Blob(str(held["folder"]), str(held["git"]))
    steps = tuple(
        Compression(step) if isinstance(step, str) else _span(step) for step in held["steps"]
    )
    limits = ArchiveLimits(**held["limits"])
    return Member(str(held["archive"]), steps, _span(held["span"]), limits)
