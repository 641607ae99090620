"""`clipfake cache`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from clipfake.cli.streams import echo_json
from clipfake.errors import UsageError

cache_app = typer.Typer(
    add_completion=False,
    help="Look into a content cache, or make it smaller.",
    no_args_is_help=True,
)

Folder = Annotated[Path, typer.Argument(help="Folder that was given to scan --cache.")]


@cache_app.command("stats")
def stats_command(folder: Folder) -> int:
    """Print numbers of a cache as JSON."""
    from clipfake.scanning.cache import Cache

    echo_json(Cache(_existing(folder)).stats(), indent=2)
    return 0


@cache_app.command("prune")
def prune_command(
    folder: Folder,
    older_than: Annotated[
        float | None, typer.Option(min=0, help="Delete entries older than so many days.")
    ] = None,
    keep: Annotated[int | None, typer.Option(min=0, help="Keep the newest so many.")] = None,
) -> int:
    """Delete entries of a cache and give their space back."""
    from clipfake.scanning.cache import Cache

    if older_than is None and keep is None:
        raise UsageError("name what to delete: --older-than DAYS or --keep NUMBER")
    before = None if older_than is None else time.time() - older_than * 86400
    deleted = Cache(_existing(folder)).prune(before=before, entries=keep)
    typer.echo(f"{deleted} entries deleted")
    return 0


def _existing(folder: Path) -> Path:
    from clipfake.scanning.cache import FILE_NAME

    if not (folder / FILE_NAME).is_file():
        raise UsageError(f"{folder}: holds no cache; give the folder of scan --cache")
    return folder
