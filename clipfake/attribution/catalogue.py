"""Names of generators, as programs, services and standards write them, looked up in one table.

A name counts as a whole, with a version behind it at most. Where a field is for any program a name
must be one that no editor, camera or telephone bears: ``Imagen 4.2`` edits photographs and
``Gemini`` is a telephone, so these stand only with the maker's name before them. Where the field
itself says that a model made the image, shorter names are enough.
"""

import re
from dataclasses import dataclass, replace

from clipfake.attribution.families import Family
from clipfake.attribution.models import model_named
from clipfake.attribution.table import COMPANIES, PRODUCERS, SIGNED, SIGNERS, STATED


@dataclass(frozen=True)
class Name:
    """What a name says.

    Attributes:
        generator: usual name of the generator; of a program that runs any model the program's,
            of a service that offers several the service's.
        family: of what it generates; None where that is not told.
        version: as given behind the name; None for none.
        program: usual name of the program or service that signs with it; None for names that count
            only where a field says that a model made the image.
    """

    generator: str
    family: Family | None = None
    version: str | None = None
    program: str | None = None


_VERSION = r"(?P<version>(?: ?v?\.?\d+(?:[. ]v?\d+)*[a-z]?\d*(?: ?\(\d+(?:\.\d+)*\))?)?)"
_SIGNATURES = [
    (re.compile(f"(?:{'|'.join(patterns)}){_VERSION}"), Name(generator, family, program=program))
    for generator, family, program, patterns in SIGNED
]
_STATEMENTS = [
    (re.compile(f"(?:{'|'.join(patterns)}){_VERSION}"), Name(generator, family))
    for generator, family, patterns in STATED
]
_PRODUCER = re.compile(r"001\d([0-9A-Z]{18})[0-9A-Za-z]*")
# what stands beside a name in fields that list what was done
_WORKS = re.compile(r"(?:ai generated|txt2img|img2img|text to image|image to image)")
_MAX_NAME = 100
_JOINTS = re.compile(r"\s*[;|]\s*|,\s+|\s+[/+]\s+")
# what the libraries that write manifests add of themselves
_LIBRARY = re.compile(r"\s+(?:\([^()]*\)\s*)?(?:c2pa|contentauth|adobe_?c2pa)\S*.*$", re.I)


def signature(text: str) -> Name | None:
    """The generator that a text names, and nothing but names of generators.

    Args:
        text: of a field for the program that made a file. Several names may stand in it, joined
            by ``;``, ``|``, ``,`` or `` / ``; then all must be names of generators.

    Returns:
        The first of them; None for any other program and for longer texts.
    """
    if len(text) > _MAX_NAME:
        return None
    parts = [_folded(part) for part in _JOINTS.split(text) if part.strip()]
    names = [_looked_up(part, _SIGNATURES) for part in parts if not _WORKS.fullmatch(part)]
    if not names or None in names:
        return None
    # a program may stand beside the model that it ran
    first = names[0]
    family = next((each.family for each in names if each and each.family), None)
    return replace(first, family=family) if first and first.family is None else first


def stated(text: str) -> Name | None:
    """The generator that a text names in a field that says that a model made the image.

    Args:
        text: name of a C2PA action's agent or of who made the claim, of IPTC's AI system, of a
            credit or of a producer; the library that wrote the manifest may stand behind it.

    Returns:
        None for any other text: editors that can run models are no generators.
    """
    whole = text.strip()
    if not whole or len(whole) > _MAX_NAME:
        return None
    for form in dict.fromkeys((whole, _LIBRARY.sub("", whole))):
        part = _folded(form)
        for each in (part, re.sub(r"/(?=v?\d)", " ", part)):
            found = _looked_up(each, _SIGNATURES) or _looked_up(each, _STATEMENTS)
            if found is not None:
                return found
    return None


def signer(organisation: str) -> str | None:
    """The maker of generators whose name an organisation that signs manifests bears."""
    folded = _folded(organisation)
    return next((name for name, pattern in SIGNERS if re.match(pattern, folded)), None)


def producer(text: str) -> Name | None:
    """The generator of a producer in a label of GB 45438-2025: by its code, or by its name.

    Args:
        text: the label's ContentProducer.

    Returns:
        None for a producer that is not known here.
    """
    code = _PRODUCER.fullmatch(text.strip())
    if code:
        known = PRODUCERS.get(code[1])
        return Name(*known) if known else None
    found = stated(text)
    if found is not None:
        return found
    # a company's whole name, in Chinese or English
    folded = _folded(text)
    for pattern, name, family in COMPANIES:
        if re.search(pattern, folded):
            return Name(name, family)
    return None


def _looked_up(part: str, table: list[tuple[re.Pattern[str], Name]]) -> Name | None:
    for pattern, name in table:
        found = pattern.fullmatch(part)
        if found:
            return _detailed(part, name, found["version"])
    return None


def _detailed(part: str, name: Name, version: str) -> Name:
    """A name with its version, and with the family of the model that it names."""
    inner = re.search(r"(?:^| )v?(\d+(?:\.\d+)*)(?= |$)", part)
    given = version.strip(" .") or (inner[1] if inner else "")
    given = given.removeprefix("v")
    if name.family is None:
        model = model_named(part)
        if model is not None:
            called = model.generator if name.generator == "Stable Diffusion" else name.generator
            return replace(name, generator=called, family=model.family, version=given or None)
    return replace(name, version=given or None)


def _folded(text: str) -> str:
    """Lower case, with one space for spaces, dashes, underscores and middle dots."""
    return re.sub(r"[\s_\-\u2010-\u2015\u00b7\u2022\u30fb]+", " ", text).strip(" ,.").lower()
