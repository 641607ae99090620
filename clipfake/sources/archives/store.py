"""Bytes that can be read at any place, and readers over a part of them."""

import os
from typing import BinaryIO, Protocol

from clipfake.sources.content import open_regular


class Store(Protocol):
    """Bytes that can be read at any place.

    Attributes:
        size: how many there are.
    """

    size: int

    def read_at(self, offset: int, count: int) -> bytes:
        """Up to ``count`` bytes from ``offset`` on; fewer only at the end."""

    def close(self) -> None:
        """Give up what is held open."""


class FileStore:
    """A regular file."""

    def __init__(self, path: str) -> None:
        """Open it; raises what ``open_regular`` does."""
        self._file: BinaryIO = open_regular(path)
        self.size = os.fstat(self._file.fileno()).st_size

    def read_at(self, offset: int, count: int) -> bytes:
        """Up to ``count`` bytes from ``offset`` on; fewer only at the end."""
        count = min(count, self.size - offset)  # so that no buffer is made for a false size
        if count <= 0:
            return b""
        self._file.seek(offset)
        data = self._file.read(count)
        while len(data) < count and (more := self._file.read(count - len(data))):
            data += more
        return data

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class MemoryStore:
    """Bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self.size = len(data)
        self._data = data

    def read_at(self, offset: int, count: int) -> bytes:
        """Up to ``count`` bytes from ``offset`` on; fewer only at the end."""
        return self._data[offset : offset + count]

    def close(self) -> None:
        """Nothing is held open."""


class Part:
    """A part of a store, read in order.

    Attributes:
        size: bytes of the part.
        position: bytes read or passed over so far.
    """

    def __init__(self, store: Store, offset: int = 0, size: int | None = None) -> None:
        self.size = max(0, store.size - offset) if size is None else size
        self.position = 0
        self._store = store
        self._offset = offset

    def read(self, count: int) -> bytes:
        """Up to ``count`` bytes; fewer only at the end."""
        count = min(count, self.size - self.position)
        data = self._store.read_at(self._offset + self.position, count) if count > 0 else b""
        self.position += len(data)
        return data

    def skip(self, count: int) -> bool:
        """Pass over bytes; whether there were as many."""
        self.position += count
        return self.position <= self.size
