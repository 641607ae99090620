"""Images with a known label, which training learns from and evaluation measures on."""

from dataclasses import dataclass

from clipfake.errors import UsageError

_REAL = {"real", "nature", "false"}
_AI = {"fake", "ai", "true"}


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
        label: ``real``, ``nature``, false or 0; ``fake``, ``ai``, true or 1; as text in any case,
            numbers also with decimals, as programs write them that have no whole numbers.
        of: the image, for the message.

    Raises:
        UsageError: the label is none of these.
    """
    text = str(label).strip().lower()
    if text in _REAL or _number(text) == 0:
        return False
    if text in _AI or _number(text) == 1:
        return True
    raise UsageError(f"{of}: label {label!r} is unknown; use real or fake")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
