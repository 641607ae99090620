"""Where an item's bytes come from."""

import os
import stat
import threading
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from clipfake.errors import ErrorCode, ImageError


class Stream(Protocol):
    """Bytes in order."""

    def read(self, count: int) -> bytes:
        """Up to ``count`` bytes; fewer only at the end."""


class Reader(Stream, Protocol):
    """The bytes of one item.

    Attributes:
        size: how many there are; None when only reading tells.
    """

    @property
    def size(self) -> int | None:
        """How many bytes there are; None when only reading tells."""

    def peek(self, count: int) -> bytes:
        """The first bytes, up to ``count``, which ``read`` gives again; asked for before it."""


class Content(Protocol):
    """What a worker opens to read an item; it crosses to other processes by pickling."""

    def open(self) -> AbstractContextManager[Reader]:
        """Open it.

        Raises:
            OSError: as the operating system has it.
            ImageError: it cannot be read for a reason that no ``errno`` stands for.
        """


class FileReader:
    """A regular file that is open."""

    def __init__(self, file: BinaryIO) -> None:
        self.size = os.fstat(file.fileno()).st_size
        self._file = file

    def peek(self, count: int) -> bytes:
        """The first bytes, up to ``count``."""
        data = self._file.read(count)
        self._file.seek(0)  # so that the whole is read at once, without a copy
        return data

    def read(self, count: int) -> bytes:
        """Up to ``count`` bytes; fewer only at the end."""
        return self._file.read(count)


@dataclass(frozen=True)
class LocalFile:
    """A file of this machine.

    Attributes:
        path: its name.
    """

    path: str

    @contextmanager
    def open(self) -> Iterator[FileReader]:
        """Open it; raises what ``open_regular`` does."""
        with open_regular(self.path) as file:
            yield FileReader(file)


def open_regular(path: str) -> BinaryIO:
    """Open a regular file; FIFOs, sockets and devices are never opened.

    Raises:
        OSError: as the operating system has it.
        ValueError: no file can have this name.
        ImageError: ``not_a_file``.
    """
    _need_regular(os.stat(path))
    file = open(path, "rb", opener=_open_at_once)  # noqa: SIM115 - the caller closes it
    try:
        _need_regular(os.fstat(file.fileno()))  # another file may have taken its place
    except BaseException:
        file.close()
        raise
    return file


@dataclass(frozen=True)
class Carried:
    """Bytes that travel with the item, out of a stream that can only be read once.

    Attributes:
        data: all of them, or the first ones of what is no image.
        size: how many bytes there are in all.
        again: where the same bytes can be had by whoever has not this item; None for nowhere.
    """

    data: bytes = field(repr=False)
    size: int
    again: Content | None = None

    @contextmanager
    def open(self) -> Iterator["CarriedReader"]:
        """Read from the start."""
        yield CarriedReader(self)


class CarriedReader:
    """Carried bytes, read in order."""

    def __init__(self, carried: Carried) -> None:
        self.size = carried.size
        self._data = carried.data
        self._at = 0

    def peek(self, count: int) -> bytes:
        """The first bytes, up to ``count``."""
        return self._data[:count]

    def read(self, count: int) -> bytes:
        """Up to ``count`` bytes; fewer only at the end."""
        part = self._data[self._at : self._at + count]
        self._at += len(part)
        return part


class _Load:
    """Bytes that the items of this process carry now."""

    def __init__(self) -> None:
        self.bytes = 0
        # items may be freed wherever the collector runs, so also while the lock is held
        self.lock = threading.RLock()

    def add(self, count: int) -> None:
        with self.lock:
            self.bytes += count


_load = _Load()


def can_carry(count: int, limit: int) -> bool:
    """Whether so many bytes more can travel with items, of which all together carry ``limit``."""
    return _load.bytes + count <= limit


def carry(data: bytes, size: int, again: Content | None = None) -> Carried:
    """Bytes as an item's content, counted for as long as the item lives; see ``Carried``."""
    carried = Carried(data, size, again)
    _load.add(len(data))
    weakref.finalize(carried, _load.add, -len(data)).atexit = False
    return carried


def _need_regular(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        text = "a folder, not a file; name its files, or give it to clipfake scan by itself"
        raise ImageError(ErrorCode.NOT_A_FILE, text)
    if not stat.S_ISREG(status.st_mode):
        raise ImageError(ErrorCode.NOT_A_FILE, "not a regular file")


def _open_at_once(path: str, flags: int) -> int:
    # opening a FIFO must not wait for a writer
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
