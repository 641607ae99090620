"""Locks that keep other processes of this machine from a report, where the system has them."""

import os
import weakref
from typing import Protocol

from clipfake.errors import UsageError

_BUSY = "another scan writes this report; wait for it or give another --output"


class Held(Protocol):
    """What holds a lock."""

    def leave(self) -> None:
        """Let go of it."""


_held: "weakref.WeakSet[Held]" = weakref.WeakSet()


def lock(descriptor: int, name: object) -> None:
    """Keep other processes from an open file or folder.

    Args:
        descriptor: of the file.
        name: of the report, for the error.

    Raises:
        UsageError: another process has it.
        OSError: it cannot be locked.
    """
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UsageError(f"{name}: {_BUSY}") from error


def left_by_forks(held: Held) -> None:
    """Have it left in forked workers, which would hold the lock of a killed scan."""
    _held.add(held)


def _leave_all() -> None:
    for held in list(_held):
        held.leave()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_all)
