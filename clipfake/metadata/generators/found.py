"""What is recognised of a generator, and the texts it is recognised by."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from clipfake.records import Claim, Strength

UNNAMED = "unnamed generator"  # the tool, where a text tells all but its name
MAX_JSON = 4 * 2**20  # characters; workflows have some hundred thousand
_CHARSET = re.compile(r'charset="?\w+"?\s+')  # before a comment, as libraries print it
_REPEATED = re.compile(
    r" \(\d\)$"
)  # further texts of a field, as clipfake.metadata.read counts them


@dataclass
class Parameters:
    """What a generator wrote.

    Attributes:
        tool: name of the program or service.
        origin: the text that said so, a key of the texts that were read.
        details: model, model_hash, seed, size, sampler, steps, version, where known.
        prompt: what was asked for.
        strength: specific where the text can come from a generated image alone.
        claim: None where the text names a program that may as well have saved a photograph.
        name: what the program calls itself, where that says more than ``tool``.
    """

    tool: str
    origin: str
    details: dict[str, str] = field(default_factory=dict)
    prompt: str = ""
    strength: Strength = Strength.SPECIFIC
    claim: Claim | None = Claim.AI
    name: str = field(default="", compare=False)


class Texts:
    """Texts of a file by field, such as ``png:parameters``; the case of a name does not matter."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._keys: dict[str, list[str]] = {}
        self._texts = texts
        for key in texts:
            self._keys.setdefault(_REPEATED.sub("", key).lower(), []).append(key)

    def find(self, *names: str) -> Iterator[tuple[str, str]]:
        """Key and text of every field with one of these names."""
        for name in names:
            for key in self._keys.get(name.lower(), ()):
                yield key, self._texts[key]

    def get(self, name: str) -> str:
        """The first text of a field; empty when there is none."""
        return next((text for _, text in self.find(name)), "")

    def starting(self, prefix: str) -> dict[str, str]:
        """First texts of the fields whose names begin so, by the rest of the name."""
        return {
            key[len(prefix) :]: text
            for key, text in self._texts.items()
            if key.startswith(prefix) and not _REPEATED.search(key)
        }


def plain(value: object) -> str:
    """A text or a number as text; anything else as none."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    return str(value)


def json_object(text: str) -> dict[str, Any]:
    """A JSON object, or an empty one for any other text."""
    text = text.strip("\x00 \t\r\n\ufeff")
    named = _CHARSET.match(text)
    text = text[named.end() :] if named else text
    if not text.startswith("{") or len(text) > MAX_JSON:
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def inner_object(value: object) -> dict[str, Any]:
    """An object that stands as such or as JSON in a text; an empty one for any other value."""
    if isinstance(value, dict):
        return value
    return json_object(value) if isinstance(value, str) else {}
