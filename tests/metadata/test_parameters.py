"""Generators recognised by the texts that they write."""

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipfake.errors import ErrorCode, ImageError
from clipfake.metadata.generators import dialects, found
from clipfake.metadata.generators.found import Parameters
from clipfake.metadata.parameters import read_parameters
from clipfake.records import Claim, Strength
from tests.conftest import PATIENCE
from tests.metadata.generators.graphs import EDITING, TEXT_TO_IMAGE, edited, node, texts_of

LINE = "a lighthouse\nNegative prompt: fog\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1234"
UUID = "01234567-89ab-cdef-0123-456789abcdef"


INVOKEAI = {
    "positive_prompt": "a lighthouse",
    "negative_prompt": "fog",
    "scheduler": "euler",
    "seed": 5,
    "steps": 30,
    "width": 512,
    "height": 768,
}
EVERY: dict[str, tuple[dict[str, str], Parameters]] = {
    "InvokeAI 3": (
        {"png:invokeai_metadata": json.dumps(INVOKEAI | {"model": {"model_name": "a-model"}})},
        Parameters(
            "InvokeAI",
            "png:invokeai_metadata",
            {
                "seed": "5",
                "steps": "30",
                "size": "512x768",
                "sampler": "euler",
                "model": "a-model",
            },
            "a lighthouse",
        ),
    ),
    "InvokeAI 5": (
        {
            "png:invokeai_metadata": json.dumps(INVOKEAI | {"model": {"name": "a-model"}}),
            "png:invokeai_graph": "{}",
        },
        Parameters(
            "InvokeAI",
            "png:invokeai_metadata",
            {
                "seed": "5",
                "steps": "30",
                "size": "512x768",
                "sampler": "euler",
                "model": "a-model",
            },
            "a lighthouse",
        ),
    ),
    "InvokeAI 2": (
        {
            "png:sd-metadata": json.dumps(
                {
                    "model_weights": "a-model",
                    "model_hash": "cc",
                    "image": {
                        "prompt": [{"prompt": "a lighthouse [fog]", "weight": 1}],
                        "steps": 50,
                        "seed": 5,
                        "sampler": "k_lms",
                    },
                }
            ),
            "png:Dream": '"a lighthouse [fog]" -s 50 -S 5 -A k_lms',
        },
        Parameters(
            "InvokeAI",
            "png:sd-metadata",
            {
                "sampler": "k_lms",
                "seed": "5",
                "steps": "50",
                "model": "a-model",
                "model_hash": "cc",
            },
            "a lighthouse",
        ),
    ),
    "InvokeAI 1": (
        {"png:Dream": '"a lighthouse [fog]" -s 50 -S 5 -W 512 -H 512 -C 7.5 -A k_lms'},
        Parameters(
            "InvokeAI",
            "png:Dream",
            {"sampler": "k_lms", "seed": "5", "steps": "50"},
            "a lighthouse",
        ),
    ),
    "NovelAI": (
        {
            "png:Software": "NovelAI",
            "png:Source": "Stable Diffusion F1022D28",
            "png:Description": "a lighthouse",
            "png:Comment": json.dumps({"steps": 28, "sampler": "k_euler", "seed": 5, "uc": "fog"}),
        },
        Parameters(
            "NovelAI",
            "png:Software",
            {
                "steps": "28",
                "sampler": "k_euler",
                "seed": "5",
                "model": "Stable Diffusion",
                "model_hash": "F1022D28",
            },
            "a lighthouse",
        ),
    ),
    "NovelAI in the pixels": (
        {
            "stealth:parameters": json.dumps(
                {
                    "Software": "NovelAI",
                    "Description": "a lighthouse",
                    "Comment": json.dumps({"steps": 28, "seed": 5}),
                }
            )
        },
        Parameters("NovelAI", "stealth:parameters", {"seed": "5", "steps": "28"}, "a lighthouse"),
    ),
    "NovelAI's settings alone": (
        {
            "exif:UserComment": json.dumps(
                {
                    "Comment": json.dumps(
                        {"prompt": "a lighthouse", "uc": "fog", "steps": 28, "seed": 5}
                        | {"noise_schedule": "karras", "sampler": "k_euler"}
                    )
                }
            )
        },
        Parameters(
            "NovelAI",
            "exif:UserComment",
            {"seed": "5", "steps": "28", "sampler": "k_euler"},
            "a lighthouse",
        ),
    ),
    "RuinedFooocus": (
        {
            "png:parameters": json.dumps(
                {"Prompt": "a lighthouse", "Negative": "fog", "steps": 30, "cfg": 5, "seed": 5}
                | {"width": 512, "height": 768, "sampler_name": "dpmpp_2m", "denoise": None}
                | {"base_model_name": "a-model", "base_model_hash": "ab", "loras": ""}
                | {"software": "RuinedFooocus"}
            )
        },
        Parameters(
            "RuinedFooocus",
            "png:parameters",
            {
                "model": "a-model",
                "model_hash": "ab",
                "seed": "5",
                "steps": "30",
                "sampler": "dpmpp_2m",
                "size": "512x768",
            },
            "a lighthouse",
        ),
    ),
    "Fooocus-MRE": (
        {
            "png:Comment": json.dumps(
                {"prompt": "a lighthouse", "negative_prompt": "fog", "steps": 30, "seed": 5}
                | {"sampler": "dpmpp_2m", "scheduler": "karras", "cfg": 7.0}
                | {"base_model": "a-model", "base_model_hash": "ab", "software": "Fooocus 1.0 MRE"}
            )
        },
        Parameters(
            "Fooocus",
            "png:Comment",
            {
                "model": "a-model",
                "model_hash": "ab",
                "seed": "5",
                "steps": "30",
                "sampler": "dpmpp_2m",
            },
            "a lighthouse",
        ),
    ),
    "Tensor.Art": (
        {
            "png:generation_data": json.dumps(
                {"prompt": "a lighthouse", "negativePrompt": "fog", "width": 512, "height": 768}
                | {"samplerName": "Euler a", "steps": 25, "cfgScale": 7.0, "seed": "5"}
                | {"baseModel": {"label": "a-model", "type": "BASE_MODEL"}, "workEngine": "TAMS"}
            )
            + "\0"
        },
        Parameters(
            "Tensor.Art",
            "png:generation_data",
            {
                "model": "a-model",
                "seed": "5",
                "steps": "25",
                "sampler": "Euler a",
                "size": "512x768",
            },
            "a lighthouse",
        ),
    ),
    "mflux": (
        {
            "exif:UserComment": json.dumps(
                {"mflux_version": "0.9.0", "model": "dev", "seed": 5, "steps": 14}
                | {"guidance": 3.5, "prompt": "a lighthouse"}
            )
        },
        Parameters(
            "mflux",
            "exif:UserComment",
            {"model": "dev", "seed": "5", "steps": "14", "version": "0.9.0"},
            "a lighthouse",
        ),
    ),
    "another program's settings": (
        {
            "png:parameters": json.dumps(
                {"prompt": "a lighthouse", "num_inference_steps": 30, "guidance_scale": 7.5}
                | {"seed": 5, "scheduler": "DDIM"}
            )
        },
        Parameters(
            found.UNNAMED,
            "png:parameters",
            {"seed": "5", "steps": "30", "sampler": "DDIM"},
            "a lighthouse",
        ),
    ),
    "Mochi Diffusion": (
        {
            "iptc:originating_program": "Mochi Diffusion",
            "iptc:caption": "Include in Image: a lighthouse; Exclude from Image: fog; Model: "
            "a-model; Steps: 20; Guidance Scale: 11.0; Seed: 5; Size: 512x512; Upscaler: ; "
            "Scheduler: DPM-Solver++; Generator: Mochi Diffusion 3.2",
        },
        Parameters(
            "Mochi Diffusion",
            "iptc:originating_program",
            {
                "model": "a-model",
                "steps": "20",
                "seed": "5",
                "size": "512x512",
                "sampler": "DPM-Solver++",
            },
            "a lighthouse",
        ),
    ),
    "InvokeAI's graph": (
        {
            "png:invokeai_graph": json.dumps(
                {"nodes": {"a": {"type": "denoise_latents"}, "b": {"type": "l2i"}}}
            )
        },
        Parameters("InvokeAI", "png:invokeai_graph"),
    ),
    "InvokeAI in a comment": (
        {"exif:UserComment": json.dumps({"invokeai_metadata": INVOKEAI})},
        Parameters(
            "InvokeAI",
            "exif:UserComment",
            {"seed": "5", "steps": "30", "sampler": "euler", "size": "512x768"},
            "a lighthouse",
        ),
    ),
    "Fooocus": (
        {
            "png:parameters": json.dumps(
                {
                    "prompt": "a lighthouse",
                    "negative_prompt": "fog",
                    "base_model": "a-model",
                    "base_model_hash": "ab",
                    "sampler": "dpmpp_2m",
                    "seed": "5",
                    "steps": 30,
                    "version": "Fooocus v2.5.5",
                }
            ),
            "png:fooocus_scheme": "fooocus",
        },
        Parameters(
            "Fooocus",
            "png:parameters",
            {
                "model": "a-model",
                "model_hash": "ab",
                "sampler": "dpmpp_2m",
                "seed": "5",
                "steps": "30",
                "version": "Fooocus v2.5.5",
            },
            "a lighthouse",
        ),
    ),
    "SwarmUI": (
        {
            "png:parameters": json.dumps(
                {
                    "sui_image_params": {
                        "prompt": "a lighthouse",
                        "model": "a-model",
                        "seed": 5,
                        "steps": 20,
                        "width": 512,
                        "height": 768,
                    }
                }
            )
        },
        Parameters(
            "SwarmUI",
            "png:parameters",
            {"model": "a-model", "seed": "5", "steps": "20", "size": "512x768"},
            "a lighthouse",
        ),
    ),
    "Easy Diffusion": (
        {
            "png:use_stable_diffusion_model": "a-model",
            "png:prompt": "a lighthouse",
            "png:seed": "5",
        },
        Parameters(
            "Easy Diffusion",
            "png:use_stable_diffusion_model",
            {"model": "a-model", "seed": "5"},
            "a lighthouse",
        ),
    ),
    "Easy Diffusion with its names for people": (
        {
            "png:Prompt": "a lighthouse",
            "png:Seed": "5",
            "png:Stable Diffusion model": "a-model",
            "png:Steps": "25",
        },
        Parameters(
            "Easy Diffusion",
            "png:Stable Diffusion model",
            {"model": "a-model", "seed": "5", "steps": "25"},
            "a lighthouse",
        ),
    ),
    "a setting each": (
        {
            "png:prompt": "a lighthouse",
            "png:steps": "25",
            "png:seed": "5",
            "png:cfg_scale": "7",
            "png:sampler": "ddim",
        },
        Parameters(
            found.UNNAMED,
            "png:seed",
            {"seed": "5", "steps": "25", "sampler": "ddim"},
            "a lighthouse",
        ),
    ),
    "Unpaint": (
        {
            "png:Metadata": json.dumps(
                {"PositivePrompt": "a lighthouse", "NegativePrompt": "fog", "RandomSeed": 5}
                | {"GuidanceStrength": 7, "SamplingSteps": 15, "ModelId": "a/model"}
            )
        },
        Parameters(
            found.UNNAMED,
            "png:Metadata",
            {"model": "a/model", "seed": "5", "steps": "15"},
            "a lighthouse",
        ),
    ),
    "options of scripts": (
        {
            "exif:UserComment": '"a lighthouse, fog" --ddim_steps 100 --scale 11.5 --seed 5 '
            "--W 704 --H 512   (upscaled 2.0x via GFPGAN)"
        },
        Parameters(
            "Stable Diffusion",
            "exif:UserComment",
            {"steps": "100", "seed": "5", "size": "704x512"},
            "a lighthouse, fog",
        ),
    ),
    "stated in place of a name": (
        {"exif:Make": "AI generated"},
        Parameters(found.UNNAMED, "exif:Make"),
    ),
    "Stability Matrix": (
        {
            "png:parameters-json": json.dumps(
                {"PositivePrompt": "a lighthouse", "Steps": 20, "CfgScale": 7, "Seed": 5}
                | {"Sampler": "Euler", "ModelName": "a-model", "ModelHash": "ab"}
            )
        },
        Parameters(
            found.UNNAMED,
            "png:parameters-json",
            {
                "model": "a-model",
                "model_hash": "ab",
                "seed": "5",
                "steps": "20",
                "sampler": "Euler",
            },
            "a lighthouse",
        ),
    ),
    "JSON behind a charset": (
        {
            "exif:UserComment": "charset=Unicode "
            + json.dumps({"sui_image_params": {"prompt": "a lighthouse", "seed": 5}})
        },
        Parameters("SwarmUI", "exif:UserComment", {"seed": "5"}, "a lighthouse"),
    ),
    "SwarmUI in a comment": (
        {
            "comment": json.dumps(
                {"prompt": "{}", "parameters": json.dumps({"sui_image_params": {"seed": 5}})}
            )
        },
        Parameters("SwarmUI", "comment", {"seed": "5"}),
    ),
    "InvokeAI's graph beside little": (
        {
            "png:invokeai_metadata": json.dumps({"app_version": "5.0"}),
            "png:invokeai_graph": json.dumps({"nodes": {"a": {"type": "flux_denoise"}}}),
        },
        Parameters("InvokeAI", "png:invokeai_metadata"),
    ),
    "SwarmUI as it was": (
        {"exif:Model": json.dumps({"sui_image_params": {"prompt": "a lighthouse", "seed": 5}})},
        Parameters("SwarmUI", "exif:Model", {"seed": "5"}, "a lighthouse"),
    ),
    "Easy Diffusion in EXIF": (
        {
            "exif:UserComment": json.dumps(
                {"use_stable_diffusion_model": "a-model", "prompt": "a lighthouse", "seed": 5}
            )
        },
        Parameters(
            "Easy Diffusion",
            "exif:UserComment",
            {"model": "a-model", "seed": "5"},
            "a lighthouse",
        ),
    ),
    "Draw Things": (
        {
            "xmp:UserComment": json.dumps(
                {"c": "a lighthouse", "uc": "fog", "sampler": "Euler A", "steps": 20, "seed": 5}
                | {"model": "a-model.ckpt", "size": "512x768"}
            ),
            "xmp:CreatorTool": "Draw Things",
        },
        Parameters(
            "Draw Things",
            "xmp:UserComment",
            {
                "sampler": "Euler A",
                "steps": "20",
                "seed": "5",
                "model": "a-model.ckpt",
                "size": "512x768",
            },
            "a lighthouse",
        ),
    ),
    "Midjourney": (
        {"png:Description": f"a lighthouse, fog --v 6.1 --ar 3:2 Job ID: {UUID}"},
        Parameters("Midjourney", "png:Description", {"version": "6.1"}, "a lighthouse, fog"),
    ),
    "Midjourney without flags": (
        {"xmp:description": f"a lighthouse Job ID: {UUID}"},
        Parameters("Midjourney", "xmp:description", {}, "a lighthouse", Strength.WEAK),
    ),
    "Grok": (
        {"exif:ImageDescription": f"Signature: {'aB+/' * 22}", "exif:Artist": UUID},
        Parameters("Grok", "exif:ImageDescription"),
    ),
    "DALL-E 2": (
        {"exif:UserComment": "Made with OpenAI Labs"},
        Parameters("DALL-E 2 (OpenAI Labs)", "exif:UserComment"),
    ),
    "DALL-E": (
        {"exif:UserComment": "Made with OpenAI DALL-E"},
        Parameters("DALL-E", "exif:UserComment"),
    ),
    "OpenAI": (
        {"exif:MakerNote": "OpenAI--ImageGeneration--generation-aBc"},
        Parameters("OpenAI", "exif:MakerNote"),
    ),
    "OpenAI with a hash": (
        {"exif:MakerNote": f"OpenAI--{'0a1b' * 8}"},
        Parameters("OpenAI", "exif:MakerNote"),
    ),
}


