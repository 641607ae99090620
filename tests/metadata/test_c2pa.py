"""C2PA manifests, signed here with certificates made here."""

import io
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from PIL import features

from clipfake.metadata.c2pa import MISSING_EXTRA, _context, manifest_facts, read_c2pa
from clipfake.metadata.c2pa_assertions import statements
from clipfake.metadata.read import MetadataOptions, read_metadata
from clipfake.records import Claim, Fact, Strength
from clipfake.verdict.declaration import Declared, declaration
from tests.conftest import encoded, picture
from tests.metadata.pieces import AI_TYPE, NEWSCODES, chunk, jpeg, png, segment, store

c2pa = pytest.importorskip("c2pa")
pytest.importorskip("cryptography")

from tests.metadata.signing import (  # noqa: E402
    EDIT,
    Signer,
    action,
    signed,
    signed_excluding,
    signed_when_valid,
    signer,
)

AI_MADE = action("c2pa.created", "trainedAlgorithmicMedia", softwareAgent={"name": "A Model"})
DRAWN = action("c2pa.created", "digitalArt")
CAPTURED = action("c2pa.created", "digitalCapture")
PHOTO = encoded(picture(), "JPEG")
TRUSTED, UNTRUSTED = Strength.CRYPTOGRAPHIC, Strength.SPECIFIC


@pytest.fixture(scope="module")
def alice() -> Signer:
    return signer("Alice")


@pytest.fixture(scope="module")
def bob() -> Signer:
    return signer("Bob")


@pytest.fixture(scope="module")
def generated(alice: Signer) -> bytes:
    """A JPEG that Alice says a model has made."""
    return signed(PHOTO, "JPEG", alice, AI_MADE)


def c2pa_facts(data: bytes, form: str = "JPEG", anchors: str = "") -> list[Fact]:
    found = read_metadata(data, form, MetadataOptions(anchors=anchors)).facts
    return [fact for fact in found if fact.key.startswith("c2pa.")]


def values(facts: list[Fact], key: str) -> list[str]:
    return [fact.value for fact in facts if fact.key == key]


def state(data: bytes, form: str = "JPEG", anchors: str = "") -> str:
    (found,) = values(c2pa_facts(data, form, anchors), "c2pa.manifest")
    return found


def claims(data: bytes, anchors: str = "") -> list[tuple[Claim, Strength]]:
    return [(fact.claim, fact.strength) for fact in c2pa_facts(data, "JPEG", anchors) if fact.claim]


def changed(data: bytes, words: bytes) -> bytes:
    """A file with the first of some words changed in one bit."""
    at = data.index(words)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


# what stands in the file


@pytest.mark.parametrize(
    ("form", "place", "mark", "ahead"),
    [
        ("JPEG", "JPEG APP11", b"\xff\xeb", 0),
        ("PNG", "PNG caBX", b"caBX", 4),
        ("WEBP", "WebP C2PA", b"C2PA", 0),
        ("TIFF", "TIFF IFD0 tag 52545", b"jumb", 4),
        ("GIF", "GIF C2PA", b"\x21\xff\x0bC2PA_GIF", 0),
        ("AVIF", "BMFF uuid", b"uuid", 4),
        ("HEIF", "BMFF uuid", b"uuid", 4),
    ],
)
def test_a_trusted_manifest_is_read_from_each_format(
    alice: Signer, form: str, place: str, mark: bytes, ahead: int
) -> None:
    if form == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    if form == "HEIF":
        heif = pytest.importorskip("pillow_heif")
        buffer = io.BytesIO()
        heif.from_pillow(picture()).save(buffer)
        plain = buffer.getvalue()
    else:
        plain = encoded(picture(), form)
    data = signed(plain, form, alice, AI_MADE)
    found = c2pa_facts(data, form, alice.anchors)
    offset = found[0].offset
    assert offset is not None
    assert data[offset + ahead :].startswith(mark)
    assert found == [
        Fact("c2pa.manifest", "trusted", place, offset, TRUSTED),
        Fact("c2pa.signer", "Example, Alice", place, offset),
        Fact("c2pa.generator", "a generator 1.0", place, offset),
        Fact(
            "c2pa.action",
            "c2pa.created, trainedAlgorithmicMedia, A Model",
            place,
            offset,
            TRUSTED,
            Claim.AI,
        ),
    ]


def test_a_file_without_a_manifest_has_none() -> None:
    assert c2pa_facts(PHOTO) == []


# what became of it


def test_a_signer_that_no_anchor_vouches_for_is_untrusted(generated: bytes, bob: Signer) -> None:
    for anchors in ("", bob.anchors):
        assert state(generated, anchors=anchors) == "untrusted"
        assert claims(generated, anchors) == [(Claim.AI, UNTRUSTED)]
        failures = values(c2pa_facts(generated, anchors=anchors), "c2pa.failure")
        assert failures == ["signingCredential.untrusted"]


