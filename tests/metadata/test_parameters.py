"""Generators recognised by the texts that they write."""

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipfake.errors import ErrorCode, ImageError
from clipfake.metadata import parameters
from clipfake.metadata.parameters import Parameters, read_parameters
from tests.conftest import PATIENCE

LINE = "a lighthouse\nNegative prompt: fog\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1234"
DETAILS = {"steps": "20", "sampler": "Euler a", "seed": "1234"}
UUID = "01234567-89ab-cdef-0123-456789abcdef"


def node(kind: str, **inputs: object) -> dict[str, object]:
    return {"class_type": kind, "inputs": inputs}


GRAPH = {
    "3": node(
        "KSampler",
        seed=1234,
        steps=20,
        cfg=8.0,
        sampler_name="euler",
        scheduler="normal",
        model=["4", 0],
        positive=["6", 0],
        negative=["7", 0],
    ),
    "4": node("CheckpointLoaderSimple", ckpt_name="model.safetensors"),
    "6": node("CLIPTextEncode", text="a lighthouse", clip=["4", 1]),
    "7": node("CLIPTextEncode", text="fog", clip=["4", 1]),
}
WORKFLOW = {
    "nodes": [{"id": 3, "type": "KSampler"}],
    "links": [[1, 4, 0, 3, 0, "MODEL"], [2, 6, 0, 3, 1, "CONDITIONING"]],
}
GRAPH_DETAILS = {
    "model": "model.safetensors",
    "sampler": "euler",
    "seed": "1234",
    "steps": "20",
}
EDITING = {
    "1": node("LoadImage", image="photo.jpg"),
    "2": node("ImageScale", image=["1", 0], width=512),
    "3": node("SaveImage", images=["2", 0]),
}


def one(texts: Mapping[str, str]) -> Parameters:
    (found,) = read_parameters(texts)
    return found


# AUTOMATIC1111's line and its kin


@pytest.mark.parametrize("field", ["png:parameters", "exif:UserComment", "stealth:parameters"])
def test_the_line_of_automatic1111_is_read(field: str) -> None:
    text = f"{LINE}, Size: 512x768, Model hash: abc123, Model: a-model, Version: v1.9.0"
    assert one({field: text}) == Parameters(
        "AUTOMATIC1111",
        field,
        DETAILS
        | {"size": "512x768", "model_hash": "abc123", "model": "a-model", "version": "v1.9.0"},
        "a lighthouse",
    )


@pytest.mark.parametrize(
    ("rest", "tool"),
    [
        ("Version: f2.0.1v1.10.1-previous-1-g1", "Forge"),
        ("Version: neo", "Forge"),
        ('Civitai resources: [{"type":"checkpoint"}], Civitai metadata: {}', "Civitai"),
        ("Version: stable-diffusion.cpp", "stable-diffusion.cpp"),
        ("Version: Fooocus v2.5.5", "Fooocus"),
        ("Version: ComfyUI", "ComfyUI"),
        ("App: SD.Next, Version: SD.Next", "SD.Next"),
        ("Version: v1.9.0", "AUTOMATIC1111"),
        ("Model: x", "AUTOMATIC1111"),
    ],
)
def test_kin_of_automatic1111_are_told_by_their_version(rest: str, tool: str) -> None:
    found = one({"png:parameters": f"{LINE}, {rest}"})
    assert (found.tool, found.prompt, found.sure) == (tool, "a lighthouse", True)
    assert found.details.items() >= DETAILS.items()


def test_a_line_of_stable_diffusion_cpp_is_read() -> None:
    text = (
        "a lovely cat\nSteps: 20, CFG scale: 5.000000, Guidance: 3.500000, Eta: 0.000000, "
        "Seed: 42, Size: 512x512, Model: , RNG: cuda, Sampler: euler discrete, "
        "Version: stable-diffusion.cpp"
    )
    assert one({"png:parameters": text}) == Parameters(
        "stable-diffusion.cpp",
        "png:parameters",
        {
            "steps": "20",
            "seed": "42",
            "size": "512x512",
            "sampler": "euler discrete",
            "version": "stable-diffusion.cpp",
        },
        "a lovely cat",
    )


def test_quoted_values_do_not_pass_for_fields() -> None:
    text = f'{LINE}, ControlNet 0: "Module: canny, Model: control, Seed: 9", Model: a-model'
    assert one({"png:parameters": text}).details["model"] == "a-model"


def test_a_line_without_prompt_has_none() -> None:
    assert one({"png:parameters": "Steps: 20, Seed: 1"}).prompt == ""


@pytest.mark.parametrize(
    "text",
    ["", "a lighthouse", "Steps: 20", "Sampler: Euler, Seed: 1", "Steps to the lighthouse: 20"],
)
def test_words_that_are_no_such_line_say_nothing(text: str) -> None:
    assert read_parameters({"png:parameters": text, "exif:UserComment": text}) == []


@pytest.mark.parametrize(
    "field",
    [
        "png:Comment",
        "png:Description",
        "png:Parameters",
        "exif:ImageDescription",
        "exif:Software",
        "xmp:description",
        "xmp:UserComment",
    ],
)
def test_such_a_line_in_another_field_says_nothing(field: str) -> None:
    assert read_parameters({field: LINE}) == []


