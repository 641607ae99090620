"""What the facts of a file say of which generator made it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from clipfake.attribution.catalogue import Name, producer, signature, signer, stated
from clipfake.attribution.models import model_named
from clipfake.records import Attribution, Claim, Fact, GeneratorBasis, Strength

_UNNAMED = "unnamed generator"  # a tool whose settings are told, and not its name
_MANIFEST, _SIGNER, _CLAIMER, _ACTION, _ASSERTION = (
    f"c2pa.{name}" for name in ("manifest", "signer", "generator", "action", "assertion")
)
_TOOL = "parameters.tool"
_CREDITS = ("iptc.credit", "xmp.credit")
_SYSTEM, _SYSTEM_VERSION = "xmp.ai_system_used", "xmp.ai_system_version_used"
_LABEL, _WATERMARK = "tc260.aigc", "watermark.pattern"
_BASES = list(GeneratorBasis)


@dataclass(frozen=True)
class Said:
    """An attribution, and what it is worth.

    Attributes:
        attribution: as a record keeps it.
        weak: it only informs, and is never the answer.
        part: it is of what was changed of an image, not of what made it.
    """

    attribution: Attribution
    weak: bool = False
    part: bool = False


def attributions(facts: Sequence[Fact]) -> tuple[Attribution, ...]:
    """What facts say of the generator, the most trusted first; ``said`` without its worth."""
    return tuple(each.attribution for each in said(facts))


def said(facts: Sequence[Fact]) -> list[Said]:
    """What facts say of the generator.

    C2PA manifests count as signed where they are trusted, and else as declared; so do generation
    parameters, credits, IPTC's AI system and labels of GB 45438. A public pattern in the pixels is
    a watermark. What a weak fact says is listed, and weak.

    Args:
        facts: of one file, in the order in which they were read.

    Returns:
        Each generator once for each kind of source, sorted by that, then what is not weak, then
        what names a generator of a known family, then what made the whole image.
    """
    found = [*_signed(facts), *_parameters(facts), *_fields(facts)]
    found.sort(
        key=lambda each: (
            _BASES.index(each.attribution.basis),
            each.weak,
            each.attribution.family is None,
            each.part,
        )
    )
    once: dict[tuple[GeneratorBasis, str], Said] = {}
    for each in found:
        once.setdefault((each.attribution.basis, each.attribution.generator), each)
    return list(once.values())


def disagreement(found: Iterable[Said]) -> bool:
    """Whether sources name generators that cannot have made the same image.

    A maker, a program that runs any model and what was only changed by a model agree with every
    generator, and what is weak is not asked.
    """
    asked = [
        each.attribution
        for each in found
        if each.attribution.family is not None and not each.weak and not each.part
    ]
    if len({each.family for each in asked}) > 1:
        return True
    # a family of many generators: there names tell, but for those of pixels
    named = {each.generator for each in asked if each.basis is not GeneratorBasis.PIXELS}
    return len(named) > 1 and all(each.family == "other" for each in asked)


def _said(name: Name, basis: GeneratorBasis, fact: Fact) -> Said:
    family = None if name.family is None else name.family.value
    return Said(
        Attribution(basis, name.generator, family, name.version, by=fact.key),
        weak=fact.strength is Strength.WEAK,
        part=fact.claim is Claim.COMPOSITE,
    )


def _signed(facts: Sequence[Fact]) -> Iterator[Said]:
    """Generators that C2PA manifests name where they say that a model was at work.

    The facts of a manifest stand together: signer, who made the claim, then actions.
    """
    maker: Fact | None = None
    claimer: Fact | None = None
    for fact in facts:
        if fact.key == _SIGNER:
            maker, claimer = fact, None
        elif fact.key == _CLAIMER:
            claimer = fact
        elif fact.key in (_ACTION, _ASSERTION) and fact.claim in (Claim.AI, Claim.COMPOSITE):
            trusted = fact.strength is Strength.CRYPTOGRAPHIC
            basis = GeneratorBasis.SIGNED if trusted else GeneratorBasis.DECLARED
            name = _agent(fact) or _who_claimed(claimer)
            if name is None and maker is not None:
                organisation = signer(maker.value)
                name = None if organisation is None else Name(f"{organisation} (signer)")
            if name is not None:
                yield _said(name, basis, fact)


def _agent(fact: Fact) -> Name | None:
    """The generator among the parts of an action or assertion: name, type, agent, description."""
    parts = fact.value.split(", ")[1:]
    for part in parts:
        name = stated(part)
        if name is not None:
            after = parts[parts.index(part) + 1 :]
            if fact.key == _ASSERTION and name.version is None and after:
                return Name(name.generator, name.family, after[0])
            return name
    return None


def _who_claimed(claimer: Fact | None) -> Name | None:
    if claimer is None:
        return None
    names = [stated(claimer.value), *(stated(part) for part in claimer.value.split(", "))]
    return next(filter(None, names), None)


def _parameters(facts: Sequence[Fact]) -> Iterator[Said]:
    """Programs and services that left their settings, and the models that these name.

    The facts of a program stand together behind its name, at the same place.
    """
    for at, fact in enumerate(facts):
        if fact.key != _TOOL:
            continue
        details: dict[str, Fact] = {}
        for each in facts[at + 1 :]:
            same = (each.place, each.offset) == (fact.place, fact.offset)
            if each.key == _TOOL or not each.key.startswith("parameters.") or not same:
                break
            details[each.key.removeprefix("parameters.")] = each
        name, by = _tool(fact, details)
        if name is not None:
            yield _said(name, GeneratorBasis.DECLARED, replace(fact, key=by.key))


def _tool(tool: Fact, details: Mapping[str, Fact]) -> tuple[Name | None, Fact]:
    """What a program's name and settings say, and the fact that says it."""
    texts = {key: fact.value for key, fact in details.items()}
    version = texts.get("version")
    named, by = signature(texts.get("name", "")), details.get("name", tool)
    if named is None:
        named, by = signature(tool.value.partition(" (")[0]), tool
    model = model_named(texts.get("model", ""))
    if model is not None and (named is None or named.family is None):
        return Name(model.generator, model.family, model.name), details["model"]
    if named is not None:
        return _versioned(named, version), by
    return None if tool.value == _UNNAMED else Name(tool.value, None, version), tool


