"""Which files of a folder are taken."""

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Selection:
    """Rules for walking folders; files named outright are always taken.

    A pattern matches a file's path below the folder (``raw/*.png``, ``**/thumb_*``) or, when
    it has no slash, any name or folder of that path (``*.gif``, ``node_modules``).

    Attributes:
        include: globs; a file is taken when any matches, or when there are none.
        exclude: globs; a file or a whole folder is left out when any matches.
        hidden: take files and folders whose name starts with a dot.
        follow_symlinks: enter linked folders and read linked files.
    """

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    hidden: bool = False
    follow_symlinks: bool = False

    def takes_file(self, relative: str) -> bool:
        """Whether a file is taken; ``relative`` is its path below the folder, with slashes."""
        if self._excluded(relative):
            return False
        return not self.include or _matches(self._include, relative)

    def enters(self, relative: str) -> bool:
        """Whether a folder is walked; ``relative`` is its path below the folder, with slashes."""
        return not self._excluded(relative)

    def _excluded(self, relative: str) -> bool:
        if not self.hidden and relative.rsplit("/", 1)[-1].startswith("."):
            return True
        return _matches(self._exclude, relative)

    @cached_property
    def _include(self) -> list[tuple[re.Pattern[str], bool]]:
        return [_compile(pattern) for pattern in self.include]

    @cached_property
    def _exclude(self) -> list[tuple[re.Pattern[str], bool]]:
        return [_compile(pattern) for pattern in self.exclude]


def _compile(pattern: str) -> tuple[re.Pattern[str], bool]:
    """The pattern as a regular expression, and whether it speaks of a whole path."""
    pattern = pattern.removeprefix("./").rstrip("/")
    whole = "/" in pattern
    # "**/" also stands for no folder at all; [:-2] takes off the anchor at the end
    parts = [fnmatch.translate(part)[:-2] for part in re.split(r"(?<![^/])\*\*/", pattern)]
    return re.compile("(?s:(?:.*/)?)".join(parts) + r"\Z"), whole


def _matches(patterns: list[tuple[re.Pattern[str], bool]], relative: str) -> bool:
    names = relative.split("/")
    return any(
        pattern.match(relative) if whole else any(map(pattern.match, names))
        for pattern, whole in patterns
    )
