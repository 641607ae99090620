"""URLs: told from names of files, and shown without the secrets that they may hold."""

import os
import re
from urllib.parse import urlsplit
from urllib.request import url2pathname

from clipfake.errors import UsageError

# one letter is a drive of Windows
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_FILES = ("file", "local")
_OF_THIS_MACHINE = ("memory", *_FILES)
WEB = ("http", "https")


def is_url(name: str) -> bool:
    """Whether a name is a URL, of any scheme."""
    return _URL.match(name) is not None


def scheme(url: str) -> str:
    """The scheme of a URL, in small letters."""
    found = _URL.match(url)
    return found[1].lower() if found else ""


def shown(url: str) -> str:
    """A URL as reports and messages have it: without user, password, query and fragment.

    Queries may be signatures, of which no list would be complete, so none is shown. Names of
    files come back as they are.
    """
    if not is_url(url):
        return url
    kind, _, rest = url.partition("://")
    authority, slash, path = re.split(r"[?#]", rest, maxsplit=1)[0].partition("/")
    return f"{kind}://{authority.rpartition('@')[2]}{slash}{path}"


def need_permission(url: str, *, network: bool) -> None:
    """Refuse what needs another machine unless the user allows it.

    Raises:
        UsageError: it does, and ``network`` is false.
    """
    if not network and scheme(url) not in _OF_THIS_MACHINE:
        raise UsageError(f"{shown(url)}: is on another machine; --allow-network lets it be opened")


def as_local(url: str) -> str | None:
    """The name of the file that a ``file://`` URL stands for (RFC 8089); None for other URLs.

    Raises:
        UsageError: the URL names another machine.
    """
    if scheme(url) not in _FILES:
        return None
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise UsageError(f"{shown(url)}: names another machine; write file:///path")
    return os.path.normpath(url2pathname(parts.path)) if parts.path else os.curdir
