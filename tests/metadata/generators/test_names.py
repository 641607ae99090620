"""Names of generators count as a whole, and only where programs sign."""

import pytest

from clipfake.metadata.generators.found import Parameters
from clipfake.metadata.generators.names import generator_named
from clipfake.metadata.generators.signatures import PROGRAM_FIELDS
from clipfake.metadata.parameters import read_parameters
from clipfake.records import Claim, Strength
from tests.metadata.generators.graphs import EDITING, texts_of

NAMES = {
    "Adobe Firefly": "Adobe Firefly",
    "Adobe Firefly 3.0": "Adobe Firefly",
    "AUTOMATIC1111": "AUTOMATIC1111",
    "Stable Diffusion web UI": "AUTOMATIC1111",
    "Bing Image Creator": "Bing Image Creator",
    "Image Creator from Microsoft Bing": "Bing Image Creator",
    "Black Forest Labs": "FLUX",
    "FLUX.1": "FLUX",
    "FLUX.1 [dev]": "FLUX",
    "flux.1-schnell": "FLUX",
    "FLUX1.1 [pro]": "FLUX",
    "FLUX.2": "FLUX",
    "AI generated;txt2img;flux-dev": "FLUX",
    "ChatGPT": "OpenAI",
    "gpt-image-1": "OpenAI",
    "GPT-4o": "OpenAI",
    "OpenAI": "OpenAI",
    "ComfyUI": "ComfyUI",
    "ComfyUI 0.3.40": "ComfyUI",
    "Craiyon": "Craiyon",
    "DALL-E": "DALL-E",
    "DALL-E 3": "DALL-E",
    "DALL·E 3": "DALL-E",
    "DALLE3": "DALL-E",
    "OpenAI DALL-E": "DALL-E",
    "DiffusionBee": "DiffusionBee",
    "Draw Things": "Draw Things",
    "Draw Things 1.20250509.0": "Draw Things",
    "Easy Diffusion 3.0": "Easy Diffusion",
    "Fooocus v2.5.5": "Fooocus",
    "Fooocus-MRE": "Fooocus",
    "RuinedFooocus": "Fooocus",
    "Google Gemini": "Google",
    "Google Imagen 3": "Google",
    "Gemini 2.5 Flash Image": "Google",
    "Grok": "Grok",
    "Grok 2": "Grok",
    "xAI Grok": "Grok",
    "ideogram": "Ideogram",
    "Ideogram AI": "Ideogram",
    "imaginAIry / Stable Diffusion v1.5": "imaginAIry",
    "InvokeAI": "InvokeAI",
    "Invoke AI 5.6": "InvokeAI",
    "Leonardo.Ai": "Leonardo",
    "mflux 0.4": "mflux",
    "Midjourney": "Midjourney",
    "MIDJOURNEY v6.1": "Midjourney",
    " Midjourney ": "Midjourney",
    "Mochi Diffusion 3.2": "Mochi Diffusion",
    "NovelAI": "NovelAI",
    "nai-diffusion-4-5-full": "NovelAI",
    "Recraft V3": "Recraft",
    "SD.Next": "SD.Next",
    "Seedream 4.0": "Seedream",
    "Stability AI": "Stability AI",
    "Stable Diffusion": "Stable Diffusion",
    "Stable Diffusion XL": "Stable Diffusion",
    "Stable Diffusion 3.5 Large": "Stable Diffusion",
    "StableSwarmUI": "SwarmUI",
    "Tensor.Art": "Tensor.Art",
}
OTHERS = [
    "",
    "Adobe Photoshop 26.0",
    "Edited after Midjourney",
    "Midjourneyman",
    "Midjourney Metadata Editor",
    "Firefly",
    "Adobe Firefly Camera",
    "not made with OpenAI",
    "OpenAI Camera",
    "Canon",
    "NIKON CORPORATION",
    "Google",
    "Pixel 9 Pro",
    "Gemini",
    "Gemini PDA",
    "Gemini 4G",
    "Gemini 2",
    "Imagen",
    "Imagen 4.2",
    "Imagen Editor",
    "Ideogram Editor 2",
    "Recraft Camera",
    "Leonardo",
    "Leonardo 5",
    "Flux",
    "Flux 2.0",
    "f.lux",
    "Fluxus",
    "Dall-E-Foto",
    "Grokster",
    "Grok Photo",
    "Seedream Phone",
    "Stable Diffusion Prompt Reader",
    "ComfyUI Manager",
    "Draw Things Pro Camera",
    "Kandinsky",
    "Krea",
    "Aurora",
    "Playground",
    "Runway",
    "txt2img",
    "Adobe Photoshop / Midjourney",
    "Photoshop; DALL-E",
    "GIMP 2.10",
    "Midjourney " * 20,
]


@pytest.mark.parametrize("text", NAMES)
def test_a_whole_name_is_known(text: str) -> None:
    assert generator_named(text) == NAMES[text]
    for field in PROGRAM_FIELDS:
        assert read_parameters({field: text}) == [Parameters(NAMES[text], field)]


@pytest.mark.parametrize("text", OTHERS)
def test_other_programs_are_no_generators(text: str) -> None:
    assert generator_named(text) is None
    assert read_parameters(dict.fromkeys((*PROGRAM_FIELDS, "exif:Make", "exif:Model"), text)) == []


@pytest.mark.parametrize("text", NAMES)
def test_a_camera_model_names_no_generator(text: str) -> None:
    assert read_parameters({"exif:Model": text}) == []


@pytest.mark.parametrize("text", ["Google Gemini", "Grok", "Imagen", "DALL-E", "Leonardo.Ai"])
def test_a_camera_maker_names_no_generator(text: str) -> None:
    assert read_parameters({"exif:Make": text}) == []


@pytest.mark.parametrize(
    ("text", "tool"), [("Ideogram AI", "Ideogram"), ("Black Forest Labs", "FLUX")]
)
def test_services_that_sign_as_makers_are_known(text: str, tool: str) -> None:
    assert read_parameters({"exif:Make": text}) == [Parameters(tool, "exif:Make")]
    assert read_parameters({"exif:Make": text}, captured=True) == []


@pytest.mark.parametrize("field", PROGRAM_FIELDS)
def test_the_program_that_saved_a_capture_claims_nothing(field: str) -> None:
    (found,) = read_parameters({field: "Adobe Firefly"}, captured=True)
    assert (found.tool, found.strength, found.claim) == ("Adobe Firefly", Strength.WEAK, None)


def test_a_graph_tells_more_than_the_name_of_its_program() -> None:
    found = read_parameters(texts_of(EDITING) | {"png:Software": "ComfyUI"})
    assert [each.claim for each in found] == [None, None]
    (alone,) = read_parameters({"png:Software": "ComfyUI"})
    assert alone.claim is Claim.AI


@pytest.mark.parametrize(
    "field",
    ["exif:ImageDescription", "exif:Artist", "png:Comment", "xmp:description", "comment"],
)
def test_a_name_in_another_field_is_no_signature(field: str) -> None:
    assert read_parameters({field: "Midjourney"}) == []
