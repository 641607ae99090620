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

GRACE = 0.8  # seconds beyond its time after which a process is ended; with its start, under 1
# what decoding takes at most, measured at 256 megapixels: a TIFF of floats and a WebP with alpha
# 17, an AVIF 13, a PNG of 16 bits 11, a PNG 4
BYTES_PER_PIXEL = 20
_SPARE = 2**28  # bytes for all that does not grow with the image


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

    @property
    def memory(self) -> int:
        """Bytes that a worker process may allocate; 6 GiB for the default limits."""
        return BYTES_PER_PIXEL * self.pixels + self.bytes + _SPARE

    @property
    def patience(self) -> float:
        """Seconds after which a file's process is ended; 0 for never."""
        return self.seconds + GRACE if self.seconds > 0 else 0.0


def too_slow(seconds: float) -> ImageError:
    """The error of a file that took longer than ``seconds``."""
    return ImageError(ErrorCode.TOO_SLOW, f"not decoded in {seconds:g} s; raise --timeout-per-file")


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise ``too_slow`` in the block when it runs longer than ``seconds``.

    It needs the main thread of a process and POSIX timers; elsewhere there is no limit. A C
    decoder is interrupted when it next returns to Python; what ends one that never does is in
    ``clipfake.scanning.processes.confine``.

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
        raise too_slow(seconds)

    previous = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
