"""Remote folders, walked by the rules for folders of this machine."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import unquote

from clipfake.errors import ErrorCode, ImageError
from clipfake.sources.item import Item
from clipfake.sources.remote.driver import attempt, connect
from clipfake.sources.remote.file import RemoteFile
from clipfake.sources.remote.pages import has_pages, in_pages
from clipfake.sources.remote.urls import WEB, scheme, shown
from clipfake.sources.select import HIDDEN, PassedOver, Selection

MAX_FOLDERS = 100


@dataclass
class _Level:
    """A remote folder whose entries are being read.

    Attributes:
        url: of the folder, without a slash at its end.
        text: the same, as it may be shown.
        relative: its path below the root; empty, or ends with a slash.
        entries: those not yet seen.
        seen: how many were.
    """

    url: str
    text: str
    relative: str
    entries: Iterator["_Entry"]
    seen: int = 0


class _Entry(NamedTuple):
    """A file or folder that was listed: its name below the folder, and what was said of it."""

    name: str
    is_folder: bool
    size: int | None = None
    etag: str | None = None


def remote_item(url: str) -> Item:
    """An item for a file by its URL; it is called by the URL without its secrets."""
    return Item(shown(url), content=RemoteFile(url))


def remote_items(
    url: str, selection: Selection, passed_over: PassedOver | None = None
) -> Iterator[Item]:
    """A remote file, or the files below a remote folder, depth first and by name.

    A URL of the web is a folder when it ends with a slash; its files are those that the page
    there links to. Of other URLs the file system says which they are. One folder's listing at a
    time is held, and those above it; of S3 a page of each.

    Args:
        url: of a file or folder.
        selection: which files and folders are taken.
        passed_over: counts what is left out for being hidden.

    Yields:
        Items whose path is the URL as it may be shown. A folder that cannot be listed is an item
        of its own, with its problem.
    """
    passed_over = Counter() if passed_over is None else passed_over
    try:
        is_folder = attempt(lambda: _is_folder(url))
    except ImageError as error:
        yield Item(shown(url), problem=error, named=True)
        return
    if not is_folder:
        yield replace(remote_item(url), named=True)
        return
    levels = [_Level(_open_ended(url), _open_ended(shown(url)), "", _entries(url))]
    while levels:
        level = levels[-1]
        try:
            entry = next(level.entries, None)
        except ImageError as error:
            levels.pop()
            some = "its other files" if level.seen else "its files"
            reason = f"folder cannot be listed, {some} are not scanned: {error}"
            problem = ImageError(error.code, reason)
            yield Item(level.text, problem=problem, named=not levels)
            continue
        if entry is None:
            levels.pop()
            continue
        level.seen += 1
        name, is_folder = entry.name, entry.is_folder
        below, child = f"{level.relative}{_unquoted(name, url)}", f"{level.url}/{name}"
        passed_over[HIDDEN] += selection.hides(below, is_folder=is_folder)
        text = f"{level.text}/{name}"  # names that were listed hold no secrets
        if not is_folder:
            if selection.takes_file(below):
                yield Item(text, content=RemoteFile(child, entry.size, entry.etag))
        elif selection.enters(below):
            if len(levels) < MAX_FOLDERS:
                levels.append(_Level(child, text, f"{below}/", _entries(f"{child}/")))
            else:
                reason = f"over {MAX_FOLDERS} folders deep; its files are not scanned"
                yield Item(text, problem=ImageError(ErrorCode.UNREADABLE, reason))


def _open_ended(url: str) -> str:
    """A URL to which a slash and a name may be added; ``scheme://`` alone keeps one of its own."""
    bare = url.rstrip("/")
    return f"{bare}/" if bare.endswith(":") else bare


def _unquoted(name: str, url: str) -> str:
    """A name as globs see it; those of the web come with percent signs."""
    return unquote(name) if scheme(url) in WEB else name


def _is_folder(url: str) -> bool:
    if scheme(url) in WEB:
        return url.endswith("/") and not set("?#") & set(url)
    system, path = connect(url)
    return bool(system.info(path)["type"] == "directory")


def _entries(url: str) -> Iterator[_Entry]:
    """The entries of a folder in order; of a store that has pages one page at a time is held."""
    system, path = attempt(lambda: connect(url))
    path = path if scheme(url) in WEB else path.rstrip("/")
    if has_pages(system, path):
        read = partial(_entry, url, path)
        yield from filter(None, map(read, in_pages(system, path)))
        return
    found = {}
    for entry in filter(
        None, map(partial(_entry, url, path), attempt(lambda: _list(system, path)))
    ):
        found[entry.name, entry.is_folder] = entry
    yield from (found[key] for key in sorted(found))


def _list(system: Any, path: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = system.ls(path, detail=True)
    system.invalidate_cache()  # else every listing would stay in memory
    return listed


def _entry(url: str, path: str, said: Mapping[str, Any]) -> _Entry | None:
    """What a file system said of an entry of a folder; None for what is none."""
    above, full = path.rstrip("/") + "/", str(said["name"])
    # a link's target may be longer than a name, an alias of the folder gives another prefix
    name = full[len(above) :] if full.startswith(above) else full.rstrip("/").rpartition("/")[2]
    name = name.rstrip("/")
    if scheme(url) in WEB and (set("?#") & set(name) or ".." in name.split("/")):
        return None  # other orders of the same page, and what lies above it
    if not name or full.rstrip("/") == path.rstrip("/"):
        return None
    is_folder, size = said["type"] == "directory", said.get("size")
    etag = next((str(said[key]) for key in ("ETag", "etag") if said.get(key)), None)
    known = size if isinstance(size, int) and not is_folder else None
    return _Entry(name, is_folder, known, etag and etag.strip('"'))
