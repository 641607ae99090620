"""Walk a folder without holding its listing."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from clipfake.errors import ErrorCode, ImageError
from clipfake.sources.archives.expand import expanded
from clipfake.sources.ignore import Ignored, Ignoring
from clipfake.sources.item import Item
from clipfake.sources.select import HIDDEN, IGNORED, LINKS, PassedOver, Selection

SORTED_UP_TO = 100_000


@dataclass
class _Level:
    """A folder whose entries are being read.

    Attributes:
        folder: its path.
        relative: its path below the root; empty, or ends with a slash.
        identity: what tells it from every other folder.
        entries: those not yet seen.
    """

    folder: str
    relative: str
    identity: tuple[int, int]
    entries: Iterator["os.DirEntry[str]"]


def walk(root: str, selection: Selection, passed_over: PassedOver | None = None) -> Iterator[Item]:
    """Files below a folder, depth first.

    Folders of up to ``SORTED_UP_TO`` entries come in the order of their names; larger ones
    in the file system's order, so that no listing has to be held whole. A symbolic link is
    passed over unless the selection follows links, and a folder that is its own ancestor
    through a link is not entered again.

    Args:
        root: the folder.
        selection: which files and folders are taken.
        passed_over: counts what is left out for being hidden, ignored, a link or an archive.

    Yields:
        Items whose path is ``root`` joined with the path below it, and of the members of
        archives. A folder that cannot be listed is an item of its own, with its problem; so is an
        ignore file that cannot be used.
    """
    # a list, since folders can be nested deeper than calls
    levels = [_Level(root, "", _identity(root), _entries(root))]
    passed_over = Counter() if passed_over is None else passed_over
    ignored = None if selection.ignoring is Ignoring.NONE else Ignored(root)
    selection = replace(selection, ignored=ignored)
    while levels:
        level = levels[-1]
        try:
            entry = next(level.entries, None)
            is_link = entry and entry.is_symlink() and not selection.follow_symlinks
        except OSError as error:
            levels.pop()
            yield Item(level.folder, problem=_problem(error), named=not levels)
            continue
        if entry is None:
            levels.pop()
            continue
        below = f"{level.relative}{entry.name}"
        if is_link:
            passed_over[LINKS] += selection.enters(below)
            continue
        is_folder = _is_folder(entry)
        leaves_out = selection.ignores(below, is_folder=is_folder)
        yield from ignored.faults() if ignored else ()
        if leaves_out:
            passed_over[IGNORED] += 1
            continue
        passed_over[HIDDEN] += selection.hides(below, is_folder=is_folder)
        if is_folder:
            identity = _identity(entry.path)
            if selection.enters(below) and all(identity != above.identity for above in levels):
                levels.append(_Level(entry.path, f"{below}/", identity, _entries(entry.path)))
        elif selection.enters(below):  # an archive may hold what is taken, as a folder may
            taken = selection.takes_file(below)
            found = Item(entry.path)
            yield from expanded(found, selection, below=below, taken=taken, passed_over=passed_over)


def _entries(folder: str) -> Iterator["os.DirEntry[str]"]:
    with os.scandir(folder) as entries:
        yield from sorted(islice(entries, SORTED_UP_TO), key=lambda entry: entry.name)
        yield from entries


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, say; opening it as a file tells why
        return False


def _problem(error: OSError) -> ImageError:
    denied = isinstance(error, PermissionError)
    code = ErrorCode.NO_PERMISSION if denied else ErrorCode.UNREADABLE
    reason = f"folder cannot be listed ({error.strerror or error}); its files are not scanned"
    return ImageError(code, reason)


def _identity(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return (-1, -1)
    return status.st_dev, status.st_ino