@pytest.mark.parametrize("name", EVERY)
def test_each_generator_is_recognised(name: str) -> None:
    texts, expected = EVERY[name]
    every = read_parameters(texts)
    assert every[0] == expected
    assert {each.tool for each in every} == {expected.tool}


def test_a_generator_that_claims_nothing_comes_last() -> None:
    every = read_parameters(texts_of(EDITING) | {"exif:Software": "Ideogram AI"})
    assert [(each.tool, each.claim) for each in every] == [
        ("Ideogram", Claim.AI),
        ("ComfyUI", None),
    ]


def test_a_graph_of_invokeai_that_only_edits_claims_nothing() -> None:
    graph = {"nodes": {"a": {"type": "image"}, "b": {"type": "img_resize"}}}
    (each,) = read_parameters({"png:invokeai_graph": json.dumps(graph)})
    assert (each.tool, each.strength, each.claim) == ("InvokeAI", Strength.WEAK, None)


def test_half_of_the_settings_in_fields_of_their_own_say_nothing() -> None:
    texts = {"png:c": "x", "png:sampler": "y", "png:steps": "3", "png:scale": "2"}
    assert [each.tool for each in read_parameters(texts)] == ["Draw Things"]
    assert read_parameters({"png:prompt": "x", "png:seed": "1", "png:steps": "3"}) == []


