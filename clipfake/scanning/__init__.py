"""The scan: a plan in, events out.

A file passes ``resume`` (is it done already?), ``workers`` (which process reads it), ``reader``
(bytes, hash, pixels, what it says of itself) with ``cache``, ``batches``, then ``score`` or, where
no pixels are looked at, ``describe``. ``pipeline`` carries out a plan by them, and tells of it in
``events``. ``see`` gives what measuring asks for instead. May use: ``plan``, ``report``,
``verdict``, ``detector``, ``metadata``, ``sources`` and what lies below them.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clipfake.scanning.pipeline import run, scan

__all__ = ["run", "scan"]


def __getattr__(name: str) -> Any:
    # worker processes come through here too, and need nothing of the run
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from clipfake.scanning import pipeline

    return getattr(pipeline, name)
