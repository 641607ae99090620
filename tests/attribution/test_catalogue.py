"""Names of generators as services, standards and programs write them."""

import pytest

from clipfake.attribution.catalogue import producer, signature, signer, stated
from clipfake.attribution.families import Family

# family, generator, then names that count where a field says that a model made the image
STATED: tuple[tuple[Family | None, str, str], ...] = (
    (Family.DALL_E, "DALL-E", "DALL-E|DALL\u00b7E|DALL-E 3|dall-e-2|OpenAI DALL-E|DALLE3"),
    (Family.DALL_E, "DALL-E", "Azure OpenAI DALL-E|Microsoft Azure OpenAI DALL-E 3"),
    (Family.GPT_IMAGE, "gpt-image", "GPT-4o|gpt-image-1|gpt-image|gpt-image-1.5|gpt-image-1-mini"),
    (Family.GPT_IMAGE, "gpt-image", "OpenAI gpt-image-2|4o Image Generation|gpt-4o"),
    (Family.GPT_IMAGE, "gpt-image", "Azure OpenAI GPT-Image-1"),
    (None, "ChatGPT", "ChatGPT|OpenAI ChatGPT|ChatGPT c2pa-rs/0.31.3|GPT-5"),
    (None, "OpenAI", "OpenAI|OpenAI-API|OpenAI-API c2pa-rs/0.31.3|OpenAI API"),
    (None, "Sora", "Sora|OpenAI Sora"),
    (None, "Bing Image Creator", "Bing Image Creator|Image Creator from Microsoft Bing"),
    (None, "Microsoft Designer", "Microsoft Designer|Designer"),
    (None, "Microsoft", "Microsoft_Responsible_AI 1.0|Microsoft Responsible AI|Microsoft Copilot"),
    (Family.OTHER, "MAI-Image", "MAI-Image-1|Microsoft MAI-Image-1"),
    (Family.GOOGLE, "Google", "Google C2PA Core Generator Library 834022128:834022128"),
    (Family.GOOGLE, "Google", "Google C2PA Core Generator Library|Google Generative AI"),
    (Family.GOOGLE, "Google", "Created by Google Generative AI.|Made with Google AI|Google AI"),
    (Family.GOOGLE, "Google", "Edited with Google AI|Google LLC|Whisk|Vertex AI"),
    (Family.GOOGLE, "Google Imagen", "Imagen|Imagen 3|Imagen 4|Google Imagen 4|imagen-4.0|ImageFX"),
    (Family.GOOGLE, "Google Gemini", "Gemini|Google Gemini|Gemini 2.5 Flash Image|Nano Banana"),
    (Family.GOOGLE, "Google Gemini", "nano-banana-pro|Gemini 3 Pro Image|Gemini 2.5 Flash"),
    (Family.OTHER, "Adobe Firefly", "Adobe Firefly|Adobe_Firefly|Firefly|Adobe Firefly 3.0"),
    (Family.OTHER, "Adobe Firefly", "Adobe_Firefly/1.0 c2pa-rs/0.28|Adobe Firefly Image 4"),
    (Family.MIDJOURNEY, "Midjourney", "Midjourney|MIDJOURNEY v6.1|Midjourney Inc|nijijourney"),
    (None, "Stability AI", "Stability AI|Stability.ai|stability-ai"),
    (Family.SDXL, "Stable Diffusion XL", "Stable Diffusion XL|SDXL|SDXL Turbo|stable-diffusion-xl"),
    (Family.FLUX, "Stable Diffusion 3.5", "Stable Diffusion 3.5 Large|Stable Diffusion 3.5"),
    (Family.FLUX, "Stable Diffusion 3", "Stable Diffusion 3|Stable Diffusion 3 Medium"),
    (Family.STABLE_DIFFUSION, "Stable Diffusion 1", "Stable Diffusion v1.5|Stable Diffusion 1.4"),
    (Family.STABLE_DIFFUSION, "Stable Diffusion 2", "Stable Diffusion 2.1"),
    (None, "Stable Diffusion", "Stable Diffusion"),
    (Family.BYTEDANCE, "Dreamina", "Dreamina|CapCut Dreamina"),
    (Family.BYTEDANCE, "Jimeng", "Jimeng|Jimeng AI|\u5373\u68a6|\u5373\u68a6AI|\u5373\u68a6 AI"),
    (Family.BYTEDANCE, "CapCut", "CapCut|\u526a\u6620|Jianying"),
    (Family.BYTEDANCE, "Doubao", "Doubao|\u8c46\u5305|doubao AI"),
    (Family.BYTEDANCE, "Seedream", "Seedream|Seedream 4.0|Doubao-Seedream-4.5|SeedEdit 3.0"),
    (Family.BYTEDANCE, "ByteDance", "ByteDance|BytePlus|Volcengine|\u5b57\u8282\u8df3\u52a8"),
    (Family.ALIBABA, "Qwen-Image", "Qwen-Image|Qwen|qwen-image-edit-plus|\u901a\u4e49\u5343\u95ee"),
    (Family.ALIBABA, "Wan", "Wan|Wan 2.2|Wanx|Tongyi Wanxiang|\u901a\u4e49\u4e07\u76f8"),
    (Family.ALIBABA, "Z-Image", "Z-Image|z-image-turbo|Z-Image Base"),
    (Family.ALIBABA, "Alibaba", "Alibaba|Alibaba Cloud|Tongyi|Tongyi Lab|\u963f\u91cc\u5df4\u5df4"),
    (Family.FLUX, "FLUX", "FLUX.1 [dev]|FLUX.2|Black Forest Labs|FLUX1.1 [pro]|flux-kontext-pro"),
    (Family.FLUX, "FLUX", "Black Forest Labs API|FLUX.1-schnell|BFL"),
    (Family.OTHER, "Amazon Titan Image Generator", "Amazon Titan Image Generator G1|Titan Image"),
    (Family.OTHER, "Amazon Nova Canvas", "Amazon Nova Canvas|Nova Canvas 1.0"),
    (Family.OTHER, "Grok", "Grok|xAI|xAI Grok|Grok 2|Aurora|Grok Imagine"),
    (Family.OTHER, "Meta AI", "Meta AI|Imagined with AI|Made with Meta AI"),
    (Family.OTHER, "Ideogram", "Ideogram|Ideogram AI|ideogram.ai|Ideogram 3.0"),
    (Family.OTHER, "Recraft", "Recraft|Recraft V3|recraft.ai"),
    (None, "Leonardo", "Leonardo.Ai|Leonardo AI|Leonardo"),
    (None, "Krea", "Krea|Krea AI"),
    (Family.OTHER, "Runway", "Runway|RunwayML|Runway Gen-4|Runway Gen 4"),
    (Family.OTHER, "Kling", "Kling|Kling AI|\u53ef\u7075|Kuaishou"),
    (Family.OTHER, "Kolors", "Kolors|\u53ef\u56fe"),
    (Family.OTHER, "Hunyuan", "Hunyuan|Tencent Hunyuan|\u6df7\u5143|\u817e\u8baf\u6df7\u5143"),
    (Family.OTHER, "Tencent", "Tencent|Tencent Yuanbao|\u5143\u5b9d"),
    (Family.OTHER, "Baidu", "Baidu|ERNIE|ERNIE-Image|\u767e\u5ea6|\u6587\u5fc3\u4e00\u8a00"),
    (Family.OTHER, "MiniMax", "MiniMax|Hailuo AI"),
    (Family.OTHER, "Apple Image Playground", "Image Playground|Apple Image Playground"),
    (Family.OTHER, "Craiyon", "Craiyon"),
    (Family.OTHER, "DALL-E mini", "DALL-E mini|DALL\u00b7E Mini"),
)
SAYING = [(name, gen, family) for family, gen, names in STATED for name in names.split("|")]
NEVER = [
    "Adobe Photoshop",
    "Adobe Photoshop 26.0",
    "Adobe_Photoshop/25.3 adobe_c2pa/0.9",
    "Adobe Lightroom",
    "Adobe Express",
    "Google Pixel",
    "Google Pixel 9 Pro",
    "Google Photos",
    "Picasa",
    "Pixel Camera",
    "Imagen 4.2",
    "Gemini PDA",
    "Gemini 4G",
    "GIMP 2.10",
    "Canon",
    "NIKON Z 9",
    "Leica M11-P",
    "Sony ILCE-9M3",
    "Truepic Lens",
    "Samsung Galaxy S25",
    "Affinity Photo",
    "an editor",
    "A Model",
    "make_test_images/0.33",
    "Canva",
    "Photoroom",
    "Wandering",
    "Flickr",
    "Microsoft Photos",
    "Grokster",
    "Midjourney Metadata Editor",
    "Runway Show",
    "OpenAI Camera",
    "c2patool",
    "contentauth",
    "Dall-E-Foto",
    "Firefly Camera",
]


