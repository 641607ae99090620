"""Worker processes: how many suit the machine, and how each is set up."""

import faulthandler
import os
import signal
from multiprocessing.connection import Connection

from clipfake.imaging.limits import Limits
from clipfake.scanning.processes.confine import cap_memory, end_with_parent
from clipfake.scanning.processes.last_words import speak_into

MAX_WORKERS = 16


def default_workers() -> int:
    """Decoding processes that suit the machine: a core is left to the encoder."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(MAX_WORKERS, cores - 1))


def prepare_worker(limits: Limits, words: Connection | None) -> None:
    """Set up a worker process that reads files.

    Args:
        limits: what one file may cost.
        words: where its stderr goes; None is nowhere.
    """
    quiet_worker(words)
    cap_memory(limits.memory)


def quiet_worker(words: Connection | None) -> None:
    """Set up a worker process that prints nothing and ends when its parent does."""
    # Ctrl-C goes to the whole process group; the parent ends the workers itself
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # C decoders print what they find in a file straight to the terminal
    speak_into(words)
    faulthandler.enable(2)  # says where a crash was
    end_with_parent()