def test_any_of_several_anchors_may_vouch(generated: bytes, alice: Signer, bob: Signer) -> None:
    assert state(generated, anchors=bob.anchors + alice.anchors) == "trusted"


def test_tampered_pixels_are_told(generated: bytes, alice: Signer) -> None:
    at = len(generated) - 40
    tampered = generated[:at] + bytes([generated[at] ^ 1]) + generated[at + 1 :]
    assert state(tampered, anchors=alice.anchors) == "tampered content"
    assert claims(tampered, alice.anchors) == [(Claim.AI, Strength.WEAK)]
    failures = values(c2pa_facts(tampered, anchors=alice.anchors), "c2pa.failure")
    assert failures == ["assertion.dataHash.mismatch"]


def test_tampered_boxes_of_bmff_are_told(alice: Signer) -> None:
    if not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    data = signed(encoded(picture(), "AVIF"), "AVIF", alice, AI_MADE)
    tampered = data[:-20] + bytes([data[-20] ^ 1]) + data[-19:]
    assert state(tampered, "AVIF", alice.anchors) == "tampered content"


def test_a_manifest_put_into_another_picture_is_told(generated: bytes, alice: Signer) -> None:
    start = generated.index(b"\xff\xeb")
    manifest = generated[
        start : start + 2 + int.from_bytes(generated[start + 2 : start + 4], "big")
    ]
    other = encoded(picture(seed=1), "JPEG")
    assert state(other[:20] + manifest + other[20:], anchors=alice.anchors) == "tampered content"


def test_other_metadata_that_came_later_is_told(alice: Signer) -> None:
    data = signed(encoded(picture()), "PNG", alice, AI_MADE)
    tampered = data[:-12] + chunk(b"tEXt", b"Comment\0words") + data[-12:]
    assert state(tampered, "PNG", alice.anchors) == "tampered content"


@pytest.mark.parametrize("words", [b"a title", b"A Model", b"a generator", b"c2pa.created"])
def test_a_tampered_manifest_is_told(generated: bytes, alice: Signer, words: bytes) -> None:
    tampered = changed(generated, words)
    assert state(tampered, anchors=alice.anchors) == "tampered manifest"
    assert all(strength is Strength.WEAK for _, strength in claims(tampered, alice.anchors))


def test_a_source_type_that_was_changed_claims_nothing_for_sure(
    alice: Signer,
) -> None:
    data = signed(PHOTO, "JPEG", alice, AI_MADE)
    forged = data.replace(b"trainedAlgorithmicMedia", b"digitalCapture/////////")
    assert state(forged, anchors=alice.anchors) == "tampered manifest"
    assert claims(forged, alice.anchors) == [(Claim.CAMERA, Strength.WEAK)]


def test_a_certificate_that_has_run_out_is_told(alice: Signer) -> None:
    data = signed_when_valid(PHOTO, "JPEG", alice, AI_MADE)
    for anchors in ("", alice.anchors):
        assert state(data, anchors=anchors) == "expired"
        assert claims(data, anchors) == [(Claim.AI, UNTRUSTED)]
    tampered = data[:-40] + bytes([data[-40] ^ 1]) + data[-39:]
    assert state(tampered, anchors=alice.anchors) == "tampered content"
    assert state(changed(data, b"A Model"), anchors=alice.anchors) == "tampered manifest"


def test_a_signature_by_another_key_is_told(alice: Signer, bob: Signer) -> None:
    data = signed(PHOTO, "JPEG", alice, AI_MADE, sign=bob.sign)
    assert state(data, anchors=alice.anchors + bob.anchors) == "tampered manifest"
    assert "claimSignature.mismatch" in values(c2pa_facts(data), "c2pa.failure")


# what nobody touched


@pytest.mark.parametrize(
    "actions",
    [
        (action("c2pa.created", softwareAgent="Bing Image Creator"),),
        (action("c2pa.edited", softwareAgent="an editor"),),
        (action("c2pa.opened"),),
        (),
    ],
)
def test_a_manifest_that_only_breaks_a_rule_is_not_conforming(
    alice: Signer, actions: tuple[dict[str, object], ...]
) -> None:
    data = signed(PHOTO, "JPEG", alice, *actions)
    for anchors in ("", alice.anchors):
        found = c2pa_facts(data, anchors=anchors)
        assert values(found, "c2pa.manifest") == ["not conforming"]
        assert found[0].strength is Strength.SPECIFIC
        codes = values(found, "c2pa.failure")
        assert any(code.startswith("assertion.action.") for code in codes)
    # what is touched all the same is told
    pixels = data[:-40] + bytes([data[-40] ^ 1]) + data[-39:]
    assert state(pixels, anchors=alice.anchors) == "tampered content"
    assert state(changed(data, b"a title"), anchors=alice.anchors) == "tampered manifest"


