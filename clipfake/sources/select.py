"""Which files of a folder are taken."""

import fnmatch
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from clipfake.sources.archive_limits import ArchiveLimits
from clipfake.sources.ignore import Ignored, Ignoring

# what a rule left out and a user may not know of, by its kind
PassedOver = Counter[str]
HIDDEN, LINKS, ARCHIVES, STREAMS = "hidden", "symbolic links", "archives", "compressed tars"
IGNORED = "named by .clipfakeignore"


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
        archives: what an archive may cost, whose members are taken as the files of a folder are;
            None leaves archives alone, as files that are no images.
        streams: look into compressed tars, which are inflated to list them; False takes each for
            one file.
        network: let URLs be opened; without it those that need another machine are refused.
        ignoring: where ``.clipfakeignore`` files count; those of other machines never do.
        ignored: those that count for the folder that is walked; None where none do.
    """

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    hidden: bool = False
    follow_symlinks: bool = False
    archives: ArchiveLimits | None = field(default_factory=ArchiveLimits)
    streams: bool = True
    network: bool = False
    ignoring: Ignoring = Ignoring.FOUND
    ignored: Ignored | None = None

    def takes_file(self, relative: str) -> bool:
        """Whether a file is taken; ``relative`` is its path below the folder, with slashes."""
        if self._excluded(relative):
            return False
        return not self.include or _matches(self._include, relative)

    def enters(self, relative: str) -> bool:
        """Whether a folder is walked; ``relative`` is its path below the folder, with slashes."""
        return not self._excluded(relative)

    def hides(self, relative: str, *, is_folder: bool = False) -> bool:
        """Whether the dot before its name is all that leaves out a file or folder."""
        if self.hidden or not _dotted(relative) or _matches(self._exclude, relative):
            return False
        return is_folder or not self.include or _matches(self._include, relative)

    def ignores(self, relative: str, *, is_folder: bool = False) -> bool:
        """Whether an ignore file leaves out what would be taken or entered else."""
        if self.ignored is None or not self.ignored.leaves_out(relative, is_folder=is_folder):
            return False
        return self.enters(relative)

    def _excluded(self, relative: str) -> bool:
        if not self.hidden and _dotted(relative):
            return True
        return _matches(self._exclude, relative)

    @cached_property
    def _include(self) -> list["_Pattern"]:
        return [_compile(pattern) for pattern in self.include]

    @cached_property
    def _exclude(self) -> list["_Pattern"]:
        return [_compile(pattern) for pattern in self.exclude]


def _dotted(relative: str) -> bool:
    return relative.rsplit("/", 1)[-1].startswith(".")


# a part of a path each; None stands for ** and takes any number of parts
_Pattern = list[re.Pattern[str] | None]


def _compile(pattern: str) -> _Pattern:
    parts = pattern.removeprefix("./").rstrip("/").split("/")
    return [None if part == "**" else re.compile(fnmatch.translate(part)) for part in parts]


def _matches(patterns: list[_Pattern], relative: str) -> bool:
    names = relative.split("/")
    return any(
        _fits(pattern, names) if len(pattern) > 1 else any(_fits(pattern, [name]) for name in names)
        for pattern in patterns
    )


def _fits(pattern: _Pattern, names: list[str]) -> bool:
    if not pattern:
        return not names
    part, rest = pattern[0], pattern[1:]
    if part is None:
        return any(_fits(rest, names[taken:]) for taken in range(len(names) + 1))
    return bool(names) and part.match(names[0]) is not None and _fits(rest, names[1:])
