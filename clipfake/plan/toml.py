"""Plans as TOML, for people to write and for jobs on other machines to read."""

import sys
from typing import Any

import tomli_w

from clipfake.errors import UsageError
from clipfake.plan.plan import ScanPlan

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def to_toml(plan: ScanPlan) -> str:
    """A plan as TOML: a key an option, those without a value left out.

    Raises:
        UsageError: a name is not valid Unicode, which TOML cannot say; JSON can.
    """
    values = {name: value for name, value in plan.to_json().items() if value is not None}
    text = tomli_w.dumps(values)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UsageError("TOML holds no names that are not valid Unicode; use JSON") from error
    return text


def from_toml(text: str, name: str) -> ScanPlan:
    """The plan that a TOML text holds.

    Args:
        text: of a file.
        name: of that file, for errors.

    Raises:
        UsageError: it is no TOML, or no plan.
    """
    try:
        values: dict[str, Any] = tomllib.loads(text)
        return ScanPlan.from_json(values)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{name}: is no TOML ({error}); mend it there") from error
    except UsageError as error:
        raise UsageError(f"{name}: {error}") from error