@pytest.mark.parametrize("more", [1, 4, 300, -10, -18])
def test_a_hash_that_leaves_out_more_than_the_manifest_is_not_conforming(
    alice: Signer, more: int
) -> None:
    photo = encoded(picture(), "JPEG", icc_profile=b"x" * 900)
    data = signed_excluding(photo, "JPEG", alice, AI_MADE, more=more)
    assert state(data, anchors=alice.anchors) == "not conforming"
    assert claims(data, alice.anchors) == [(Claim.AI, Strength.SPECIFIC)]
    pixels = data[:-40] + bytes([data[-40] ^ 1]) + data[-39:]
    assert state(pixels, anchors=alice.anchors) == "tampered content"
    wrong = signed_excluding(photo, "JPEG", alice, AI_MADE, more=more, right=False)
    assert state(wrong, anchors=alice.anchors) == "tampered content"


def test_a_manifest_that_was_signed_anew_as_it_is_holds(alice: Signer) -> None:
    data = signed_excluding(PHOTO, "JPEG", alice, AI_MADE, more=0)
    assert state(data, anchors=alice.anchors) == "trusted"


def test_an_ingredient_that_only_breaks_a_rule_costs_the_manifest_nothing(alice: Signer) -> None:
    loose = signed(PHOTO, "JPEG", alice, action("c2pa.created", softwareAgent="DALL-E 3"))
    data = signed(PHOTO, "JPEG", alice, CAPTURED, parts=(("componentOf", loose),))
    assert state(data, anchors=alice.anchors) == "trusted"
    assert claims(data, alice.anchors) == [
        (Claim.CAMERA, TRUSTED),
        (Claim.COMPOSITE, Strength.SPECIFIC),
    ]


def validated(*failures: str, success: tuple[str, ...] | None = None, later: str = "") -> str:
    """The state of a store with these codes."""
    held = ("claimSignature.validated", "assertion.dataHash.match", "signingCredential.trusted")
    held = held if success is None else success
    active = {
        "success": [{"code": code, "url": f"of {code.rpartition('.')[0]}"} for code in held],
        "failure": [{"code": code, "url": f"of {code.rpartition('.')[0]}"} for code in failures],
    }
    deltas = [{"validationDeltas": {"failure": [{"code": later, "url": "x"}]}}] if later else []
    results = {"activeManifest": active, "ingredientDeltas": deltas}
    told = {**valid_store(a={}), "validation_state": "Invalid", "validation_results": results}
    (found,) = values(manifest_facts(told, "here", 0), "c2pa.manifest")
    return found


BARE = ("claimSignature.validated", "signingCredential.trusted")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("assertion.boxesHash.unknownBox", "tampered content"),
        ("assertion.bmffHash.mismatch", "tampered content"),
        ("assertion.collectionHash.incorrectFileCount", "tampered content"),
        ("assertion.hashedURI.mismatch", "tampered manifest"),
        ("assertion.missing", "tampered manifest"),
        ("assertion.undeclared", "tampered manifest"),
        ("claimSignature.mismatch", "tampered manifest"),
        ("ingredient.manifest.mismatch", "tampered manifest"),
        ("signingCredential.ocsp.revoked", "revoked"),
        ("signingCredential.expired", "expired"),
        ("claimSignature.outsideValidity", "expired"),
        ("signingCredential.untrusted", "untrusted"),
        ("timeStamp.untrusted", "untrusted"),
        ("assertion.action.malformed", "not conforming"),
        ("assertion.action.ingredientMismatch", "not conforming"),
        ("assertion.multipleHardBindings", "not conforming"),
        ("assertion.metadata.disallowed", "not conforming"),
        ("manifest.multipleParents", "not conforming"),
        ("claim.malformed", "not conforming"),
        ("cawg.identity.assertion.mismatch", "not conforming"),
        ("assertion.dataHash.mismatch", "not conforming"),  # it holds, too
        ("algorithm.unsupported", "cannot be checked"),
        ("claim.hardBindings.missing", "cannot be checked"),
        ("assertion.inaccessible", "cannot be checked"),
        ("general.error", "cannot be checked"),
        ("a.code.of.tomorrow", "cannot be checked"),
        ("", "cannot be checked"),
    ],
)
def test_each_code_is_sorted_by_what_it_means(code: str, expected: str) -> None:
    assert validated(code) == expected
    assert validated(code, "signingCredential.untrusted") == expected
    assert validated(code, "claimSignature.mismatch").startswith("tampered")


