"""One file to scan."""

import os
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from clipfake.errors import ImageError
from clipfake.sources.content import Content, LocalFile, Reader


def native(name: str) -> str:
    """A name out of a UTF-8 text as this process's calls take it.

    The bytes of the text are those of the file's name, whatever the locale: in the C locale a call
    would refuse ``é``, and takes its two bytes as surrogates (PEP 383).
    """
    if sys.getfilesystemencoding() == "utf-8":
        return name
    try:
        return os.fsdecode(name.encode("utf-8", "surrogateescape"))
    except UnicodeError:  # a manifest may hold any surrogate
        return name


@dataclass(frozen=True)
class Item:
    """A name to open, with what its manifest says about it.

    Attributes:
        path: the name as the operating system has it (undecodable bytes as surrogates).
        extra: the manifest's other columns.
        problem: set for what is known to be unreadable before it is opened.
        content: where its bytes are; None when in the file of that name.
        named: the user asked for it by its name on the command line; False for what walking a
            folder or an archive found, and for rows of lists, which may well name documents.
    """

    path: str
    extra: dict[str, Any] = field(default_factory=dict)
    problem: ImageError | None = None
    content: Content | None = None
    named: bool = False

    def open(self) -> AbstractContextManager[Reader]:
        """Open what it names; raises what its content does."""
        return (self.content or LocalFile(self.path)).open()

    @property
    def text(self) -> str:
        """The name as valid text; bytes that are not UTF-8 appear as backslash escapes."""
        raw = self._bytes
        if raw is None:
            return self.path.encode("utf-8", errors="backslashreplace").decode("utf-8")
        return raw.decode("utf-8", errors="backslashreplace")

    @property
    def raw(self) -> bytes | None:
        """The name's bytes when they are not valid UTF-8, else None."""
        raw = self._bytes
        try:
            (raw or b"").decode("utf-8")
        except UnicodeDecodeError:
            return raw
        return None

    @property
    def _bytes(self) -> bytes | None:
        """The name as the operating system has it; None for what no file can be called."""
        try:
            return os.fsencode(self.path)
        except UnicodeEncodeError:  # a manifest may hold any surrogate
            return None
