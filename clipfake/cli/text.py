"""Text of unknown origin, made fit for a terminal."""

import unicodedata


def printable(text: str) -> str:
    """Text whose control, format and surrogate characters are shown as escapes.

    File names may hold terminal escape codes, line breaks or characters that reverse the
    reading direction; none of them reaches the terminal.
    """
    return "".join(c if not unicodedata.category(c).startswith("C") else _escape(c) for c in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape", errors="backslashreplace").decode("ascii")
