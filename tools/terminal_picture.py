"""Draw what a command shows on a terminal, as SVG.

    python -m tools.terminal_picture docs/pictures/scan.svg scan examples/images --workers 1

The command runs on a pseudo-terminal of 100 columns; what is there when it ends is drawn, with a
line above that says what was typed.
"""

import argparse
import os
import pty
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLUMNS, ROWS = 100, 60
_ERASES = ("\x1b[2K", "\x1b[1A", "\x1b[?25l", "\x1b[?25h")  # what progress leaves behind


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path)
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    shown = _shown([sys.executable, "-m", "clipfake", *args.arguments])
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True)
        console.print(Text("$ clipfake " + " ".join(args.arguments), "bold"))
        console.print(Text.from_ansi(shown))
        console.save_svg(str(args.picture), title="clipfake")


def _shown(command: list[str]) -> str:
    """What a command writes to a terminal, without what it took back."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    environment |= {"COLUMNS": str(COLUMNS), "LINES": str(ROWS)}
    with subprocess.Popen(  # noqa: S603 this interpreter, with what the user typed
        command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.DEVNULL, env=environment
    ):
        os.close(theirs)
        data = b""
        try:
            while chunk := os.read(ours, 2**16):
                data += chunk
        except OSError:  # Linux says so when the other end is closed
            pass
    os.close(ours)
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    for code in _ERASES:
        text = text.replace(code, "")
    return text


if __name__ == "__main__":
    main()