def test_the_gravest_code_decides() -> None:
    assert validated("assertion.action.malformed", "signingCredential.expired") == "not conforming"
    assert validated("assertion.action.malformed", "general.error") == "cannot be checked"
    assert validated("assertion.hashedURI.mismatch", "general.error") == "tampered manifest"
    assert validated("signingCredential.expired", "signingCredential.untrusted") == "expired"


@pytest.mark.parametrize("code", ["assertion.action.malformed", "signingCredential.untrusted"])
def test_what_was_not_seen_to_hold_cannot_be_checked(code: str) -> None:
    assert validated(code, success=BARE) == "cannot be checked"
    assert validated(code, success=("assertion.dataHash.match",)) == "cannot be checked"
    assert validated(code, success=()) == "cannot be checked"


def test_a_hash_fails_that_holds_for_another_assertion_only() -> None:
    good = (*BARE, "assertion.bmffHash.match")
    assert validated("assertion.dataHash.mismatch", success=good) == "tampered content"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("assertion.hashedURI.mismatch", "tampered manifest"),
        ("ingredient.manifest.mismatch", "tampered manifest"),
        ("assertion.action.malformed", "trusted"),
        ("signingCredential.untrusted", "trusted"),
        ("ingredient.manifest.missing", "trusted"),
    ],
)
def test_what_fails_in_an_ingredient_counts_where_it_was_touched(code: str, expected: str) -> None:
    assert validated(later=code) == expected


@pytest.mark.parametrize("box", [store(), store(content=b"junk")])
def test_a_store_without_a_manifest_is_unreadable(box: bytes) -> None:
    data = jpeg(segment(0xEB, b"JP\x02\x11\0\0\0\1" + box))
    (fact,) = c2pa_facts(data)
    assert fact.value.startswith("unreadable: ")
    assert (fact.strength, fact.claim) == (Strength.WEAK, None)
    assert len(fact.value) <= 300
    (fact,) = c2pa_facts(png(chunk(b"caBX", box)), "PNG")
    assert fact.value.startswith("unreadable: ")


def test_no_changed_byte_is_worth_more_than_it_was(generated: bytes, alice: Signer) -> None:
    start = generated.index(b"\xff\xeb")
    stop = start + int.from_bytes(generated[start + 2 : start + 4], "big")
    expected = c2pa_facts(generated, anchors=alice.anchors)
    for at in range(start, stop, 29):
        tampered = generated[:at] + bytes([generated[at] ^ 4]) + generated[at + 1 :]
        found = c2pa_facts(tampered, anchors=alice.anchors)
        # padding is not signed
        assert found == expected or all(f.strength is Strength.WEAK for f in found), at


# what it says


@pytest.mark.parametrize(
    ("name", "kind", "claim"),
    [
        ("c2pa.created", "trainedAlgorithmicMedia", Claim.AI),
        ("c2pa.created", "compositeWithTrainedAlgorithmicMedia", Claim.COMPOSITE),
        ("c2pa.created", "digitalCapture", Claim.CAMERA),
        ("c2pa.created", "computationalCapture", Claim.CAMERA),
        ("c2pa.created", "digitalArt", None),
        ("c2pa.created", "unknownMedia", None),
        ("c2pa.edited", "trainedAlgorithmicMedia", Claim.COMPOSITE),
        ("c2pa.edited", "compositeWithTrainedAlgorithmicMedia", Claim.COMPOSITE),
        ("c2pa.edited", "minorHumanEdits", Claim.CAMERA),
        ("c2pa.edited", "", None),
    ],
)
def test_actions_claim_what_their_source_type_says(
    alice: Signer, name: str, kind: str, claim: Claim | None
) -> None:
    first = [] if name == "c2pa.created" else [DRAWN]
    data = signed(PHOTO, "JPEG", alice, *first, action(name, kind))
    assert claims(data, alice.anchors) == ([(claim, TRUSTED)] if claim else [])
    known = kind if kind != "unknownMedia" else ""
    told = values(c2pa_facts(data, anchors=alice.anchors), "c2pa.action")
    assert told[-1] == ", ".join(filter(None, [name, known]))


PARAMETER = {"com.adobe.digitalSourceType": AI_TYPE, "com.adobe.type": "remoteProvider.3rdParty"}


