"""ComfyUI: whether a sampler that ran made what was saved.

What counts is the graph that was executed, ``prompt``; where only the editor's ``workflow`` is
there, its nodes that are neither muted nor bypassed. An image is AI-made where every node that may
have saved it gets its pixels from a sampler, or from a node that makes an image of words. A graph
that loads, scales and saves says nothing of the origin.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from clipfake.metadata.generators.comfyui_graph import (
    Graph,
    Node,
    Source,
    chosen_links,
    edited_graph,
    executed_graph,
)
from clipfake.metadata.generators.comfyui_inputs import (
    FILE_SETTINGS,
    FOUR_INPUTS,
    LATENT_INPUTS,
    MODEL_INPUTS,
    NO_PIXEL_TYPES,
    NO_PIXELS,
    PIXEL_INPUTS,
    PIXEL_TYPES,
    SAMPLER_SETTINGS,
    UNWISHED_INPUTS,
    WORD_INPUTS,
)
from clipfake.metadata.generators.comfyui_nodes import (
    FIRST_OF,
    MAKERS,
    PREVIEWS,
    SAMPLERS,
    SAVERS,
    STAGED,
)
from clipfake.metadata.generators.found import Parameters, Texts, inner_object, json_object, plain
from clipfake.records import Claim, Strength

# EXIF tags that ComfyUI's WebP writer and savers of node packs fill, for want of text chunks
_TAGS = ("Make", "Model", "ImageDescription", "Software", "Artist", "UserComment")
_MAX_PROMPTS = 10
_MAX_SAMPLERS = 20  # whose settings are looked for
_MAX_VISITS = 2000  # nodes that feed one of them

_MODEL_NAMES = ("ckpt_name", "unet_name", "model_name", "model", "base_ckpt_name", "gguf_name")
_PROMPTS = (
    *("text", "prompt", "positive", "positive_prompt", "text_g", "text_l", "clip_l", "t5xxl"),
    *("wildcard_text", "populated_text", "string", "text1", "value"),
)


def read_graphs(texts: Texts) -> Iterator[Parameters]:
    """Graphs in PNG text and in the EXIF tags that ComfyUI's writers use."""
    held: dict[str, tuple[str, Graph]] = {}
    named = [(name, kind, text) for kind in _READERS for name, text in texts.find(f"png:{kind}")]
    for name, text in texts.find(*(f"exif:{tag}" for tag in _TAGS)):
        kind, _, rest = text.partition(":")
        named.append((name, kind.strip().lower(), rest))
    for name, kind, text in named:
        graph = _READERS[kind](json_object(text)) if kind in _READERS else {}
        if graph:
            held.setdefault(kind, (name, graph))
    yield from _judged(held)


def read_graph_object(values: Mapping[str, Any], name: str) -> Iterator[Parameters]:
    """Graphs in a JSON object: one itself, or under ``prompt`` and ``workflow``, as text or object.

    Civitai keeps the executed graph with ``extra`` and ``extraMetadata`` beside its nodes.
    """
    graphs = {kind: read(values) for kind, read in _READERS.items()}
    if not any(graphs.values()):
        folded = {key.lower(): value for key, value in values.items()}
        graphs = {kind: read(inner_object(folded.get(kind))) for kind, read in _READERS.items()}
    tool = "Civitai" if "extraMetadata" in values else "ComfyUI"
    yield from _judged({kind: (name, graph) for kind, graph in graphs.items() if graph}, tool)


_READERS: dict[str, Callable[[Mapping[str, Any]], Graph]] = {
    "prompt": executed_graph,
    "workflow": edited_graph,
}


def _judged(held: Mapping[str, tuple[str, Graph]], tool: str = "ComfyUI") -> Iterator[Parameters]:
    """What the executed graph says, or else the editor's."""
    if held:
        name, graph = held.get("prompt") or held["workflow"]
        samplers, strength, claim = origin_of(graph)
        details, prompt = _details(graph, samplers), _prompt(graph, samplers)
        yield Parameters(tool, name, details, prompt, strength, claim)


def origin_of(graph: Graph) -> tuple[list[str], Strength, Claim | None]:
    """Keys of the samplers that made what was saved, and what that is worth.

    Specific where all that may have been saved comes from samplers; weak where a part does, or
    where an unknown node makes an image of a prompt; without claim where nothing does.
    """
    fed = [_makers(graph, key) for key in _saved(graph)]
    samplers = list(dict.fromkeys(key for sure, _ in fed for key in sure))
    if fed and all(sure for sure, _ in fed):
        return samplers, Strength.SPECIFIC, Claim.AI
    if samplers or any(likely for _, likely in fed):
        return samplers, Strength.WEAK, Claim.AI
    return [], Strength.WEAK, None


def _saved(graph: Graph) -> list[str]:
    """Keys of the nodes that may have saved the image.

    Known savers, or else what takes pixels and feeds nothing: nodes of other names, previews,
    and where there are none of these, as in a service's graphs, the samplers themselves.
    """
    running = {key: node for key, node in graph.items() if node.through is None}
    saving = [key for key, node in running.items() if _saves(node)]
    if saving:
        return saving
    used = {source for node in graph.values() for source, _ in node.links.values()}
    used |= {
        source
        for node in graph.values()
        for sources in (node.through or {}).values()
        for source, _ in sources
    }
    ends = [key for key in running if key not in used]
    ends = [key for key in ends if running[key].kind in PREVIEWS or _takes_pixels(running[key])]
    shown = [key for key in ends if running[key].kind in PREVIEWS]
    makers = [key for key in ends if running[key].kind in MAKERS or samples(running[key])]
    others = [key for key in ends if key not in shown and key not in makers]
    return others or shown or makers  # a sampler that feeds nothing runs only where all end so


