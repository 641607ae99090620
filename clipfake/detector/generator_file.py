"""The generator head in an adapter file: tensors ``generators.*``, and a part of the header."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch

from clipfake.attribution.families import Family
from clipfake.detector.generators import Confidence, Generator, GeneratorHead
from clipfake.detector.tensor_file import FLOATS, finite

PREFIX = "generators."
# half precision is far finer than the levels of the exemplars
_STORED = {
    "projection": torch.float16,
    "shift": torch.float32,
    "levels": torch.int8,
    "scale": torch.float32,
    "owners": torch.int16,
    "weights": torch.float32,
    "solution": torch.float32,
    "base": torch.float32,
}
# how each tensor may be stored
DTYPES = {
    PREFIX + name: FLOATS if kind.is_floating_point else {torch.int8: ("I8",)}.get(kind, ("I16",))
    for name, kind in _STORED.items()
}
MAX_GENERATORS = 1000
_MAX_NAME = 200


def to_tensors(head: GeneratorHead) -> dict[str, torch.Tensor]:
    """Tensors of a head as a file holds them."""
    return {
        PREFIX + name: getattr(head, name).to(kind).contiguous() for name, kind in _STORED.items()
    }


def to_header(head: GeneratorHead) -> dict[str, Any]:
    """All else of a head, as JSON."""
    return {
        "generators": [asdict(generator) for generator in head.generators],
        "blocks": list(head.blocks),
        "width": head.width,
        "ridge": head.ridge,
        "sharpness": head.sharpness,
        "confidence": asdict(head.confidence),
        "least": head.least,
        "lora": head.lora,
        "facts": head.facts,
    }


def from_file(header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> GeneratorHead:
    """A head out of a file that anybody may have written.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    named = [_generator(each) for each in header["generators"]]
    if not 0 < len(named) <= MAX_GENERATORS:
        raise ValueError(f"{len(named)} generators")
    own = {name: tensors[PREFIX + name] for name in _STORED}
    values = {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in own.items()
    }
    values["owners"] = values["owners"].long()
    if not all(bool(torch.isfinite(tensor).all()) for tensor in values.values()):
        raise ValueError("its generator head has numbers that are not finite")
    if not bool((values["weights"] > 0).all()):
        raise ValueError("its generator head has weights that are not above zero")
    return GeneratorHead(
        generators=tuple(named),
        blocks=tuple(int(finite(block)) for block in header["blocks"]),
        width=finite(header["width"]),
        ridge=finite(header["ridge"]),
        sharpness=finite(header["sharpness"]),
        confidence=Confidence(**{k: finite(v) for k, v in header["confidence"].items()}),
        least=finite(header["least"]),
        lora=str(header["lora"]),
        facts=dict(header["facts"]),
        **values,
    )


def _generator(header: Mapping[str, Any]) -> Generator:
    name, family = str(header["name"]), Family(header["family"]).value
    if not 0 < len(name) <= _MAX_NAME:
        raise ValueError(f"a generator's name of {len(name)} characters")
    return Generator(name, family, added=bool(header["added"]))
