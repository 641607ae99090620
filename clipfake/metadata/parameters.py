"""Generation parameters that image generators write beside their pixels.

Formats with a kept reader go through ``sd-parsers``; the rest are told by their own fields. A
format counts only in the field that its program writes it to.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sd_parsers.data import PromptInfo
from sd_parsers.exceptions import ParserError
from sd_parsers.parsers import (
    AUTOMATIC1111Parser,
    ComfyUIParser,
    FooocusParser,
    InvokeAIParser,
    NovelAIParser,
    Parser,
)

from clipfake.errors import ImageError

MAX_JSON = 4 * 2**20  # characters; workflows have some hundred thousand
# what sd-parsers is given, for it takes time by the square of a text and the cube of a graph
_MAX_LINE = 2**16
_MAX_DREAM = 4000
_MAX_SOURCE = 200
_MAX_NODES = 1000
_MAX_LINKS = 5000
_MAX_SAMPLERS = 3
_STEPS = re.compile(r"\bSteps: *\d+")
_SETTINGS = re.compile(r"\b(Sampler|CFG scale|Seed|Size|Model hash|Denoising strength): ")
_FIELD = re.compile(
    r"(?:^|, )(Steps|Seed|Size|Model|Model hash|Sampler|Version): *([^,\n]*)", re.MULTILINE
)
_QUOTED = re.compile(r'"[^"\n]*"')
_JOB = re.compile(r"\bJob ID: [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_XAI_SIGNATURE = re.compile(r"Signature: [A-Za-z0-9+/=]{40,}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# node types of ComfyUI that make an image; others only change one
_GENERATES = re.compile(r"(?i:sampler|generat|text.?to.?image)|API|Api")
_MIDJOURNEY_FLAGS = re.compile(r" --(v|ar|niji|stylize|s|chaos|style) \S")


@dataclass
class Parameters:
    """What a generator wrote.

    Attributes:
        tool: name of the program or service.
        origin: the text that said so, a key of the texts that were read.
        details: model, model_hash, seed, size, sampler, steps, version, where known.
        prompt: what was asked for.
        sure: whether the text can come from a generated image alone; a ComfyUI graph without a
            sampler may only have resized a photograph.
    """

    tool: str
    origin: str
    details: dict[str, str] = field(default_factory=dict)
    prompt: str = ""
    sure: bool = True


def read_parameters(texts: Mapping[str, str]) -> list[Parameters]:
    """Recognise generators by the texts of a file.

    Args:
        texts: by field, ``png:KEYWORD``, ``exif:TAG``, ``xmp:NAME`` or ``stealth:KEYWORD``.

    Returns:
        One entry a generator that is recognised, the surest first.
    """
    found = [each for reader in _READERS for each in reader(texts)]
    return sorted(found, key=lambda each: not each.sure)


def _automatic(texts: Mapping[str, str]) -> Iterator[Parameters]:
    """AUTOMATIC1111's line and its kin: Forge, stable-diffusion.cpp, Civitai, Fooocus."""
    for name in ("png:parameters", "exif:UserComment", "stealth:parameters"):
        text = texts.get(name, "")
        if not _STEPS.search(text) or not _SETTINGS.search(text):
            continue
        details: dict[str, str] = {}
        for key, value in _FIELD.findall(_QUOTED.sub('""', text)):  # ControlNet quotes its own
            if value.strip():
                details.setdefault(key.lower().replace(" ", "_"), value.strip())
        short = len(text) <= _MAX_LINE
        info = _parsed(AUTOMATIC1111Parser, {"parameters": text}) if short else None
        prompt = text[: text.find("Steps:")].split("Negative prompt:")[0].strip()
        yield Parameters(
            _dialect(text, details.get("version", "")),
            name,
            {**_details(info), **details},
            _full_prompt(info) or prompt,
        )