@pytest.mark.parametrize(
    ("fields", "claim"),
    [
        ({"parameters": PARAMETER}, Claim.AI),
        ({"parameters": {"digitalSourceType": AI_TYPE}}, Claim.AI),
        ({"parameters": {"com.example.model": {"digitalSourceType": AI_TYPE}}}, Claim.AI),
        ({"parameters": {"com.example:DigitalSourceType": "trainedAlgorithmicMedia"}}, Claim.AI),
        ({"softwareAgent": {"name": "x", "com.adobe.digitalSourceType": AI_TYPE}}, Claim.AI),
        ({"softwareAgent": {"name": "x", "digitalSourceType": AI_TYPE}}, Claim.AI),
        ({"parameters": {"digitalSourceType": f"{NEWSCODES}digitalCapture"}}, Claim.CAMERA),
        ({"parameters": {"ingredients": [{"digitalSourceType": AI_TYPE}]}}, None),
        ({"parameters": {"ingredient": {"digitalSourceType": AI_TYPE}}}, None),
        ({"parameters": {"notADigitalSourceType": AI_TYPE}}, None),
        ({"parameters": {"name": AI_TYPE, "com.adobe.details": AI_TYPE}}, None),
        ({"description": AI_TYPE}, None),
        ({"softwareAgent": "Adobe Firefly"}, Claim.AI),
        ({"softwareAgent": "Adobe Firefly 3.1"}, Claim.AI),
        ({"softwareAgent": {"name": "Adobe_Firefly", "version": "1.0"}}, Claim.AI),
        ({"softwareAgent": "DALL\u00b7E"}, Claim.AI),
        ({"softwareAgent": "Bing Image Creator"}, Claim.AI),
        ({"softwareAgent": "Azure OpenAI DALL-E"}, Claim.AI),
        ({"softwareAgent": "Azure OpenAI DALL-E 3"}, Claim.AI),
        ({"softwareAgent": "Azure OpenAI ImageGen"}, Claim.AI),
        ({"softwareAgent": {"name": "ChatGPT"}}, Claim.AI),
        ({"description": "AI Generated Image"}, Claim.AI),
        ({"description": " AI-generated image. "}, Claim.AI),
        ({"softwareAgent": "Adobe Firefly detector"}, None),
        ({"softwareAgent": "Uploader for Midjourney"}, None),
        ({"softwareAgent": "Azure OpenAI DALL-E blocker"}, None),
        ({"softwareAgent": "Adobe Photoshop"}, None),
        ({"softwareAgent": "Gemini"}, None),
        ({"description": "Not an AI Generated Image"}, None),
        ({"description": "AI Generated Image detector ran"}, None),
        (
            {"softwareAgent": 5, "parameters": [PARAMETER], "description": ["AI Generated Image"]},
            None,
        ),
    ],
)
def test_an_old_action_claims_what_its_fields_say(
    fields: dict[str, object], claim: Claim | None
) -> None:
    assert said(action("c2pa.created", **fields)) == claim
    # what is stated is believed before any name
    if claim is Claim.AI and "parameters" not in fields and "digital" not in str(fields).lower():
        assert said(action("c2pa.created", "digitalArt", **fields)) is None
        assert said(action("c2pa.created", "aTypeOfTomorrow", **fields)) is None
        assert said(action("c2pa.created", "digitalCapture", **fields)) is Claim.CAMERA
        # who edited or opened an image has not made it
        assert said(action("c2pa.edited", **fields)) is None
        assert said(action("c2pa.opened", **fields)) is None


def said(*actions: dict[str, object], **data: object) -> Claim | None:
    """The only claim of a manifest with actions."""
    assertion = {"label": "c2pa.actions.v2", "data": {"actions": list(actions), **data}}
    found = [s.claim for s in statements({"assertions": [assertion]}) if s.claim]
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize(
    ("name", "claim"),
    [
        ("c2pa.created", Claim.AI),
        ("c2pa.opened", Claim.AI),
        ("c2pa.converted", Claim.AI),
        ("c2pa.published", Claim.AI),
        ("c2pa.edited", Claim.COMPOSITE),
        ("c2pa.placed", Claim.COMPOSITE),
        ("c2pa.filtered", Claim.COMPOSITE),
        ("com.example.paint", Claim.COMPOSITE),
    ],
)
def test_a_type_is_that_of_the_whole_or_of_a_part_by_the_action(name: str, claim: Claim) -> None:
    assert said(action(name, "trainedAlgorithmicMedia")) is claim
    assert said(action(name, parameters=PARAMETER)) is claim


def test_an_action_takes_what_it_leaves_out_from_its_template() -> None:
    template = {"action": "c2pa.created", "digitalSourceType": AI_TYPE, "softwareAgent": "x"}
    bare = {"action": "c2pa.created"}
    assert said(bare, templates=[template]) is Claim.AI
    assert said(
        {**bare, "digitalSourceType": f"{NEWSCODES}digitalCapture"}, templates=[template]
    ) is (Claim.CAMERA)
    assert said({"action": "c2pa.edited"}, templates=[template]) is None
    assert said({"action": "c2pa.edited"}, templates=[{**template, "action": "*"}]) is (
        Claim.COMPOSITE
    )
    agents = [{"name": "an editor"}, {"name": "Adobe Firefly"}]
    assert said({**bare, "softwareAgentIndex": 1}, softwareAgents=agents) is Claim.AI
    for index in (0, 2, -1, "1", None):
        assert said({**bare, "softwareAgentIndex": index}, softwareAgents=agents) is None


