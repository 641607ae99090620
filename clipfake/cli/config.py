"""`clipfake config`."""

import json
from typing import Annotated

import typer

from clipfake.cli.exit_codes import Exit
from clipfake.cli.options import Debug
from clipfake.cli.settings import ConfigFile, NoConfig, Profile, settings_here
from clipfake.plan.plan import label, options
from clipfake.plan.values import plain

config_app = typer.Typer(
    add_completion=False,
    help="Settings of files and the environment, and what counts.",
    no_args_is_help=True,
)


@config_app.callback()
def _config() -> None:
    """Settings of files and the environment, and what counts."""


@config_app.command("show")
def show_command(
    profile: Profile = None,
    config: ConfigFile = None,
    no_config: NoConfig = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    debug: Debug = False,
) -> int:
    """Show the value of every option of scan that holds here, and where it comes from."""
    del debug
    found = settings_here(profile, config, look=not no_config).under({})
    known = options()
    shown = {
        label(known[name]).removeprefix("--"): setting
        for name, setting in found.items()
        if not known[name].option.argument
    }
    if as_json:
        rows = {
            name: {"value": plain(setting.value), "source": setting.source}
            for name, setting in shown.items()
        }
        typer.echo(json.dumps(rows, indent=2))
        return Exit.FINE
    width = max(map(len, shown))
    for name, setting in shown.items():
        value = json.dumps(plain(setting.value))
        typer.echo(f"{name:<{width}}  {value}  ({setting.source})")
    return Exit.FINE
