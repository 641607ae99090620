"""The command `clipfake`."""

import gc
import logging
import os
import signal
import sys
from importlib import import_module
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from clipfake.cli.exit_codes import Exit
from clipfake.cli.help import Command
from clipfake.cli.streams import ReaderGone, guard
from clipfake.errors import ClipfakeError, ReportError
from clipfake.report.text import printable
from clipfake.version import __version__

if TYPE_CHECKING:
    from rich.console import Console

# objects that are made before the collector looks for cycles: the modules of torch alone make
# hundreds of thousands, none of which is garbage
_COLLECT_AFTER = 50_000

# commands in the order of the help, and the function or group that each is; imported when needed
COMMANDS = {
    "scan": "clipfake.cli.scan:scan_command",
    "inspect": "clipfake.cli.inspect:inspect_command",
    "explain": "clipfake.cli.explain:explain_command",
    "report": "clipfake.cli.report:report_command",
    "merge": "clipfake.cli.merge:merge_command",
    "baseline": "clipfake.cli.baseline:baseline_app",
    "verify": "clipfake.cli.verify:verify_command",
    "cache": "clipfake.cli.cache:cache_app",
    "config": "clipfake.cli.config:config_app",
    "finetune": "clipfake.cli.finetune:finetune_command",
    "calibrate": "clipfake.cli.calibrate:calibrate_command",
    "evaluate": "clipfake.cli.evaluate:evaluate_command",
    "generators": "clipfake.cli.generators:generators_app",
    "doctor": "clipfake.cli.doctor:doctor_command",
}


# what people come for, a line each below a command's help
EXAMPLES = {
    "scan": (
        "clipfake scan ./folder -o report.parquet -o report.csv",
        "clipfake scan archive.zip list.csv --fpr 0.001",
        "git diff -z --name-only main | clipfake scan - --null --fail-on ai --strict",
        "clipfake scan ./folder --no-pixels   # what the files say of themselves, fast",
    ),
    "inspect": ("clipfake inspect photo.jpg 'bundle.zip!/x.jpg'",),
    "explain": ("clipfake explain photo.jpg --out evidence",),
    "merge": ("clipfake merge part-*.parquet -o all.parquet",),
    "verify": ("clipfake verify report.parquet --sample 300",),
    "finetune": ("clipfake finetune --real mine/real --fake mine/fake --out mine.safetensors",),
    "calibrate": ("clipfake calibrate --real mine/real --out mine.safetensors",),
    "generators": (
        "clipfake generators list",
        "clipfake generators add Acme ./made-by-acme --out mine.safetensors",
    ),
    "evaluate": ("clipfake evaluate labelled.csv -o figures.json --html page.html",),
}


class _Commands(TyperGroup):
    """Commands of which only that which is asked for is imported."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            meant = f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(COMMANDS)}"
            ctx.fail(f"There is no command {args[0]!r}; {meant}")
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        found = getattr(import_module(module), name)
        if not isinstance(found, typer.Typer):
            alone = typer.Typer(rich_markup_mode="rich", add_completion=False)
            alone.command(cmd_name, cls=Command)(found)
            found = alone
        command = typer.main.get_command(found)
        command.name = cmd_name
        command.epilog = _epilog(cmd_name)
        return command


def _epilog(command: str) -> str | None:
    lines = [line.replace("[", "\\[") for line in EXAMPLES.get(command, ())]
    return "\n\n".join(["[bold]Examples[/bold]", *lines]) if lines else None


app = typer.Typer(
    name="clipfake",
    cls=_Commands,
    help="Batch forensic scanner for AI-generated images.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"clipfake {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Batch forensic scanner for AI-generated images."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit; errors become one line, tracebacks need ``--debug``.

    Args:
        arguments: of the command; None takes those of this process, which is then all its own.
    """
    if arguments is not None:
        sys.exit(_run(arguments))
    gc.set_threshold(_COLLECT_AFTER)
    # threads of torch that wait by spinning take the cores from the decoders, and from each other
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    code = _run(sys.argv[1:])
    gc.freeze()  # or the interpreter looks through all objects of torch once more before it ends
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    guard()
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[_Log()])
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = app(arguments, prog_name="clipfake", standalone_mode=False) or Exit.FINE
        if sys.stdout is not None:
            sys.stdout.flush()
        return int(code)
    except ReaderGone:
        return Exit.READER_GONE
    except KeyboardInterrupt:
        _stderr().print("interrupted")
        return Exit.INTERRUPTED
    except typer.Abort:
        return Exit.INTERRUPTED
    except Exception as error:
        if "--debug" in arguments:
            raise
        return _explain(error, _stderr())


class _Log(logging.Handler):
    """Rich's handler, which takes long to import, from the first line on that is logged."""

    def __init__(self) -> None:
        super().__init__()
        self._rich: logging.Handler | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if self._rich is None:
            from rich.logging import RichHandler

            self._rich = RichHandler(console=_stderr(), show_time=False, show_path=False)
            self._rich.setFormatter(self.formatter)
        self._rich.emit(record)


def _stderr() -> "Console":
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def _explain(error: Exception, stderr: "Console") -> int:
    show = getattr(error, "show", None)  # click's own usage errors print themselves
    if show is not None:
        show()
        return int(getattr(error, "exit_code", Exit.USAGE))
    text = printable(" ".join(str(error).split()))
    if isinstance(error, ClipfakeError):
        stderr.print("error:", text, markup=False, soft_wrap=True)
        return Exit.REPORT_FAILED if isinstance(error, ReportError) else Exit.USAGE
    kind = type(error).__name__
    stderr.print(
        f"unexpected error: {kind}: {text} (run again with --debug for the traceback)",
        markup=False,
        soft_wrap=True,
    )
    return Exit.UNEXPECTED


def _interrupt(_signum: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