# ComfyUI


@pytest.mark.parametrize(
    ("texts", "origin"),
    [
        ({"png:prompt": json.dumps(GRAPH), "png:workflow": json.dumps(WORKFLOW)}, "png:prompt"),
        (
            {
                "exif:Make": f"workflow:{json.dumps(WORKFLOW)}",
                "exif:Model": f"prompt:{json.dumps(GRAPH)}",
            },
            "exif:Model",
        ),
        (
            {
                "exif:ImageDescription": f"Workflow:{json.dumps(WORKFLOW)}",
                "exif:Make": f"Prompt:{json.dumps(GRAPH)}",
            },
            "exif:Make",
        ),
    ],
)
def test_a_graph_of_comfyui_is_read_from_png_and_webp(texts: dict[str, str], origin: str) -> None:
    assert one(texts) == Parameters("ComfyUI", origin, GRAPH_DETAILS, "a lighthouse")


def test_a_graph_without_its_workflow_is_read() -> None:
    assert one({"png:prompt": json.dumps(GRAPH)}) == Parameters(
        "ComfyUI", "png:prompt", GRAPH_DETAILS, "a lighthouse"
    )


def test_a_workflow_without_its_graph_is_read() -> None:
    found = one({"png:workflow": json.dumps(WORKFLOW)})
    assert (found.tool, found.origin, found.sure) == ("ComfyUI", "png:workflow", True)


@pytest.mark.parametrize(
    "graph",
    [EDITING, {"1": node("LoadImage")}, {"1": node("DepthMapImage")}],
)
def test_a_graph_without_a_sampler_is_unsure(graph: dict[str, object]) -> None:
    found = one({"png:prompt": json.dumps(graph)})
    assert (found.tool, found.sure) == ("ComfyUI", False)


@pytest.mark.parametrize("kind", ["SamplerCustomAdvanced", "RecraftTextToImageNode", "FluxProAPI"])
def test_other_nodes_that_make_images_are_sure(kind: str) -> None:
    assert one({"png:prompt": json.dumps({"1": node(kind)})}).sure


def test_an_unsure_generator_comes_last() -> None:
    texts = {"png:prompt": json.dumps(EDITING), "exif:Software": "Ideogram AI"}
    assert [found.tool for found in read_parameters(texts)] == ["Ideogram", "ComfyUI"]


def test_a_graph_too_large_to_follow_keeps_its_details() -> None:
    large = {str(number): node("Note") for number in range(100, 2000)} | GRAPH
    found = one({"png:prompt": json.dumps(large)})
    assert found.details == {"model": "model.safetensors", "seed": "1234", "steps": "20"}


@pytest.mark.parametrize(
    "text",
    ["", "a lighthouse", "{}", "[]", "{", '{"1": 2}', '{"1": {"class_type": "x"}}', "null"],
)
def test_json_that_is_no_graph_says_nothing(text: str) -> None:
    texts = {"png:prompt": text, "png:workflow": text, "exif:Make": f"prompt:{text}"}
    assert read_parameters(texts) == []


def test_a_camera_is_no_graph() -> None:
    assert read_parameters({"exif:Make": "Example: Optics", "exif:Model": json.dumps(GRAPH)}) == []


# others

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
    "NovelAI in alpha": (
        {
            "stealth:Software": "NovelAI",
            "stealth:Description": "a lighthouse",
            "stealth:Comment": json.dumps({"steps": 28, "seed": 5}),
        },
        Parameters("NovelAI", "stealth:Software", {"steps": "28", "seed": "5"}, "a lighthouse"),
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
        Parameters("Midjourney", "xmp:description", {}, "a lighthouse"),
    ),
    "Grok": (
        {"exif:ImageDescription": f"Signature: {'aB+/' * 22}", "exif:Artist": UUID},
        Parameters("Grok", "exif:ImageDescription"),
    ),
    "DALL-E 2": (
        {"exif:UserComment": "Made with OpenAI Labs"},
        Parameters("DALL-E 2 (OpenAI Labs)", "exif:UserComment"),
    ),
    "OpenAI": (
        {"exif:MakerNote": "OpenAI--ImageGeneration--generation-aBc"},
        Parameters("OpenAI", "exif:MakerNote"),
    ),
}


@pytest.mark.parametrize("name", EVERY)
def test_each_generator_is_recognised(name: str) -> None:
    texts, expected = EVERY[name]
    found = read_parameters(texts)
    assert found[0] == expected
    assert {each.tool for each in found} == {expected.tool}


