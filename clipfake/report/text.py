"""Text of unknown origin, made fit for a terminal."""

import unicodedata

_UNFIT = ("C", "Zl", "Zp")


def printable(text: str, encoding: str = "utf-8") -> str:
    """Text whose control, format, surrogate and line-breaking characters are shown as escapes.

    File names may hold terminal escape codes, line breaks or characters that reverse the
    reading direction; none of them reaches the terminal.

    Args:
        text: of unknown origin.
        encoding: of the terminal; what it has no character for is shown as an escape too.
    """
    fit = "".join(_escape(c) if unicodedata.category(c).startswith(_UNFIT) else c for c in text)
    return fit.encode(encoding, errors="backslashreplace").decode(encoding)


def _escape(character: str) -> str:
    return character.encode("unicode_escape", errors="backslashreplace").decode("ascii")
