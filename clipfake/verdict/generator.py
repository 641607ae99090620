"""Which generator made an image: what its sources say, and which of them is the answer.

The most trusted source is the answer, and none is overridden: a signature that holds cannot be
forged without its key; what a file declares can be, but names a generator and often its version;
a public pattern can be embedded by anybody, and several generators share one; the pixels' opinion
tells families alone, and errs.
"""

from collections.abc import Sequence

from clipfake.attribution.said import Said, disagreement, said
from clipfake.records import Attribution, GeneratorBasis, Record, Verdict

UNKNOWN = "unknown"  # the pixels are those of a generator, and none is told apart


def answer_generator(record: Record, pixels: Verdict | None) -> None:
    """Set a record's generator, basis, family and score, and its attributions.

    The verdict is not looked at and never changes by it. The pixels speak only where their own
    verdict is ai.

    Args:
        record: with its facts, and with ``looks_like`` where the detector tells generators apart.
        pixels: what the score says; None for a file without one.
    """
    found = said(record.facts or ())
    opinion = record.looks_like if pixels is Verdict.AI else None
    if opinion is not None and opinion.family is not None:
        found.append(Said(opinion))
    record.attributions = tuple(each.attribution for each in found)
    answer = next((each.attribution for each in found if not each.weak), None)
    if answer is None and opinion is not None:
        answer = Attribution(GeneratorBasis.PIXELS, UNKNOWN)
    if answer is not None:
        record.generator, record.generator_basis = answer.generator, answer.basis.value
        record.generator_family, record.generator_score = answer.family, answer.score


def generator_told(record: Record) -> str:
    """The answer, and whether sources disagree, in a sentence or two; empty where none is known."""
    if record.generator is None:
        return ""
    how = {"pixels": "by its pixels"}.get(record.generator_basis or "", record.generator_basis)
    version = next(
        (each.version for each in record.attributions if _answers(record, each) and each.version),
        None,
    )
    name = record.generator if version is None else f"{record.generator}, {version}"
    sure = "" if record.generator_score is None else f", probability {record.generator_score:.2f}"
    text = f"Generator: {_short(name)} ({how}{sure})."
    disagreeing = _disagreeing(record)
    if disagreeing:
        parts = (f"{each.basis.value} {_short(each.generator)}" for each in disagreeing)
        text += f" Sources disagree on the generator: {', '.join(parts)}."
    return text


def _answers(record: Record, each: Attribution) -> bool:
    return (each.generator, each.basis.value) == (record.generator, record.generator_basis)


def _disagreeing(record: Record) -> Sequence[Attribution]:
    """The attributions that count, where they disagree."""
    found = said(record.facts or ())
    known = {each.attribution for each in found}
    found += [Said(each) for each in record.attributions if each not in known]
    if not disagreement(found):
        return ()
    return [each.attribution for each in found if not each.weak and not each.part]


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 80 else f"{text[:80]}..."
