"""A prompt with the options of Stable Diffusion's own scripts, as front ends to them keep it.

``"a lighthouse" --ddim_steps 50 --scale 7.5 --seed 42 --W 512 --H 512``: the options of
``scripts/txt2img.py`` in CompVis/stable-diffusion.
"""

import re
from collections.abc import Iterator

from clipfake.metadata.generators.automatic1111 import FIELDS
from clipfake.metadata.generators.found import Parameters, Texts

_MAX_TEXT = 2**16
_OPTION = re.compile(r"(?<=\s)--(\w{1,20})[ =]([\w.\-]{1,40})(?=\s|$)")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def read_command_lines(texts: Texts) -> Iterator[Parameters]:
    """Prompts with at least the options for DDIM's steps, guidance and seed."""
    for name, text in texts.find(*FIELDS):
        text = text[:_MAX_TEXT]
        options = dict(reversed(_OPTION.findall(text)))
        steps = options.get("ddim_steps", "")  # other programs have --steps as well
        needed = (steps, options.get("scale", ""), options.get("seed", ""))
        if not all(_NUMBER.fullmatch(value) for value in needed):
            continue
        details = {"steps": steps, "seed": options["seed"]}
        if "W" in options and "H" in options:
            details["size"] = f"{options['W']}x{options['H']}"
        first = _OPTION.search(text)
        prompt = text[: first.start()] if first else text
        yield Parameters("Stable Diffusion", name, details, prompt.strip().strip('"'))
