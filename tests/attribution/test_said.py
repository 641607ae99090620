"""What facts say of the generator."""

import pytest

from clipfake.attribution.said import Said, attributions, disagreement, said
from clipfake.records import Attribution, Claim, Fact, GeneratorBasis, Strength

SIGNED, DECLARED, WATERMARK, PIXELS = GeneratorBasis
CRYPTOGRAPHIC, SPECIFIC, WEAK = Strength


def c2pa(strength: Strength, *lines: tuple[str, str]) -> list[Fact]:
    """Facts of a manifest; actions that give a trained source type claim what it says."""
    claims = {"trainedAlgorithmicMedia": Claim.AI, "compositeWithTrained": Claim.COMPOSITE}
    facts = [Fact("c2pa.manifest", "a state", "JPEG APP11", 20, strength)]
    for key, value in lines:
        claim = next((claim for part, claim in claims.items() if part in value), None)
        worth = strength if claim else WEAK
        facts.append(Fact(f"c2pa.{key}", value, "JPEG APP11", 20, worth, claim))
    return facts


def parameters(
    tool: str, strength: Strength = SPECIFIC, claim: Claim | None = Claim.AI, **details: str
) -> list[Fact]:
    return [
        Fact("parameters.tool", tool, "PNG tEXt", 33, strength, claim),
        *(Fact(f"parameters.{key}", value, "PNG tEXt", 33) for key, value in details.items()),
    ]


def field(key: str, value: str, claim: Claim | None = Claim.AI) -> list[Fact]:
    return [Fact(key, value, "somewhere", 1, SPECIFIC, claim)]


CREATED = "c2pa.created, trainedAlgorithmicMedia"
OPENAI = ("signer", "OpenAI, Truepic Lens CLI in ChatGPT, 2025-02-06T05:54:38+00:00")


@pytest.mark.parametrize(
    ("lines", "generator", "family"),
    [
        ([("action", f"{CREATED}, DALL\u00b7E")], "DALL-E", "dall-e"),
        ([("generator", "ChatGPT"), ("action", f"{CREATED}, GPT-4o")], "gpt-image", "gpt-image"),
        ([OPENAI, ("generator", "ChatGPT c2pa-rs/0.31"), ("action", CREATED)], "ChatGPT", None),
        ([OPENAI, ("generator", "a program 1.0"), ("action", CREATED)], "OpenAI (signer)", None),
        ([OPENAI, ("generator", "an editor, gpt-image"), ("action", CREATED)], "gpt-image", None),
        (
            [
                ("signer", "Google LLC, Google Media Processing Services"),
                ("generator", "Google C2PA Core Generator Library 834022128:834022128"),
                ("action", f"{CREATED}, Created by Google Generative AI."),
            ],
            "Google",
            "google",
        ),
        (
            [("action", "c2pa.edited, compositeWithTrainedAlgorithmicMedia, Adobe Firefly")],
            "Adobe Firefly",
            "other",
        ),
        (
            [("assertion", "com.adobe.generative-ai, Adobe Firefly, trainedAlgorithmicMedia")],
            "Adobe Firefly",
            "other",
        ),
    ],
)
def test_manifests_name_generators(
    lines: list[tuple[str, str]], generator: str, family: str | None
) -> None:
    for strength, basis in ((CRYPTOGRAPHIC, SIGNED), (SPECIFIC, DECLARED), (WEAK, DECLARED)):
        (found,) = said(c2pa(strength, *lines))
        assert (found.attribution.basis, found.attribution.generator) == (basis, generator)
        assert found.attribution.family == (family or ("gpt-image" if "gpt" in generator else None))
        assert found.attribution.by in ("c2pa.action", "c2pa.assertion")
        assert found.weak is (strength is WEAK)
        assert found.part is ("edited" in lines[-1][1])


@pytest.mark.parametrize(
    "lines",
    [
        [("generator", "ChatGPT"), ("action", "c2pa.opened")],
        [("signer", "Google LLC, Pixel Camera"), ("action", "c2pa.created, digitalCapture")],
        [("generator", "Adobe Photoshop 26.0"), ("action", f"{CREATED}, Adobe Photoshop")],
        [("signer", "Example, Alice"), ("generator", "an editor 1.0"), ("action", CREATED)],
        [("ingredient", "DALL-E (componentOf)")],
    ],
)
def test_a_manifest_without_a_generator_names_none(lines: list[tuple[str, str]]) -> None:
    assert said(c2pa(CRYPTOGRAPHIC, *lines)) == []


def test_who_claimed_one_manifest_did_not_claim_the_next() -> None:
    first = c2pa(SPECIFIC, ("signer", "A"), ("generator", "ChatGPT"), ("action", "c2pa.opened"))
    assert attributions([*first, *c2pa(SPECIFIC, ("signer", "B"), ("action", CREATED))]) == ()


