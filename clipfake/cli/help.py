"""Commands whose help leaves room for what options do, on a terminal of 80 columns too."""

import copy
from typing import Any

from typer.core import TyperCommand, TyperOption

_VALUES = {
    "str": "TEXT",
    "path": "PATH",
    "file": "PATH",
    "directory": "PATH",
    "int": "N",
    "int range": "N",
    "float": "NUMBER",
    "float range": "NUMBER",
}


class Command(TyperCommand):
    """A command that shows of a switch the one name, and of a value a short word."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help; Typer would give the opposite of each switch a column of its own."""
        shown = copy.copy(self)
        shown.params = [_narrow(each, ctx) for each in self.params]
        super(Command, shown).format_help(ctx, formatter)


def _narrow(parameter: Any, ctx: Any) -> Any:
    """A parameter as the help shows it."""
    if not isinstance(parameter, TyperOption):
        return parameter
    found = copy.copy(parameter)
    found.secondary_opts = []
    if found.metavar is None:
        kind = found.display_type(ctx).strip("<>").removeprefix("list[").removesuffix("]").lower()
        found.metavar = "" if kind == "bool" else _VALUES.get(kind, kind.upper())
    return found