@pytest.mark.parametrize(("text", "generator", "family"), SAYING)
def test_a_stated_name_is_known(text: str, generator: str, family: Family | None) -> None:
    for variant in (text, text.upper(), text.lower(), f" {text}\t", text.replace(" ", "\u00a0")):
        found = stated(variant)
        assert found is not None, variant
        assert (found.generator, found.family) == (generator, family), variant


@pytest.mark.parametrize("text", [*NEVER, "", " ", "x" * 1000, "Midjourney " * 50])
def test_editors_and_cameras_are_no_generators(text: str) -> None:
    assert stated(text) is None
    assert signature(text) is None


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("DALL-E 3", "3"),
        ("DALLE3", "3"),
        ("gpt-image-1", "1"),
        ("gpt-image-1-mini", "1"),
        ("GPT-4o", None),
        ("Midjourney v6.1", "6.1"),
        ("Adobe Firefly 3.0", "3.0"),
        ("Google Imagen 4", "4"),
        ("Gemini 2.5 Flash Image", "2.5"),
        ("Seedream 4.5", "4.5"),
        ("Midjourney", None),
        ("ChatGPT c2pa-rs/0.31.3", None),
    ],
)
def test_a_version_is_given_as_it_stands(text: str, version: str | None) -> None:
    found = stated(text)
    assert found is not None
    assert found.version == version


