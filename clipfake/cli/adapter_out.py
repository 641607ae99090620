"""Where a command writes an adapter: checked before the work, written whole or not at all."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from clipfake.errors import ReportError, UsageError
from clipfake.report.files import check_writable, remedy_of

if TYPE_CHECKING:
    from clipfake.detector.adapter import Adapter


def check_out(out: Path) -> None:
    """Find out before the work whether an adapter can be written there.

    Raises:
        UsageError: it cannot, because of its name or where it is to lie.
        ReportError: there is no space.
    """
    if out.suffix != ".safetensors":
        raise UsageError(f"{out}: adapters end in .safetensors")
    if not os.path.lexists(out.parent):
        raise UsageError(f"{out.parent}: no such folder; make it first")
    check_writable(out, [_unfinished(out)])


def write_out(adapter: "Adapter", out: Path) -> None:
    """Write an adapter under its name once it is whole.

    Raises:
        ReportError: the file system refuses.
    """
    from clipfake.detector.adapter_file import save_adapter

    try:
        save_adapter(adapter, _unfinished(out))
        _unfinished(out).replace(out)
    except OSError as error:
        remedy = remedy_of(out, error) or "name a file elsewhere"
        raise ReportError(
            f"{out}: adapter cannot be written ({error.strerror or error}); {remedy}"
        ) from error


def _unfinished(out: Path) -> Path:
    return out.with_name(out.name + ".part")