@pytest.mark.parametrize(
    ("text", "tool"),
    [
        ("Adobe Firefly", "Adobe Firefly"),
        ("Adobe Firefly 3.0", "Adobe Firefly"),
        ("Ideogram AI", "Ideogram"),
        ("ideogram", "Ideogram"),
        ("Midjourney", "Midjourney"),
        ("NovelAI", "NovelAI"),
        ("InvokeAI", "InvokeAI"),
        ("ComfyUI", "ComfyUI"),
        ("Black Forest Labs", "FLUX"),
        ("FLUX.1", "FLUX"),
        ("Stable Diffusion XL", "Stable Diffusion"),
        ("Stability AI", "Stability AI"),
        ("DALL-E 3", "DALL-E"),
        ("DALL·E 3", "DALL-E"),
        ("OpenAI DALL-E", "OpenAI"),
        ("ChatGPT", "OpenAI"),
        ("gpt-image-1", "OpenAI"),
        ("Google Gemini", "Google"),
        ("Imagen 3", "Google"),
        ("Leonardo.Ai", "Leonardo"),
        ("Recraft", "Recraft"),
        ("Bing Image Creator", "Bing Image Creator"),
        ("DiffusionBee", "DiffusionBee"),
        ("mflux 0.4", "mflux"),
        ("Seedream 4.0", "Seedream"),
    ],
)
@pytest.mark.parametrize("field", ["exif:Software", "exif:Make", "xmp:CreatorTool"])
def test_a_generator_that_signs_is_named(text: str, tool: str, field: str) -> None:
    assert one({field: text}) == Parameters(tool, field)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Adobe Photoshop 26.0",
        "Edited after Midjourney",
        "Midjourneyman",
        "Firefly",
        "not made with OpenAI",
        "Canon",
        "NIKON CORPORATION",
        "Google",
        "Pixel 9 Pro",
        "Fluxus",
        "GIMP 2.10",
    ],
)
def test_other_programs_are_no_generators(text: str) -> None:
    fields = ("exif:Software", "exif:Make", "exif:Model", "png:Software", "xmp:CreatorTool")
    assert read_parameters(dict.fromkeys(fields, text)) == []


@pytest.mark.parametrize(
    "field", ["exif:ImageDescription", "exif:Artist", "png:Comment", "xmp:description"]
)
def test_a_name_in_another_field_is_no_signature(field: str) -> None:
    assert read_parameters({field: "Midjourney"}) == []


@pytest.mark.parametrize(
    "texts",
    [
        {"exif:ImageDescription": f"Signature: {'aB+/' * 22}"},
        {"exif:ImageDescription": f"Signature: {'aB+/' * 22}", "exif:Artist": "An Artist"},
        {"exif:ImageDescription": "Signature: yes", "exif:Artist": UUID},
        {"exif:UserComment": "made with openai labs, they say"},
        {"exif:MakerNote": "by OpenAI--ImageGeneration--"},
        {"png:Software": "NovelAI 2"} | {"png:Software": "Software"},
        {"png:Comment": json.dumps({"steps": 28, "seed": 5})},
        {"png:Description": "Job ID: 1234"},
        {"png:parameters": json.dumps({"prompt": "a lighthouse", "sampler": "x"})},
        {"png:parameters": json.dumps({"sui_image_params": "text"})},
        {"xmp:UserComment": json.dumps({"c": "a lighthouse"})},
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
]


def checked(texts: Mapping[str, str]) -> list[Parameters]:
    """What is read, in the end, all of it text."""
    start = time.process_time()
    found = read_parameters(texts)
    assert time.process_time() - start < PATIENCE
    for each in found:
        assert isinstance(each.prompt, str)
        assert all(isinstance(value, str) and value for value in each.details.values())
    return found


def ring(size: int, *, workflow: bool) -> dict[str, str]:
    """A graph of samplers, each fed by the next and the last by the first."""
    nodes = {}
    for number in range(size):
        after = [str((number + 1) % size), 0]
        fed = dict.fromkeys(("model", "positive", "negative", "text_embeds"), after)
        nodes[str(number)] = node("KSampler", sampler_name="e", steps=1, cfg=1, **fed)
    links = [[n, (n + 1) % size, 0, n, 0, "X"] for n in range(size)]
    texts = {"png:prompt": json.dumps(nodes)}
    return texts | {"png:workflow": json.dumps({"links": links})} if workflow else texts


@pytest.mark.parametrize("size", [1, 2, 500, 1000, 5000])
@pytest.mark.parametrize("workflow", [False, True])
def test_cyclic_graphs_take_no_time(size: int, workflow: bool) -> None:
    (found,) = checked(ring(size, workflow=workflow))
    assert found.tool == "ComfyUI"


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
    links = [[0, number + 1, 0, number, 0, "X"] for number in range(50_000)]
    checked({"png:prompt": json.dumps(GRAPH), "png:workflow": json.dumps({"links": links})})


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
    padded = json.dumps(GRAPH | {"pad": "x" * parameters.MAX_JSON})
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
    graph = json.loads(json.dumps(GRAPH))
    for each in graph.values():
        each["inputs"][key] = value
    checked({"png:prompt": json.dumps(graph), "png:workflow": json.dumps(WORKFLOW)})


def test_the_time_limit_is_not_taken_for_corruption(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object, **__: object) -> None:
        raise ImageError(ErrorCode.TOO_SLOW, "slow")

    monkeypatch.setattr(parameters.AUTOMATIC1111Parser, "parse", slow)
    with pytest.raises(ImageError, match="slow"):
        read_parameters({"png:parameters": LINE})