@pytest.mark.parametrize(
    ("text", "generator", "family"),
    [
        ("imaginAIry / Stable Diffusion v1.5", "imaginAIry", Family.STABLE_DIFFUSION),
        ("AI generated;txt2img;flux-dev", "FLUX", Family.FLUX),
        ("playground v2.5", "Playground", Family.SDXL),
        ("NAI Diffusion 3", "NovelAI", Family.SDXL),
        ("AUTOMATIC1111", "AUTOMATIC1111", None),
        ("ComfyUI 0.3.40", "ComfyUI", None),
        ("Stable Diffusion web UI", "AUTOMATIC1111", None),
        ("RuinedFooocus", "RuinedFooocus", None),
    ],
)
def test_a_program_has_the_family_of_the_model_that_it_names(
    text: str, generator: str, family: Family | None
) -> None:
    found = signature(text)
    assert found is not None
    assert (found.generator, found.family) == (generator, family)


@pytest.mark.parametrize(
    ("text", "maker"),
    [
        ("OpenAI, Truepic Lens CLI in ChatGPT, 2025-02-06T05:54:38+00:00", "OpenAI"),
        ("OpenAI OpCo, LLC", "OpenAI"),
        ("Google LLC, Google Media Processing Services", "Google"),
        ("Adobe Inc., cai-prod", "Adobe"),
        ("Microsoft Corporation", "Microsoft"),
        ("Example, Alice", None),
        ("Openaire", None),
        ("Metadata Inc", None),
        ("", None),
    ],
)
def test_signers_that_make_generators_are_known(text: str, maker: str | None) -> None:
    assert signer(text) == maker


@pytest.mark.parametrize(
    ("text", "generator", "family"),
    [
        ("001191110102MACQD9K64018705", "Doubao", Family.BYTEDANCE),
        ("001191110102MACQD9K64010000", "Doubao", Family.BYTEDANCE),
        ("00119144030008867405X200000", "Jimeng", Family.BYTEDANCE),
        ("001191330106MA2CFLDG4R10001", "Wan", Family.ALIBABA),
        ("001191110108335469089C10100", "Kling", Family.OTHER),
        ("001191440300708461136T1XGW3", "Tencent", Family.OTHER),
        ("001191110108MA01KP2T5U00000", "CogView", Family.OTHER),
        ("doubao", "Doubao", Family.BYTEDANCE),
        (
            "\u5317\u4eac\u5b57\u8282\u8df3\u52a8\u79d1\u6280\u6709\u9650\u516c\u53f8",
            "ByteDance",
            Family.BYTEDANCE,
        ),
        ("Baidu Online Network Technology", "Baidu", Family.OTHER),
        ("Alibaba Cloud Computing Co. Ltd.", "Alibaba", Family.ALIBABA),
    ],
)
def test_producers_are_known_by_code_and_name(text: str, generator: str, family: Family) -> None:
    found = producer(text)
    assert found is not None
    assert (found.generator, found.family) == (generator, family)


@pytest.mark.parametrize("text", ["001191310000", "001191310104MA00000000", "A Company", ""])
def test_other_producers_are_not(text: str) -> None:
    assert producer(text) is None
