"""ComfyUI's graphs: a sampler counts where it ran and made what was saved."""

import json
from typing import Any

import pytest

from clipfake.metadata.generators.comfyui_nodes import MAKERS, PREVIEWS, SAMPLERS, SAVERS
from clipfake.metadata.generators.found import Parameters
from clipfake.metadata.parameters import read_parameters
from clipfake.records import Claim, Strength
from tests.metadata.generators.graphs import (
    DETAILS,
    EDITING,
    LOADERS,
    SAMPLED,
    SETTINGS,
    TEXT_TO_IMAGE,
    Graph,
    edited,
    node,
    texts_of,
)

AI = (Strength.SPECIFIC, Claim.AI)
LIKELY = (Strength.WEAK, Claim.AI)
NOTHING = (Strength.WEAK, None)


def read(texts: dict[str, str]) -> Parameters:
    (found,) = read_parameters(texts)
    assert found.tool == "ComfyUI"
    return found


def worth(prompt: Graph | None = None, workflow: dict[str, Any] | None = None) -> tuple[Any, Any]:
    found = read(texts_of(prompt, workflow))
    if found.claim is None:
        assert (found.details, found.prompt) == ({}, "")
    return found.strength, found.claim


# where graphs stand


@pytest.mark.parametrize(
    ("texts", "origin"),
    [
        (texts_of(TEXT_TO_IMAGE, edited(TEXT_TO_IMAGE)), "png:prompt"),
        (texts_of(TEXT_TO_IMAGE), "png:prompt"),
        (
            {
                "exif:Make": f"workflow:{json.dumps(edited(TEXT_TO_IMAGE))}",
                "exif:Model": f"prompt:{json.dumps(TEXT_TO_IMAGE)}",
            },
            "exif:Model",
        ),
        (
            {
                "exif:ImageDescription": f"Workflow: {json.dumps(edited(TEXT_TO_IMAGE))}",
                "exif:Make": f"Prompt: {json.dumps(TEXT_TO_IMAGE)}",
            },
            "exif:Make",
        ),
        ({"exif:UserComment": json.dumps(TEXT_TO_IMAGE)}, "exif:UserComment"),
        ({"exif:UserComment": json.dumps({"prompt": TEXT_TO_IMAGE})}, "exif:UserComment"),
        ({"comment": json.dumps({"prompt": json.dumps(TEXT_TO_IMAGE)})}, "comment"),
        ({"stealth:parameters": json.dumps({"Prompt": TEXT_TO_IMAGE})}, "stealth:parameters"),
    ],
)
def test_a_graph_is_read_where_writers_put_it(texts: dict[str, str], origin: str) -> None:
    assert read(texts) == Parameters("ComfyUI", origin, DETAILS, "a lighthouse")


def test_the_workflow_alone_is_read() -> None:
    found = read(texts_of(workflow=edited(TEXT_TO_IMAGE)))
    assert (found.origin, found.strength, found.claim) == ("png:workflow", *AI)


def test_a_graph_of_civitai_is_read() -> None:
    graph: dict[str, Any] = {
        "resource-stack": node("CheckpointLoaderSimple", ckpt_name="urn:air:sdxl:checkpoint:1@2"),
        "6": node("smZ CLIPTextEncode", text="a lighthouse", clip=["resource-stack", 1]),
        "11": node(
            "KSampler",
            **SETTINGS,
            model=["resource-stack", 0],
            positive=["6", 0],
            negative=["6", 0],
            latent_image=["5", 0],
        ),
        "5": node("EmptyLatentImage", width=832, height=1216),
        "extra": {"airs": ["urn:air:sdxl:checkpoint:1@2"]},
        "extraMetadata": json.dumps({"prompt": "a lighthouse", "steps": 25}),
    }
    (found,) = read_parameters({"exif:UserComment": json.dumps(graph)})
    assert (found.tool, found.strength, found.claim) == ("Civitai", *AI)
    assert found.details["model"] == "urn:air:sdxl:checkpoint:1@2"
    assert found.prompt == "a lighthouse"


@pytest.mark.parametrize(
    "text",
    ["", "a lighthouse", "{}", "[]", "{", '{"1": 2}', '{"1": {"class_type": "x"}}', "null"],
)
def test_json_that_is_no_graph_says_nothing(text: str) -> None:
    texts = {"png:prompt": text, "png:workflow": text, "exif:Make": f"prompt:{text}"}
    assert read_parameters(texts) == []