def _versioned(name: Name, version: str | None) -> Name:
    return Name(name.generator, name.family, name.version or version)


def _fields(facts: Sequence[Fact]) -> Iterator[Said]:
    """Generators in fields that were made for naming them, and public patterns in pixels."""
    versions = [fact.value for fact in facts if fact.key == _SYSTEM_VERSION]
    for fact in facts:
        if fact.key in _CREDITS and fact.claim is not None:
            name = stated(fact.value.rstrip("."))
            if name is not None:
                yield _said(name, GeneratorBasis.DECLARED, fact)
        elif fact.key == _SYSTEM and fact.value.strip():
            known = stated(fact.value) or _of_model(fact.value)
            name = known or Name(fact.value.strip())
            if name.version is None and versions:
                name = Name(name.generator, name.family, versions[0])
            yield _said(name, GeneratorBasis.DECLARED, fact)
        elif fact.key == _LABEL:
            given = fact.value.partition(", producer ")[2].strip()
            if given:
                yield _said(producer(given) or Name(given), GeneratorBasis.DECLARED, fact)
        elif fact.key == _WATERMARK and fact.claim is Claim.AI:
            known = _of_model(fact.value) or stated(fact.value.partition(" (")[0])
            family = known.family if known else None
            yield _said(Name(fact.value, family), GeneratorBasis.WATERMARK, fact)


def _of_model(text: str) -> Name | None:
    model = model_named(text)
    return None if model is None else Name(model.generator, model.family, None)
