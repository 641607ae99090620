"""Options of commands: those of a scan are made from its plan, the others stand here."""

import inspect
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from clipfake.plan.option import Field
from clipfake.plan.plan import label, options

Options = dict[str, Any]


def _show_debug(asked: bool) -> bool:
    if asked:
        logging.getLogger("clipfake").setLevel(logging.DEBUG)
    return asked


AdapterOut = Annotated[Path, typer.Option("--out", "-o", help="Adapter to write, .safetensors.")]
AdapterName = Annotated[str | None, typer.Option(help="What reports call the adapter.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
Debug = Annotated[bool, typer.Option("--debug", callback=_show_debug, help="Show tracebacks.")]


def takes(
    *names: str, panels: bool = False, **changes: Any
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Give a command options of the plan as parameters.

    The command has a parameter ``options``, which gets their values by name.

    Args:
        names: of the options; none stands for all that command lines have.
        panels: group them in the command's help as the plan does.
        changes: defaults that are otherwise than the plan's, by name.
    """

    def give(command: Callable[..., int]) -> Callable[..., int]:
        signature = inspect.signature(command, eval_str=True)
        own = [each for each in signature.parameters.values() if each.name != "options"]
        known = [each for each in options().values() if not each.option.internal]
        chosen = [each for each in known if each.name in names or not names]
        taken = [each.name for each in chosen]

        def called(**given: Any) -> int:
            values = {name: given.pop(name) for name in taken}
            return command(options=values, **given)

        added = [_parameter(each, panels, changes) for each in chosen]
        arguments = [each for each in added if each.default is inspect.Parameter.empty]
        rest = [each for each in added if each not in arguments]
        parameters = [
            each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in (*arguments, *rest, *own)
        ]
        called.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        called.__annotations__ = {each.name: each.annotation for each in parameters}
        called.__doc__, called.__name__ = command.__doc__, command.__name__
        return called

    return give


def _parameter(each: Field, panels: bool, changes: Options) -> inspect.Parameter:
    """An option as Typer has it: a parameter whose annotation says its flags and its help."""
    said = each.option
    kind: Any = list[each.kind] if each.many else each.kind  # type: ignore[name-defined]
    about: dict[str, Any] = {"help": said.help}
    if panels:
        about["rich_help_panel"] = each.title
    if said.argument:
        info = typer.Argument(help=said.help)
        return _keyword(each.name, Annotated[kind, info], inspect.Parameter.empty)
    if said.least is not None:
        about["min"] = each.kind(said.least)
    flags = said.flags or ((label(each),) if each.kind is bool else ())
    default = changes.get(each.name, None if each.many else each.default)
    if each.many or each.optional:
        kind |= None
    return _keyword(each.name, Annotated[kind, typer.Option(*flags, **about)], default)


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default
    )
