"""Images with a known label, which training learns from and evaluation measures on."""

from dataclasses import dataclass

from clipfake.errors import UsageError

_LABELS = {"real": False, "nature": False, "0": False, "fake": True, "ai": True, "1": True}


@dataclass(frozen=True)
class Example:
    """An image with its label.

    Attributes:
        path: the file.
        is_ai: made by a generator.
        generator: for AI images the generator, for real ones the kind; balances training.
        source: where it came from; images of one source are not independent.
        split: ``train``, ``val`` or empty, as a manifest says.
    """

    path: str
    is_ai: bool
    generator: str
    source: str
    split: str = ""


def is_ai_label(label: object, of: str) -> bool:
    """Whether a manifest's label says AI.

    Args:
        label: ``real``, ``nature`` or 0; ``fake``, ``ai`` or 1; in any case.
        of: the image, for the message.

    Raises:
        UsageError: the label is none of these.
    """
    known = _LABELS.get(str(label).lower())
    if known is None:
        raise UsageError(f"{of}: label {label!r} is unknown; use real or fake")
    return known
