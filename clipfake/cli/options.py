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
AllowNetwork = Annotated[
    bool, typer.Option("--allow-network", help="Open URLs (s3:// gs:// hf:// https:// ...).")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
Debug = Annotated[bool, typer.Option("--debug", callback=_show_debug, help="Show tracebacks.")]


def takes(
    *names: str, of_scan: bool = False, **changes: Any
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Give a command options of the plan as parameters.

    The command has a parameter ``options``, which gets their values by name.

    Args:
        names: of the options; none stands for all that command lines have.
        of_scan: group them in the command's help as the plan does, and give None for what is not
            on the command line, since files and the environment may have it.
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

        added = [_parameter(each, of_scan, changes) for each in chosen]
        parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in (*added, *own)]
        called.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        called.__annotations__ = {each.name: each.annotation for each in parameters}
        called.__doc__, called.__name__ = command.__doc__, command.__name__
        return called

    return give


def _parameter(each: Field, of_scan: bool, changes: Options) -> inspect.Parameter:
    """An option as Typer has it: a parameter whose annotation says its flags and its help."""
    said = each.option
    kind: Any = list[each.kind] if each.many else each.kind  # type: ignore[name-defined]
    about: dict[str, Any] = {"help": said.help}
    if of_scan:
        about["rich_help_panel"] = each.title
    if said.argument:
        # a scan that asks git needs no names; the command tells where they are missing
        stands = typer.Argument(help=said.help, show_default=False)
        return _keyword(each.name, Annotated[kind | None, stands], None)
    if said.least is not None:
        about["min"] = each.kind(said.least)
    default = changes.get(each.name, None if each.many else each.default)
    if of_scan:
        if default is not None and each.kind is not bool:
            about["show_default"] = str(default)
        default = None
    if each.many or each.optional or of_scan:
        kind |= None
    return _keyword(
        each.name, Annotated[kind, typer.Option(*_flags(each, of_scan), **about)], default
    )


def _flags(each: Field, of_scan: bool) -> tuple[str, ...]:
    """Names of an option; of a scan's switches both, since a file may have turned them."""
    name = label(each)
    flags = each.option.flags or ((name,) if each.kind is bool else ())
    if each.kind is not bool or not of_scan or "/" in flags[0]:
        return flags
    word = name.removeprefix("--")
    other = word.removeprefix("no-") if word.startswith("no-") else f"no-{word}"
    return (f"{name}/--{other}", *flags[1:])


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default
    )
