"""Standard output and standard error that no locale and no closed pipe can break."""

import io
import json
import os
import sys
from typing import Any, TextIO, cast

import typer
from rich.console import Console

from clipfake.errors import ReportError

_STDOUT, _STDERR = 1, 2


class ReaderGone(BaseException):  # as KeyboardInterrupt: not for `except Exception`
    """Whoever read standard output has closed it: `| head`, say."""


class Descriptor(io.FileIO):
    """A standard stream's descriptor.

    Once its reader is gone, or it cannot be written, the descriptor leads nowhere, so that what is
    still buffered fails no more when the process ends.

    Attributes:
        gone: whether the reader has closed it.
    """

    gone = False

    def __init__(self, number: int, *, needed: bool) -> None:
        """Take over a descriptor, which stays open.

        Args:
            number: 1 or 2.
            needed: whether there is no sense in going on without a reader.
        """
        super().__init__(number, "w", closefd=False)
        self._needed = needed

    def write(self, data: bytes) -> int | None:  # type: ignore[override]
        """Write some bytes.

        Raises:
            ReaderGone: the reader has closed it, and it is needed.
            ReportError: it is needed and cannot be written, for want of space, say.
        """
        try:
            return super().write(data)
        except OSError as error:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            self.gone = isinstance(error, BrokenPipeError)
            if self._needed and self.gone:
                raise ReaderGone from None
            if self._needed:
                raise ReportError(
                    f"standard output cannot be written ({error.strerror}); send it elsewhere"
                ) from error
            return len(data)


def guard() -> list[Descriptor]:
    """Make both streams safe to print to.

    What the encoding of a stream has no character for is printed as an escape. A reader that is
    gone ends the command, by ``ReaderGone``, where it read standard output; what standard error
    would say is dropped, since reports are worth more than progress.

    Returns:
        The descriptors that were taken over; none where the streams are not those of the process.
    """
    _occupy()
    taken = []
    for name, number, needed in (("stdout", _STDOUT, True), ("stderr", _STDERR, False)):
        stream = getattr(sys, name)
        if not isinstance(stream, io.TextIOWrapper):
            continue
        stream.reconfigure(errors="backslashreplace")
        if stream is getattr(sys, f"__{name}__") and _number(stream) == number:
            stream.flush()
            descriptor = Descriptor(number, needed=needed)
            setattr(sys, name, _text(descriptor, stream))
            taken.append(descriptor)
    return taken


def echo_json(value: Any, *, indent: int | None = None) -> None:
    """Print a value as JSON on standard output, with escapes where its encoding is not Unicode."""
    encoding = (getattr(sys.stdout, "encoding", None) or "").lower()
    typer.echo(json.dumps(value, ensure_ascii=not encoding.startswith("utf"), indent=indent))


def spinner(console: Console) -> str:
    """Name of the spinner that a console's encoding has the characters for."""
    return "dots" if console.encoding.startswith("utf") else "line"


def _occupy() -> None:
    """Give the standard descriptors that are closed to nowhere, so that no file gets them."""
    for number in (0, _STDOUT, _STDERR):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free


def _number(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except (OSError, ValueError):
        return None


def _text(descriptor: Descriptor, like: io.TextIOWrapper) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        io.BufferedWriter(cast(io.RawIOBase, descriptor)),
        encoding=like.encoding,
        errors=like.errors,
        line_buffering=like.line_buffering,
        write_through=like.write_through,
    )
