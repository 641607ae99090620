"""Facts: what a file says about itself, where it says it and how much that is worth."""

from dataclasses import dataclass
from enum import Enum

MAX_TEXT = 2000  # characters of a value that are kept


class Strength(str, Enum):
    """How hard a fact is to forge or to get wrong."""

    CRYPTOGRAPHIC = "cryptographic"  # signed, unchanged since, by a signer on the trust list
    SPECIFIC = "specific"  # stands in the field that was made for saying it
    WEAK = "weak"  # informs, decides nothing


class Claim(str, Enum):
    """What a fact says of the image's origin."""

    AI = "ai"
    COMPOSITE = "composite"  # parts of it are synthetic
    CAMERA = "camera"  # captured, or scanned from what was captured


@dataclass(frozen=True)
class Fact:
    """One thing that a file says about itself.

    Attributes:
        key: dotted name, e.g. ``xmp.digital_source_type``; docs/evidence.md lists all.
        value: text as found, at most ``MAX_TEXT`` characters.
        place: the segment, chunk, box or tag where it stands.
        offset: bytes from the start of the file to that place; None when it has no single one.
        strength: how much it is worth.
        claim: what it says of the origin; None when it says nothing of that.
    """

    key: str
    value: str
    place: str
    offset: int | None
    strength: Strength = Strength.WEAK
    claim: Claim | None = None


def cut(text: str) -> str:
    """A text as the value of a fact, without halves of surrogate pairs, which JSON can name."""
    return text[:MAX_TEXT].encode("utf-8", errors="replace").decode("utf-8")