@pytest.mark.parametrize(
    ("fields", "claim"),
    [
        ({"claim_generator": "Adobe_Firefly adobe_c2pa/0.5.2 c2pa-rs/0.16.1"}, Claim.AI),
        ({"claim_generator": "OpenAI-API/1.0 c2pa-rs/0.28.4"}, Claim.AI),
        ({"claim_generator_info": [{"name": "Midjourney", "version": "7"}]}, Claim.AI),
        ({"claim_generator": "Adobe_Photoshop/25.0 adobe_firefly/1.0"}, None),
        ({"claim_generator": "Adobe_Firefly", "claim_generator_info": [{"name": "x"}]}, None),
        ({"claim_generator": "Microsoft_Responsible_AI/1.0"}, None),
        ({"claim_generator": 5, "claim_generator_info": "Midjourney"}, None),
        ({}, None),
    ],
)
def test_what_no_agent_is_named_for_is_the_claim_generators(
    fields: dict[str, object], claim: Claim | None
) -> None:
    def told(**created: object) -> list[Claim | None]:
        data = {"actions": [action("c2pa.created", **created)]}
        return [
            s.claim
            for s in statements({"assertions": [{"label": "c2pa.actions", "data": data}], **fields})
        ]

    assert told() == [claim]
    assert told(softwareAgent="an editor") == [None]
    assert told(digitalSourceType=f"{NEWSCODES}digitalArt") == [None]


def asserted(label: str, data: object, *more: dict[str, object], **fields: object) -> list[Any]:
    manifest = {"assertions": [{"label": label, "data": data}, *more], **fields}
    return [(s.key, s.value, s.claim) for s in statements(manifest)]


FIREFLY = {"description": "Adobe Firefly", "version": "0.2.4", "prompt": "a lighthouse"}


def test_an_early_vendors_assertion_says_that_an_image_is_generated() -> None:
    key, value = "c2pa.assertion", "com.adobe.generative-ai, Adobe Firefly, 0.2.4"
    for label in ("com.adobe.generative-ai", "com.adobe.generative-ai__1"):
        assert asserted(label, FIREFLY) == [(key, value, Claim.AI)]
    parent = [{"relationship": "parentOf"}]
    assert asserted("com.adobe.generative-ai", FIREFLY, ingredients=parent) == [
        (key, value, Claim.COMPOSITE)
    ]
    for name in ("c2pa.edited", "c2pa.opened", "c2pa.placed"):
        opened = {"label": "c2pa.actions", "data": {"actions": [{"action": name}]}}
        found = asserted("com.adobe.generative-ai", FIREFLY, opened)
        assert found[0] == (key, value, Claim.COMPOSITE)
    for data in ({}, {"description": ""}, {"description": 5}, "Adobe Firefly", None):
        assert asserted("com.adobe.generative-ai", data) == []


@pytest.mark.parametrize(
    "label",
    [
        "c2pa.training-mining",
        "cawg.training-mining",
        "stds.schema-org.CreativeWork",
        "com.example.generative-ai",
        "com.adobe.generative-ai-detector",
        "c2pa.thumbnail.claim",
    ],
)
def test_other_assertions_claim_nothing(label: str) -> None:
    data = {**FIREFLY, "author": [{"name": "OpenAI"}], "digitalSourceType": AI_TYPE}
    assert asserted(label, data) == []


@pytest.mark.parametrize(
    "label", ["c2pa.metadata", "cawg.metadata", "stds.iptc", "stds.iptc.photo-metadata"]
)
@pytest.mark.parametrize("value", [AI_TYPE, {"@id": AI_TYPE}])
def test_metadata_of_a_manifest_states_a_type(label: str, value: object) -> None:
    data = {"@context": {"Iptc4xmpExt": "x"}, "Iptc4xmpExt:DigitalSourceType": value}
    assert asserted(label, data) == [
        ("c2pa.assertion", f"{label}, trainedAlgorithmicMedia", Claim.AI)
    ]


@pytest.mark.parametrize("version", [1, 2])
def test_old_assertions_are_read_from_files(alice: Signer, version: int) -> None:
    old = ({"label": "com.adobe.generative-ai", "data": FIREFLY},)
    data = signed(PHOTO, "JPEG", alice, DRAWN, version=version, assertions=old)
    found = c2pa_facts(data, anchors=alice.anchors)
    assert values(found, "c2pa.assertion") == ["com.adobe.generative-ai, Adobe Firefly, 0.2.4"]
    assert claims(data, alice.anchors) == [(Claim.AI, TRUSTED)]
    assert not any("lighthouse" in fact.value for fact in found)


