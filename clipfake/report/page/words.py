"""Texts of unknown origin, and numbers, as a page shows them."""

import math

from clipfake.report.text import printable

MOST = 600  # characters of a value that a page shows; the report has the rest


def shown(text: object, most: int = MOST) -> str:
    """A text whose control and direction characters are escapes; its lines stay lines.

    Args:
        text: anything; what is no text is shown as Python has it.
        most: characters, then an ellipsis.
    """
    whole = text if isinstance(text, str) else str(text)
    cut = whole[:most].replace("\r\n", "\n").replace("\r", "\n")
    lines = "\n".join(printable(line) for line in cut.split("\n"))
    return f"{lines}\u2026" if len(whole) > most else lines


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun: ``1 image``, ``12,000 images``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def percent(share: float) -> str:
    """A share of a hundred with the digits that it deserves: ``1``, ``0.1``, ``71``, ``0.01``."""
    value = 100 * share
    if 0 < value < 0.05:  # few are not none
        return f"{value:.{-math.floor(math.log10(value))}f}"
    if value >= 10 or abs(value - round(value)) < 0.05:
        return f"{value:.0f}"
    return f"{value:.1f}"


def size_of(count: int) -> str:
    """Bytes as people say them: ``512 bytes``, ``1.4 MB``; a kilobyte is 1,000."""
    if count < 1000:
        return counted(count, "byte")
    value = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.5 or unit == "TB":
            break
    return f"{value:.3g} {unit}" if value < 999.5 else f"{value:,.0f} {unit}"
