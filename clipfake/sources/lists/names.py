"""Lists of names alone: a path a line, or names that zero bytes end."""

import re
from collections.abc import Callable, Iterator
from typing import TextIO

import pyarrow as pa

from clipfake.sources.lists.row import MOST_NAME, Row
from clipfake.sources.lists.text import lines, zero_separated

_SHOWN = 80
_LONG = "longer than any path; list one path a line"
_ZEROS = "holds zero bytes; give --null for names that zero bytes separate"
# git's quotes: config core.quotePath, and quote_c_style in its quote.c
_ESCAPE = re.compile(r'\\([0-3][0-7]{2}|[abtnvfr"\\])|\\|"')
_LETTERS = dict(zip("abtnvfr", range(7, 14), strict=True))


class Names:
    """A list of names alone."""

    def __init__(self, opened: Callable[[], TextIO], *, null: bool) -> None:
        """Nothing is read yet.

        Args:
            opened: opens the list.
            null: zero bytes end its names, which then may hold line feeds and quotes.
        """
        self.columns: dict[str, pa.DataType] = {}
        self._opened = opened
        self._null = null

    def __iter__(self) -> Iterator[Row]:
        """Rows in order."""
        split = zero_separated if self._null else lines
        file = self._opened()
        try:
            for number, (line, whole) in enumerate(split(file, MOST_NAME), start=1):
                name = line if self._null else line.rstrip("\r\n")
                if not whole:
                    yield Row(number, "", fault=_LONG)
                elif "\0" in name:
                    yield Row(number, "", fault=_ZEROS)
                elif name:
                    yield Row(number, name, quoted=not self._null and _is_quoted(name))
        finally:
            file.close()


def unquoted(name: str) -> str | None:
    """The name that git wrote in quotes, with escapes for bytes that are not ASCII.

    Args:
        name: with its quotes.

    Returns:
        The name, undecodable bytes as surrogates; None when git writes none like it.
    """
    data, at, inner = bytearray(), 0, name[1:-1]
    for found in _ESCAPE.finditer(inner):
        data += inner[at : found.start()].encode("utf-8", "surrogateescape")
        code = found[1]
        if code is None:  # a quote or backslash that git would have escaped
            return None
        data.append(int(code, 8) if code.isdigit() else _LETTERS.get(code, ord(code)))
        at = found.end()
    data += inner[at:].encode("utf-8", "surrogateescape")
    return data.decode("utf-8", "surrogateescape")


def _is_quoted(name: str) -> bool:
    return len(name) > 2 and name.startswith('"') and name.endswith('"')
