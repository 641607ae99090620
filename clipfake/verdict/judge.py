"""The verdict of one file, and its reasons in a sentence."""

from clipfake.imaging.formats import named_like_image
from clipfake.records import TOO_SMALL, Record, Strength, Verdict
from clipfake.verdict.declaration import Declaration, Declared, declaration
from clipfake.verdict.generator import answer_generator, generator_told
from clipfake.verdict.rules import RULES, Basis

LEAST_SIDE = 32  # pixels of the short side below which pixels alone give no verdict


def judge_pixels(record: Record, said: Verdict) -> None:
    """Judge a record by what its score says; too few pixels say nothing.

    Args:
        record: with its score and threshold, its size and its facts.
        said: what the score says at the operating point.
    """
    if _too_small(record):
        said = Verdict.INCONCLUSIVE
        if TOO_SMALL not in record.notes:  # what comes from the cache has it
            record.notes += (TOO_SMALL,)
    judge(record, said)


def judge(record: Record, pixels: Verdict | None) -> None:
    """Set a record's declaration, generator, verdict, basis, explanation, and if it is unread.

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
    answer_generator(record, pixels)
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
    """The verdict and its reasons in one sentence, and in another which generator made it."""
    reasons = []
    if pixels is not None and record.score is not None and record.threshold is not None:
        looks = {Verdict.AI: "", Verdict.REAL: "looks real; "}.get(pixels, "undecided; ")
        looks = "too small to judge; " if TOO_SMALL in record.notes else looks
        told = f"{looks}ai from {record.threshold:.3f}"
        if record.score_second is None or record.score_first is None:
            reasons.append(f"the pixels score {record.score:.3f} ({told})")
        else:
            both = f"whole picture; {record.score_first:.3f} at first sight"
            reasons.append(f"the pixels score {record.score:.3f} ({both}), {told}")
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
    verdict = f"{record.verdict.value}: {joint.join(reasons)}."
    return " ".join(filter(None, (verdict, generator_told(record))))


def _too_small(record: Record) -> bool:
    """Whether there are too few pixels for a verdict; enlarged they look like anything."""
    sides = (record.width, record.height)
    return any(side is not None and side < LEAST_SIDE for side in sides)
