"""`.clipfakeignore`: files that are not looked at, in the syntax of gitignore, at any level."""

import os
import re
from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from pathspec import GitIgnoreSpec
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from clipfake.errors import ErrorCode, ImageError
from clipfake.sources.content import open_regular
from clipfake.sources.item import Item

NAME = ".clipfakeignore"
MOST_BYTES = 2**20
MOST_STARS = 2  # of ** in the midst of a pattern: each multiplies the time by a path's folders
_HELD_FOLDERS = 4096
_GIT = ".git"
_STAR = "[^/]*"  # what pathspec makes of *
_DEEP = "(?:/.+)?"  # and of /** in the midst of a pattern


class Ignoring(str, Enum):
    """Where ignore files count."""

    FOUND = "found"  # for what walking a folder finds, and git
    ALL = "all"  # for names that were given or listed, too
    NONE = "none"


class Ignored:
    """Tells what the ignore files from a repository's root down to a file leave out.

    As git has it, the last pattern that matches decides, that of a deeper file before that of one
    above it, and nothing below a folder that is left out comes back.
    """

    def __init__(self, folder: str) -> None:
        """Nothing is read yet.

        Args:
            folder: with the files that are asked about, somewhere below it. Ignore files above it
                count up to the root of its repository, or to the present folder where that is
                above it; else none do.
        """
        self._folder = os.path.abspath(folder)
        self._top = _top(self._folder)
        self._inside = self._top.rstrip(os.sep) + os.sep
        self._levels: OrderedDict[str, _Level] = OrderedDict()
        self._told: set[str] = set()
        self._faults: list[Item] = []

    def leaves_out(self, path: str, *, is_folder: bool = False) -> bool:
        """Whether a file or folder, or a folder above it, is left out.

        Args:
            path: relative to the folder, or absolute; nothing above the top is asked.
            is_folder: it is a folder.
        """
        absolute = os.path.join(self._folder, path)
        if path.startswith((".", os.sep)) or f"{os.sep}." in path:  # walking gives none like it
            absolute = os.path.normpath(absolute)
        if not absolute.startswith(self._inside):
            return False
        level = self._level(os.path.dirname(absolute))
        return level.shut or (bool(level.specs) and _matches(level, absolute, is_folder=is_folder))

    def faults(self) -> list[Item]:
        """Ignore files, or lines of them, that could not be used and were not told before."""
        faults, self._faults = self._faults, []
        return faults

    def _level(self, folder: str) -> "_Level":
        """What counts in a folder at the top or below it."""
        known = self._levels.get(folder)
        if known is not None:
            self._levels.move_to_end(folder)
            return known
        new: list[str] = []
        while folder not in self._levels and len(folder) > len(self._top):
            new.append(folder)
            folder = os.path.dirname(folder)
        level = self._levels.get(folder)
        if level is None:
            level = self._levels[folder] = _Level(specs=self._own(folder))
        for each in reversed(new):
            shut = level.shut or _matches(level, each, is_folder=True)
            own = () if shut else self._own(each)
            level = self._levels[each] = _Level(shut, (*own, *level.specs))
        while len(self._levels) > _HELD_FOLDERS:
            self._levels.popitem(last=False)
        return level

    def _own(self, folder: str) -> "tuple[tuple[int, GitIgnoreSpec], ...]":
        """The patterns of a folder's own ignore file, if it has any."""
        spec = self._read(os.path.join(folder, NAME))
        return () if spec is None else ((len(folder.rstrip(os.sep)) + 1, spec),)

    def _read(self, path: str) -> GitIgnoreSpec | None:
        try:
            if Path(path).is_symlink():  # as git has it: what a link names may lie anywhere
                self._tell(path, "is a link, and not followed; put the file in its place")
                return None
            with open_regular(path) as file:
                data = file.read(MOST_BYTES + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ImageError as error:
            self._tell(path, str(error))
            return None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            self._tell(path, f"cannot be read ({reason}); what it names is looked at")
            return None
        if len(data) > MOST_BYTES:
            self._tell(path, f"over {MOST_BYTES} bytes; what it names is looked at")
            return None
        text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
        patterns = []
        for number, line in enumerate(text.split("\n"), start=1):
            try:
                patterns.append(_Pattern(line.rstrip("\r")))
            except (ValueError, re.error):
                reason = "is no pattern of gitignore's; mend it, the other lines count"
                self._tell(path, f"line {number} {reason}")
        return GitIgnoreSpec(patterns, backend="simple")

    def _tell(self, path: str, reason: str) -> None:
        if path not in self._told and len(self._told) < _HELD_FOLDERS:
            self._told.add(path)
            self._faults.append(Item(path, problem=ImageError(ErrorCode.UNREADABLE, reason)))


@dataclass(frozen=True)
class _Level:
    """What counts in a folder.

    Attributes:
        shut: the folder is left out, or one above it.
        specs: the ignore files that count, the nearest first; each with the number of characters
            of a path that stand before what it is about.
    """

    shut: bool = False
    specs: tuple[tuple[int, GitIgnoreSpec], ...] = ()


def _matches(level: _Level, path: str, *, is_folder: bool) -> bool:
    """What patterns say of a path in a folder, whatever they say of the folder."""
    for start, spec in level.specs:
        relative = path[start:].replace(os.sep, "/")
        said = spec.check_file(f"{relative}/" if is_folder else relative).include
        if said is not None:
            return said
    return False


class _Pattern(GitIgnoreSpecPattern):
    """A pattern that is matched in a time that grows with a name's length, not with a power of it.

    An ignore file may lie in a folder that somebody else filled.
    """

    @classmethod
    def pattern_to_regex(cls, pattern: str) -> tuple[str | None, bool | None]:  # type: ignore[override]
        """The expression for a pattern, and whether it leaves out.

        Raises:
            ValueError: it is none.
        """
        regex, include = super().pattern_to_regex(pattern)
        if regex is not None and regex.count(_DEEP) > MOST_STARS:
            raise ValueError(f"over {MOST_STARS} ** in the midst of it")
        return (None if regex is None else _without_trials(regex)), include


def _without_trials(regex: str) -> str:
    """An expression whose stars before another star of the same name take the first fit for good.

    What stands between two stars has a fixed length, so that the first place where it fits leaves
    the second star most: no other place has to be tried (as ``fnmatch.translate`` has it).
    """
    first, *parts = re.split(rf"(?:{re.escape(_STAR)})+", regex)
    out = [first]
    for number, part in enumerate(parts):
        same_name = number < len(parts) - 1 and "/" not in part.replace("[^/]", "")
        if same_name:
            out.append(f"(?=(?P<star{number}>[^/]*?{part}))(?P=star{number})")
        else:
            out.append(f"{_STAR}{part}")
    return "".join(out)


def _top(folder: str) -> str:
    """The uppermost folder whose ignore file counts for what lies in a folder."""
    above = folder
    while True:
        if os.path.lexists(os.path.join(above, _GIT)):
            return above
        if (higher := os.path.dirname(above)) == above:
            break
        above = higher
    present = os.fsdecode(os.getcwdb())
    return present if folder.startswith(present.rstrip(os.sep) + os.sep) else folder
