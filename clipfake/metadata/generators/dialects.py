"""JSON that generators write of their settings, each in its own dialect."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from sd_parsers.data import PromptInfo
from sd_parsers.exceptions import ParserError
from sd_parsers.parsers import FooocusParser, InvokeAIParser, NovelAIParser, Parser

from clipfake.errors import ImageError
from clipfake.metadata.generators.comfyui import read_graph_object
from clipfake.metadata.generators.found import (
    UNNAMED,
    Parameters,
    Texts,
    inner_object,
    json_object,
    plain,
)
from clipfake.metadata.generators.names import generator_named
from clipfake.records import Claim, Strength

FIELDS = (
    *("png:parameters", "png:Comment", "png:generation_data", "png:metadata"),
    "png:parameters-json",
    *("exif:UserComment", "xmp:UserComment"),
    *("stealth:parameters", "comment"),
)
# what sd-parsers is given, for it takes time by the square of a text
_MAX_DREAM = 4000
_MAX_SOURCE = 200
# one setting under the names that programs give it, without case, dashes, dots and underscores
_SETTINGS = {
    "prompt": ("prompt", "positiveprompt", "fullprompt", "positive", "c"),
    "steps": ("steps", "numinferencesteps", "inferencesteps", "samplingsteps", "numsteps"),
    "seed": ("seed", "noiseseed", "randomseed"),
    "guidance": (
        *("cfgscale", "cfg", "guidancescale", "guidance", "guidancestrength", "scale"),
        "distilledcfgscale",
    ),
    "sampler": ("sampler", "samplername", "scheduler", "samplingmethod"),
    "model": (
        *("model", "basemodel", "modelname", "basemodelname", "modelweights", "sdmodel"),
        *("usestablediffusionmodel", "stablediffusionmodel", "checkpoint", "modelid", "ckptname"),
    ),
    "model_hash": ("modelhash", "basemodelhash"),
    "version": ("version", "mfluxversion", "appversion"),
}
_SIGNATURES = ("software", "generator", "app", "tool", "program", "version", "engine")
_INVOKEAI_FIELDS = ("invokeai_metadata", "sd-metadata", "Dream", "invokeai_graph")
# node types of InvokeAI's graphs that sample
_INVOKEAI_SAMPLES = re.compile(
    r"(?:flux_|sd3_|cogview4_|z_image_|flux2_|qwen_image_)?(?:denoise|denoise_latents)(?:_meta)?"
    r"|t2l|l2l|txt2img|img2img|inpaint|chatgpt_4o_.+|imagen3_.+|imagen4_.+|flux_kontext_.+"
)


def read_dialects(texts: Texts) -> Iterator[Parameters]:
    """Settings as JSON, in the fields that programs write them to."""
    for name, text in texts.find(*FIELDS):
        values = json_object(text)
        if values:
            yield from read_object(values, name)
    for name, text in texts.find("exif:Model"):  # where SwarmUI once wrote in JPEG
        swarm = json_object(text).get("sui_image_params")
        if isinstance(swarm, dict):
            yield Parameters("SwarmUI", name, _settings(swarm), plain(swarm.get("prompt")))
    yield from _invokeai(texts.starting("png:"), "png:")
    named = texts.starting("png:")  # a setting each
    tool = _program(named)
    if tool:
        marks = (*_SETTINGS["model"], "seed", "steps")
        name = "png:" + next(key for mark in marks for key in named if _folded(key) == mark)
        yield Parameters(tool, name, _settings(named), plain(_named(named).get("prompt")))
    told = any(name in named for name in ("Comment", "Description", "Source"))
    if told and named.get("Software", "").strip() == "NovelAI":
        yield _novelai(named, "png:Software")


def read_object(values: Mapping[str, Any], name: str) -> Iterator[Parameters]:
    """Settings of one JSON object, by the marks of the program that writes such.

    Args:
        values: the object.
        name: of the field that it stands in.
    """
    graphs = list(read_graph_object(values, name))
    if graphs:
        yield from graphs
        return
    if any(field in values for field in _INVOKEAI_FIELDS):
        yield from _invokeai({key: _text(value) for key, value in values.items()}, "", name)
        return
    for wrapper in ("generation_data", "parameters"):  # of what was a chunk's text
        values = inner_object(values.get(wrapper)) or values
    swarm = values.get("sui_image_params")
    if isinstance(swarm, dict):
        yield Parameters("SwarmUI", name, _settings(swarm), plain(swarm.get("prompt")))
    elif plain(values.get("Software")) == "NovelAI" or _is_novelai(values):
        yield _novelai(values, name)
    elif "base_model" in values and "sampler" in values and "prompt" in values:
        info = parsed(FooocusParser, {"parameters": _dumped(values)})
        details = _settings(values) | parsed_details(info)
        yield Parameters("Fooocus", name, details, plain(values.get("prompt")))
    else:
        tool = _program(values)
        if tool:
            prompt = plain(_named(values).get("prompt"))
            yield Parameters(tool, name, _settings(values), prompt)


def _program(values: Mapping[str, Any]) -> str | None:
    """The program of a plain object of settings; None where it is no such object."""
    if "use_stable_diffusion_model" in values or "Stable Diffusion model" in values:
        return "Easy Diffusion"
    named = _named(values)
    known = [key for key in ("steps", "seed", "guidance") if plain(named.get(key))]
    if isinstance(values.get("c"), str) and {"sampler", "steps"} <= set(values) and len(known) > 1:
        return "Draw Things"
    if "mflux_version" in values and len(known) >= 2:
        return "mflux"
    sampled = isinstance(named.get("prompt"), str) and len(known) == 3
    if not sampled and len(known) < 2:
        return None
    folded = {_folded(key): value for key, value in values.items()}
    for key in _SIGNATURES:
        tool = generator_named(plain(folded.get(key)))
        if tool:
            return "RuinedFooocus" if plain(folded[key]) == "RuinedFooocus" else tool
    if "workEngine" in values and "samplerName" in values:
        return "Tensor.Art"
    if sampled and ("sampler" in named or "model" in named):
        return "Tensor.Art" if "samplerName" in values and "baseModel" in values else UNNAMED
    return None


def _folded(key: str) -> str:
    return re.sub(r"[\s_.\-]", "", key).lower()


def _named(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by their usual names."""
    folded: dict[str, Any] = {}
    for key, value in values.items():
        folded.setdefault(_folded(key), value)
    return {
        name: next(folded[variant] for variant in variants if variant in folded)
        for name, variants in _SETTINGS.items()
        if any(variant in folded for variant in variants)
    }


