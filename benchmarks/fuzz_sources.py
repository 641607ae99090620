"""Feed the readers of lists and archives with broken files, and see that nothing breaks or lasts.

    python -m benchmarks.fuzz_sources --seconds 600 [--seed 0] [--save FOLDER]

Inputs are mutations of small lists and archives made here. Each is listed as a scan lists it, its
files are read as a worker reads them, and the first ones are asked for again by the names that a
report would give them. The last line is a summary in JSON; the exit code is 1 if any failed.
"""

import bz2
import gzip
import io
import lzma
import tarfile
import tempfile
import zipfile
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from benchmarks.fuzz import fuzz
from benchmarks.fuzz_seeds import Case
from clipfake.errors import UsageError
from clipfake.imaging.limits import Limits
from clipfake.records import Record
from clipfake.scanning.reader import ReadOptions, read_item
from clipfake.sources import Selection, Sources
from clipfake.sources.archive_limits import ArchiveLimits
from clipfake.sources.archives.finder import Finder
from clipfake.sources.item import Item
from clipfake.sources.manifest import SUFFIXES

_ITEMS = 2000  # of an input that are read; more are of the same kinds
_AGAIN = 20  # of an archive that are found again
_ARCHIVES = ArchiveLimits(
    entries=20_000,
    ratio_from=2**20,
    member_bytes=2**22,
    nested_bytes=2**22,
    total_bytes=2**24,
    carried_bytes=2**22,
    window_bytes=2**24,
)
_LIMITS = Limits(bytes=2**22)
_OPTIONS = ReadOptions(None, _LIMITS, None)
_LIST_BYTES = 2**16  # of a list that are read: its rows cost what they are many
_ERROR_LETTERS = 2000
_ZEROS = "names0"  # a list whose names end in zero bytes


def run(case: Case) -> None:
    """List and read an input; raises for anything but a refusal of the whole."""
    suffix = ".txt" if case.target == _ZEROS else case.target
    with tempfile.TemporaryDirectory(prefix="clipfake-fuzz-") as folder:
        path = Path(folder) / f"x{suffix}"
        a_list = case.target == _ZEROS or case.target in SUFFIXES
        path.write_bytes(case.data[:_LIST_BYTES] if a_list else case.data)
        try:
            sources = Sources([path], Selection(archives=_ARCHIVES), null=case.target == _ZEROS)
            sources.count()
            items = list(islice(sources, _ITEMS))
        except UsageError as error:
            _need_line(str(error))
            return
        finder = Finder(_ARCHIVES)
        for number, item in enumerate(items):
            record = read_item(item, _OPTIONS)[0]
            _need_record(record)
            if number < _AGAIN and "!/" in item.path and record.sha256 is not None:
                again = read_item(finder.found(Item(record.path)), _OPTIONS)[0]
                _need_record(again)


def _need_record(record: Record) -> None:
    """Reports are UTF-8, and an error is as long as somebody reads, but for the path in it."""
    record.path.encode()
    if record.error is not None:
        _need_line(record.error.removeprefix(record.path))
    for name, value in record.extra.items():
        f"{name} {value}".encode("utf-8", "surrogatepass")


def _need_line(text: str) -> None:
    if len(text) > _ERROR_LETTERS:
        raise ValueError(f"an error of {len(text)} characters")
    text.encode("utf-8", "surrogatepass")


def seeds() -> list[Case]:
    """Lists in their encodings and delimiters, and archives in their kinds."""
    return [*_lists(), *_archives()]


def _lists() -> list[Case]:
    rows = [("x.png", "real"), ("a b/\u00e9.jpg", "ai"), ("", "real"), ("b.zip!/c.png", "1.0")]
    found = []
    for delimiter in ",;\t|":
        lines = [delimiter.join(("path", "label", "n"))]
        lines += [delimiter.join((f'"{path}"', label, "7")) for path, label in rows]
        text = "\r\n".join(lines)
        found += [Case(".csv", text.encode(code)) for code in ("utf-8", "utf-8-sig", "utf-16")]
        found.append(Case(".csv", f"sep={delimiter}\n{text}".encode()))
    names = 'x.png\n"a\\303\\244.png"\n\na b.jpg \n'
    found += [Case(".txt", names.encode(code)) for code in ("utf-8", "utf-16", "utf-16-be")]
    found.append(Case(_ZEROS, b"x.png\0a\nb.png\0\xff.png\0"))
    objects = (
        '{"path": "x.png", "n": 1, "o": {"p": [1, 2]}}',
        '{"path": null}',
        '{"path": "y", "n": "2"}',
    )
    found.append(Case(".jsonl", "\n".join(objects).encode()))
    when = pa.array([1, 2, 3], pa.timestamp("ns"))
    table = pa.table({"path": ["x.png", None, "y"], "n": [1, 2, 3], "when": when})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    found.append(Case(".parquet", buffer.getvalue()))
    return found


def _archives() -> list[Case]:
    picture = io.BytesIO()
    Image.new("RGB", (8, 6), (200, 30, 30)).save(picture, "PNG")
    files = {"in/a.png": picture.getvalue(), "b\\\u00e9.png": picture.getvalue(), "t.txt": b"words"}
    tar, stored = _tar(files), _zip(files, zipfile.ZIP_STORED)
    found = [
        Case(".tar", tar),
        Case(".tar", tar + tar),
        Case(".tar", _tar(files, tarfile.PAX_FORMAT)),
        Case(".tar.gz", gzip.compress(tar)),
        Case(".tar.gz", gzip.compress(tar) + gzip.compress(tar)),
        Case(".tar.bz2", bz2.compress(tar)),
        Case(".tar.xz", lzma.compress(tar)),
        Case(".zip", stored),
        Case(".zip", _zip({"n.tar": tar, "n.zip": stored}, zipfile.ZIP_DEFLATED)),
        Case(".tar", _tar({"n.tar.gz": gzip.compress(tar)})),
    ]
    methods = (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    return found + [Case(".zip", _zip(files, method)) for method in methods]


def _zip(files: dict[str, bytes], method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def _tar(files: dict[str, bytes], form: int = tarfile.GNU_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name if form == tarfile.GNU_FORMAT else name * 40)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


if __name__ == "__main__":
    fuzz(seeds(), run, __doc__.splitlines()[0])
