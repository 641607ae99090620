"""Archives made by Python's own modules, for tests, and what a scan of them gives."""

import gzip
import io
import os
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clipfake.errors import ErrorCode
from clipfake.imaging.limits import Limits
from clipfake.records import Record
from clipfake.scanning.reader import ReadOptions, read_item
from clipfake.sources import ArchiveLimits, Selection, Sources
from tests.conftest import encoded, picture

PICTURE = encoded(picture(seed=1))
OTHER = encoded(picture(seed=2), "JPEG")
TEXT = b"no picture at all"
FORMS = ("zip", "stored.zip", "bz2.zip", "lzma.zip", "tar", "tar.gz", "tar.bz2", "tar.xz")
_METHODS = {
    "zip": zipfile.ZIP_DEFLATED,
    "stored.zip": zipfile.ZIP_STORED,
    "bz2.zip": zipfile.ZIP_BZIP2,
    "lzma.zip": zipfile.ZIP_LZMA,
}

Files = Mapping[str, bytes]


def zipped(files: Files, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip with these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tarred(files: Files, mode: str = "w:", form: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar with these files."""
    buffer = io.BytesIO()
    with tarfile.open(None, mode, buffer, format=form) as archive:
        for name, data in files.items():
            archive.addfile(tar_info(name, len(data)), io.BytesIO(data))
    return buffer.getvalue()


def tar_info(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, link: str = "") -> Any:
    """A tar header."""
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = size, kind, link
    return info


def headers(*infos: tarfile.TarInfo, form: int = tarfile.GNU_FORMAT) -> bytes:
    """Tar headers alone, and the end."""
    return b"".join(info.tobuf(form) for info in infos) + bytes(1024)


def packed(files: Files, form: str) -> bytes:
    """An archive of one of ``FORMS``."""
    if form in _METHODS:
        return zipped(files, _METHODS[form])
    return tarred(files, "w:" + form.partition(".")[2])


def nested_gzip(data: bytes) -> bytes:
    """The data compressed, at the best ratio."""
    return gzip.compress(data, 9, mtime=0)


def scanned(path: Path | str, *, limits: Limits | None = None, **rules: Any) -> list[Record]:
    """Records of everything in a file or folder; their paths begin after the folder's."""
    options = ReadOptions(None, limits or Limits(), None)
    sources = Sources([path], Selection(**rules))
    records = [read_item(item, options)[0] for item in sources]
    for record in records:
        assert record.error is None or (
            record.error.startswith(record.path) and "\n" not in record.error
        )
        record.path = record.path.removeprefix(os.path.dirname(str(path)) + "/")
    return records


def rows(path: Path | str, **rules: Any) -> list[tuple[str, ErrorCode | None]]:
    """Path and error code of each record."""
    return [(record.path, record.error_code) for record in scanned(path, **rules)]


def limited(**limits: int) -> ArchiveLimits:
    return ArchiveLimits(**limits)
