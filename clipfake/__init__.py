"""clipfake: a batch forensic scanner for AI-generated images."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from clipfake.version import __version__

if TYPE_CHECKING:
    from clipfake.detector import Detector
    from clipfake.records import Record, Verdict
    from clipfake.scanning.pipeline import scan

__all__ = ["Detector", "Record", "Verdict", "__version__", "scan"]

# torch takes seconds to import; `clipfake --help` does not need it
_HOMES = {
    "Detector": "clipfake.detector",
    "Record": "clipfake.records",
    "Verdict": "clipfake.records",
    "scan": "clipfake.scanning.pipeline",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
