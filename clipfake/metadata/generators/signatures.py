"""Signatures: names and marks that programs and services leave of themselves."""

import re
from collections.abc import Iterator

from clipfake.metadata.generators.found import UNNAMED, Parameters, Texts
from clipfake.metadata.generators.names import generator_named
from clipfake.records import Claim, Strength

# fields for the program that made the file
PROGRAM_FIELDS = (
    *("exif:Software", "png:Software", "xmp:CreatorTool", "xmp:Software"),
    "iptc:originating_program",
)
# services that sign as the maker of a camera would; a model's name never counts
_SIGN_AS_MAKER = ("Ideogram", "FLUX", "Midjourney", "OpenAI", "Stability AI")
# what some services write in place of a name
_STATED = re.compile(r"(?:an? )?ai[- ]generated(?: (?:image|picture|art|content))?", re.I)
_JOB = re.compile(r"\bJob ID: [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\s*")
_MIDJOURNEY_FLAGS = re.compile(r" --(v|ar|niji|stylize|s|chaos|style|weird|q|raw|seed) \S")
_XAI_SIGNATURE = re.compile(r"Signature: [A-Za-z0-9+/=]{40,}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
_OPENAI_COMMENTS = {
    "Made with OpenAI Labs": "DALL-E 2 (OpenAI Labs)",
    "Made with OpenAI DALL-E": "DALL-E",
    "Made with OpenAI DALL\u00b7E": "DALL-E",
}
_OPENAI_NOTE = re.compile(r"OpenAI--(ImageGeneration--\S+|[0-9a-f]{32})")
_MOCHI = re.compile(r"(?:^|; )(Model|Steps|Seed|Size|Scheduler): *([^;]*)")


def read_signatures(texts: Texts, *, captured: bool) -> Iterator[Parameters]:
    """Generators that sign.

    Args:
        texts: of the file.
        captured: whether the file has a camera's exposure settings; then a program's name says
            only which program saved it last.
    """
    yield from _names(texts, captured=captured)
    yield from _midjourney(texts)
    signature, artist = texts.get("exif:ImageDescription"), texts.get("exif:Artist")
    if _XAI_SIGNATURE.fullmatch(signature) and _UUID.fullmatch(artist):
        yield Parameters("Grok", next(texts.find("exif:ImageDescription"))[0])
    for name, comment in texts.find("exif:UserComment"):
        if comment.strip() in _OPENAI_COMMENTS:
            yield Parameters(_OPENAI_COMMENTS[comment.strip()], name)
    for name, note in texts.find("exif:MakerNote"):
        if _OPENAI_NOTE.fullmatch(note.strip()):
            yield Parameters("OpenAI", name)


def _names(texts: Texts, *, captured: bool) -> Iterator[Parameters]:
    """A generator's own name in the field for the program that made the file."""
    graph = any(True for _ in texts.find("png:prompt", "png:workflow"))
    for name, text in texts.find(*PROGRAM_FIELDS):
        tool = generator_named(text.strip())
        if tool is None:
            continue
        # a camera's photograph that a generator's program saved, or a graph that tells more
        unsure = captured or (tool == "ComfyUI" and graph)
        details, prompt = _mochi(texts) if tool == "Mochi Diffusion" else ({}, "")
        yield Parameters(
            tool,
            name,
            details,
            prompt,
            Strength.WEAK if unsure else Strength.SPECIFIC,
            None if unsure else Claim.AI,
            "" if text.strip() == tool else text.strip(),
        )
    for name, text in texts.find(*PROGRAM_FIELDS, "exif:Make", "exif:Model"):
        if _STATED.fullmatch(text.strip()) and not captured:
            yield Parameters(UNNAMED, name)
    for name, text in texts.find("exif:Make"):
        tool = generator_named(text.strip())
        if tool in _SIGN_AS_MAKER and not captured:
            yield Parameters(tool, name)


def _mochi(texts: Texts) -> tuple[dict[str, str], str]:
    """Mochi Diffusion's settings in the IPTC caption, and the prompt."""
    caption = texts.get("iptc:caption")
    if not caption.startswith("Include in Image: "):
        return {}, ""
    details: dict[str, str] = {}
    for key, value in _MOCHI.findall(caption):
        if value.strip():
            details.setdefault("sampler" if key == "Scheduler" else key.lower(), value.strip())
    prompt = caption.removeprefix("Include in Image: ").partition("; Exclude from Image:")[0]
    return details, prompt.strip()


def _midjourney(texts: Texts) -> Iterator[Parameters]:
    """Midjourney's description: the prompt with its flags, and at the end the job.

    Without flags it is weak, for print and render queues number their jobs likewise.
    """
    fields = ("png:Description", "exif:ImageDescription", "xmp:description", "iptc:caption")
    for name, text in texts.find(*fields):
        job = _JOB.search(text)
        if job is None or job.end() != len(text):
            continue
        flags = _MIDJOURNEY_FLAGS.search(text)
        prompt = text[: flags.start() if flags else job.start()].strip()
        version = re.search(r" --(?:v|niji) (\S+)", text)
        yield Parameters(
            "Midjourney",
            name,
            {"version": version.group(1)} if version else {},
            prompt,
            Strength.SPECIFIC if flags else Strength.WEAK,
        )