def test_fields_match_in_any_case_and_when_repeated() -> None:
    texts = {"png:Parameters": "words", "png:parameters (2)": LINE}
    (each,) = read_parameters(texts)
    assert (each.tool, each.origin) == ("AUTOMATIC1111", "png:parameters (2)")


@pytest.mark.parametrize(
    "texts",
    [
        {"exif:ImageDescription": f"Signature: {'aB+/' * 22}"},
        {"exif:ImageDescription": f"Signature: {'aB+/' * 22}", "exif:Artist": "An Artist"},
        {"exif:ImageDescription": "Signature: yes", "exif:Artist": UUID},
        {"exif:UserComment": "made with openai labs, they say"},
        {"exif:MakerNote": "by OpenAI--ImageGeneration--"},
        {"exif:MakerNote": "OpenAI--0a1b"},
        {"exif:UserComment": "fractal --steps 500 --scale 2.5 --seed 4 --out a.png"},
        {"exif:UserComment": "--scale 2 --seed 4 and some steps"},
        {"exif:Make": "AI generated by nobody"},
        {"png:Software": "Software"},
        {"png:Comment": json.dumps({"steps": 28, "seed": 5, "prompt": "a lighthouse"})},
        {"png:Comment": json.dumps({"steps": 28, "seed": 5, "scale": 2, "sampler": "linear"})},
        {"png:Description": f"Job ID: {UUID} of the print queue"},
        {"png:parameters": json.dumps({"software": "RuinedFooocus"})},
        {"png:invokeai_metadata": json.dumps({"width": 5})} | {"png:invokeai_metadata": "{}"},
        {"png:Comment": json.dumps({"steps": 28, "seed": 5})},
        {"png:Description": "Job ID: 1234"},
        {"png:parameters": json.dumps({"prompt": "a lighthouse", "sampler": "x"})},
        {"png:parameters": json.dumps({"sui_image_params": "text"})},
        {"xmp:UserComment": json.dumps({"c": "a lighthouse"})},
        {"xmp:UserComment": json.dumps({"c": 5, "sampler": "x", "steps": 3, "seed": 1})},
        {"png:Dream": "a dream without quotes"},
        {"png:sd-metadata": "no JSON"},
    ],
)
def test_half_a_signature_is_none(texts: dict[str, str]) -> None:
    assert read_parameters(texts) == []


