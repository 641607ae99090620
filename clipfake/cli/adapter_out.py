"""Where a command writes an adapter: checked before the work, written whole or not at all."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from clipfake.errors import UsageError

if TYPE_CHECKING:
    from clipfake.detector.adapter import Adapter


def check_out(out: Path) -> None:
    """Raise UsageError when no adapter can be written there."""
    if out.suffix != ".safetensors":
        raise UsageError(f"{out}: adapters end in .safetensors")
    if not out.parent.is_dir():
        raise UsageError(f"{out.parent}: no such folder; make it first")
    if not os.access(out.parent, os.W_OK) or out.is_dir():
        raise UsageError(f"{out}: cannot be written; name another file")


def write_out(adapter: "Adapter", out: Path) -> None:
    """Write an adapter under its name once it is whole."""
    from clipfake.detector.adapter import save_adapter

    unfinished = out.with_name(out.name + ".part")
    save_adapter(adapter, unfinished)
    unfinished.replace(out)
