"""A file of another machine, as an item's content."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from clipfake.errors import ErrorCode, ImageError
from clipfake.sources.content import Reader
from clipfake.sources.remote.driver import attempt, connect
from clipfake.sources.remote.urls import WEB, scheme

_FIRST = 2**20  # bytes asked for to see what a file is; most images come whole with them


@dataclass(frozen=True)
class RemoteFile:
    """A file by its URL.

    Attributes:
        url: with user, password and query, which nothing else gets to see.
        size: in bytes, as the listing of its folder said; None where there was none.
        etag: likewise, what tells its bytes from others under that name.
    """

    url: str = field(repr=False)
    size: int | None = None
    etag: str | None = None

    @contextmanager
    def open(self) -> Iterator[Reader]:
        """Ask for its size, and read it when asked to.

        Raises:
            ImageError: ``missing``, ``no_permission``, ``not_a_file`` or ``unreadable``.
        """
        reader = attempt(lambda: RemoteReader(self.url))
        try:
            yield reader
        finally:
            reader.close()


class RemoteReader:
    """A remote file, read in order; where reading fails it goes on from there.

    Attributes:
        size: as the server says; None when it does not.
    """

    def __init__(self, url: str) -> None:
        self._system, self._path = connect(url)
        known = self._system.info(self._path)
        if known["type"] == "directory":
            raise ImageError(ErrorCode.NOT_A_FILE, "a folder, not a file")
        size = known.get("size")
        self.size: int | None = size if isinstance(size, int) else None
        # fsspec trusts a web server to send no more than it was asked for, save when streaming
        self._how = {"block_size": 0, "size": 1} if scheme(url) in WEB else {"cache_type": "none"}
        self._file: Any = None
        self._at = 0
        self._ahead = b""

    def peek(self, count: int) -> bytes:
        """The first bytes, which ``read`` gives again."""
        if not self._ahead:
            self._ahead = self._fetch(max(count, _FIRST))
        return self._ahead[:count]

    def read(self, count: int) -> bytes:
        """Up to ``count`` bytes; fewer only at the end. Raises as ``open`` does."""
        ahead, self._ahead = self._ahead[:count], self._ahead[count:]
        return ahead + self._fetch(count - len(ahead)) if len(ahead) < count else ahead

    def close(self) -> None:
        """End the transfer."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(Exception):  # what was wanted has been read
                file.close()

    def _fetch(self, count: int) -> bytes:
        if self.size is not None:
            count = min(count, self.size - self._at)
        parts: list[bytes] = []
        while count > 0 and (part := attempt(partial(self._next, count))):
            count -= len(part)
            parts.append(part)
        return b"".join(parts)

    def _next(self, count: int) -> bytes:
        """Some of the next bytes; none at the end."""
        try:
            if self._file is None:
                self._file = self._system.open(self._path, "rb", **self._how)
                self._pass(self._at)
            part: bytes = self._file.read(count)
            if not part and self.size is not None:
                raise ConnectionError("the transfer ended early")
        except BaseException:
            self.close()
            raise
        self._at += len(part)
        return part

    def _pass(self, count: int) -> None:
        """Come to where an earlier transfer broke off."""
        if count == 0:
            return
        try:
            self._file.seek(count)
        except ValueError:  # a stream
            while count > 0 and (part := self._file.read(min(count, _FIRST))):
                count -= len(part)
