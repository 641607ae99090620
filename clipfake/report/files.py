"""A report file appears under its name only when it is whole."""

import errno
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from clipfake.errors import ReportError, UsageError

PARTIAL = ".partial"
_REPEATABLE = ".webp"  # pictures of a site: hundreds of thousands, and made again if lost

# what is to be done where the place is at fault, so that repeating the command would not help
_REMEDIES = {
    errno.EACCES: "make {folder} writable, or name a file elsewhere",
    errno.EPERM: "make {folder} writable, or name a file elsewhere",
    errno.EROFS: "name a file elsewhere",
    errno.ENAMETOOLONG: "unfinished files have the name and an ending; shorten it",
    errno.EINVAL: "choose another name",
    errno.EILSEQ: "choose another name",
}
_SPACE = (errno.ENOSPC, errno.EDQUOT)


def partial_path(path: Path) -> Path:
    """Where a report is written until it is whole."""
    return path.with_name(path.name + PARTIAL)


def check_writable(path: Path, unfinished: Sequence[Path], *, folder: bool = False) -> None:
    """Find out before the work whether a file can be written.

    Args:
        path: of the file.
        unfinished: what is written beside it until it is whole; each is tried, and what was not
            there before is gone again.
        folder: whether ``path`` may be a folder.

    Raises:
        UsageError: it cannot be, because of where it is to lie; the message says what to do.
        ReportError: there is no space.
    """
    # os.path, since Path raises for names that are too long
    if not os.path.isdir(path.parent):
        absent = not os.path.lexists(path.parent)
        reason = "no such folder; create it first" if absent else "is no folder; name another"
        raise UsageError(f"{path.parent}: {reason}")
    if os.path.isdir(path) and not folder:
        raise UsageError(f"{path}: is a folder; give a file name")
    for tried in unfinished:
        try:
            _try(tried)
        except OSError as error:
            text = f"{path}: cannot be written ({error.strerror or error})"
            remedy = remedy_of(path, error)
            if error.errno in _REMEDIES:
                raise UsageError(f"{text}; {remedy}") from error
            raise ReportError(f"{text}; {remedy}" if remedy else text) from error


def _try(path: Path) -> None:
    """Open a file for writing; one that is there stays as it is."""
    flags = os.O_WRONLY | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        os.close(os.open(path, flags))
        return
    os.close(descriptor)
    with suppress(OSError):
        path.unlink()


def publish(path: Path) -> None:
    """Give a whole report its name, on disk before it is seen.

    Raises:
        ReportError: the file system refuses.
    """
    unfinished = partial_path(path)
    try:
        for part in files_of(unfinished):
            if part.suffix != _REPEATABLE:
                with open(part, "rb+") as file:
                    os.fsync(file.fileno())
        if unfinished.is_dir() and path.is_dir():
            shutil.rmtree(path)  # a folder cannot take the place of one that holds files
        os.replace(unfinished, path)
    except OSError as error:
        raise report_error(path, error) from error


def files_of(report: Path) -> list[Path]:
    """The files of a report, in the order of their names: itself, or all in its folder."""
    if not report.is_dir():
        return [report]
    return sorted(path for path in report.rglob("*") if not path.is_dir())


def report_error(path: Path, error: OSError) -> ReportError:
    """The error that tells a user why a report cannot be written, once the work has begun."""
    place = f"; {remedy_of(path, error)}" if error.errno in _REMEDIES else ""
    return ReportError(
        f"{path}: report cannot be written ({error.strerror or error}){place}; "
        f"what was written is in {partial_path(path)}"
    )


def remedy_of(path: Path, error: OSError) -> str:
    """What to do about a file that cannot be written; empty where only the reason is known."""
    if error.errno in _SPACE:
        return "free space"
    return _REMEDIES.get(error.errno or 0, "").format(folder=path.parent)