def test_an_old_claim_of_a_service_is_read_from_files(alice: Signer) -> None:
    made = action(
        "c2pa.created", softwareAgent="Azure OpenAI DALL-E", description="AI Generated Image"
    )
    data = signed(PHOTO, "JPEG", alice, made, version=1)
    assert state(data, anchors=alice.anchors) == "trusted"
    assert claims(data, alice.anchors) == [(Claim.AI, TRUSTED)]


def test_an_action_names_its_agent_and_purpose(alice: Signer) -> None:
    edit = action("c2pa.edited", softwareAgent="An Editor", description="sky replaced")
    data = signed(PHOTO, "JPEG", alice, DRAWN, edit)
    assert values(c2pa_facts(data), "c2pa.action")[-1] == "c2pa.edited, An Editor, sky replaced"


def test_no_value_is_endless(alice: Signer) -> None:
    made = action("c2pa.created", "digitalArt", description="x" * 20_000)
    found = c2pa_facts(signed(PHOTO, "JPEG", alice, made))
    assert max(len(fact.value) for fact in found) == 2000


# ingredients


def test_an_edit_of_an_ai_image_is_ai(generated: bytes, alice: Signer) -> None:
    data = signed(generated, "JPEG", alice, intent=EDIT)
    found = c2pa_facts(data, anchors=alice.anchors)
    assert values(found, "c2pa.manifest") == ["trusted"]
    assert values(found, "c2pa.ingredient") == ["untitled (parentOf)"]
    # what the parent says of itself is not vouched for by the later signer
    assert claims(data, alice.anchors) == [(Claim.AI, Strength.SPECIFIC)]


def test_an_edit_of_an_edit_is_followed(generated: bytes, alice: Signer, bob: Signer) -> None:
    data = signed(signed(generated, "JPEG", bob, intent=EDIT), "JPEG", alice, intent=EDIT)
    found = c2pa_facts(data, anchors=alice.anchors)
    assert values(found, "c2pa.signer") == ["Example, Alice", "Example, Bob"]
    assert claims(data, alice.anchors) == [(Claim.AI, Strength.SPECIFIC)]


@pytest.mark.parametrize("relation", ["componentOf", "inputTo"])
def test_an_ai_image_in_a_picture_makes_it_a_composite(
    generated: bytes, alice: Signer, relation: str
) -> None:
    parts = ((relation, generated),)
    data = signed(PHOTO, "JPEG", alice, DRAWN, parts=parts)
    found = c2pa_facts(data, anchors=alice.anchors)
    assert values(found, "c2pa.ingredient") == [f"a part ({relation})"]
    assert claims(data, alice.anchors) == [(Claim.COMPOSITE, Strength.SPECIFIC)]
    assert declaration(found).declared is Declared.COMPOSITE


def test_an_ingredient_without_a_manifest_claims_nothing(alice: Signer) -> None:
    data = signed(PHOTO, "JPEG", alice, DRAWN, parts=(("componentOf", PHOTO),))
    assert values(c2pa_facts(data), "c2pa.ingredient") == ["a part (componentOf)"]
    assert claims(data) == []


def test_ingredients_of_an_unknown_signer_are_worth_no_more(
    generated: bytes, alice: Signer, bob: Signer
) -> None:
    data = signed(generated, "JPEG", bob, intent=EDIT)
    assert state(data, anchors=alice.anchors) == "untrusted"
    assert claims(data, alice.anchors) == [(Claim.AI, Strength.SPECIFIC)]


def test_a_known_signer_is_trusted_with_an_unknown_ingredient(
    generated: bytes, alice: Signer, bob: Signer
) -> None:
    data = signed(generated, "JPEG", bob, intent=EDIT)
    assert state(data, anchors=bob.anchors) == "trusted"
    assert claims(data, bob.anchors) == [(Claim.AI, Strength.SPECIFIC)]


@pytest.mark.parametrize("words", [b"A Model", b"a title", b"c2pa.created"])
def test_an_ingredient_tampered_with_since_is_told(
    generated: bytes, alice: Signer, words: bytes
) -> None:
    data = changed(signed(generated, "JPEG", alice, intent=EDIT), words)
    assert state(data, anchors=alice.anchors) == "tampered manifest"
    ((_, strength),) = claims(data, alice.anchors)
    assert strength is Strength.WEAK