def _dialect(text: str, version: str) -> str:
    if "Civitai resources:" in text or "Civitai metadata:" in text:
        return "Civitai"
    if version.startswith("f") or "neo" in version:
        return "Forge"
    for name in ("Fooocus", "stable-diffusion.cpp", "SD.Next", "Draw Things", "ComfyUI"):
        if name.lower() in version.lower():
            return name
    return "AUTOMATIC1111"


def _json_parameters(texts: Mapping[str, str]) -> Iterator[Parameters]:
    """JSON under the same keyword: Fooocus and SwarmUI."""
    for name in ("png:parameters", "exif:UserComment", "stealth:parameters"):
        values = _object(texts.get(name, ""))
        swarm = values.get("sui_image_params")
        if isinstance(swarm, dict):
            yield Parameters("SwarmUI", name, _named(swarm), _plain(swarm.get("prompt")))
        elif "base_model" in values and "sampler" in values:
            info = _parsed(FooocusParser, {"parameters": texts[name]})
            details = _named(values) | _details(info)
            yield Parameters("Fooocus", name, details, _plain(values.get("prompt")))
        elif "use_stable_diffusion_model" in values:
            yield _easy_diffusion(values, name)
    if "png:use_stable_diffusion_model" in texts:
        values = {key.removeprefix("png:"): text for key, text in texts.items()}
        yield _easy_diffusion(values, "png:use_stable_diffusion_model")


def _easy_diffusion(values: Mapping[str, Any], name: str) -> Parameters:
    details = _named({**values, "model": values["use_stable_diffusion_model"]})
    return Parameters("Easy Diffusion", name, details, _plain(values.get("prompt")))


def _comfyui(texts: Mapping[str, str]) -> Iterator[Parameters]:
    """ComfyUI's graph, in PNG text or in the EXIF tags that its WebP and JPEG writers use."""
    graphs: dict[str, tuple[str, dict[str, Any]]] = {}
    for name in ("png:prompt", "png:workflow", "exif:Make", "exif:Model", "exif:ImageDescription"):
        text = texts.get(name, "")
        kind, colon, rest = text.partition(":")
        if name.startswith("exif:") and (not colon or kind.lower() not in ("prompt", "workflow")):
            continue
        kind = kind.lower() if name.startswith("exif:") else name.removeprefix("png:")
        graph = _object(rest if name.startswith("exif:") else text)
        if graph:
            graphs[kind] = (name, graph)
    nodes: list[Mapping[str, Any]] = []
    if "prompt" in graphs:
        nodes += [node for node in graphs["prompt"][1].values() if isinstance(node, dict)]
        nodes = [node for node in nodes if "class_type" in node and "inputs" in node]
    if "workflow" in graphs:
        listed = graphs["workflow"][1].get("nodes")
        nodes += [n for n in listed if isinstance(n, dict)] if isinstance(listed, list) else []
    kinds = [_plain(node.get("class_type", node.get("type"))) for node in nodes]
    if not kinds:
        return
    name, graph = graphs.get("prompt") or graphs["workflow"]
    workflow = graphs["workflow"][1] if "workflow" in graphs else {}
    info = _followed(graph, workflow.get("links"))
    generates = any(_GENERATES.search(kind) for kind in kinds)
    details = {**_loaded(nodes), **_details(info)}
    yield Parameters("ComfyUI", name, details, _full_prompt(info), sure=generates)


def _followed(graph: Mapping[str, Any], links: object) -> PromptInfo | None:
    """What sd-parsers finds by following a graph's links from its first samplers."""
    links = links if isinstance(links, list) else []
    if len(graph) > _MAX_NODES or len(links) > _MAX_LINKS:
        return None
    samplers = [key for key, node in graph.items() if "sampler_name" in _inputs(node)]
    kept = {key: node for key, node in graph.items() if key not in samplers[_MAX_SAMPLERS:]}
    return _parsed(ComfyUIParser, {"prompt": kept, "workflow": {"links": links}})


