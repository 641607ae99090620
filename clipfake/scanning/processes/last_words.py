"""What a worker process says on stderr: kept from the screen, and told when it ends badly.

Decoders in C print what they find in a file straight to stderr. That is no news of a file that was
read; of one that ended its process it may be all there is to learn.
"""

import os
import signal
import unicodedata
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from threading import Thread

KEPT = 2**15  # bytes, the last ones; what Python says of a crash takes some thousands
_PIECE = 2**16
_STDERR = 2
# how faulthandler begins, and what it ends with
_CRASH, _NOISE = "Fatal Python error", "Extension modules:"
_DRAIN_SECONDS = 1.0  # something that the process started may hold the pipe open


class LastWords:
    """The end of a process's stderr.

    Attributes:
        theirs: what the process calls ``speak_into`` with; None where there are no such pipes.
    """

    def __init__(self) -> None:
        """Make the pipe; ``listen`` is to be called once the process is started."""
        self.theirs: Connection | None = None
        self._ours: Connection | None = None
        self._tail = b""
        self._thread = Thread(target=self._drain, daemon=True)
        if os.name == "posix":
            self._ours, self.theirs = Pipe(duplex=False)

    def listen(self) -> None:
        """Read along, so that the process never waits."""
        if self.theirs is not None:
            self.theirs.close()
        self._thread.start()

    def text(self, most: int = KEPT) -> str:
        """What came last, as one line that is fit for a terminal; call it after the end.

        Args:
            most: characters, about: half of what was printed last, half of where Python says that
                it crashed, the innermost call first.
        """
        self._thread.join(_DRAIN_SECONDS)
        said, crash, calls = _one_line(self._tail).rpartition(_CRASH)
        if not crash:
            return calls[-most:] or "none"
        calls = calls.partition(_NOISE)[0]
        return f"{said[-(most // 2) :]}{crash}{calls[: most // 2]}".strip()

    def _drain(self) -> None:
        if self._ours is None:
            return
        with self._ours:
            while piece := os.read(self._ours.fileno(), _PIECE):
                self._tail = (self._tail + piece)[-KEPT:]


def speak_into(words: Connection | None) -> None:
    """Send this process's stderr into the pipe of its ``LastWords``; None sends it nowhere."""
    if words is not None:
        os.dup2(words.fileno(), _STDERR)
        return
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), _STDERR)


def _one_line(data: bytes) -> str:
    text = data.decode("utf-8", errors="replace")
    fit = "".join(" " if unicodedata.category(c).startswith(("C", "Z")) else c for c in text)
    return " ".join(fit.split())


def ending(exit_code: int | None) -> str:
    """How a process ended, in words.

    Args:
        exit_code: as ``multiprocessing`` has it: a signal's number negated, or a code.
    """
    if exit_code is not None and exit_code < 0:
        try:
            return f"was ended by {signal.Signals(-exit_code).name}"
        except ValueError:
            return f"was ended by signal {-exit_code}"
    return f"ended with code {exit_code}"
