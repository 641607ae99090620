"""What ends a worker process: it hangs, it eats memory, or its parent is gone."""

import faulthandler
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import wait
from pathlib import Path

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_STATM, _OOM_SCORE = Path("/proc/self/statm"), Path("/proc/self/oom_score_adj")
_STDERR = 2


@contextmanager
def watchdog(seconds: float) -> Iterator[None]:
    """End this process once the block has run for ``seconds``, whatever it does; 0 is no limit.

    A thread of faulthandler ends it, which needs no Python to run. It also prints where the
    process hung to its stderr, which a worker has closed.
    """
    if seconds <= 0:
        yield
        return
    faulthandler.dump_traceback_later(seconds, exit=True, file=_STDERR)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def cap_memory(allowance: int) -> None:
    """Let this process allocate so many bytes more than it has; then it gets MemoryError.

    Only Linux is able to: elsewhere nothing is done. Files and memory that are shared with
    other processes do not count. Should the machine run out of memory before, the kernel is
    told to take this process first.
    """
    if resource is None or not _STATM.exists():
        return
    pages = int(_STATM.read_text("ascii").split()[5])  # private and writable, proc(5)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = pages * os.sysconf("SC_PAGE_SIZE") + allowance
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    with suppress(OSError):  # sandboxes may forbid it
        _OOM_SCORE.write_text("1000", "ascii")


def end_with_parent() -> None:
    """End this process once its parent is gone, even if that was killed.

    What it inherited, such as the lock of a report, would stay taken otherwise.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    if hasattr(signal, "pthread_sigmask"):  # signals are to interrupt the main thread
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    wait([sentinel])
    os._exit(1)