def _inputs(node: object) -> Mapping[str, Any]:
    inputs = node.get("inputs") if isinstance(node, dict) else None
    return inputs if isinstance(inputs, dict) else {}


def _loaded(nodes: list[Mapping[str, Any]]) -> dict[str, str]:
    """Model and seed straight from a graph's inputs, for graphs that the parser cannot follow."""
    details: dict[str, str] = {}
    wanted = {"ckpt_name": "model", "unet_name": "model", "model_name": "model"}
    wanted |= {"seed": "seed", "noise_seed": "seed", "steps": "steps"}
    for node in nodes:
        for key, value in _inputs(node).items():
            if key in wanted and _plain(value):
                details.setdefault(wanted[key], _plain(value))
    return details


def _invokeai(texts: Mapping[str, str]) -> Iterator[Parameters]:
    names = ("invokeai_metadata", "invokeai_graph", "sd-metadata", "Dream")
    held = {name: texts[f"png:{name}"] for name in names if f"png:{name}" in texts}
    if not held:
        return
    if "Dream" in held:
        held["Dream"] = held["Dream"][:_MAX_DREAM]
    info = _parsed(InvokeAIParser, held)
    name = next(iter(held))
    values = _object(held[name])
    if info is None and not values:
        return
    model = values.get("model")
    details = _named(values) | _details(info)
    if isinstance(model, dict) and isinstance(model.get("name"), str):
        details["model"] = model["name"]
    prompt = _full_prompt(info) or _plain(values.get("positive_prompt"))
    yield Parameters("InvokeAI", f"png:{name}", details, prompt)


def _novelai(texts: Mapping[str, str]) -> Iterator[Parameters]:
    for prefix in ("png", "stealth"):
        if texts.get(f"{prefix}:Software") != "NovelAI":
            continue
        names = ("Comment", "Description", "Source")
        held = {name: texts[f"{prefix}:{name}"] for name in names if f"{prefix}:{name}" in texts}
        if "Source" in held:
            held["Source"] = held["Source"][:_MAX_SOURCE]
        info = _parsed(NovelAIParser, held)
        details = _named(_object(held.get("Comment", ""))) | _details(info)
        prompt = held.get("Description", "")
        yield Parameters("NovelAI", f"{prefix}:Software", details, prompt)


def _draw_things(texts: Mapping[str, str]) -> Iterator[Parameters]:
    """Draw Things writes JSON to XMP's exif:UserComment."""
    values = _object(texts.get("xmp:UserComment", ""))
    if "c" in values and "sampler" in values and "steps" in values:
        yield Parameters("Draw Things", "xmp:UserComment", _named(values), _plain(values["c"]))


def _midjourney(texts: Mapping[str, str]) -> Iterator[Parameters]:
    for name in ("png:Description", "exif:ImageDescription", "xmp:description"):
        text = texts.get(name, "")
        if _JOB.search(text):
            flags = _MIDJOURNEY_FLAGS.search(text)
            prompt = text[: flags.start() if flags else text.find("Job ID:")].strip()
            version = re.search(r" --(?:v|niji) (\S+)", text)
            details = {"version": version.group(1)} if version else {}
            yield Parameters("Midjourney", name, details, prompt)


def _grok(texts: Mapping[str, str]) -> Iterator[Parameters]:
    """XAI signs in ImageDescription and puts a UUID into Artist."""
    signature, artist = texts.get("exif:ImageDescription", ""), texts.get("exif:Artist", "")
    if _XAI_SIGNATURE.fullmatch(signature) and _UUID.fullmatch(artist):
        yield Parameters("Grok", "exif:ImageDescription")


