"""The plan: what a scan is to do."""

import difflib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from clipfake.errors import UsageError
from clipfake.plan.checks import check
from clipfake.plan.groups import Cost, How, Metadata, Outputs, Running, What
from clipfake.plan.option import Affects, Field, fields_of
from clipfake.plan.values import fitting, plain


@dataclass(frozen=True)
class ScanPlan:
    """What a scan is to do, in groups of options; whole and free of contradictions when it exists.

    It can be pickled, and goes through JSON and TOML and comes back equal.

    Attributes:
        what: which files are scanned.
        how: what looks at them, and where it draws the line.
        cost: what one file may cost.
        metadata: what is read and reported of what files say of themselves.
        outputs: what is written, shown, and failed for.
        run: how the scan runs.

    Raises:
        UsageError: options contradict each other, or a value is out of its range.
    """

    what: What = field(default_factory=What)
    how: How = field(default_factory=How)
    cost: Cost = field(default_factory=Cost)
    metadata: Metadata = field(default_factory=Metadata)
    outputs: Outputs = field(default_factory=Outputs)
    run: Running = field(default_factory=Running)

    def __post_init__(self) -> None:
        for name, each in options().items():
            least, value = each.option.least, self[name]
            if least is not None and value is not None and value < least:
                raise UsageError(f"{label(each)} {value}: at least {least:g} is needed")
        check(self.what, self.how, self.metadata, self.outputs, self.run)

    @classmethod
    def of(
        cls,
        paths: Sequence[str | os.PathLike[str]] | str | os.PathLike[str] = (),
        **given: Any,
    ) -> "ScanPlan":
        """A plan by the names of its options, which are those of the command line.

        Args:
            paths: names, or one name.
            given: options; those that are left out or None are as by default.

        Raises:
            UsageError: there is no such option, a value is of the wrong type or out of its range,
                or options contradict each other.
        """
        return cls().replaced(paths=paths, **given)

    def replaced(self, **given: Any) -> "ScanPlan":
        """The same plan with other values of some options; see ``of``."""
        known, values = options(), dict[str, dict[str, Any]]()
        for name, value in given.items():
            if name not in known:
                raise UsageError(f"there is no option {name!r}{_meant(name, known)}")
            each = known[name]
            values.setdefault(each.group, {})[name] = fitting(each, value)
        groups = {name: replace(getattr(self, name), **new) for name, new in values.items()}
        return replace(self, **groups)

    def alone(self, **given: Any) -> "ScanPlan":
        """A plan that gives the same of the same bytes, without this one's files and outputs."""
        kept = self.identity(Affects.CONTENT, Affects.VERDICT, Affects.MODEL)
        return ScanPlan.of(**{**kept, "workers": 0, **given})

    def __getitem__(self, name: str) -> Any:
        """The value of an option."""
        return getattr(getattr(self, options()[name].group), name)

    def to_json(self) -> dict[str, Any]:
        """Values of all options by name, as plain JSON values; None for what has none."""
        return {name: plain(self[name]) for name in options()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "ScanPlan":
        """The plan that ``to_json`` gave.

        Raises:
            UsageError: as ``of`` does.
        """
        return cls.of(**values)

    @classmethod
    def of_report(cls, about: Mapping[str, Any]) -> "ScanPlan":
        """The plan of the scan that a report's metadata tell of, as far as this version knows it.

        Raises:
            UsageError: the metadata hold values that no scan has.
        """
        held = about.get("options")
        given = held if isinstance(held, Mapping) else {}
        return cls.of(**{name: given[name] for name in options() if name in given})

    def identity(self, *affecting: Affects) -> dict[str, Any]:
        """Options that change what they are named for, as plain JSON values.

        Args:
            affecting: what is asked about; nothing stands for all but the running.
        """
        return {name: plain(self[name]) for name in names(*affecting)}


@cache
def options() -> dict[str, Field]:
    """All options of a plan, by name."""
    return fields_of(ScanPlan)


def names(*affecting: Affects) -> list[str]:
    """Names of the options that change something; by default anything but the running."""
    wanted = set(affecting or Affects) - (set() if affecting else {Affects.RUNNING})
    return [name for name, each in options().items() if each.option.affects in wanted]


def label(each: Field) -> str:
    """What an option is called on the command line."""
    if each.option.argument or each.option.internal:
        return each.name
    return (each.option.flags or (f"--{each.name.replace('_', '-')}",))[0].partition("/")[0]


def _meant(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name.replace("-", "_"), list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; use one of {', '.join(known)}"
