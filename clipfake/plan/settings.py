"""Settings: values of options that files and the environment give, under the command line's.

``clipfake.toml``, or ``[tool.clipfake]`` in ``pyproject.toml``, is looked for upwards from a
folder. Its keys are the options of a scan by their long names; tables ``profile.NAME`` hold what a
profile has otherwise. Variables ``CLIPFAKE_NAME`` come before the file.
"""

import difflib
import logging
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clipfake.errors import UsageError
from clipfake.plan.option import Field
from clipfake.plan.plan import label, options
from clipfake.plan.values import fitting

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

logger = logging.getLogger(__name__)

FILE = "clipfake.toml"
PROJECT = "pyproject.toml"
PREFIX = "CLIPFAKE_"
PROFILE = "CLIPFAKE_PROFILE"
_MAX_BYTES = 2**20
_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


@dataclass(frozen=True)
class Setting:
    """A value of an option, and what gave it.

    Attributes:
        value: as the plan has it.
        source: ``command line``, the environment's variable, the file (with its profile), or
            ``default``.
    """

    value: Any
    source: str


@dataclass(frozen=True)
class Settings:
    """What a file and the environment give.

    Attributes:
        file: that was found; None without one.
        profile: that was asked for; None without one.
        given: settings by the names of their options.
    """

    file: Path | None = None
    profile: str | None = None
    given: Mapping[str, Setting] = field(default_factory=dict)

    def under(self, command_line: Mapping[str, Any]) -> dict[str, Setting]:
        """All options that people give, each with the value that counts.

        Args:
            command_line: values that were given there; None for those that were not.

        Raises:
            UsageError: a value is of the wrong type.
        """
        found = {}
        for name, each in options().items():
            if each.option.internal:
                continue
            value = command_line.get(name)
            if value is not None:
                found[name] = Setting(fitting(each, value), "command line")
            else:
                found[name] = self.given.get(name) or Setting(each.default, "default")
        return found

    @property
    def said(self) -> str | None:
        """The file and the profile in words; None without a file."""
        if self.file is None:
            return None
        return f"{self.file}" + (f", profile {self.profile}" if self.profile else "")


def read_settings(
    folder: Path,
    environment: Mapping[str, str],
    *,
    file: Path | None = None,
    profile: str | None = None,
    look: bool = True,
) -> Settings:
    """Settings that hold in a folder.

    Args:
        folder: where one stands; files are looked for there and above.
        environment: variables by name.
        file: read instead of looking for one.
        profile: of the file; None is ``CLIPFAKE_PROFILE``, if that is set.
        look: whether a file is looked for.

    Raises:
        UsageError: a file cannot be read, is no TOML, names an unknown option, or gives a value of
            the wrong type; or there is no such profile.
    """
    profile = profile or environment.get(PROFILE) or None
    path, tables = _found(folder, file) if look or file else (None, {})
    if profile is not None and path is None:
        raise UsageError(f"--profile {profile}: there is no {FILE} here or above; write one")
    given: dict[str, Setting] = {}
    if path is not None:
        profiles = tables.pop("profile", {})
        if not isinstance(profiles, dict):
            raise UsageError(f"{path}: profile must be tables, such as [profile.ci]")
        given |= _of_table(path, tables, str(path))
        if profile is not None and profile not in profiles:
            known = ", ".join(profiles) or "none"
            raise UsageError(f"{path}: there is no profile {profile!r} (known: {known})")
        for name, table in profiles.items():
            if not isinstance(table, dict):
                raise UsageError(f"{path}: profile.{name} must be a table")
            values = _of_table(path, table, f"{path}, profile {name}")
            if name == profile:
                given |= values
    given |= _of_environment(environment)
    return Settings(path, profile, given)


def _found(folder: Path, file: Path | None) -> tuple[Path | None, dict[str, Any]]:
    """The nearest file with settings, and its tables."""
    if file is not None:
        tables = _tables(file)
        return file, tables if tables is not None else {}
    for place in (folder, *folder.parents):
        for name in (FILE, PROJECT):
            path = place / name
            if path.is_file() and (tables := _tables(path)) is not None:
                return path, tables
    return None, {}


def _tables(path: Path) -> dict[str, Any] | None:
    """The settings in a file; None for a pyproject.toml without any."""
    try:
        with open(path, "rb") as opened:
            data = opened.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise UsageError(f"{path}: is too large for settings; give another --config")
        held = tomllib.loads(data.decode("utf-8-sig"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: is no TOML ({error}); mend it there") from error
    if path.name != PROJECT:
        return held
    tool = held.get("tool")
    found = tool.get("clipfake") if isinstance(tool, dict) else None
    if found is not None and not isinstance(found, dict):
        raise UsageError(f"{path}: tool.clipfake must be a table")
    return found


def _of_table(path: Path, table: Mapping[str, Any], source: str) -> dict[str, Setting]:
    found = {}
    for key, value in table.items():
        each = _option(key, str(path))
        try:
            fitted = fitting(each, value)
        except UsageError as error:
            raise UsageError(f"{source}: {error}") from error
        if each.option.place:
            from clipfake.sources.remote.urls import is_url

            fitted = tuple(
                part if is_url(part) else os.path.join(path.parent, part) for part in fitted
            )
        if each.kind is Path:  # a file's paths begin where it lies
            fitted = (
                tuple(path.parent / part for part in fitted) if each.many else path.parent / fitted
            )
        found[each.name] = Setting(fitted, source)
    return found


def _of_environment(environment: Mapping[str, str]) -> dict[str, Setting]:
    found = {}
    for variable, text in environment.items():
        if not variable.startswith(PREFIX) or variable == PROFILE:
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name not in options():
            close = _close(name, options())
            logger.warning("%s: there is no such option%s", variable, close)
            continue
        each = _option(name, variable)
        found[name] = Setting(_parsed(each, text, variable), variable)
    return found


def _option(key: str, where: str) -> Field:
    known = options()
    name = key.replace("-", "_")
    if name not in known or known[name].option.internal:
        names = [label(each).removeprefix("--") for each in known.values() if _settable(each)]
        raise UsageError(f"{where}: there is no option {key!r}{_close(key, names)}")
    each = known[name]
    if not _settable(each):
        raise UsageError(f"{where}: {key} is for the command line alone; leave it out")
    return each


def _settable(each: Field) -> bool:
    """Whether a file may give it: not what is scanned, and nothing that opens the network."""
    said = each.option
    return not (said.argument or said.internal or said.outward)


def _close(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _parsed(each: Field, text: str, variable: str) -> Any:
    """A value out of a variable's text; lists have commas."""
    if each.many:
        return fitting(each, [part for part in text.split(",") if part])
    if each.kind is bool:
        if text.lower() in (*_YES, *_NO):
            return text.lower() in _YES
        raise UsageError(f"{variable}={text}: give 1 or 0")
    try:
        return fitting(each, each.kind(text))
    except ValueError as error:
        raise UsageError(f"{variable}={text}: is no number; give one or unset it") from error
