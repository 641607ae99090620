"""An option: a field of the plan, with all that is known of it."""

import dataclasses
from dataclasses import dataclass
from enum import Enum
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints


class Affects(str, Enum):
    """What an option changes."""

    LISTING = "listing"  # which files have a row
    CONTENT = "content"  # what the same bytes give
    MODEL = "model"  # what scores, and how it computes
    VERDICT = "verdict"  # what becomes of a score, and of a file that costs too much
    RUNNING = "running"  # how the scan runs, and what is made of its rows


@dataclass(frozen=True)
class Option:
    """What a field of the plan says of itself.

    Attributes:
        help: a sentence.
        affects: what it changes.
        flags: names on the command line; by default the field's own, with dashes.
        unit: of a number; empty for what has none.
        least: smallest number that it takes.
        argument: it stands on the command line without a name.
        internal: no command line has it.
        place: its text is a path, or a URL.
        outward: it lets data or requests leave the machine, so that no file may give it.
    """

    help: str
    affects: Affects
    flags: tuple[str, ...] = ()
    unit: str = ""
    least: float | None = None
    argument: bool = False
    internal: bool = False
    outward: bool = False
    place: bool = False


@dataclass(frozen=True)
class Field:
    """A field of one of the plan's groups.

    Attributes:
        name: of the field, and of the option.
        group: name of the group, a field of the plan.
        title: what the group is called.
        kind: type of a value: str, int, float, bool or Path.
        many: it takes several values, as a tuple.
        optional: it may be None.
        default: its value when it is not given.
        option: what it says of itself.
    """

    name: str
    group: str
    title: str
    kind: type
    many: bool
    optional: bool
    default: Any
    option: Option


def option(default: Any, help: str, *, affects: Affects, **more: Any) -> Any:
    """A dataclass field that is an option; see ``Option`` for the arguments."""
    return dataclasses.field(
        default=default, metadata={"option": Option(help=help, affects=affects, **more)}
    )


def fields_of(plan: type) -> dict[str, Field]:
    """Options of a plan by name, group by group, in the order in which they are written."""
    found = {}
    for group, kind in get_type_hints(plan).items():
        hints = get_type_hints(kind)
        for each in dataclasses.fields(kind):
            value, many, optional = _parts(hints[each.name])
            found[each.name] = Field(
                name=each.name,
                group=group,
                title=kind.TITLE,
                kind=value,
                many=many,
                optional=optional,
                default=each.default,
                option=each.metadata["option"],
            )
    return found


def _parts(hint: Any) -> tuple[type, bool, bool]:
    """Type of one value, whether there may be several, and whether None is one."""
    if get_origin(hint) is tuple:
        return get_args(hint)[0], True, False
    if get_origin(hint) in (Union, UnionType):
        (kind,) = (each for each in get_args(hint) if each is not type(None))
        return kind, False, True
    return hint, False, False
