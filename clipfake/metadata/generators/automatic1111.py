"""AUTOMATIC1111's line of settings and its kin: Forge, SD.Next, stable-diffusion.cpp, Civitai.

``prompt``, ``Negative prompt: ...``, then ``Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1``
and more, as ``create_infotext`` of the stable-diffusion-webui writes it.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import islice

from clipfake.metadata.generators.found import Parameters, Texts
from clipfake.metadata.generators.names import generator_named

FIELDS = (
    *("png:parameters", "png:Comment", "exif:UserComment", "xmp:UserComment"),
    *("stealth:parameters", "comment"),
)
_MAX_LINE = 2**18  # characters from the end that are read for settings
_MAX_FIELDS = 500
_MAX_EARLIER = 20
_STEPS = re.compile(r"(?:^|[\s,.;])(?=Steps[ \t]*:[ \t]*\d)", re.I)
_FIELD = re.compile(r"(?:^|[\n,])[ \t]*([A-Za-z][A-Za-z0-9 _\-]{0,40}?)[ \t]*:[ \t]*([^\n,]*)")
# what may stand before the steps, on their line or on lines of its own
_EARLIER = re.compile(
    r"(?:seed|sampler|scheduler|cfg scale|guidance scale|size|model|model hash|app|version)", re.I
)
_QUOTED = re.compile(r'"[^"\n]*"|\{[^{}\n]*\}|\[[^\[\]\n]*\]')
_NEGATIVE = re.compile(r"\bnegative prompt[ \t]*:", re.I)
_HASH = re.compile(r"[0-9a-fA-F]{8,64}")
_DETAILS = ("steps", "seed", "size", "model", "model hash", "sampler", "version")
# where a model has no file of its own, the part that makes the image
_MODELS = ("model", "unet", "diffusion model")
_GUIDANCE = ("cfg scale", "cfg", "distilled cfg scale", "guidance scale")
_MAX_STEPS = 10_000
_VERSIONS = {
    re.compile(r"f\d|neo|forge", re.I): "Forge",
    re.compile(r"v?\d+\.\d+"): "AUTOMATIC1111",
    re.compile(r"comfyui", re.I): "ComfyUI",
}


def read_lines(texts: Texts) -> Iterator[Parameters]:
    """Lines in the fields that programs of this kin write them to, GIF and JPEG comments too."""
    for name, text in texts.find(*FIELDS):
        found = read_line(text)
        if found is not None:
            settings, prompt = found
            details = {
                key.replace(" ", "_"): settings[key] for key in _DETAILS if settings.get(key)
            }
            model = next((settings[key] for key in _MODELS if settings.get(key)), None)
            if model is not None:
                details["model"] = model
            yield Parameters(_dialect(text, settings), name, details, prompt)


def read_line(text: str) -> tuple[dict[str, str], str] | None:
    """Settings of a line, by their names in lower case, and the prompt before it.

    Steps, seed and the strength of guidance stand together only where a diffusion model was
    sampled; the sampler's name or another mark of such a program must be with them. None for any
    other text.
    """
    text = text[-_MAX_LINE:].replace("\r\n", "\n").replace("\r", "\n").strip("\x00 \n\ufeff")
    at = None
    for match in _STEPS.finditer(text):  # the last one: prompts may hold lines of their own
        at = match.end()
    if at is None:
        return None
    settings = _fields(text[at:])
    first = at
    for start, name, value in _earlier(text, at):
        settings.setdefault(name, value)
        first = min(first, start)
    if not _sampled(settings, text):
        return None
    return settings, _NEGATIVE.split(text[:first], maxsplit=1)[0].strip(" ,\n")


def _fields(line: str) -> dict[str, str]:
    settings: dict[str, str] = {}
    for match in islice(_FIELD.finditer(_unquoted(line)), _MAX_FIELDS):
        settings.setdefault(match[1].lower().replace("_", " "), match[2].strip())
    return settings


def _earlier(text: str, at: int) -> Iterator[tuple[int, str, str]]:
    """Settings right before the steps: where each begins, its name and its value."""
    end = at
    for _ in range(_MAX_EARLIER):
        start = max(text.rfind("\n", 0, end), 0)
        found = [m for m in _FIELD.finditer(text, start, end) if _EARLIER.fullmatch(m[1])]
        for match in found:
            yield match.start(), match[1].lower(), match[2].strip()
        whole = bool(found) and found[0].start() == start  # else the prompt stands before them
        if not start or not (whole or (end == at and text[start:end] == "\n")):
            return
        end = start


def _unquoted(line: str) -> str:
    """Without the values that have commas and colons of their own: quoted ones and JSON."""
    return _QUOTED.sub("''", line)


def _sampled(settings: Mapping[str, str], text: str) -> bool:
    steps, seed = settings.get("steps", ""), settings.get("seed", "")
    if not re.fullmatch(r"\d{1,5}", steps.split(" ")[0]) or int(steps.split(" ")[0]) > _MAX_STEPS:
        return False
    if not re.fullmatch(r"-?\d{1,20}", seed):
        return False
    guided = any(re.match(r"\d", settings.get(name, "")) for name in _GUIDANCE)
    sampler = bool(settings.get("sampler"))
    if guided and sampler:
        return True
    # SD.Next leaves out what is at its default, services what their models do not have
    named = any(generator_named(settings.get(name, "")) for name in ("app", "version", "generator"))
    marked = (
        named
        or _HASH.fullmatch(settings.get("model hash", "")) is not None
        or "civitai resources" in settings
        or _NEGATIVE.search(text) is not None
    )
    return marked and (guided or sampler or named)


def _dialect(text: str, settings: Mapping[str, str]) -> str:
    if "civitai resources" in settings or "civitai metadata" in settings:
        return "Civitai"
    version = settings.get("version", "")
    for value in (settings.get("app", ""), version, settings.get("generator", "")):
        named = generator_named(value.split(",")[0])
        if named:
            return named
    for pattern, name in _VERSIONS.items():
        if pattern.match(version):
            return name
    for name in ("Fooocus", "stable-diffusion.cpp", "SD.Next", "Draw Things"):
        if name.lower() in version.lower():
            return name
    return "AUTOMATIC1111"
