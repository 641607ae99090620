"""Which generator: one answer of all sources, and none overridden."""

from dataclasses import replace
from itertools import permutations, product
from pathlib import Path

import pytest

from clipfake.errors import ErrorCode, ImageError
from clipfake.imaging.formats import sniff
from clipfake.metadata.read import MetadataOptions, read_metadata
from clipfake.records import Attribution, Claim, Fact, GeneratorBasis, Record, Strength, Verdict
from clipfake.verdict.generator import UNKNOWN
from clipfake.verdict.judge import judge

SIGNED = Fact(
    "c2pa.action",
    "c2pa.created, trainedAlgorithmicMedia, GPT-4o",
    "PNG caBX",
    9,
    Strength.CRYPTOGRAPHIC,
    Claim.AI,
)
DECLARED = Fact("parameters.tool", "Midjourney", "PNG tEXt", 40, Strength.SPECIFIC, Claim.AI)
WATERMARK = Fact(
    "watermark.pattern",
    "Stable Diffusion XL (reference pipeline)",
    "pixels",
    None,
    Strength.SPECIFIC,
    Claim.AI,
)
OPINION = Attribution(GeneratorBasis.PIXELS, "OpenAI DALL-E", "dall-e", score=0.7, by="pixels")
ABSTAINED = Attribution(GeneratorBasis.PIXELS, UNKNOWN, by="pixels")
CAMERA = Fact("exif.camera", "Canon EOS R5", "JPEG APP1", 12, Strength.WEAK, Claim.CAMERA)
NAMES = {
    SIGNED: "gpt-image",
    DECLARED: "Midjourney",
    WATERMARK: "Stable Diffusion XL (reference pipeline)",
}
SHARED = Path(__file__).parents[3] / "shared"


def judged(
    *facts: Fact,
    pixels: Verdict | None = Verdict.AI,
    opinion: Attribution | None = None,
    **fields: object,
) -> Record:
    record = Record("a.png", facts=facts, looks_like=opinion, **fields)  # type: ignore[arg-type]
    if pixels is not None:
        record.score = {Verdict.AI: 0.9, Verdict.REAL: 0.1}.get(pixels, 0.5)
        record.threshold = 0.8
    judge(record, pixels)
    return record


@pytest.mark.parametrize("order", list(permutations((SIGNED, DECLARED, WATERMARK))))
def test_all_sources_stand_and_the_most_trusted_answers(order: tuple[Fact, ...]) -> None:
    record = judged(*order, opinion=OPINION)
    told = [(each.basis.value, each.generator) for each in record.attributions]
    assert told == [
        ("signed", "gpt-image"),
        ("declared", "Midjourney"),
        ("watermark", "Stable Diffusion XL (reference pipeline)"),
        ("pixels", "OpenAI DALL-E"),
    ]
    assert (record.generator, record.generator_basis) == ("gpt-image", "signed")
    assert (record.generator_family, record.generator_score) == ("gpt-image", None)
    assert record.explanation is not None
    assert record.explanation.endswith(
        " Generator: gpt-image (signed). Sources disagree on the generator: signed gpt-image, "
        "declared Midjourney, watermark Stable Diffusion XL (reference pipeline), "
        "pixels OpenAI DALL-E."
    )


@pytest.mark.parametrize("first", [SIGNED, DECLARED, WATERMARK])
def test_each_source_answers_where_none_before_it_does(first: Fact) -> None:
    order = (SIGNED, DECLARED, WATERMARK)
    record = judged(*order[order.index(first) :], opinion=OPINION)
    assert record.generator == NAMES[first]
    assert record.attributions[-1] == OPINION


@pytest.mark.parametrize("pixels", [*Verdict][:3])
def test_the_pixels_speak_only_where_they_say_ai(pixels: Verdict) -> None:
    record = judged(pixels=pixels, opinion=OPINION)
    ai = pixels is Verdict.AI
    assert record.generator == ("OpenAI DALL-E" if ai else None)
    assert record.generator_basis == ("pixels" if ai else None)
    assert record.generator_family == ("dall-e" if ai else None)
    assert record.generator_score == (0.7 if ai else None)
    assert record.attributions == ((OPINION,) if ai else ())
    assert ("Generator" in (record.explanation or "")) is ai


