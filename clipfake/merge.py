"""The verdict: what the pixels and the file's own statements say, by one table of rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from clipfake.imaging.formats import named_like_image
from clipfake.metadata.facts import Claim, Fact, Strength
from clipfake.records import TOO_SMALL, Record, Verdict


class Declared(str, Enum):
    """What the file says of its own origin."""

    AI = "ai"
    COMPOSITE = "composite"
    CAMERA = "camera"
    CONFLICTING = "conflicting"
    NONE = "none"


class Basis(str, Enum):
    """What a verdict rests on."""

    PIXELS = "pixels"
    DECLARED = "declared"
    BOTH = "both"
    CONFLICT = "conflict"


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


# Rows: what is declared, by a specific or cryptographic fact, or by a camera's EXIF. Columns: what
# the pixels say; None when they were not looked at. A camera never makes an image real, and a
# composite is neither wholly real nor wholly synthetic.
RULES: dict[tuple[Declared, Verdict | None], tuple[Verdict, Basis]] = {
    (Declared.AI, Verdict.AI): (Verdict.AI, Basis.BOTH),
    (Declared.AI, Verdict.INCONCLUSIVE): (Verdict.AI, Basis.DECLARED),
    (Declared.AI, Verdict.REAL): (Verdict.AI, Basis.CONFLICT),
    (Declared.AI, None): (Verdict.AI, Basis.DECLARED),
    (Declared.COMPOSITE, Verdict.AI): (Verdict.AI, Basis.BOTH),
    (Declared.COMPOSITE, Verdict.INCONCLUSIVE): (Verdict.INCONCLUSIVE, Basis.DECLARED),
    (Declared.COMPOSITE, Verdict.REAL): (Verdict.INCONCLUSIVE, Basis.CONFLICT),
    (Declared.COMPOSITE, None): (Verdict.INCONCLUSIVE, Basis.DECLARED),
    (Declared.CAMERA, Verdict.AI): (Verdict.AI, Basis.CONFLICT),
    (Declared.CAMERA, Verdict.INCONCLUSIVE): (Verdict.INCONCLUSIVE, Basis.PIXELS),
    (Declared.CAMERA, Verdict.REAL): (Verdict.REAL, Basis.BOTH),
    (Declared.CAMERA, None): (Verdict.INCONCLUSIVE, Basis.DECLARED),
    (Declared.CONFLICTING, Verdict.AI): (Verdict.AI, Basis.CONFLICT),
    (Declared.CONFLICTING, Verdict.INCONCLUSIVE): (Verdict.INCONCLUSIVE, Basis.CONFLICT),
    (Declared.CONFLICTING, Verdict.REAL): (Verdict.INCONCLUSIVE, Basis.CONFLICT),
    (Declared.CONFLICTING, None): (Verdict.INCONCLUSIVE, Basis.CONFLICT),
    (Declared.NONE, Verdict.AI): (Verdict.AI, Basis.PIXELS),
    (Declared.NONE, Verdict.INCONCLUSIVE): (Verdict.INCONCLUSIVE, Basis.PIXELS),
    (Declared.NONE, Verdict.REAL): (Verdict.REAL, Basis.PIXELS),
}
_STRENGTHS = (Strength.CRYPTOGRAPHIC, Strength.SPECIFIC, Strength.WEAK)
_DECLARED = {
    Claim.AI: Declared.AI,
    Claim.COMPOSITE: Declared.COMPOSITE,
    Claim.CAMERA: Declared.CAMERA,
}


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


def judge(record: Record, pixels: Verdict | None) -> None:
    """Set a record's declaration, verdict, basis, explanation, and whether it is unread.

    Its score stays as it is.

    Args:
        record: with its facts, and its score where there is one.
        pixels: what the score says; None for a file without one.
    """
    said = declaration(record.facts or ())
    if record.facts is not None:
        record.declared = said.declared.value
    if said.strength is not None:
        record.declared_strength = said.strength.value
        record.declared_by = "; ".join(dict.fromkeys(fact.key for fact in said.facts))
    if record.error_code is not None:
        record.verdict = Verdict.ERROR
        wanted = record.named or named_like_image(record.path)
        record.unread = wanted or not record.error_code.skipped
        return
    row = said.declared
    if row not in (Declared.NONE, Declared.CAMERA) and said.strength is Strength.WEAK:
        row = Declared.NONE  # weak facts only inform
    if (row, pixels) not in RULES:
        record.verdict = Verdict.INCONCLUSIVE
        record.explanation = (
            explanation(record, said, pixels)
            if said.facts
            else "The file says nothing of its origin, and no pixels were looked at."
        )
        return
    record.verdict, basis = RULES[row, pixels]
    record.verdict_basis = basis.value
    record.explanation = explanation(record, said, pixels)


def explanation(record: Record, said: Declaration, pixels: Verdict | None) -> str:
    """The verdict and its reasons in one sentence."""
    reasons = []
    if pixels is not None and record.score is not None and record.threshold is not None:
        looks = {Verdict.AI: "", Verdict.REAL: "looks real; "}.get(pixels, "undecided; ")
        looks = "too small to judge; " if TOO_SMALL in record.notes else looks
        reasons.append(
            f"the pixels score {record.score:.3f} ({looks}ai from {record.threshold:.3f})"
        )
    if said.facts:
        fact = said.facts[0]
        strength = "" if said.strength is None else f", {said.strength.value}"
        conflicting = said.declared is Declared.CONFLICTING
        origin = "conflicting origins" if conflicting else said.declared.value
        value = " ".join(fact.value.split())[:80]
        reasons.append(f"the file declares {origin} ({fact.key}: {value}{strength})")
    elif record.facts is not None:
        reasons.append("the file declares no origin")
    joint = " but " if record.verdict_basis == Basis.CONFLICT.value else " and "
    return f"{record.verdict.value}: {joint.join(reasons)}."
