"""Walk a folder without holding its listing."""

import os
from collections.abc import Iterator
from itertools import chain, islice

from clipfake.errors import ErrorCode, ImageError
from clipfake.sources.item import Item
from clipfake.sources.select import Selection

SORTED_UP_TO = 100_000


def walk(root: str, selection: Selection) -> Iterator[Item]:
    """Files below a folder, depth first.

    Folders of up to ``SORTED_UP_TO`` entries come in the order of their names; larger ones
    in the file system's order, so that no listing has to be held whole. A symbolic link is
    passed over unless the selection follows links, and a folder that is its own ancestor
    through a link is not entered again.

    Args:
        root: the folder.
        selection: which files and folders are taken.

    Yields:
        Items whose path is ``root`` joined with the path below it. A folder that cannot be
        listed is an item of its own, with its problem.
    """
    yield from _walk(root, "", selection, frozenset([_identity(root)]))


def _walk(
    folder: str,
    relative: str,
    selection: Selection,
    ancestors: frozenset[tuple[int, int]],
) -> Iterator[Item]:
    try:
        with os.scandir(folder) as entries:
            first = sorted(islice(entries, SORTED_UP_TO), key=lambda entry: entry.name)
            for entry in chain(first, entries):
                below = f"{relative}{entry.name}"
                if entry.is_symlink() and not selection.follow_symlinks:
                    continue
                if entry.is_dir():
                    identity = _identity(entry.path)
                    if selection.enters(below) and identity not in ancestors:
                        inner = ancestors | {identity}
                        yield from _walk(entry.path, f"{below}/", selection, inner)
                elif selection.takes_file(below):
                    yield Item(entry.path)
    except OSError as error:
        denied = isinstance(error, PermissionError)
        code = ErrorCode.NO_PERMISSION if denied else ErrorCode.UNREADABLE
        reason = f"folder cannot be listed ({error.strerror or error}); its files are not scanned"
        yield Item(folder, problem=ImageError(code, reason))


def _identity(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return (-1, -1)
    return status.st_dev, status.st_ino
