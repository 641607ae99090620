"""Draw what a command shows on a terminal, as SVG.

    python -m tools.terminal_picture docs/pictures/scan.svg scan examples/images --workers 1
    python -m tools.terminal_picture --columns 80 --during bar.svg scan examples/images

The command runs on a pseudo-terminal; what is there when it ends is drawn, or with ``--during``
what was there when a bar was last drawn, with a line above that says what was typed.
"""

import argparse
import os
import pty
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLUMNS, ROWS = 100, 60
_BAR, _TABLE = "\u2501", "\u250f"  # the head of a table has the bar's character too
_PARTS = re.compile(r"\x1b\[\??([0-9;]*)([A-Za-z])|(\r|\n)|([^\x1b\r\n]+)")


def draw(
    picture: Path, arguments: Sequence[str], *, columns: int = COLUMNS, during: bool = False
) -> None:
    """Run a command and draw what it shows.

    Args:
        picture: SVG to write.
        arguments: of ``clipfake``.
        columns: of the terminal.
        during: draw what was there with the last bar, and not what is there at the end.
    """
    shown = _shown([sys.executable, "-m", "clipfake", *arguments], columns, during)
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=columns, file=nowhere, force_terminal=True)
        console.print(Text("$ clipfake " + " ".join(arguments), "bold"))
        console.print(Text.from_ansi(shown))
        console.save_svg(str(picture), title="clipfake")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--columns", type=int, default=COLUMNS)
    parser.add_argument("--during", action="store_true")
    parser.add_argument("picture", type=Path)
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    draw(args.picture, args.arguments, columns=args.columns, during=args.during)


def _shown(command: list[str], columns: int, during: bool) -> str:
    """What a command leaves on a terminal, or had there with its last bar."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    environment |= {"COLUMNS": str(columns), "LINES": str(ROWS)}
    data, last = b"", ""
    with subprocess.Popen(  # noqa: S603 this interpreter, with what the user typed
        command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=environment
    ):
        os.close(theirs)
        try:
            while chunk := os.read(ours, 2**16):
                data += chunk
                now = screen(data.decode("utf-8", "replace")) if during else ""
                if _BAR in now and _TABLE not in now:
                    last = now
        except OSError:  # Linux says so when the other end is closed
            pass
    os.close(ours)
    return last if during else screen(data.decode("utf-8", "replace"))


def screen(written: str) -> str:
    """The lines that a terminal shows once all was written; colours stay as codes.

    Knows what progress does: it goes up, erases lines, and writes them anew from their start.
    """
    lines, at, fresh = [""], 0, False
    for found in _PARTS.finditer(written):
        number, letter, ending, text = found.groups()
        if ending == "\n":
            at, fresh = at + 1, False
            lines += [""] * (at + 1 - len(lines))
        elif ending == "\r":
            fresh = True
        elif letter == "A":
            at = max(at - int(number or 1), 0)
        elif letter == "K":
            lines[at] = ""
        elif text or letter == "m":
            lines[at] = ("" if fresh else lines[at]) + found[0]
            fresh = False
    return "\n".join(lines).rstrip()


if __name__ == "__main__":
    main()
