"""fsspec's file systems, and what their many kinds of failure mean."""

import os
import random
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from clipfake.errors import ErrorCode, ImageError, UsageError
from clipfake.sources.remote.urls import scheme

TRIES = 3
FIRST_PAUSE = 0.5  # seconds before the second try; each further pause is twice as long
_PACKAGES = {"http": "aiohttp", "https": "aiohttp", "sftp": "paramiko", "ssh": "paramiko"}
_GONE, _DENIED, _BUSY = (404, 410), (401, 403), (408, 425, 429)
_Result = TypeVar("_Result")


def need_driver(url: str) -> None:
    """Import what a URL needs.

    Raises:
        UsageError: it is not installed; the message says what is.
    """
    kind = scheme(url)
    try:
        from fsspec.registry import get_filesystem_class, known_implementations
    except ImportError as error:
        packages = " ".join(filter(None, ('"clipfake[remote]"', _PACKAGES.get(kind))))
        raise UsageError(f"{kind}:// needs fsspec: pip install {packages}") from error
    try:
        get_filesystem_class(kind)
    except ImportError as error:
        package = known_implementations[kind]["class"].partition(".")[0]
        package = _PACKAGES.get(kind, package)
        text = f'{kind}:// needs a driver: pip install "clipfake[remote]" {package}'
        raise UsageError(text) from error
    except ValueError as error:
        raise UsageError(f"{kind}://: fsspec knows no such scheme") from error


def connect(url: str) -> tuple[Any, str]:
    """A file system and the URL's path on it; fsspec keeps the connections of this process.

    URLs that are chained with ``::`` are not taken apart: what they wrap may lie anywhere.
    """
    from fsspec.registry import get_filesystem_class

    kind = get_filesystem_class(scheme(url))
    return kind(**kind._get_kwargs_from_urls(url)), kind._strip_protocol(url)


def attempt(step: Callable[[], _Result]) -> _Result:
    """Do something that may fail for the moment, up to ``TRIES`` times.

    Pauses double from try to try and are drawn from half to one and a half of that, so that many
    workers do not come back at once.

    Raises:
        ImageError: what the last failure means. Its message quotes no driver, since they quote
            URLs with all that is in them.
    """
    for tries in range(1, TRIES + 1):
        try:
            return step()
        except (ImageError, MemoryError):
            raise
        except Exception as error:  # drivers raise what they like
            code, reason, passing = _meaning(error)
        if not passing:
            break
        if tries < TRIES:
            time.sleep(FIRST_PAUSE * 2 ** (tries - 1) * random.uniform(0.5, 1.5))  # noqa: S311
    said = f"; tried {TRIES} times" if passing else ""
    raise ImageError(code, f"{reason}{said}") from None


def _meaning(error: Exception) -> tuple[ErrorCode, str, bool]:
    """What a failure is, in words, and whether it may pass."""
    chain = list(_causes(error))
    status = next(filter(None, map(_status, chain)), None)
    last = chain[-1]
    if status in _GONE or (status is None and isinstance(last, FileNotFoundError)):
        return ErrorCode.MISSING, "no such file there; check the URL", False
    if status in _DENIED or (status is None and isinstance(last, PermissionError)):
        return ErrorCode.NO_PERMISSION, "access denied; check the credentials", False
    if status is not None:
        passing = status >= 500 or status in _BUSY
        return ErrorCode.UNREADABLE, f"cannot be read (HTTP status {status})", passing
    number = getattr(last, "errno", None)
    reason = os.strerror(number) if isinstance(number, int) else type(last).__name__
    passing = not isinstance(last, (NotImplementedError, TypeError, ImportError))
    return ErrorCode.UNREADABLE, f"cannot be read ({reason})", passing


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it came of; fsspec tells most failures of HTTP as missing files."""
    seen: BaseException | None = error
    for _ in range(10):
        if seen is None:
            return
        yield seen
        seen = seen.__cause__


def _status(error: BaseException) -> int | None:
    """The HTTP status in an error of aiohttp, requests or botocore."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        found = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    else:
        found = getattr(error, "status", None) or getattr(response, "status_code", None)
    return found if isinstance(found, int) and found >= 400 else None
