"""Where a command's settings come from: its options of files, and the files themselves."""

import os
from pathlib import Path
from typing import Annotated

import typer

from clipfake.plan.settings import Settings, read_settings

_PANEL = "Settings"

Profile = Annotated[
    str | None,
    typer.Option(help="Profile of the settings file, \\[profile.NAME].", rich_help_panel=_PANEL),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="Settings file instead of the nearest clipfake.toml, or \\[tool.clipfake] of "
        "pyproject.toml, here or above.",
        rich_help_panel=_PANEL,
    ),
]
NoConfig = Annotated[
    bool, typer.Option("--no-config", help="Look for no settings file.", rich_help_panel=_PANEL)
]


def settings_here(profile: str | None, file: Path | None, *, look: bool) -> Settings:
    """Settings that hold where the command was given; see ``read_settings``."""
    return read_settings(Path.cwd(), os.environ, file=file, profile=profile, look=look)
