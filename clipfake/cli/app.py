"""The command `clipfake`."""

import gc
import logging
import os
import signal
import sys
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console
from rich.logging import RichHandler

from clipfake import __version__
from clipfake.cli.cache import cache_app
from clipfake.cli.calibrate import calibrate_command
from clipfake.cli.evaluate import evaluate_command
from clipfake.cli.exit_codes import Exit
from clipfake.cli.finetune import finetune_command
from clipfake.cli.inspect import inspect_command
from clipfake.cli.merge import merge_command
from clipfake.cli.scan import scan_command
from clipfake.cli.streams import ReaderGone, guard
from clipfake.cli.verify import verify_command
from clipfake.errors import ClipfakeError, ReportError
from clipfake.report.text import printable

# objects that are made before the collector looks for cycles: the modules of torch alone make
# hundreds of thousands, none of which is garbage
_COLLECT_AFTER = 50_000

app = typer.Typer(
    name="clipfake",
    help="Batch forensic scanner for AI-generated images.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command("scan")(scan_command)
app.command("inspect")(inspect_command)
app.command("merge")(merge_command)
app.command("verify")(verify_command)
app.add_typer(cache_app, name="cache")
app.command("finetune")(finetune_command)
app.command("calibrate")(calibrate_command)
app.command("evaluate")(evaluate_command)


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
    stderr = Console(stderr=True, highlight=False)
    handler = RichHandler(console=stderr, show_time=False, show_path=False)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[handler])
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = app(arguments, prog_name="clipfake", standalone_mode=False) or Exit.FINE
        if sys.stdout is not None:
            sys.stdout.flush()
        return int(code)
    except ReaderGone:
        return Exit.READER_GONE
    except KeyboardInterrupt:
        stderr.print("interrupted")
        return Exit.INTERRUPTED
    except typer.Abort:
        return Exit.INTERRUPTED
    except Exception as error:
        if "--debug" in arguments:
            raise
        return _explain(error, stderr)


def _explain(error: Exception, stderr: Console) -> int:
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
