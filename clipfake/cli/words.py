"""Sentences whose words and paths stay whole, on a terminal and in a log."""

import textwrap

from rich.console import Console
from rich.text import Text

from clipfake.report.text import printable

_SPACE = "\ue000"  # stands for a space that no line may break at; printable text has none of it


def say(console: Console, text: str, *, path: str = "") -> None:
    """Print a line; on a terminal it breaks between words, in a log nowhere.

    Args:
        console: to print on.
        text: of unknown origin; a further line begins below its first letter.
        path: a part of the text that stays in one line, spaces and all.
    """
    text, path = printable(text), printable(path)
    if console.is_terminal and len(text) > console.width:
        if path:
            text = text.replace(path, path.replace(" ", _SPACE))
        indent = " " * (len(text) - len(text.lstrip()))
        lines = textwrap.wrap(
            text,
            console.width,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        text = "\n".join(lines).replace(_SPACE, " ")
    console.print(Text(text), soft_wrap=True)