def test_a_camera_is_no_graph() -> None:
    texts = {"exif:Make": "Example: Optics", "exif:Model": json.dumps(TEXT_TO_IMAGE)}
    assert read_parameters(texts) == []


# what ran


def test_a_graph_that_only_edits_says_nothing() -> None:
    assert worth(EDITING) == NOTHING
    assert worth(None, edited(EDITING)) == NOTHING
    assert worth({"1": node("LoadImage", image="a.png")}) == NOTHING


@pytest.mark.parametrize(
    "kind",
    [
        *("ImageResampler", "CaptionGenerator", "APIKeyLoader", "Image Text To Image Overlay"),
        *("KSamplerSelect", "SamplerEulerAncestral", "ksampler", "KSampler Config", "XKSampler"),
        *("AudioResample", "Resampler | Lanczos", "LLMSampler", "TextToImageOverlay"),
    ],
)
def test_a_type_matches_as_a_whole(kind: str) -> None:
    graph = EDITING | {"2": node(kind, image=["1", 0], width=512)}
    assert worth(graph) == NOTHING
    assert worth(None, edited(graph)) == NOTHING


@pytest.mark.parametrize("mode", [2, 4])
def test_a_sampler_that_is_switched_off_does_not_count(mode: int) -> None:
    # image to image, the sampler muted or bypassed in the editor
    graph: Graph = {
        **LOADERS,
        "1": node("LoadImage", image="photo.jpg"),
        "2": node("VAEEncode", pixels=["1", 0], vae=["4", 2]),
        "3": node("KSampler", **SETTINGS, **SAMPLED | {"latent_image": ["2", 0]}),
        "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": node("SaveImage", images=["8", 0], filename_prefix="x"),
    }
    assert worth(graph) == AI
    assert worth(None, edited(graph)) == AI
    assert worth(None, edited(graph, {"3": mode})) == NOTHING


def test_the_executed_graph_counts_and_not_the_editors() -> None:
    assert worth(EDITING, edited(TEXT_TO_IMAGE)) == NOTHING
    assert worth(TEXT_TO_IMAGE, edited(EDITING)) == AI


def test_a_bypassed_node_hands_on_what_it_takes() -> None:
    graph = {
        **TEXT_TO_IMAGE,
        "20": node("ImageScale", image=["8", 0], width=512),
        "9": node("SaveImage", images=["20", 0], filename_prefix="x"),
    }
    assert worth(None, edited(graph, {"20": 4})) == AI
    assert worth(None, edited(graph, {"20": 2})) == NOTHING


def test_a_sampler_beside_what_was_saved_does_not_count() -> None:
    beside = {key: each for key, each in TEXT_TO_IMAGE.items() if key != "9"}
    shown = {"10": node("PreviewImage", images=["8", 0])}
    moved = {"21": EDITING["1"], "22": node("ImageScale", image=["21", 0], width=512)}
    saved = {"29": node("SaveImage", images=["22", 0], filename_prefix="x")}
    assert worth({**beside, **moved, **saved}) == NOTHING
    assert worth({**beside, **shown, **moved, **saved}) == NOTHING
    assert worth(None, edited({**beside, **moved, **saved})) == NOTHING


def test_a_part_that_was_sampled_is_likely() -> None:
    moved = {"21": EDITING["1"], "29": node("SaveImage", images=["21", 0], filename_prefix="x")}
    assert worth({**TEXT_TO_IMAGE, **moved}) == LIKELY


def test_a_preview_beside_a_saved_image_does_not_matter() -> None:
    shown = {"21": EDITING["1"], "29": node("PreviewImage", images=["21", 0])}
    assert worth({**TEXT_TO_IMAGE, **shown}) == AI


def test_only_a_preview_is_what_was_saved() -> None:
    shown = {key: each for key, each in TEXT_TO_IMAGE.items() if key != "9"}
    assert worth({**shown, "9": node("PreviewImage", images=["8", 0])}) == AI
    assert worth({**EDITING, "9": node("PreviewImage", images=["2", 0])}) == NOTHING


def test_models_and_words_are_no_pixels() -> None:
    # the VAE and the file's name come from a sampler's loader and from words: a photograph is saved
    graph: Graph = {
        **LOADERS,
        "3": node("KSampler (Efficient)", **SETTINGS, **SAMPLED),
        "1": node("LoadImage", image="photo.jpg"),
        "2": node("VAEEncode", pixels=["1", 0], vae=["3", 4]),
        "8": node("VAEDecode", samples=["2", 0], vae=["3", 4]),
        "9": node("SaveImage", images=["8", 0], filename_prefix=["3", 5]),
    }
    assert worth(graph) == NOTHING


