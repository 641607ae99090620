"""Exit codes, documented in README.md."""

from enum import IntEnum


class Exit(IntEnum):
    """What the process says to the shell."""

    FINE = 0
    FOUND = 1
    USAGE = 2
    NOTHING_READ = 3  # of inspect: a file could not be judged
    REPORT_FAILED = 4
    UNEXPECTED = 5
    INTERRUPTED = 130
    READER_GONE = 141
