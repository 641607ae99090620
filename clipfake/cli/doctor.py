"""`clipfake doctor`."""

import importlib.metadata
import json
import os
import platform
import shutil
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clipfake.cli.exit_codes import Exit
from clipfake.cli.options import Debug, Options, takes
from clipfake.plan import ScanPlan
from clipfake.version import __version__

if TYPE_CHECKING:
    from clipfake.detector.detector import Detector

_PACKAGES = ("torch", "torchvision", "open_clip_torch", "pillow", "pyarrow", "numpy", "exifread")
# what an extra brings: module that it is told by
_EXTRAS = {"c2pa": "c2pa", "heic": "pillow_heif", "remote": "fsspec", "ray": "ray"}
_SHARED_MEMORY = Path("/dev", "shm")
_SIDE = 256  # pixels of the picture that is scored


@takes("adapter", "backbone", "device", "precision")
def doctor_command(
    options: Options,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    debug: Debug = False,
) -> int:
    """Print what a bug report needs: versions, device, extras, digests and one scored picture.

    Names of files and of the machine are not among it.
    """
    del debug
    plan = ScanPlan.of(**options)
    from clipfake.scanning.parts import load_detector

    begun = time.monotonic()
    detector = load_detector(plan)
    found = {**_machine(), **_extras(), **_detector(detector, time.monotonic() - begun)}
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return Exit.FINE
    width = max(map(len, found))
    for name, value in found.items():
        typer.echo(f"{name:<{width}}  {value}")
    return Exit.FINE


def _machine() -> dict[str, Any]:
    affinity = getattr(os, "sched_getaffinity", None)
    return {
        "clipfake": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        **{name: _version(name) for name in _PACKAGES},
        "cpus": len(affinity(0)) if affinity else os.cpu_count(),
        "shared memory": f"{_shared_memory()}, not needed",
        "encoding": f"{sys.stdout.encoding}, file names {sys.getfilesystemencoding()}",
    }


def _shared_memory() -> str:
    try:
        return f"{shutil.disk_usage(_SHARED_MEMORY).total // 2**20} MiB"
    except OSError:
        return "none"


def _extras() -> dict[str, Any]:
    return {
        f"extra {name}": "installed"
        if find_spec(module)
        else f"missing: pip install 'clipfake[{name}]'"
        for name, module in _EXTRAS.items()
    }


def _detector(detector: "Detector", seconds: float) -> dict[str, Any]:
    begun = time.monotonic()
    [score] = detector.score([_picture()])
    return {
        "adapter": detector.adapter.label,
        "adapter sha256": detector.adapter.digest,
        "backbone": detector.backbone.name,
        "backbone sha256": detector.backbone.digest,
        **{name.replace("_", " "): value for name, value in detector.arithmetic.to_json().items()},
        "looks": detector.looks.value,
        "batch size": detector.batch_size,
        "loaded in": f"{seconds:.1f} s",
        "score of a drawn picture": f"{score:.6f}, in {time.monotonic() - begun:.2f} s",
    }


def _picture() -> Any:
    """A picture drawn by whole numbers, the same on every machine: uint8 ``[256, 256, 3]``."""
    import numpy as np

    y, x = np.mgrid[:_SIDE, :_SIDE]
    return np.stack([x ^ y, (x * y) >> 8, (x + 2 * y) & 255], axis=2).astype(np.uint8)


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