def _settings(values: Mapping[str, Any]) -> dict[str, str]:
    """Details of settings that have much the same names in every dialect."""
    named = _named(values)
    details = {}
    for key in ("model", "model_hash", "seed", "steps", "sampler", "version"):
        value = named.get(key)
        if isinstance(value, dict):  # InvokeAI and Tensor.Art describe models by objects
            value = value.get("name") or value.get("model_name") or value.get("label")
        if plain(value):
            details[key] = plain(value)
    if plain(values.get("size")):
        details["size"] = plain(values["size"])
    if isinstance(values.get("width"), int) and isinstance(values.get("height"), int):
        details.setdefault("size", f"{values['width']}x{values['height']}")
    return details


def _is_novelai(values: Mapping[str, Any]) -> bool:
    """NovelAI's settings, alone or in the ``Comment`` of an object."""
    inner = inner_object(values.get("Comment")) or values
    return ("uc" in inner or "v4_prompt" in inner) and {
        "prompt",
        "steps",
        "seed",
        "noise_schedule",
    } <= set(inner)


def _novelai(values: Mapping[str, Any], name: str) -> Parameters:
    inner = inner_object(values.get("Comment")) or (values if "uc" in values else {})
    held = {
        key: plain(values[key]) for key in ("Comment", "Description", "Source") if key in values
    }
    if "Source" in held:
        held["Source"] = held["Source"][:_MAX_SOURCE]
    details = _settings(inner) | parsed_details(parsed(NovelAIParser, held))
    details.pop("version", None)  # of the format
    return Parameters(
        "NovelAI", name, details, held.get("Description", "") or plain(inner.get("prompt"))
    )


def _invokeai(
    held: Mapping[str, str], prefix: str, origin: str | None = None
) -> Iterator[Parameters]:
    """InvokeAI's settings, or the graph that it ran.

    Args:
        held: texts by keyword.
        prefix: of the keywords in the names of fields.
        origin: the field that they all stand in, where they do not stand in fields of their own.
    """
    texts = {name: held[name] for name in _INVOKEAI_FIELDS if held.get(name)}
    if not texts:
        return
    if "Dream" in texts:
        texts["Dream"] = texts["Dream"][:_MAX_DREAM]
    info = parsed(InvokeAIParser, dict(texts))
    name = next(iter(texts))
    values = json_object(texts[name])
    image = values.get("image")
    sampled = (
        info is not None
        or _invokeai_samples(json_object(texts.get("invokeai_graph", "")))
        or any(
            key in each
            for key in ("positive_prompt", "prompt", "generation_mode", "model_weights")
            for each in (values, image if isinstance(image, dict) else {})
        )
    )
    if not values and not sampled:
        return
    details = _settings(values) | parsed_details(info)
    model = values.get("model")
    if isinstance(model, dict) and isinstance(model.get("name"), str):
        details["model"] = model["name"]
    details.pop("version", None)
    yield Parameters(
        "InvokeAI",
        origin or f"{prefix}{name}",
        details if sampled else {},
        full_prompt(info) or plain(values.get("positive_prompt")),
        Strength.SPECIFIC if sampled else Strength.WEAK,
        Claim.AI if sampled else None,
    )


def _invokeai_samples(graph: Mapping[str, Any]) -> bool:
    nodes = graph.get("nodes")
    listed = nodes.values() if isinstance(nodes, dict) else nodes if isinstance(nodes, list) else ()
    return any(
        isinstance(node, dict) and _INVOKEAI_SAMPLES.fullmatch(plain(node.get("type")))
        for node in listed
    )


def _text(value: object) -> str:
    return _dumped(value) if isinstance(value, dict) else plain(value)


def _dumped(value: object) -> str:
    try:
        return json.dumps(value)
    except (ValueError, RecursionError):
        return ""


def parsed(parser: type[Parser], texts: dict[str, Any]) -> PromptInfo | None:
    """What sd-parsers makes of texts; None where it fails."""
    try:
        return parser().parse(texts)
    except ParserError:
        return None
    except ImageError:  # a time limit
        raise
    except Exception:  # odd values make it raise whatever they lead to
        return None


def full_prompt(info: PromptInfo | None) -> str:
    """The prompts of a parsed text, each once."""
    found = [each for sampler in (info.samplers if info else ()) for each in sampler.prompts]
    return ", ".join(dict.fromkeys(filter(None, (plain(each.value) for each in found))))


def parsed_details(info: PromptInfo | None) -> dict[str, str]:
    """Model, sampler, seed and steps of a parsed text."""
    details: dict[str, str] = {}
    for sampler in info.samplers if info else ():
        found = {key: sampler.parameters.get(key) for key in ("seed", "steps")}
        found["sampler"] = sampler.name
        if sampler.model is not None:
            found |= {"model": sampler.model.name, "model_hash": sampler.model.hash}
        for key, value in found.items():
            if plain(value):
                details.setdefault(key, plain(value))
    return details