@pytest.mark.parametrize("setting", [{"denoise": 0}, {"denoise": 0.0}, {"steps": 0}])
def test_a_sampler_that_changes_nothing_does_not_count(setting: dict[str, float]) -> None:
    graph: Graph = {
        **LOADERS,
        "1": node("LoadImage", image="photo.jpg"),
        "2": node("VAEEncode", pixels=["1", 0], vae=["4", 2]),
        "3": node("KSampler", **SETTINGS | setting, **SAMPLED | {"latent_image": ["2", 0]}),
        "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": node("SaveImage", images=["8", 0], filename_prefix="x"),
    }
    assert worth(graph) == NOTHING


# nodes by name and by what they take


@pytest.mark.parametrize("kind", sorted(SAMPLERS))
def test_each_sampler_is_known(kind: str) -> None:
    graph: Graph = {
        "1": node("Loader", ckpt_name="x"),
        "3": node(kind, pipe=["1", 0]),
        "9": node("SaveImage", images=["3", 0], filename_prefix="x"),
    }
    assert worth(graph) == AI
    assert worth(None, edited(graph)) == AI


@pytest.mark.parametrize("kind", sorted(MAKERS))
def test_each_maker_of_images_is_known(kind: str) -> None:
    graph: Graph = {
        "3": node(kind, prompt="a lighthouse", seed=5),
        "9": node("SaveImage", images=["3", 0], filename_prefix="x"),
    }
    assert worth(graph) == AI
    assert worth(None, edited(graph)) == AI


@pytest.mark.parametrize("kind", sorted(SAVERS | PREVIEWS))
def test_each_saver_is_known(kind: str) -> None:
    graph = {**TEXT_TO_IMAGE, "9": node(kind, images=["8", 0])}
    assert worth(graph) == AI
    assert worth({**EDITING, "9": node(kind, images=["2", 0])}) == NOTHING


@pytest.mark.parametrize(
    "inputs",
    [
        SAMPLED,
        SAMPLED | SETTINGS,
        {"model": ["4", 0], "conditioning": ["6", 0], "latent": ["5", 0], "steps": 9, "seed": 1},
        {"basic_pipe": ["4", 0], "latent_image": ["5", 0], "steps": 9, "cfg": 3.0, "seed": 1},
        {"model": ["4", 0], "text_embeds": ["6", 0], "samples": ["5", 0], "steps": 9, "cfg": 1.0},
    ],
)
def test_a_sampler_of_another_name_is_known_by_what_it_takes(inputs: dict[str, Any]) -> None:
    graph = {**TEXT_TO_IMAGE, "3": node("MyOwnNode", **inputs)}
    assert worth(graph) == AI


def test_a_sampler_of_another_name_is_known_in_the_workflow() -> None:
    graph = {**TEXT_TO_IMAGE, "3": node("MyOwnNode", **SETTINGS, **SAMPLED)}
    assert worth(None, edited(graph)) == AI