# hostile texts

FIELDS = [
    *(f"png:{name}" for name in ("parameters", "prompt", "workflow", "Comment", "Description")),
    *(f"png:{name}" for name in ("invokeai_metadata", "invokeai_graph", "sd-metadata", "Dream")),
    *("exif:UserComment", "exif:ImageDescription", "xmp:UserComment", "stealth:parameters"),
    *("png:generation_data", "comment", "exif:Model", "iptc:caption", "iptc:originating_program"),
]


def checked(texts: Mapping[str, str]) -> list[Parameters]:
    """What is read, in the end, all of it text."""
    start = time.process_time()
    every = read_parameters(texts)
    assert time.process_time() - start < PATIENCE
    for each in every:
        assert isinstance(each.prompt, str)
        assert all(isinstance(value, str) and value for value in each.details.values())
    return every


def ring(size: int, *, workflow: bool) -> dict[str, str]:
    """A graph of samplers, each fed by the next and the last by the first."""
    nodes = {}
    for number in range(size):
        after = [str((number + 1) % size), 0]
        fed = dict.fromkeys(("model", "positive", "negative", "text_embeds"), after)
        nodes[str(number)] = node("KSampler", sampler_name="e", steps=1, cfg=1, **fed)
    nodes["999999"] = node("SaveImage", images=["0", 0])
    return texts_of(None, edited(nodes)) if workflow else texts_of(nodes)


