"""Verdicts out of pixels and declarations."""

from itertools import permutations, product

import pytest

from clipfake.errors import ErrorCode
from clipfake.records import Claim, Fact, Record, Strength, Verdict
from clipfake.verdict.declaration import Declared, declaration
from clipfake.verdict.judge import judge
from clipfake.verdict.rules import RULES, Basis

CRYPTOGRAPHIC, SPECIFIC, WEAK = Strength.CRYPTOGRAPHIC, Strength.SPECIFIC, Strength.WEAK
AI, REAL, INCONCLUSIVE = Verdict.AI, Verdict.REAL, Verdict.INCONCLUSIVE
SCORES = {AI: 0.9, INCONCLUSIVE: 0.5, REAL: 0.1}
PIXELS = (AI, INCONCLUSIVE, REAL, None)


def fact(
    claim: Claim | None, strength: Strength = SPECIFIC, value: str = "a value", key: str = "a.key"
) -> Fact:
    return Fact(key, value, "here", 0, strength, claim)


MADE, PARTLY, CAPTURED = (fact(claim) for claim in (Claim.AI, Claim.COMPOSITE, Claim.CAMERA))
SAYING = {
    Declared.AI: (MADE,),
    Declared.COMPOSITE: (PARTLY,),
    Declared.CAMERA: (CAPTURED,),
    Declared.CONFLICTING: (MADE, CAPTURED),
    Declared.NONE: (fact(None),),
}


def judged(*facts: Fact, pixels: Verdict | None = None, **fields: object) -> Record:
    """A record with facts and, unless there are no pixels, a score."""
    record = Record(path="photo.jpg", facts=facts, **fields)  # type: ignore[arg-type]
    if pixels is not None:
        record.score, record.threshold = SCORES[pixels], 0.8
    judge(record, pixels)
    return record


# the table

ROWS = {
    (Declared.AI, AI): (AI, "both"),
    (Declared.AI, INCONCLUSIVE): (AI, "declared"),
    (Declared.AI, REAL): (AI, "conflict"),
    (Declared.AI, None): (AI, "declared"),
    (Declared.COMPOSITE, AI): (AI, "both"),
    (Declared.COMPOSITE, INCONCLUSIVE): (INCONCLUSIVE, "declared"),
    (Declared.COMPOSITE, REAL): (INCONCLUSIVE, "conflict"),
    (Declared.COMPOSITE, None): (INCONCLUSIVE, "declared"),
    (Declared.CAMERA, AI): (AI, "conflict"),
    (Declared.CAMERA, INCONCLUSIVE): (INCONCLUSIVE, "pixels"),
    (Declared.CAMERA, REAL): (REAL, "both"),
    (Declared.CAMERA, None): (INCONCLUSIVE, "declared"),
    (Declared.CONFLICTING, AI): (AI, "conflict"),
    (Declared.CONFLICTING, INCONCLUSIVE): (INCONCLUSIVE, "conflict"),
    (Declared.CONFLICTING, REAL): (INCONCLUSIVE, "conflict"),
    (Declared.CONFLICTING, None): (INCONCLUSIVE, "conflict"),
    (Declared.NONE, AI): (AI, "pixels"),
    (Declared.NONE, INCONCLUSIVE): (INCONCLUSIVE, "pixels"),
    (Declared.NONE, REAL): (REAL, "pixels"),
}


def test_every_declaration_and_score_has_its_row() -> None:
    assert RULES.keys() == ROWS.keys()
    assert RULES.keys() == set(product(Declared, PIXELS)) - {(Declared.NONE, None)}


@pytest.mark.parametrize(("declared", "pixels"), ROWS)
def test_each_row_gives_its_verdict_and_basis(declared: Declared, pixels: Verdict | None) -> None:
    record = judged(*SAYING[declared], pixels=pixels)
    assert (record.verdict, record.verdict_basis) == ROWS[declared, pixels]
    assert record.declared == declared.value


def test_without_pixels_and_declaration_nothing_is_decided() -> None:
    for facts in ((), (fact(None),)):
        record = judged(*facts)
        assert (record.verdict, record.verdict_basis) == (INCONCLUSIVE, None)
        assert record.declared == "none"
        assert record.explanation is not None
        assert "nothing of its origin" in record.explanation