@pytest.mark.parametrize(
    "inputs",
    [
        {"model": ["4", 0], "image": ["1", 0]},
        {"model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "image": ["1", 0]},
        {"image": ["1", 0], "steps": 4, "seed": 1, "cfg": 2.0},
        {"image": ["1", 0], "prompt": "describe it", "seed": 1, "model": "llm"},
    ],
)
def test_other_nodes_are_no_samplers(inputs: dict[str, Any]) -> None:
    graph = {**LOADERS, **EDITING, "2": node("MyOwnNode", **inputs)}
    assert worth(graph) == NOTHING


def test_an_unknown_node_with_a_prompt_and_no_image_is_likely() -> None:
    graph = {**EDITING, "2": node("MyOwnNode", prompt="a lighthouse", seed=1)}
    assert worth(graph) == LIKELY


def test_a_caption_on_a_photograph_says_nothing() -> None:
    graph: Graph = {
        "1": node("LoadImage", image="photo.jpg"),
        "5": node("Captioner", image=["1", 0], prompt="describe it", seed=3),
        "2": node("Overlay", image=["1", 0], text=["5", 0]),
        "9": node("SaveImage", images=["2", 0], filename_prefix="x"),
    }
    assert worth(graph) == NOTHING
    graph["5"] = node("Writer", prompt="a caption", seed=3)
    graph["2"] = node("Overlay", image=["1", 0], words_on_top=["5", 0])
    assert worth(graph) == NOTHING


@pytest.mark.parametrize(
    ("kind", "inputs", "wanted"),
    [
        ("ImpactSwitch", {"select": 1, "input1": ["1", 0], "input2": ["8", 0]}, NOTHING),
        ("ImpactSwitch", {"select": 2, "input1": ["1", 0], "input2": ["8", 0]}, AI),
        ("CR Image Input Switch", {"Input": 1, "image1": ["1", 0], "image2": ["8", 0]}, NOTHING),
        ("ComfySwitchNode", {"switch": False, "on_true": ["8", 0], "on_false": ["1", 0]}, NOTHING),
        ("ComfySwitchNode", {"switch": True, "on_true": ["8", 0], "on_false": ["1", 0]}, AI),
        ("Any Switch (rgthree)", {"any_01": ["1", 0], "any_02": ["8", 0]}, NOTHING),
        ("Any Switch (rgthree)", {"any_02": ["8", 0]}, AI),
        ("Reroute", {"": ["8", 0]}, AI),
        ("Any Passing Node", {"anything": ["8", 0]}, AI),
    ],
)
def test_links_are_followed_through_other_nodes(
    kind: str, inputs: dict[str, Any], wanted: tuple[Strength, Claim | None]
) -> None:
    graph = {
        **TEXT_TO_IMAGE,
        "1": EDITING["1"],
        "30": node(kind, **inputs),
        "9": node("SaveImage", images=["30", 0], filename_prefix="x"),
    }
    assert worth(graph) == wanted


@pytest.mark.parametrize("output", ["Save", "Hide&Save"])
def test_a_sampler_that_saves_by_itself_counts(output: str) -> None:
    pipe = {"1": node("easy a1111Loader", ckpt_name="x", positive="a lighthouse")}
    sampler = node("easy kSampler", pipe=["1", 0], image_output=output)
    assert worth({**pipe, "2": sampler}) == AI


@pytest.mark.parametrize(
    ("stages", "wanted"),
    [
        (("latent inputs", "sampling", "image saving"), AI),
        (("latent inputs", "none - skip", "image saving"), NOTHING),
        (("image saving", "sampling", "none - skip"), NOTHING),
    ],
)
def test_a_node_that_does_what_its_setting_says_counts_by_it(
    stages: tuple[str, ...], wanted: tuple[Strength, Claim | None]
) -> None:
    graph: Graph = {"0": node("SeargePipelineStart", wf_version="4.3")}
    for number, stage in enumerate(stages, 1):
        graph[str(number)] = node("SeargeMagicBox", data=[str(number - 1), 0], stage=stage)
    assert worth(graph) == wanted


# the editor's graph


def test_values_that_are_set_and_got_are_followed() -> None:
    workflow = edited(TEXT_TO_IMAGE)
    saver = next(each for each in workflow["nodes"] if each["type"] == "SaveImage")
    decoder = saver["inputs"][0]["link"]
    workflow["nodes"] += [
        {
            "id": 40,
            "type": "SetNode",
            "mode": 0,
            "inputs": [{"name": "IMAGE", "type": "IMAGE", "link": decoder}],
            "widgets_values": ["picture"],
        },
        {"id": 41, "type": "GetNode", "mode": 0, "widgets_values": ["picture"]},
    ]
    saver["inputs"][0]["link"] = 90
    workflow["links"].append([90, 41, 0, 9, 0, "IMAGE"])
    assert worth(None, workflow) == AI
    workflow["nodes"][-1]["widgets_values"] = ["another"]
    assert worth(None, workflow) == NOTHING


def subgraphed(slot: int) -> dict[str, Any]:
    """A saver fed by a subgraph: output 0 is sampled, output 1 is what went in."""
    inner = edited({key: TEXT_TO_IMAGE[key] for key in ("4", "5", "6", "7", "3", "8")})
    links = [
        {
            "id": number,
            "origin_id": origin,
            "origin_slot": slot,
            "target_id": target,
            "target_slot": into,
            "type": kind,
        }
        for number, origin, slot, target, into, kind in inner["links"]
    ]
    out = {"type": "IMAGE", "target_id": -20}
    links.append({"id": 70, "origin_id": 8, "origin_slot": 0, "target_slot": 0, **out})
    links.append({"id": 71, "origin_id": -10, "origin_slot": 0, "target_slot": 1, **out})
    definition = {"id": "a-subgraph", "name": "sampled", "nodes": inner["nodes"], "links": links}
    kind = {"name": "image", "type": "IMAGE"}
    return {
        "nodes": [
            {"id": 1, "type": "LoadImage", "mode": 0, "outputs": [kind]},
            {
                "id": 2,
                "type": "a-subgraph",
                "mode": 0,
                "inputs": [{**kind, "link": 1}],
                "outputs": [kind, kind],
            },
            {"id": 9, "type": "SaveImage", "mode": 0, "inputs": [{**kind, "link": 2}]},
        ],
        "links": [[1, 1, 0, 2, 0, "IMAGE"], [2, 2, slot, 9, 0, "IMAGE"]],
        "definitions": {"subgraphs": [definition]},
    }


def test_subgraphs_are_unfolded_output_by_output() -> None:
    assert worth(None, subgraphed(0)) == AI
    assert worth(None, subgraphed(1)) == NOTHING


@pytest.mark.parametrize("mode", [2, 4])
def test_a_subgraph_that_is_switched_off_does_not_count(mode: int) -> None:
    workflow = subgraphed(0)
    workflow["nodes"][1]["mode"] = mode
    assert worth(None, workflow) == NOTHING


def test_a_sampler_switched_off_in_a_subgraph_does_not_count() -> None:
    workflow = subgraphed(0)
    for each in workflow["definitions"]["subgraphs"][0]["nodes"]:
        if each["type"] == "KSampler":
            each["mode"] = 2
    assert worth(None, workflow) == NOTHING


def test_a_subgraph_of_itself_is_bounded() -> None:
    workflow = subgraphed(0)
    definition = workflow["definitions"]["subgraphs"][0]
    definition["nodes"] += [{"id": n, "type": "a-subgraph", "mode": 0} for n in range(100, 140)]
    assert worth(None, workflow)[1] in (None, Claim.AI)


@pytest.mark.parametrize("mark", ["workflow>", "workflow/"])
def test_a_group_node_counts_by_what_it_holds(mark: str) -> None:
    graph = {**TEXT_TO_IMAGE, "3": node(f"{mark}mine", latent_image=["5", 0])}
    workflow = edited(graph)
    assert worth(None, workflow) == NOTHING
    for kind, wanted in (("KSampler", AI), ("ImageScale", NOTHING)):
        workflow["extra"] = {"groupNodes": {"mine": {"nodes": [{"type": kind, "mode": 0}]}}}
        assert worth(None, workflow) == wanted


# details


def test_details_come_from_the_sampler_that_counts() -> None:
    other = node("KSampler", seed=9, steps=9, sampler_name="ddim", model=["4", 0])
    upscaler = node("UpscaleModelLoader", model_name="4x.pth")
    found = read(texts_of({"0": other, "01": upscaler, **TEXT_TO_IMAGE}))
    assert (found.details, found.prompt) == (DETAILS, "a lighthouse")


def test_details_of_custom_samplers_are_gathered() -> None:
    graph: Graph = {
        "1": node("UNETLoader", unet_name="flux.safetensors"),
        "2": node("PrimitiveStringMultiline", string="a lighthouse"),
        "3": node("CLIPTextEncode", text=["2", 0]),
        "4": node("BasicGuider", model=["1", 0], conditioning=["3", 0]),
        "5": node("RandomNoise", noise_seed=7),
        "6": node("KSamplerSelect", sampler_name="euler"),
        "7": node("BasicScheduler", model=["1", 0], steps=4, scheduler="simple", denoise=1.0),
        "8": node(
            "SamplerCustomAdvanced",
            noise=["5", 0],
            guider=["4", 0],
            sampler=["6", 0],
            sigmas=["7", 0],
            latent_image=["10", 0],
        ),
        "9": node("SaveImage", images=["11", 0], filename_prefix="x"),
        "10": node("EmptySD3LatentImage", width=512),
        "11": node("VAEDecode", samples=["8", 0]),
    }
    found = read(texts_of(graph))
    assert found.details == {
        "model": "flux.safetensors",
        "sampler": "euler",
        "seed": "7",
        "steps": "4",
    }
    assert found.prompt == "a lighthouse"


def test_a_large_graph_is_followed() -> None:
    large = {str(number): node("Note") for number in range(100, 2000)} | TEXT_TO_IMAGE
    found = read(texts_of(large))
    assert (found.details, found.claim) == (DETAILS, Claim.AI)