@pytest.mark.parametrize(
    ("facts", "generator", "family", "version", "by"),
    [
        (
            parameters("AUTOMATIC1111", model="sd_xl_base_1.0.safetensors", version="v1.9"),
            *("Stable Diffusion XL", "sdxl", "sd_xl_base_1.0", "parameters.model"),
        ),
        (
            parameters("AUTOMATIC1111", model="a-model", model_hash="41429fdee1", version="v1.9"),
            *("AUTOMATIC1111", None, "v1.9", "parameters.tool"),
        ),
        (parameters("ComfyUI", size="1024x1024"), "ComfyUI", None, None, "parameters.tool"),
        (
            parameters("ComfyUI", model="flux1-dev.safetensors"),
            *("FLUX", "flux", "flux1-dev", "parameters.model"),
        ),
        (
            parameters("unnamed generator", model="dreamshaper_8"),
            *("Stable Diffusion 1 finetune", "stable-diffusion", "dreamshaper_8"),
            "parameters.model",
        ),
        (
            parameters("OpenAI", name="gpt-image-1"),
            *("gpt-image", "gpt-image", "1", "parameters.name"),
        ),
        (
            parameters("DALL-E 2 (OpenAI Labs)"),
            *("DALL-E", "dall-e", "2", "parameters.tool"),
        ),
        (
            parameters("Midjourney", version="6.1"),
            *("Midjourney", "midjourney", "6.1", "parameters.tool"),
        ),
        (
            parameters("NovelAI", model="NovelAI Diffusion V4.5 4BDE2A90"),
            *("NovelAI Diffusion 4", "other", "NovelAI Diffusion V4.5 4BDE2A90"),
            "parameters.model",
        ),
        (parameters("Civitai"), "Civitai", None, None, "parameters.tool"),
        (field("iptc.credit", "Made with Google AI"), "Google", "google", None, "iptc.credit"),
        (
            field("xmp.credit", "Edited with Google AI", Claim.COMPOSITE),
            *("Google", "google", None, "xmp.credit"),
        ),
        (
            field("xmp.ai_system_used", "Midjourney")
            + field("xmp.ai_system_version_used", "7 beta"),
            *("Midjourney", "midjourney", "7 beta", "xmp.ai_system_used"),
        ),
        (
            field("xmp.ai_system_used", "A System of Ours"),
            *("A System of Ours", None, None, "xmp.ai_system_used"),
        ),
        (
            field("tc260.aigc", "label 1, producer 001191110102MACQD9K64018705"),
            *("Doubao", "bytedance", None, "tc260.aigc"),
        ),
        (
            field("tc260.aigc", "label 1, producer A Company"),
            *("A Company", None, None, "tc260.aigc"),
        ),
        (
            field("watermark.pattern", "Stable Diffusion XL (reference pipeline)"),
            *("Stable Diffusion XL (reference pipeline)", "sdxl", None, "watermark.pattern"),
        ),
        (
            field("watermark.pattern", "FLUX.1 (reference code)"),
            *("FLUX.1 (reference code)", "flux", None, "watermark.pattern"),
        ),
    ],
)
def test_other_facts_name_generators(
    facts: list[Fact], generator: str, family: str | None, version: str | None, by: str
) -> None:
    basis = WATERMARK if by.startswith("watermark") else DECLARED
    assert attributions(facts) == (Attribution(basis, generator, family, version, None, by),)


@pytest.mark.parametrize(
    "facts",
    [
        [],
        parameters("unnamed generator"),
        field("xmp.digital_source_type", "trainedAlgorithmicMedia"),
        field("tc260.aigc", "label 1"),
        field("iptc.credit", "Midjourney", None),
        field("exif.software", "Midjourney", None),
        field("exif.camera", "Planet Gemini PDA", Claim.CAMERA),
        field("watermark.pattern", "no pattern", None),
        field("xmp.ai_system_used", " "),
    ],
)
def test_other_facts_name_none(facts: list[Fact]) -> None:
    assert attributions(facts) == ()


def test_settings_belong_to_the_program_before_them() -> None:
    facts = [
        *parameters("OpenAI"),
        *parameters("AUTOMATIC1111", model="flux1-dev"),
        Fact("parameters.model", "sdxl", "elsewhere", 99),
    ]
    assert [each.generator for each in attributions(facts)] == ["FLUX", "OpenAI"]


def test_what_is_weak_comes_last_of_its_kind() -> None:
    facts = [
        *parameters("Midjourney", WEAK),
        *field("iptc.credit", "Made with Google AI"),
        *c2pa(WEAK, ("action", f"{CREATED}, DALL-E")),
        *c2pa(CRYPTOGRAPHIC, ("action", f"{CREATED}, GPT-4o")),
    ]
    found = [(each.attribution.generator, each.weak) for each in said(facts)]
    assert found == [
        ("gpt-image", False),
        ("Google", False),
        ("DALL-E", True),
        ("Midjourney", True),
    ]


def by(basis: GeneratorBasis, generator: str, family: str | None, **worth: bool) -> Said:
    return Said(Attribution(basis, generator, family), **worth)


@pytest.mark.parametrize(
    ("found", "disagree"),
    [
        ([], False),
        ([by(SIGNED, "DALL-E", "dall-e"), by(DECLARED, "OpenAI", None)], False),
        ([by(SIGNED, "DALL-E", "dall-e"), by(DECLARED, "Midjourney", "midjourney")], True),
        ([by(DECLARED, "ComfyUI", None), by(PIXELS, "FLUX", "flux")], False),
        ([by(DECLARED, "FLUX.2", "flux"), by(DECLARED, "FLUX", "flux")], False),
        ([by(DECLARED, "Grok", "other"), by(DECLARED, "Kling", "other")], True),
        ([by(DECLARED, "Grok", "other"), by(PIXELS, "another generator", "other")], False),
        ([by(DECLARED, "Grok", "other"), by(PIXELS, "SDXL", "sdxl")], True),
        ([by(SIGNED, "Firefly", "other", part=True), by(DECLARED, "DALL-E", "dall-e")], False),
        ([by(SIGNED, "DALL-E", "dall-e"), by(DECLARED, "FLUX", "flux", weak=True)], False),
    ],
)
def test_sources_disagree_where_not_all_can_be_right(found: list[Said], disagree: bool) -> None:
    assert disagreement(found) is disagree
