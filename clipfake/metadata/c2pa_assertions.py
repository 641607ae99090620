"""What the assertions of a C2PA manifest say of the image's origin (C2PA 2.2, section 18)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from clipfake.metadata.generators.names import generator_named
from clipfake.metadata.json_values import as_object, as_objects, as_text
from clipfake.metadata.source_types import SOURCE_TYPES, source_type
from clipfake.records import Claim

_MAX_DEPTH = 4
# IPTC metadata as JSON-LD, of the standard and of its predecessors
_METADATA = ("c2pa.metadata", "cawg.metadata", "stds.iptc", "stds.iptc.photo-metadata")
_GENERATIVE = "com.adobe.generative-ai"  # of Firefly's first year: model, version, prompt
# actions that leave the image what it was before, or say what it was: their type is that of all
_WHOLE = (
    "c2pa.created",
    "c2pa.opened",
    "c2pa.converted",
    "c2pa.published",
    "c2pa.repackaged",
    "c2pa.transcoded",
)
_CHANGES = ("c2pa.opened", "c2pa.edited", "c2pa.placed")
# what stands for something else than the image: its ingredients
_OTHERS = ("ingredient", "ingredients", "ingredientids", "related")
# whole descriptions, which services gave where they gave no source type
_MADE = re.compile(
    r"(?:ai[ -]generated image|created by google generative ai|created using generative ai)\.?",
    re.I,
)
_AZURE = re.compile(
    r"(?:microsoft )?azure openai (?:dall[-· ]?e|image ?gen|gpt[- ]image)(?:[ -]?\d+(?:\.\d+)*)?",
    re.I,
)


class Statement(NamedTuple):
    """What an assertion says.

    Attributes:
        key: of the fact.
        value: of the fact.
        claim: what it says of the image's origin, if anything.
    """

    key: str
    value: str
    claim: Claim | None


def statements(manifest: Mapping[str, Any]) -> Iterator[Statement]:
    """What a manifest's actions, metadata and early vendors' assertions say.

    AI is claimed by digital source types of IPTC, wherever an action keeps them, and without one
    by the whole name of a generator or a documented description of what was created.
    """
    for assertion in as_objects(manifest.get("assertions")):
        label = as_text(assertion.get("label")).partition("__")[0]
        data = as_object(assertion.get("data"))
        if label.startswith("c2pa.actions"):
            yield from _actions(data, _claim_generators(manifest))
        elif label == _GENERATIVE and as_text(data.get("description")).strip():
            named = [label, as_text(data["description"]), as_text(data.get("version"))]
            claim = Claim.COMPOSITE if _is_changed(manifest) else Claim.AI
            yield Statement("c2pa.assertion", ", ".join(filter(None, named)), claim)
        elif label in _METADATA:
            for code in _source_types(data):
                yield Statement("c2pa.assertion", f"{label}, {code}", SOURCE_TYPES[code])


def _actions(data: Mapping[str, Any], makers: Sequence[str]) -> Iterator[Statement]:
    templates = {as_text(each.get("action")): each for each in as_objects(data.get("templates"))}
    agents = as_objects(data.get("softwareAgents"))
    for action in as_objects(data.get("actions")):
        name = as_text(action.get("action"))
        fallback = templates.get(name, templates.get("*", {}))
        agent = action.get("softwareAgent", fallback.get("softwareAgent"))
        index = action.get("softwareAgentIndex", fallback.get("softwareAgentIndex"))
        if agent is None and isinstance(index, int) and 0 <= index < len(agents):
            agent = agents[index]
        known = next((c for part in (action, agent, fallback) for c in _source_types(part)), None)
        agent_name = as_text(as_object(agent).get("name")) or as_text(agent)
        description = as_text(action.get("description"))
        claim = SOURCE_TYPES[known] if known else None
        # an edit by a model leaves the rest of the picture what it was
        if claim is Claim.AI and name not in _WHOLE:
            claim = Claim.COMPOSITE
        if name == "c2pa.created" and not _states_a_type(action) and known is None:
            # who made the claim is who did what no agent is named for
            names = [agent_name] if agent_name else makers
            claim = Claim.AI if any(map(_is_generator, names)) or _made(description) else None
        parts = [name, known, agent_name, description]
        yield Statement("c2pa.action", ", ".join(filter(None, parts)), claim)


def _claim_generators(manifest: Mapping[str, Any]) -> list[str]:
    """Names of the programs that made the claim: its list, or the first of its products."""
    listed = as_objects(manifest.get("claim_generator_info"))
    product = as_text(manifest.get("claim_generator")).partition(" ")[0].partition("/")[0]
    return [as_text(each.get("name")) for each in listed] or [product]


def _is_generator(name: str) -> bool:
    return generator_named(name) is not None or _AZURE.fullmatch(name.strip()) is not None


def _made(description: str) -> bool:
    return _MADE.fullmatch(description.strip()) is not None


def _states_a_type(action: Mapping[str, Any]) -> bool:
    """Whether there is a source type, known here or not."""
    return bool(as_text(action.get("digitalSourceType")).strip())


def _is_changed(manifest: Mapping[str, Any]) -> bool:
    """Whether there was an image before the one that a manifest is of."""
    if any(
        each.get("relationship") == "parentOf" for each in as_objects(manifest.get("ingredients"))
    ):
        return True
    return any(
        action.get("action") in _CHANGES
        for assertion in as_objects(manifest.get("assertions"))
        if as_text(assertion.get("label")).startswith("c2pa.actions")
        for action in as_objects(as_object(assertion.get("data")).get("actions"))
    )


def _source_types(value: Any, depth: int = 0) -> Iterator[str]:
    """Known source types under keys of that name, with or without a vendor's prefix."""
    inner: list[Any] = []
    for key, each in as_object(value).items():
        local = re.split(r"[.:/#]", key)[-1].lower()
        if local in ("digitalsourcetype", "digitalsourcefiletype"):
            code = source_type(as_text(as_object(each).get("@id")) or as_text(each))
            if code:
                yield code
        elif local not in _OTHERS and isinstance(each, dict):
            inner.append(each)
    if depth < _MAX_DEPTH:
        for each in inner:
            yield from _source_types(each, depth + 1)