def test_one_that_abstains_is_told_from_one_that_cannot_tell() -> None:
    abstained, without = judged(opinion=ABSTAINED), judged()
    assert (abstained.generator, abstained.generator_basis) == ("unknown", "pixels")
    assert (abstained.generator_family, abstained.attributions) == (None, ())
    assert (without.generator, without.generator_basis) == (None, None)
    assert judged(pixels=Verdict.REAL, opinion=ABSTAINED).generator is None


def test_a_photograph_has_no_generator() -> None:
    record = judged(CAMERA, pixels=Verdict.REAL, opinion=OPINION)
    assert (record.verdict, record.generator, record.attributions) == (Verdict.REAL, None, ())


def test_too_few_pixels_say_nothing_of_the_generator() -> None:
    record = judged(pixels=Verdict.INCONCLUSIVE, opinion=OPINION, width=8, height=8)
    assert record.generator is None


def test_what_is_weak_is_listed_and_never_the_answer() -> None:
    record = judged(replace(DECLARED, strength=Strength.WEAK), pixels=Verdict.REAL)
    assert [each.generator for each in record.attributions] == ["Midjourney"]
    assert record.generator is None
    assert judged(replace(DECLARED, strength=Strength.WEAK), opinion=OPINION).generator == (
        "OpenAI DALL-E"
    )


def test_a_part_that_a_model_made_names_it_beside_what_is_declared() -> None:
    value = "c2pa.edited, compositeWithTrainedAlgorithmicMedia, Adobe Firefly"
    firefly = replace(SIGNED, value=value, claim=Claim.COMPOSITE)
    record = judged(firefly, pixels=Verdict.REAL)
    assert (record.declared, record.verdict) == ("composite", Verdict.INCONCLUSIVE)
    assert (record.generator, record.generator_basis) == ("Adobe Firefly", "signed")
    both = judged(firefly, DECLARED)
    assert [each.generator for each in both.attributions] == ["Adobe Firefly", "Midjourney"]
    assert "disagree" not in (both.explanation or "")


def test_a_file_that_cannot_be_decoded_keeps_what_it_declares() -> None:
    record = judged(DECLARED, pixels=None, error_code=ErrorCode.DAMAGED)
    assert (record.verdict, record.generator) == (Verdict.ERROR, "Midjourney")


@pytest.mark.parametrize(
    ("facts", "pixels"),
    list(
        product(
            [(), (DECLARED,), (WATERMARK,), (CAMERA,), (SIGNED, CAMERA)],
            [Verdict.AI, Verdict.REAL, Verdict.INCONCLUSIVE],
        )
    ),
)
def test_no_opinion_on_the_generator_changes_a_verdict(
    facts: tuple[Fact, ...], pixels: Verdict
) -> None:
    found = [judged(*facts, pixels=pixels, opinion=each) for each in (None, OPINION, ABSTAINED)]
    assert len({(each.verdict, each.verdict_basis, each.declared) for each in found}) == 1


def test_a_long_or_odd_name_is_told_in_one_short_line() -> None:
    fact = replace(DECLARED, key="xmp.ai_system_used", value="a\n" * 900)
    record = judged(fact)
    assert record.generator == ("a\n" * 900).strip()
    assert record.explanation is not None
    assert "\n" not in record.explanation
    assert len(record.explanation) < 500


