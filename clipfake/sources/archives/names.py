"""Members' names: text for the report, and the rules for files below a folder applied to them.

A name is never used as a path of the file system, so one that climbs out of the archive, or is
absolute, is a name like others.
"""

import os
from collections import Counter

from clipfake.errors import ErrorCode, ImageError
from clipfake.sources.select import HIDDEN, IGNORED, PassedOver, Selection

MAX_BYTES = 4096
MAX_FOLDERS = 100


class Names:
    """The members of one archive by their names.

    Attributes:
        below: the archive's own path below the folder that is walked, with a slash at its end;
            empty for an archive that was named outright.
    """

    def __init__(
        self, selection: Selection, below: str = "", passed_over: PassedOver | None = None
    ) -> None:
        self.below = below
        self._passed_over = Counter() if passed_over is None else passed_over
        self._hides = self._ignores = False
        self._selection = selection
        self._folder = ""
        self._entered = True

    def inside(self, relative: str) -> "Names":
        """The names of an archive that is a member itself."""
        return Names(self._selection, f"{relative}/", self._passed_over)

    def relative(self, name: str) -> str | None:
        """The member's path below the folder that is walked; None when its folder is left out.

        Raises:
            ImageError: ``archive_limit`` for names that no file system would take.
        """
        parts = [part for part in name.split("/") if part not in ("", ".", "..")]
        if len(name) > MAX_BYTES or len(parts) > MAX_FOLDERS:
            raise ImageError(ErrorCode.ARCHIVE_LIMIT, "its name is too long; rename it")
        folder = "/".join(parts[:-1])
        if folder != self._folder:
            self._folder = folder
            above = [self.below + "/".join(parts[:end]) for end in range(1, len(parts))]
            shut = next((each for each in above if not self._selection.enters(each)), None)
            self._hides = shut is not None and self._selection.hides(shut, is_folder=True)
            self._ignores = shut is None and any(
                self._selection.ignores(each, is_folder=True) for each in above
            )
            self._entered = shut is None and not self._ignores
        self._passed_over[HIDDEN] += self._hides
        self._passed_over[IGNORED] += self._ignores
        return self.below + ("/".join(parts) or "unnamed") if self._entered else None

    def takes(self, relative: str) -> bool:
        """Whether a member is taken, if it is no archive itself."""
        return self._selection.takes_file(relative)

    def enters(self, relative: str) -> bool:
        """Whether a member is looked into, should it be an archive itself."""
        self._passed_over[HIDDEN] += self._selection.hides(relative)
        if self._selection.ignores(relative):
            self._passed_over[IGNORED] += 1
            return False
        return self._selection.enters(relative)


def as_text(name: bytes) -> str:
    """A name as the operating system's names are held: what is no UTF-8 as surrogates."""
    return os.fsdecode(name[: MAX_BYTES + 1]).replace("\0", "\\x00")
