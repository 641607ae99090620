"""What a file says of its own origin: the claims of its strongest facts."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from clipfake.records import Claim, Fact, Strength


class Declared(str, Enum):
    """What the file says of its own origin."""

    AI = "ai"
    COMPOSITE = "composite"
    CAMERA = "camera"
    CONFLICTING = "conflicting"
    NONE = "none"


_STRENGTHS = (Strength.CRYPTOGRAPHIC, Strength.SPECIFIC, Strength.WEAK)
_DECLARED = {
    Claim.AI: Declared.AI,
    Claim.COMPOSITE: Declared.COMPOSITE,
    Claim.CAMERA: Declared.CAMERA,
}


@dataclass(frozen=True)
class Declaration:
    """The file's own statement: the claims of its strongest facts.

    Attributes:
        declared: what they say together.
        strength: of the facts that say it; None when there is no claim.
        facts: the facts that say it.
    """

    declared: Declared = Declared.NONE
    strength: Strength | None = None
    facts: tuple[Fact, ...] = ()


def declaration(facts: Sequence[Fact]) -> Declaration:
    """Sum up facts; those of the strongest kind that claims anything decide."""
    for strength in _STRENGTHS:
        found = tuple(fact for fact in facts if fact.strength is strength and fact.claim)
        if not found:
            continue
        claims = {fact.claim for fact in found}
        if Claim.CAMERA in claims and Claim.AI in claims:
            return Declaration(Declared.CONFLICTING, strength, found)
        for claim in (Claim.AI, Claim.COMPOSITE, Claim.CAMERA):
            if claim in claims:
                facts_of = tuple(fact for fact in found if fact.claim is claim)
                return Declaration(_DECLARED[claim], strength, facts_of)
    return Declaration()