def _stage(node: Node) -> tuple[bool, bool]:
    """Whether a node samples and whether it saves, of the types that a setting tells."""
    name, samples_by, saves_by = STAGED.get(node.kind, ("", "", ""))
    value = plain(node.values.get(name))
    return bool(value) and value == samples_by, bool(value) and value == saves_by


def _saves(node: Node) -> bool:
    if node.kind in SAVERS or _stage(node)[1]:
        return True
    output = plain(node.values.get("image_output"))
    if "save" in output.lower():  # samplers of node packs that save by themselves
        return True
    pixels = not PIXEL_INPUTS.isdisjoint(node.links)
    return pixels and not FILE_SETTINGS.isdisjoint(node.values) and node.kind not in PREVIEWS


def _takes_pixels(node: Node) -> bool:
    return node.kind in MAKERS or samples(node) or not PIXEL_INPUTS.isdisjoint(node.links)


def samples(node: Node) -> bool:
    """Whether a node runs a diffusion model: by its name, or by what it takes."""
    if node.kind in SAMPLERS or not SAMPLERS.isdisjoint(node.within):
        return bool(node.links)
    if node.kind in STAGED:
        return _stage(node)[0]
    names = set(node.links)
    if names >= FOUR_INPUTS:
        return True
    if node.makes:  # the editor's graph names no settings, but types
        return (
            node.makes <= PIXEL_TYPES
            and bool(names & MODEL_INPUTS and names & WORD_INPUTS and names & LATENT_INPUTS)
            and node.widgets >= 4
        )
    return bool(
        names & MODEL_INPUTS
        and names & WORD_INPUTS
        and names & LATENT_INPUTS
        and len(SAMPLER_SETTINGS & set(node.values)) >= 2
        and "steps" in set(node.values) | names
    )


def _idle(node: Node) -> bool:
    """A sampler that leaves its latents as they are."""
    return any(node.values.get(name) in (0, 0.0) for name in ("denoise", "steps")) and not any(
        isinstance(node.values.get(name), bool) for name in ("denoise", "steps")
    )


def _pixel_links(node: Node) -> list[tuple[Source, bool]]:
    """Sources of what may be pixels, and whether they are such by the input's name."""
    return [
        (source, name.lower() in PIXEL_INPUTS)
        for name, source in chosen_links(node, FIRST_OF).items()
        if name.lower() not in NO_PIXELS and node.types.get(name) not in NO_PIXEL_TYPES
    ]


def _makers(graph: Graph, saver: str) -> tuple[list[str], bool]:
    """Samplers and the like whose pixels reach a node, and whether another node may be one."""
    sure: list[str] = []
    likely = False
    seen: set[Source] = set()
    waiting: list[tuple[Source, bool]] = [((saver, 0), False)]
    while waiting:
        source, pixels = waiting.pop()
        node = graph.get(source[0])
        if source in seen or node is None:
            continue
        seen.add(source)
        if node.through is not None:
            waiting += [(each, pixels) for each in node.through.get(source[1], [])]
        elif node.kind in MAKERS or (samples(node) and not _idle(node)):
            sure.append(source[0])
        else:
            likely |= pixels and _asks(node)
            waiting += _pixel_links(node)
    return sure, likely


def _asks(node: Node) -> bool:
    """A node of no known name that has a prompt and no image: it may make one of the words."""
    worded = "prompt" in node.values or "prompt" in node.links
    return worded and "seed" in node.values and PIXEL_INPUTS.isdisjoint(node.links)


def _upstream(graph: Graph, start: str, passed_over: frozenset[str]) -> Iterator[Node]:
    """Nodes that feed one, itself first, the nearer before the farther."""
    seen: set[str] = set()
    waiting: deque[str] = deque([start])
    while waiting and len(seen) < _MAX_VISITS:
        key = waiting.popleft()
        node = graph.get(key)
        if key in seen or node is None:
            continue
        seen.add(key)
        yield node
        for sources in (node.through or {}).values():
            waiting += [source for source, _ in sources]
        waiting += [s for name, (s, _) in node.links.items() if name not in passed_over]


def _details(graph: Graph, samplers: list[str]) -> dict[str, str]:
    """Model, sampler, seed and steps of the samplers, the first that has them."""
    details: dict[str, str] = {}
    wanted = {"sampler_name": "sampler", "seed": "seed", "noise_seed": "seed", "steps": "steps"}
    for key in samplers[:_MAX_SAMPLERS]:
        models: dict[str, str] = {}
        for node in _upstream(graph, key, frozenset()):
            for name, detail in wanted.items():
                if plain(node.values.get(name)):
                    details.setdefault(detail, plain(node.values[name]))
            for name in _MODEL_NAMES:
                if plain(node.values.get(name)):
                    models.setdefault(name, plain(node.values[name]))
        for name in _MODEL_NAMES:
            if name in models:
                details.setdefault("model", models[name])
        if len(details) == 4:
            break
    return {
        name: details[name] for name in ("model", "sampler", "seed", "steps") if name in details
    }


def _prompt(graph: Graph, samplers: list[str]) -> str:
    """Words that reach the samplers, but by the negative conditioning."""
    words: dict[str, None] = {}
    for key in samplers[:_MAX_SAMPLERS]:
        for node in _upstream(graph, key, UNWISHED_INPUTS):
            texts = [node.values.get(name) for name in _PROMPTS]
            words |= {each.strip(): None for each in texts if isinstance(each, str)}
            if len(words) > _MAX_PROMPTS:
                break
    return ", ".join(list(filter(None, words))[:_MAX_PROMPTS])
