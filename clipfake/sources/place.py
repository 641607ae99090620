"""A folder that is written to, of this machine or by URL through fsspec.

Files appear whole: each is written under another name first, and renamed.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from clipfake.errors import ErrorCode, ImageError
from clipfake.sources.remote import as_local, is_url, need_permission, shown
from clipfake.sources.remote.driver import attempt, connect, need_driver
from clipfake.sources.remote.urls import scheme

# stores of objects: they have no folders, and asked for one some would make a bucket
_STORES = ("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "r2")
_PROBE = "_probe"
UNFINISHED = ".partial-"  # and some letters by chance, after the name of a file under way


class Place:
    """A folder by its name or URL; it can be pickled, and is opened anew in every process.

    All methods raise OSError: ``FileNotFoundError``, ``PermissionError``, or as the system has it.

    Attributes:
        name: path or URL, with what lets it be opened.
    """

    def __init__(self, name: str | os.PathLike[str], *, network: bool = True) -> None:
        """Nothing is opened yet.

        Args:
            name: a path or a URL.
            network: whether URLs of other machines may be opened.

        Raises:
            UsageError: they may not, or their driver is not installed.
        """
        text = os.fspath(name)
        if is_url(text):
            need_permission(text, network=network)
            local = as_local(text)
            if local is None:
                need_driver(text)
            text = (local or text).rstrip("/") or "/"
        self.name = text

    def __str__(self) -> str:
        """The name as it may be shown."""
        return shown(self.name)

    @property
    def path(self) -> Path | None:
        """The folder of this machine; None for a URL."""
        return None if is_url(self.name) else Path(self.name)

    def at(self, name: str) -> str:
        """Path or URL of a file."""
        return f"{self.name}/{name}" if is_url(self.name) else os.path.join(self.name, name)

    def names(self, below: str = "") -> list[str]:
        """Names of the files in a folder of the place, sorted; none where there is no folder."""
        if not is_url(self.name):
            try:
                with os.scandir(os.path.join(self.name, below)) as entries:
                    return sorted(entry.name for entry in entries if entry.is_file())
            except FileNotFoundError:
                return []
        try:
            found: list[str] = _asked(lambda: self._list(below))
        except FileNotFoundError:
            return []
        return found

    def _list(self, below: str) -> list[str]:
        system, path = self._connected(below)
        system.invalidate_cache()
        entries = system.ls(path, detail=True)
        return sorted(e["name"].rpartition("/")[2] for e in entries if e["type"] == "file")

    def read(self, name: str) -> bytes:
        """The bytes of a file."""
        if not is_url(self.name):
            with open(self.at(name), "rb") as file:
                return file.read()

        def get() -> bytes:
            system, path = self._connected(name)
            with _key_errors():
                data: bytes = system.cat_file(path)
            return data

        return bytes(_asked(get))

    def write(self, name: str, data: bytes, *, private: bool = False) -> None:
        """Write a file, which takes the place of an older one when it is whole and on disk.

        Args:
            name: of the file; its folder is made.
            data: all of it.
            private: nobody else of this machine may read it.
        """
        unfinished = f"{name}{UNFINISHED}{secrets.token_hex(4)}"
        if is_url(self.name):
            _asked(lambda: self._put(unfinished, name, data))
            return
        path = self.at(unfinished)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        try:
            mode = 0o600 if private else 0o666
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(path, self.at(name))
        except BaseException:
            with suppress(OSError):
                Path(path).unlink()
            raise

    def send(self, name: str, file: Path) -> None:
        """Write a file that lies on this machine, of any size, to a place that has a URL."""
        unfinished = f"{name}{UNFINISHED}{secrets.token_hex(4)}"

        def put() -> None:
            system, path = self._connected(unfinished)
            system.put_file(os.fspath(file), path)
            system.mv(path, self._connected(name)[1])

        _asked(put)

    def probe(self) -> None:
        """Find out whether files can be written and deleted."""
        self.write(_PROBE, b"")
        self.delete(_PROBE)

    def _put(self, unfinished: str, name: str, data: bytes) -> None:
        system, path = self._connected(unfinished)
        if scheme(self.name) not in _STORES:
            system.makedirs(path.rpartition("/")[0], exist_ok=True)
        system.pipe_file(path, data)
        system.mv(path, self._connected(name)[1])

    def delete(self, name: str) -> None:
        """Delete a file; one that is not there is no fault."""
        if not is_url(self.name):
            with suppress(FileNotFoundError):
                Path(self.at(name)).unlink()
            return

        def remove() -> None:
            system, path = self._connected(name)
            with _key_errors():
                system.rm_file(path)

        with suppress(FileNotFoundError):
            _asked(remove)

    def _connected(self, name: str) -> tuple[Any, str]:
        system, path = connect(self.name)
        path = path.rstrip("/")
        return system, f"{path}/{name}" if name else path


@contextmanager
def _key_errors() -> Iterator[None]:
    """What is not there, as every system should say it: some raise that of their table of names."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(str(error)) from None
    except KeyError as error:
        raise FileNotFoundError(str(error)) from None


def _asked(step: Any) -> Any:
    """Ask a driver, several times where a failure may pass; what it means, as OSError."""
    try:
        return attempt(step)
    except ImageError as error:
        raise os_error(error) from None


def os_error(error: ImageError) -> OSError:
    """What the failure of a driver means, as the operating system would have it."""
    if error.code is ErrorCode.MISSING:
        return FileNotFoundError(2, "no such file there; check the URL")
    if error.code is ErrorCode.NO_PERMISSION:
        return PermissionError(13, "access denied; check the credentials")
    return OSError(str(error))
