"""Values of options: of the right type, and as plain JSON."""

import os
from pathlib import Path
from typing import Any

from clipfake.errors import UsageError
from clipfake.plan.option import Field

_CALLED = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def fitting(each: Field, value: Any) -> Any:
    """A value as the field has it; None is its default.

    Raises:
        UsageError: it is of another type.
    """
    if value is None:
        return each.default
    if each.many:
        several = [value] if isinstance(value, (str, os.PathLike)) else value
        try:
            return tuple(_one(each, part) for part in several)
        except TypeError as error:
            raise _wrong(each, value) from error
    return _one(each, value)


def _one(each: Field, value: Any) -> Any:
    if each.kind in (str, Path) and isinstance(value, (str, os.PathLike)):
        text = os.fspath(value)
        return each.kind(text) if isinstance(text, str) else each.kind(os.fsdecode(text))
    if isinstance(value, bool) is (each.kind is bool):
        if isinstance(value, each.kind):
            return value
        if each.kind is float and isinstance(value, int):
            return float(value)
    raise _wrong(each, value)


def _wrong(each: Field, value: Any) -> UsageError:
    wanted = _CALLED.get(each.kind, "a path")
    if each.many:
        wanted = f"a list, each {wanted}"
    return UsageError(f"option {each.name} is {value!r}, but must be {wanted}")


def plain(value: Any) -> Any:
    """A value of an option as JSON has it."""
    if isinstance(value, tuple):
        return [plain(part) for part in value]
    return str(value) if isinstance(value, Path) else value