@pytest.mark.parametrize("size", [1, 2, 500, 1000, 5000])
@pytest.mark.parametrize("workflow", [False, True])
def test_cyclic_graphs_take_no_time(size: int, workflow: bool) -> None:
    (each,) = checked(ring(size, workflow=workflow))
    assert (each.tool, each.claim) == ("ComfyUI", Claim.AI)


def test_layered_graphs_take_no_time() -> None:
    width, layers = 20, 40
    nodes = {str(n): node("Any", text=[str(n), 0]) for n in range(width * layers)}
    nodes["s"] = node("KSampler", sampler_name="e", steps=1, cfg=1, positive=["0", 0])
    links = [
        [0, layer * width + left, 0, (layer - 1) * width + right, 0, "X"]
        for layer in range(1, layers)
        for left in range(width)
        for right in range(0, width, 4)
    ]
    links.append([0, 0, 0, "s", 0, "X"])
    checked({"png:prompt": json.dumps(nodes), "png:workflow": json.dumps({"links": links})})


def test_links_without_nodes_take_no_time() -> None:
    links = [[number, number + 1, 0, number, 0, "X"] for number in range(50_000)]
    checked({"png:workflow": json.dumps({"nodes": [], "links": links})})


def test_many_samplers_before_a_large_graph_take_no_time() -> None:
    chain = {
        str(n): node("Any", model=[str(n + 1), 0], images=[str(n + 1), 0]) for n in range(9999)
    }
    batch = {f"s{n}": node("KSampler", model=["0", 0]) for n in range(5000)}
    joined = node("Batch", **{f"image{n}": [f"s{n}", 0] for n in range(5000)})
    saved = node("SaveImage", images=["batch", 0])
    checked(texts_of({**chain, **batch, "batch": joined, "saved": saved}))