def test_an_ingredient_tampered_with_before_is_weak(generated: bytes, alice: Signer) -> None:
    parts = (("componentOf", changed(generated, b"A Model")),)
    data = signed(PHOTO, "JPEG", alice, CAPTURED, parts=parts)
    assert state(data, anchors=alice.anchors) == "trusted"
    assert claims(data, alice.anchors) == [
        (Claim.CAMERA, TRUSTED),
        (Claim.COMPOSITE, Strength.WEAK),
    ]


def valid_store(**manifests: dict[str, Any]) -> dict[str, Any]:
    return {
        "validation_state": "Trusted",
        "active_manifest": next(iter(manifests)),
        "manifests": manifests,
    }


def test_ingredients_that_lead_back_are_read_once() -> None:
    def part(of: str) -> dict[str, Any]:
        return {"ingredients": [{"relationship": "parentOf", "active_manifest": of}]}

    found = manifest_facts(valid_store(a=part("b"), b=part("a")), "here", 0)
    assert values(found, "c2pa.ingredient") == ["untitled (parentOf)"] * 2


def test_ingredients_without_end_are_bounded() -> None:
    long = {
        f"m{number}": {"ingredients": [{"active_manifest": f"m{number + 1}"}]}
        for number in range(100)
    }
    assert len(values(manifest_facts(valid_store(**long), "here", 0), "c2pa.ingredient")) == 8


@pytest.mark.parametrize("value", [None, 5, "x", [], [5], {}, {"a": 5}, [[]], [{}], [{"a": []}]])
@pytest.mark.parametrize(
    "key",
    ["ingredients", "assertions", "signature_info", "claim_generator_info", "claim_generator"],
)
def test_wrong_types_never_raise(key: str, value: object) -> None:
    for each in (valid_store(a={key: value}), {**valid_store(a={}), "validation_results": value}):
        for fact in manifest_facts(each, "here", 0):
            assert isinstance(fact.value, str)
    data = {"actions": value}
    assertions = [{"label": "c2pa.actions", "data": data}, {"label": value, "data": value}]
    manifest_facts(valid_store(a={"assertions": assertions}), "here", 0)


def test_an_invalid_store_without_a_reason_is_not_trusted() -> None:
    for value in ("Invalid", "Valid", None):
        broken = {**valid_store(a={}), "validation_state": value}
        assert values(manifest_facts(broken, "here", 0), "c2pa.manifest") == ["cannot be checked"]


# without the library, and without a network


def test_without_the_library_a_manifest_is_only_found(
    generated: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "c2pa", None)
    assert c2pa_facts(generated) == [
        Fact("c2pa.manifest", MISSING_EXTRA, "JPEG APP11", generated.index(b"\xff\xeb"))
    ]


@dataclass
class Listener:
    """A server on this machine, and what it was asked for."""

    url: str
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def listener() -> Iterator[Listener]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.asked.append(self.path)
            self.send_error(404)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    heard = Listener(f"http://127.0.0.1:{server.server_port}/")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield heard
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("embed", [True, False])
def test_a_remote_manifest_is_not_fetched(alice: Signer, listener: Listener, embed: bool) -> None:
    data = signed(PHOTO, "JPEG", alice, AI_MADE, remote=f"{listener.url}a.c2pa", embed=embed)
    assert listener.url.encode() in data
    assert len(c2pa_facts(data, anchors=alice.anchors)) == (4 if embed else 0)
    (first, *_) = read_c2pa(data, "JPEG", "here", 0, alice.anchors)
    assert first.value.startswith("trusted" if embed else "unreadable: ")
    assert listener.asked == []


def test_revocation_is_not_asked_for(listener: Listener) -> None:
    carol = signer("Carol", ocsp=f"{listener.url}ocsp")
    data = signed(PHOTO, "JPEG", carol, AI_MADE)
    assert listener.url.encode() in data
    assert state(data, anchors=carol.anchors) == "trusted"
    assert listener.asked == []


def test_the_settings_forbid_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(c2pa.Context, "from_dict", asked.append)
    _context.cache_clear()
    _context("anchors")
    _context.cache_clear()
    assert asked == [
        {
            "verify": {
                "verify_trust": True,
                "remote_manifest_fetch": False,
                "ocsp_fetch": False,
            },
            "trust": {"trust_anchors": "anchors"},
        }
    ]


def test_halves_of_surrogate_pairs_are_no_text() -> None:
    store = {
        "active_manifest": "a",
        "manifests": {"a": {"claim_generator": "\ud800", "signature_info": {"issuer": "x\udfff"}}},
        "validation_results": {"activeManifest": {"failure": [{"code": "\udc80"}]}},
    }
    facts = {fact.key: fact.value for fact in manifest_facts(store, "JPEG APP11", 2)}
    assert facts["c2pa.generator"] == "?"
    assert facts["c2pa.signer"] == "x?"
    assert facts["c2pa.failure"] == "?"
