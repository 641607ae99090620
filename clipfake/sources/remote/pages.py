"""Stores of objects, listed page by page: a folder there may hold millions of files.

fsspec's ``ls`` holds a whole folder. S3 tells names in order, a thousand at a time, and s3fs lets
it be asked as it is.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from clipfake.sources.remote.driver import attempt

_S3 = ("s3", "s3a")


def has_pages(system: Any, path: str) -> bool:
    """Whether a folder can be listed page by page, by its file system and its path there."""
    kinds = system.protocol if isinstance(system.protocol, tuple) else (system.protocol,)
    asked = hasattr(system, "call_s3") and hasattr(system, "split_path")
    whole = not getattr(system, "version_aware", False)
    return bool(set(_S3) & set(kinds)) and asked and whole and bool(path.strip("/"))


def in_pages(system: Any, path: str) -> Iterator[dict[str, Any]]:
    """The files and folders of a folder in the order of their keys, as fsspec's ``ls`` tells them.

    One page at a time is held. A folder's key ends with a slash, so that ``a-b`` comes before the
    files of ``a``.

    Raises:
        ImageError: a page cannot be had, after several tries.
    """
    bucket, key, _ = system.split_path(path.rstrip("/"))
    prefix = f"{key}/" if key else ""
    asked = {"Bucket": bucket, "Prefix": prefix, "Delimiter": "/", **getattr(system, "req_kw", {})}
    more: dict[str, str] = {}
    while True:
        page = attempt(partial(system.call_s3, "list_objects_v2", **asked, **more))
        found = [
            {
                "name": f"{bucket}/{each['Key']}",
                "type": "file",
                "size": each.get("Size"),
                "ETag": each.get("ETag"),
            }
            for each in page.get("Contents") or []
        ]
        found += [
            {"name": f"{bucket}/{each['Prefix']}", "type": "directory"}
            for each in page.get("CommonPrefixes") or []
        ]
        yield from sorted(found, key=lambda each: str(each["name"]))
        token = page.get("NextContinuationToken")
        if not page.get("IsTruncated") or not token:
            return
        more = {"ContinuationToken": token}
