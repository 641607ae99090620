"""AUTOMATIC1111's line of settings and its kin."""

import pytest

from clipfake.metadata.generators.automatic1111 import FIELDS, read_line
from clipfake.metadata.generators.found import Parameters
from clipfake.metadata.parameters import read_parameters
from clipfake.records import Claim, Strength

LINE = "a lighthouse\nNegative prompt: fog\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1234"
DETAILS = {"steps": "20", "sampler": "Euler a", "seed": "1234"}


def one(text: str, field: str = "png:parameters") -> Parameters:
    (found,) = read_parameters({field: text})
    assert (found.strength, found.claim) == (Strength.SPECIFIC, Claim.AI)
    return found


@pytest.mark.parametrize("field", FIELDS)
def test_the_line_is_read_from_each_field(field: str) -> None:
    text = f"{LINE}, Size: 512x768, Model hash: abc123, Model: a-model, Version: v1.9.0"
    details = DETAILS | {"size": "512x768", "model_hash": "abc123", "model": "a-model"}
    details["version"] = "v1.9.0"
    assert one(text, field) == Parameters("AUTOMATIC1111", field, details, "a lighthouse")


@pytest.mark.parametrize(
    ("rest", "tool"),
    [
        ("Version: f2.0.1v1.10.1-previous-1-g1", "Forge"),
        ("Version: neo", "Forge"),
        ('Civitai resources: [{"type":"checkpoint"}], Civitai metadata: {}', "Civitai"),
        ("Version: stable-diffusion.cpp", "stable-diffusion.cpp"),
        ("Version: Fooocus v2.5.5", "Fooocus"),
        ("Version: ComfyUI", "ComfyUI"),
        ("App: SD.Next, Version: abc1234", "SD.Next"),
        ("Version: v1.9.0", "AUTOMATIC1111"),
        ("Model: x", "AUTOMATIC1111"),
    ],
)
def test_kin_are_told_by_their_version(rest: str, tool: str) -> None:
    found = one(f"{LINE}, {rest}")
    assert (found.tool, found.prompt) == (tool, "a lighthouse")
    assert found.details.items() >= DETAILS.items()


# each as a program writes it
WRITTEN = {
    "stable-diffusion.cpp": (
        "a lighthouse\nSteps: 20, CFG scale: 5.000000, Guidance: 3.500000, Eta: 0.000000, "
        'Seed: 42, Size: 512x512, Model: , RNG: cuda, SDCPP: {"a":{"seed":1}}, '
        "Sampler: euler discrete, Version: stable-diffusion.cpp"
    ),
    "SD.Next without sampler": (
        "a lighthouse\nSteps: 20, Size: 1312x1408, Seed: 42, CFG scale: 6, CFG rescale: 0.7, "
        "Model: x, Model hash: 847403d47a, App: SD.Next, Version: 8b73cb6, Operations: txt2img"
    ),
    "Forge with Flux": (
        "a lighthouse\nSteps: 20, Sampler: Euler, Schedule type: Simple, CFG scale: 1, "
        "Distilled CFG Scale: 3.5, Seed: 42, Size: 896x1152, Version: f2.0.1v1.10.1-previous-313"
    ),
    "Civitai": (
        "a lighthouse\nSteps: 25, CFG scale: 3.5, Sampler: Undefined, Seed: 42, Size: 832x1216, "
        'Clip skip: 2, Created Date: 2024-11-01T10:00:00.0Z, Civitai resources: [{"type":'
        '"checkpoint","modelVersionId":1}], Civitai metadata: {}'
    ),
    "Civitai without guidance": (
        "a lighthouse\nSteps: 4, Sampler: Euler, Seed: 42, Size: 832x1216, "
        'Civitai resources: [{"type":"checkpoint"}], Civitai metadata: {}'
    ),
    "of old": ("a lighthouse\nSteps: 70, Sampler: DDIM, CFG scale: 7.5, Seed: 42, Size: 512x512"),
    "steps not first": "a lighthouse\nSampler: Euler, Steps: 20, Seed: 42, CFG scale: 7",
    "a line each": "a lighthouse\nSeed: 42\nSampler: Euler\nSteps: 20\nCFG scale: 7",
    "no space": "a lighthouse\nsteps:20,sampler:Euler,cfg_scale:7,seed:42",
    "carriage returns": "a lighthouse\r\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 42\r\n",
    "on one line": "a lighthouse Steps: 20, Sampler: Euler, CFG scale: 7, Seed: 42",
    "with NULs": "a lighthouse\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 42\0\0",
}


@pytest.mark.parametrize("name", WRITTEN)
def test_lines_of_several_programs_are_read(name: str) -> None:
    found = one(WRITTEN[name])
    assert (found.prompt, found.details["seed"]) == ("a lighthouse", "42")
    assert found.details["steps"] in WRITTEN[name]


def test_a_line_on_one_line_with_its_negative_prompt_is_read() -> None:
    found = one(LINE.replace("\n", " "))
    assert (found.prompt, found.details) == ("a lighthouse", DETAILS)


def test_quoted_values_do_not_pass_for_fields() -> None:
    text = f'{LINE}, ControlNet 0: "Module: canny, Model: control, Seed: 9", Model: a-model'
    assert one(text).details["model"] == "a-model"


def test_the_last_line_counts() -> None:
    text = "Steps: 5, Sampler: X, CFG scale: 1, Seed: 1\n" + LINE
    assert one(text).details == DETAILS


def test_a_line_without_prompt_has_none() -> None:
    assert one("Steps: 20, Sampler: Euler, CFG scale: 7, Seed: 1").prompt == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a lighthouse",
        "Steps: 20",
        "Sampler: Euler, Seed: 1",
        "Steps to the lighthouse: 20",
        "Steps: 10432, Distance: 7.4 km, Size: 42",
        "Steps: 20, Seed: 1",
        "Steps: 5000, Seed: 42, Size: 512x512",  # a drawing by an algorithm
        "Sampler: Halton, Steps: 64, Seed: 3, Size: 1920x1080",  # a ray tracer
        "Steps: 64, Sampler: Sobol, Seed: 3, Version: 4.2",
        "Steps: 20, Sampler: river water, CFG scale: 7",
        "Steps: many, Sampler: Euler, CFG scale: 7, Seed: 1",
        "Steps: 20, Sampler: Euler, CFG scale: high, Seed: 1",
        "Steps: 20, Sampler: Euler, CFG scale: 7, Seed: sunflower",
        "Steps: 1043200, Sampler: Euler, CFG scale: 7, Seed: 1",
        "Upscale: 4x, Postprocess upscaler: R-ESRGAN 4x+",
    ],
)
def test_words_that_are_no_such_line_say_nothing(text: str) -> None:
    assert read_parameters(dict.fromkeys(FIELDS, text)) == []
    assert read_line(text) is None


@pytest.mark.parametrize(
    "field",
    ["png:Description", "png:Title", "exif:ImageDescription", "exif:Software", "xmp:description"],
)
def test_such_a_line_in_another_field_says_nothing(field: str) -> None:
    assert read_parameters({field: LINE}) == []