# what real and made files give: generator, basis and family
FILES = {
    "metadata/ai-cosmos-predict2-d15a892af13a.png": ("Cosmos", "declared", "other"),
    "metadata/ai-dalle2-aabc4e76a878.png": ("DALL-E", "declared", "dall-e"),
    "metadata/ai-krea2-052948b87d88.png": ("Krea 2", "declared", "other"),
    "metadata/ai-longcat-image-de0ed06f3935.png": ("LongCat-Image", "declared", "other"),
    "metadata/ai-mixed-ForRealScan-8c56796cb562.jpg": ("Google", "declared", "google"),
    "metadata/ai-mixed-ForRealScan-b0444e18e1e3.jpg": ("Google", "declared", "google"),
    "metadata/ai-mixed-iaornotia-f749642b180e.jpg": ("Google", "declared", "google"),
    "metadata/ai-ovis-image-e1b992aa4590.png": ("Ovis-Image", "declared", "other"),
    "metadata/ai-sd3-c8eabdb1f608.png": ("Stable Diffusion 3", "declared", "flux"),
    "metadata/ai-sd_anime-14fc036dc3e2.png": ("AUTOMATIC1111", "declared", None),
    "metadata/ai-sd_anime-eeae9b2d5245.png": ("AUTOMATIC1111", "declared", None),
    "metadata/ai-sd_unspecified-951d58411236.png": ("AUTOMATIC1111", "declared", None),
    "metadata/ai-sdxl-054dd0ad6a34.png": ("Stable Diffusion XL", "declared", "sdxl"),
    "metadata/ai-sdxl-finetune-12d34f3f866d.png": ("SDXL finetune", "declared", "sdxl"),
    "metadata/ai-whisk-imagen-88fc22860ecb.jpg": ("Google", "declared", "google"),
    "metadata/ai-whisk-imagen-97cc6a1497b6.jpg": ("Google", "declared", "google"),
    "cases/exif-segments/multi-segment.jpg": ("AUTOMATIC1111", "declared", None),
    "cases/generators/animatediff.gif": ("AUTOMATIC1111", "declared", None),
    "cases/generators/civitai.jpeg": ("Stable Diffusion XL", "declared", "sdxl"),
    "cases/generators/mochi.jpg": ("Mochi Diffusion", "declared", None),
    "cases/generators/ruined.png": ("RuinedFooocus", "declared", None),
    "cases/generators/software-dalle.png": ("DALL-E", "declared", "dall-e"),
    "cases/generators/software-grok.png": ("Grok", "declared", "other"),
    "cases/generators/tensorart.png": ("Tensor.Art", "declared", None),
    "cases/iptc/phut.jpg": ("Google", "declared", "google"),
    "cases/iptc/two-app13-first-broken.jpg": ("Google", "declared", "google"),
    "cases/user-comment/utf8.jpg": ("AUTOMATIC1111", "declared", None),
    "cases/xmp/no-namespace.jpg": ("Google", "declared", "google"),
}
FIREFLY = "metadata/ai-mixed-maskinEllerMenneske-f11ee4aa8d8f.jpg"
SIGNED_FILES = {  # these need c2pa-python
    FIREFLY: (
        "Adobe Firefly",
        "declared",
        "other",
    ),
    "cases/c2pa/v1-azure.jpg": ("DALL-E", "declared", "dall-e"),
    "cases/c2pa/v2-nodst.jpg": ("Bing Image Creator", "declared", None),
}


@pytest.mark.parametrize("folder", ["metadata", "cases"])
def test_files_of_generators_and_cameras(folder: str) -> None:
    if not (SHARED / folder).is_dir():
        pytest.skip(f"{SHARED / folder} is not here")
    signed = SIGNED_FILES
    try:
        import c2pa  # noqa: F401
    except ImportError:
        signed = {}
    found = {}
    for path in sorted((SHARED / folder).rglob("*")):
        if not path.is_file():
            continue
        data = path.read_bytes()
        try:
            form = sniff(data)
        except ImageError:
            continue
        record = judged(*read_metadata(data, form, MetadataOptions()).facts, pixels=None)
        if record.generator is not None:
            name = path.relative_to(SHARED).as_posix()
            found[name] = record.generator, record.generator_basis, record.generator_family
    expected = {name: each for name, each in (FILES | signed).items() if name.startswith(folder)}
    assert found == expected