def test_metadata_that_was_not_read_declares_nothing() -> None:
    record = Record(path="photo.jpg", score=0.9, threshold=0.8)
    judge(record, AI)
    assert (record.declared, record.declared_by, record.declared_strength) == (None, None, None)
    assert (record.verdict, record.verdict_basis) == (AI, "pixels")
    assert record.explanation == "ai: the pixels score 0.900 (ai from 0.800)."


@pytest.mark.parametrize("strength", list(Strength))
@pytest.mark.parametrize("pixels", PIXELS)
def test_a_camera_never_makes_an_ai_image_real(pixels: Verdict | None, strength: Strength) -> None:
    verdict = judged(fact(Claim.CAMERA, strength), pixels=pixels).verdict
    assert verdict is (pixels or INCONCLUSIVE)


@pytest.mark.parametrize("claim", [Claim.AI, Claim.COMPOSITE])
@pytest.mark.parametrize("pixels", [AI, INCONCLUSIVE, REAL])
def test_weak_facts_only_inform(claim: Claim, pixels: Verdict) -> None:
    record = judged(fact(claim, WEAK), pixels=pixels)
    assert (record.verdict, record.verdict_basis) == (pixels, "pixels")
    assert (record.declared, record.declared_strength) == (claim.value, "weak")


def test_weak_facts_that_conflict_only_inform() -> None:
    record = judged(fact(Claim.AI, WEAK), fact(Claim.CAMERA, WEAK), pixels=REAL)
    assert (record.verdict, record.verdict_basis) == (REAL, "pixels")
    assert record.declared == "conflicting"


def test_weak_facts_alone_decide_nothing_but_are_named() -> None:
    record = judged(fact(Claim.AI, WEAK))
    assert (record.verdict, record.verdict_basis) == (INCONCLUSIVE, None)
    assert record.explanation == "inconclusive: the file declares ai (a.key: a value, weak)."


@pytest.mark.parametrize("strength", [CRYPTOGRAPHIC, SPECIFIC])
def test_a_signed_and_an_unsigned_statement_decide_alike(strength: Strength) -> None:
    record = judged(fact(Claim.AI, strength), pixels=REAL)
    assert (record.verdict, record.verdict_basis) == (AI, "conflict")
    assert record.declared_strength == strength.value


@pytest.mark.parametrize(("declared", "pixels"), [*ROWS, (Declared.NONE, None)])
def test_the_score_is_never_changed(declared: Declared, pixels: Verdict | None) -> None:
    record = judged(*SAYING[declared], pixels=pixels)
    assert record.score == (None if pixels is None else SCORES[pixels])
    assert record.threshold == (None if pixels is None else 0.8)


# what is declared


@pytest.mark.parametrize(
    ("facts", "declared", "strength"),
    [
        ([], Declared.NONE, None),
        ([fact(None, CRYPTOGRAPHIC)], Declared.NONE, None),
        ([MADE], Declared.AI, SPECIFIC),
        ([PARTLY], Declared.COMPOSITE, SPECIFIC),
        ([CAPTURED], Declared.CAMERA, SPECIFIC),
        ([MADE, PARTLY], Declared.AI, SPECIFIC),
        ([PARTLY, CAPTURED], Declared.COMPOSITE, SPECIFIC),
        ([MADE, CAPTURED], Declared.CONFLICTING, SPECIFIC),
        ([MADE, PARTLY, CAPTURED], Declared.CONFLICTING, SPECIFIC),
        ([MADE, fact(Claim.CAMERA, WEAK)], Declared.AI, SPECIFIC),
        ([fact(Claim.AI, WEAK), CAPTURED], Declared.CAMERA, SPECIFIC),
        ([fact(Claim.CAMERA, CRYPTOGRAPHIC), MADE], Declared.CAMERA, CRYPTOGRAPHIC),
        ([fact(Claim.AI, CRYPTOGRAPHIC), CAPTURED], Declared.AI, CRYPTOGRAPHIC),
        ([fact(Claim.COMPOSITE, CRYPTOGRAPHIC), MADE], Declared.COMPOSITE, CRYPTOGRAPHIC),
        ([fact(None, CRYPTOGRAPHIC), fact(Claim.AI, WEAK)], Declared.AI, WEAK),
    ],
)
def test_the_strongest_facts_decide_in_any_order(
    facts: list[Fact], declared: Declared, strength: Strength | None
) -> None:
    for order in permutations(facts):
        found = declaration(order)
        assert (found.declared, found.strength) == (declared, strength)
        assert all(each.strength is strength for each in found.facts)
        assert bool(found.facts) == (declared is not Declared.NONE)