@pytest.mark.parametrize("depth", [100, 900, 1100, 50_000])
@pytest.mark.parametrize("unit", ['{"a":', "[", '{"sui_image_params":', '{"1":{"inputs":'])
def test_deep_json_never_raises(depth: int, unit: str) -> None:
    closing = "".join({"{": "}", "[": "]"}.get(c, "") for c in reversed(unit)) * depth
    for text in (unit * depth, unit * depth + "1" + closing):
        checked(dict.fromkeys(FIELDS, text))


@pytest.mark.parametrize("depth", [50, 400, 900])
@pytest.mark.parametrize("key", ["prompt", "model", "use_stable_diffusion_model", "sampler", "c"])
def test_deep_values_never_raise(depth: int, key: str) -> None:
    nested: dict[str, Any] = {"base_model": "x", "steps": 1, "sampler": "x", "c": "x"}
    text = json.dumps(nested)[:-1] + f', "{key}": ' + "[" * depth + "]" * depth + "}"
    checked(dict.fromkeys(FIELDS, text))
    inner = f'{{"1": {{"class_type": {"[" * depth}{"]" * depth}, "inputs": {text}}}}}'
    checked(dict.fromkeys(FIELDS, inner))


@pytest.mark.parametrize(
    "text",
    [
        '"' * 100_000 + "\nx",
        '"' + " " * 100_000 + "\nx",
        '"x" ' + " -s" * 100_000,
        '"x"' + " " * 200_000,
        LINE + ", Hashes: {" * 100_000,
        LINE + ", " * 500_000,
        LINE + '"' * 500_000,
        LINE + "\n" * 500_000,
        "Steps: 1" * 200_000 + "Seed: 1",
        "--v x" * 200_000 + f"Job ID: {UUID}",
        "[" * 200_000 + "]",
        json.dumps({"image": {"prompt": [{"prompt": "[" * 100_000}], "sampler": "x"}}),
    ],
)
def test_long_texts_take_no_time(text: str) -> None:
    checked(dict.fromkeys(FIELDS, text))