# names that programs and services write of themselves, in the field for that
_TOOLS = {
    re.compile(pattern, re.I): name
    for pattern, name in {
        r"adobe firefly\b": "Adobe Firefly",
        r"ideogram( ai)?\b": "Ideogram",
        r"midjourney\b": "Midjourney",
        r"novelai\b": "NovelAI",
        r"invokeai\b": "InvokeAI",
        r"comfyui\b": "ComfyUI",
        r"draw things\b": "Draw Things",
        r"(black forest labs|flux\.1?\b)": "FLUX",
        r"stable diffusion\b": "Stable Diffusion",
        r"stability ai\b": "Stability AI",
        r"dall[-.·e ]*e ?[23]\b": "DALL-E",
        r"(openai|chatgpt|gpt-image)\b": "OpenAI",
        r"(google )?(gemini|imagen)\b": "Google",
        r"leonardo\.ai\b": "Leonardo",
        r"recraft\b": "Recraft",
        r"bing image creator\b": "Bing Image Creator",
        r"diffusionbee\b": "DiffusionBee",
        r"fooocus\b": "Fooocus",
        r"mflux\b": "mflux",
        r"seedream\b": "Seedream",
    }.items()
}
_TOOL_FIELDS = ("exif:Software", "exif:Make", "exif:Model", "png:Software", "xmp:CreatorTool")


def _signed(texts: Mapping[str, str]) -> Iterator[Parameters]:
    """A generator's own name in the field for the program that made the file."""
    for name in _TOOL_FIELDS:
        text = texts.get(name, "")
        for pattern, tool in _TOOLS.items():
            if pattern.match(text):
                yield Parameters(tool, name)
                break
    if texts.get("exif:UserComment") == "Made with OpenAI Labs":
        yield Parameters("DALL-E 2 (OpenAI Labs)", "exif:UserComment")
    if re.match(r"OpenAI--ImageGeneration--", texts.get("exif:MakerNote", "")):
        yield Parameters("OpenAI", "exif:MakerNote")


_READERS: tuple[Callable[[Mapping[str, str]], Iterator[Parameters]], ...] = (
    _automatic,
    _json_parameters,
    _comfyui,
    _invokeai,
    _novelai,
    _draw_things,
    _midjourney,
    _grok,
    _signed,
)


def _parsed(parser: type[Parser], texts: dict[str, Any]) -> PromptInfo | None:
    """What sd-parsers makes of texts; None where it fails."""
    try:
        return parser().parse(texts)
    except ParserError:
        return None
    except ImageError:  # a time limit
        raise
    except Exception:  # odd graphs make it raise whatever their values lead to
        return None


def _full_prompt(info: PromptInfo | None) -> str:
    found = [each for sampler in (info.samplers if info else ()) for each in sampler.prompts]
    return ", ".join(dict.fromkeys(filter(None, (_plain(each.value) for each in found))))


def _plain(value: object) -> str:
    """A text or a number as text; anything else as none."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    return str(value)


def _details(info: PromptInfo | None) -> dict[str, str]:
    """Model, sampler, seed and steps of a parsed text."""
    details: dict[str, str] = {}
    for sampler in info.samplers if info else ():
        found = {key: sampler.parameters.get(key) for key in ("seed", "steps")}
        found["sampler"] = sampler.name
        if sampler.model is not None:
            found |= {"model": sampler.model.name, "model_hash": sampler.model.hash}
        for key, value in found.items():
            if _plain(value):
                details.setdefault(key, _plain(value))
    return details


def _named(values: Mapping[str, Any]) -> dict[str, str]:
    """Settings that have the same name in every JSON dialect."""
    details = {}
    for key in ("model", "seed", "steps", "sampler", "size", "base_model"):
        value = _plain(values.get(key))
        if value:
            details["model" if key == "base_model" else key] = value
    if isinstance(values.get("width"), int) and isinstance(values.get("height"), int):
        details.setdefault("size", f"{values['width']}x{values['height']}")
    return details


def _object(text: str) -> dict[str, Any]:
    """A JSON object, or an empty one for any other text."""
    if not text.lstrip().startswith("{") or len(text) > MAX_JSON:
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