def test_the_facts_that_decide_are_named_once_each() -> None:
    facts = [
        fact(Claim.AI, key="one"),
        fact(Claim.AI, key="two"),
        fact(Claim.AI, value="other", key="one"),
        fact(Claim.AI, WEAK, key="three"),
        fact(None, key="four"),
        fact(Claim.COMPOSITE, key="five"),
    ]
    assert judged(*facts).declared_by == "one; two"


# the sentence


@pytest.mark.parametrize(("declared", "pixels"), ROWS)
def test_the_explanation_is_one_sentence_with_its_reasons(
    declared: Declared, pixels: Verdict | None
) -> None:
    record = judged(*SAYING[declared], pixels=pixels)
    text = record.explanation
    assert text is not None
    assert text.startswith(f"{record.verdict.value}: ")
    assert text.endswith(".")
    assert "\n" not in text
    assert ". " not in text
    if pixels is not None:
        assert f"score {SCORES[pixels]:.3f}" in text
        assert "0.800" in text
    if declared is Declared.NONE:
        assert "declares no origin" in text
    else:
        assert "(a.key: a value, specific)" in text
        origin = "conflicting origins" if declared is Declared.CONFLICTING else declared.value
        assert f"the file declares {origin} " in text
    if pixels is not None:
        assert (" but " in text) == (record.verdict_basis == Basis.CONFLICT.value)


@pytest.mark.parametrize(
    ("pixels", "told"),
    [
        (Verdict.AI, "ai from 0.800"),
        (Verdict.INCONCLUSIVE, "undecided; ai from 0.800"),
        (Verdict.REAL, "looks real; ai from 0.800"),
    ],
)
def test_the_explanation_says_that_a_second_look_was_taken(pixels: Verdict, told: str) -> None:
    record = Record("a.png", threshold=0.8)
    record.scored(0.955, 0.5)
    assert (record.score, record.looks) == (0.5, 2)
    judge(record, pixels)
    both = "the pixels score 0.500 (whole picture; 0.955 at first sight), "
    assert record.explanation == f"{pixels.value}: {both}{told}."
    record.scored(0.955)
    assert (record.score, record.looks, record.score_second) == (0.955, 1, None)
    judge(record, pixels)
    assert record.explanation == f"{pixels.value}: the pixels score 0.955 ({told})."


def test_the_explanation_stays_on_its_line() -> None:
    text = judged(fact(Claim.AI, value="one\ntwo\r\n" + "x" * 500)).explanation
    assert text is not None
    assert "\n" not in text
    assert "one two x" in text
    assert len(text) < 200


# records with an error


@pytest.mark.parametrize(("declared", "pixels"), [*ROWS, (Declared.NONE, None)])
def test_a_record_with_an_error_keeps_it_and_its_declaration(
    declared: Declared, pixels: Verdict | None
) -> None:
    record = judged(
        *SAYING[declared],
        pixels=pixels,
        error_code=ErrorCode.DAMAGED,
        error="photo.jpg: damaged",
    )
    assert record.verdict is Verdict.ERROR
    assert (record.verdict_basis, record.explanation) == (None, None)
    assert record.error_code is ErrorCode.DAMAGED
    assert record.error == "photo.jpg: damaged"
    assert record.declared == declared.value
    assert record.declared_by == (None if declared is Declared.NONE else "a.key")


@pytest.mark.parametrize(
    ("path", "named", "code", "unread"),
    [
        ("docs/readme.txt", False, ErrorCode.NOT_AN_IMAGE, False),
        ("docs/readme.txt", True, ErrorCode.NOT_AN_IMAGE, True),
        ("a/logo.JPG", False, ErrorCode.NOT_AN_IMAGE, True),
        ("bundle.zip!/in\\photo.heic", False, ErrorCode.UNSUPPORTED, True),
        ("raw/x.nef", False, ErrorCode.UNSUPPORTED, True),
        ("no-ending", False, ErrorCode.TRUNCATED, True),
        ("jpg", False, ErrorCode.NOT_AN_IMAGE, False),
    ],
)
def test_unread_is_what_was_asked_for_or_looks_like_an_image(
    path: str, named: bool, code: ErrorCode, unread: bool
) -> None:
    record = Record(path, error_code=code, named=named)
    judge(record, None)
    assert record.unread is unread


def test_what_is_judged_is_never_unread() -> None:
    record = Record("a.jpg", named=True, score=0.1, threshold=0.8)
    judge(record, REAL)
    assert record.unread is False
