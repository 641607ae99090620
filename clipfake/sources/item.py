"""One file to scan."""

import os
from dataclasses import dataclass, field
from typing import Any

from clipfake.errors import ImageError


@dataclass(frozen=True)
class Item:
    """A name to open, with what its manifest says about it.

    Attributes:
        path: the name as the operating system has it (undecodable bytes as surrogates).
        extra: the manifest's other columns.
        problem: set for what is known to be unreadable before it is opened.
    """

    path: str
    extra: dict[str, Any] = field(default_factory=dict)
    problem: ImageError | None = None

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