def test_a_long_source_of_novelai_takes_no_time() -> None:
    texts = {"Software": "NovelAI", "Source": "a" + " " * 200_000 + "!"}
    texts |= {"Description": "a lighthouse", "Comment": '{"sampler": "k_euler"}'}
    assert checked({f"png:{key}": text for key, text in texts.items()})[0].tool == "NovelAI"


def test_json_beyond_the_limit_says_nothing() -> None:
    padded = json.dumps({**TEXT_TO_IMAGE, "pad": "x" * found.MAX_JSON})
    assert checked({"png:prompt": padded}) == []


WRONG = st.sampled_from(
    [None, True, 5, 1.5, "", "x", [], [1], [[]], [["3", 0]], {}, {"a": [1]}, {"model": {}}]
)
KEYS = [
    *("prompt", "model", "seed", "steps", "sampler", "base_model", "base_model_hash", "width"),
    *("height", "full_prompt", "sui_image_params", "use_stable_diffusion_model", "c", "image"),
    *("positive_prompt", "negative_prompt", "scheduler", "model_weights", "model_hash", "nodes"),
    *("links", "class_type", "inputs", "type", "sampler_name", "cfg", "positive", "negative"),
    *("ckpt_name", "text", "text_embeds", "guidance_scale", "size", "uc", "1", "2"),
]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(FIELDS),
    st.dictionaries(st.sampled_from(KEYS), WRONG | st.dictionaries(st.sampled_from(KEYS), WRONG)),
)
def test_values_of_wrong_types_never_raise(field: str, values: dict[str, object]) -> None:
    checked(dict.fromkeys([field], json.dumps(values)))
    wrapped = json.dumps({"1": {"class_type": "KSampler", "inputs": values}, "image": values})
    checked({field: wrapped, "png:Software": "NovelAI", "png:workflow": json.dumps(values)})


@pytest.mark.parametrize("key", ["full_prompt", "positive_prompt", "scheduler", "model", "seed"])
@pytest.mark.parametrize("value", [5, None, [1], {"a": 1}, True, 1.5])
def test_wrong_types_of_invokeai_never_raise(key: str, value: object) -> None:
    checked({"png:invokeai_metadata": json.dumps(INVOKEAI | {key: value})})


@pytest.mark.parametrize("key", ["sampler_name", "steps", "model", "positive", "text", "ckpt_name"])
@pytest.mark.parametrize("value", [5, None, [], [1], [[]], {"a": 1}, True, ["3", 0]])
def test_wrong_types_of_comfyui_never_raise(key: str, value: object) -> None:
    graph = json.loads(json.dumps(TEXT_TO_IMAGE))
    for each in graph.values():
        each["inputs"][key] = value
    checked(texts_of(graph, edited(TEXT_TO_IMAGE)))
    for each in (workflow := edited(TEXT_TO_IMAGE))["nodes"]:
        each[key] = each["type" if key == "text" else "inputs"] = value
    checked(texts_of(None, workflow))


def test_the_time_limit_is_not_taken_for_corruption(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object, **__: object) -> None:
        raise ImageError(ErrorCode.TOO_SLOW, "slow")

    monkeypatch.setattr(dialects.InvokeAIParser, "parse", slow)
    with pytest.raises(ImageError, match="slow"):
        read_parameters({"png:Dream": '"a lighthouse" -s 50'})
