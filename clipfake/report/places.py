"""Places: how a pipeline names a file, from the root of its repository."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_from_bytes

from clipfake.report.text import printable
from clipfake.sources.remote.urls import is_url

MEMBER = "!/"
_GIT = ".git"  # a folder, or a file in worktrees and submodules
_URL_SAFE = "%:/?#[]@!$&'()*+,;=~"  # RFC 3986, section 2: what a URL has already


@dataclass(frozen=True)
class Place:
    """Where a finding is.

    Attributes:
        uri: of the file, percent-encoded: relative to the root for what lies below it, else
            absolute (RFC 3986).
        path: the same as text, without encoding and fit to be shown.
        member: its name inside the archive that the file is; None for the file itself.
        below_root: whether the file lies below the root.
    """

    uri: str
    path: str
    member: str | None
    below_root: bool

    @property
    def text(self) -> str:
        """The file, and the member in it, as a report names them."""
        return self.path if self.member is None else f"{self.path}{MEMBER}{self.member}"


class Places:
    """Places of a report's rows.

    Attributes:
        root: the folder that names are relative to: the repository's, or that of the scan.
    """

    def __init__(self, folder: str | None = None) -> None:
        """Look for the repository.

        Args:
            folder: in which the scan ran; None for the present one.
        """
        self._folder = os.path.abspath(folder) if folder else os.fsdecode(os.getcwdb())
        self.root = repository_root(self._folder) or self._folder

    def of(self, row: Mapping[str, Any]) -> Place:
        """The place of a row: its file, and the member where the file is an archive."""
        raw = row.get("path_raw")
        name = row["path"] if raw is None else raw.decode("utf-8", "surrogateescape")
        if is_url(name):
            return Place(quote(name, safe=_URL_SAFE), printable(name), None, below_root=False)
        absolute = os.path.normpath(os.path.join(self._folder, name))
        file, member = self._split(absolute)
        relative = below(self.root, file)
        if relative is None:
            return Place(_file_uri(file), _shown(file), member, below_root=False)
        return Place(_encoded(relative), _shown(relative), member, below_root=True)

    @staticmethod
    def _split(path: str) -> tuple[str, str | None]:
        """An archive and its member; the path alone where nothing tells that it is an archive."""
        at = path.find(MEMBER)
        if at < 0 or os.path.lexists(path):
            return path, None
        while at > 0:
            if os.path.isfile(path[:at]):
                return path[:at], _shown(path[at + len(MEMBER) :])
            at = path.find(MEMBER, at + 1)
        return path, None


def repository_root(folder: str) -> str | None:
    """The nearest folder that git keeps, from a folder upwards; None outside of any."""
    while True:
        if os.path.lexists(os.path.join(folder, _GIT)):
            return folder
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


def below(root: str, path: str) -> str | None:
    """A path from a root on; None for what does not lie below it, links followed or not."""
    found = _below(root, path)
    return _below(os.path.realpath(root), _real(path)) if found is None else found


def _below(root: str, path: str) -> str | None:
    top = root.rstrip(os.sep) + os.sep
    return path[len(top) :] if path.startswith(top) else None


def _real(path: str) -> str:
    """A path whose folder has no links; the file itself may be one."""
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder), name)


def _encoded(path: str) -> str:
    slashed = path.replace(os.sep, "/").encode("utf-8", "surrogateescape")
    return quote_from_bytes(slashed, safe="/~")


def _file_uri(path: str) -> str:
    """RFC 8089; a drive of Windows keeps its colon."""
    drive, rest = os.path.splitdrive(path)
    if drive.startswith(("\\\\", "//")):
        return "file:" + _encoded(path)
    return "file://" + (f"/{drive}" if drive else "") + _encoded(rest)


def _shown(path: str) -> str:
    slashed = path.replace(os.sep, "/").encode("utf-8", "surrogateescape")
    return printable(slashed.decode("utf-8", "backslashreplace"))


def directory_uri(folder: str) -> str:
    """A folder of this machine as a URI with a slash at its end."""
    return _file_uri(folder.rstrip(os.sep)) + "/"
