"""Limits that keep one hostile file from stopping a scan."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from clipfake.errors import ErrorCode, ImageError

# generators put whole workflows into PNG text; Pillow's default of 1 MiB refuses some of them
MAX_PNG_TEXT = 16 * 2**20


@dataclass(frozen=True)
class Limits:
    """What one file may cost.

    Attributes:
        pixels: width times height, at most.
        bytes: size of the file, at most.
        seconds: wall time of reading and decoding; 0 means no limit.
    """

    pixels: int = 256_000_000
    bytes: int = 2**30
    seconds: float = 30.0


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise ``too_slow`` in the block when it runs longer than ``seconds``.

    It needs the main thread of a process and POSIX timers; elsewhere there is no limit. A C
    decoder is interrupted when it next returns to Python.

    Raises:
        ImageError: ``too_slow``.
    """
    available = hasattr(signal, "setitimer") and (
        threading.current_thread() is threading.main_thread()
    )
    if seconds <= 0 or not available:
        yield
        return

    def expire(_signum: int, _frame: FrameType | None) -> None:
        raise ImageError(
            ErrorCode.TOO_SLOW, f"not decoded in {seconds:g} s; raise --timeout-per-file"
        )

    previous = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
