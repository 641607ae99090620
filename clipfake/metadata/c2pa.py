"""C2PA manifests: validated by c2pa-python where it is installed, else only found."""

import functools
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

from clipfake.metadata.facts import Claim, Fact, Strength, cut
from clipfake.metadata.source_types import SOURCE_TYPES, source_type

_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "TIFF": "image/tiff",
    "GIF": "image/gif",
    "AVIF": "image/avif",
    "HEIF": "image/heic",
}
_MAX_PARENTS = 8
# failure codes of C2PA 2.1, section 15.2.2, by what has happened
_CONTENT = ("assertion.dataHash", "assertion.bmffHash", "assertion.boxesHash", "assertion.boxHash")
_EXPIRED = "signingCredential.expired"
_UNTRUSTED = ("signingCredential.untrusted", _EXPIRED)

MISSING_EXTRA = "not validated; pip install 'clipfake[c2pa]'"


def read_c2pa(data: bytes, form: str, place: str, offset: int, anchors: str = "") -> list[Fact]:
    """Validate the manifest store of a file.

    A manifest counts as ``trusted`` only when its signature holds, nothing was changed and its
    certificate leads to one of the anchors. One that holds but whose signer is not known
    (``untrusted``) or whose certificate has run out (``expired``) is worth what unsigned metadata
    is worth; a tampered one only informs. Nothing is fetched: neither remote manifests nor
    revocation lists.

    Args:
        data: the whole file.
        form: format as ``sniff`` names it.
        place: where the store was found.
        offset: bytes from the start of the file to it.
        anchors: certificates that are trusted, PEM.

    Returns:
        Facts ``c2pa.manifest``, ``c2pa.failure``, ``c2pa.signer``, ``c2pa.generator``,
        ``c2pa.action`` and ``c2pa.ingredient``.
    """

    def state(value: str) -> Fact:
        return Fact("c2pa.manifest", value, place, offset, Strength.WEAK)

    try:
        import c2pa
    except ImportError:
        return [state(MISSING_EXTRA)]
    try:
        with c2pa.Reader(_TYPES[form], io.BytesIO(data), context=_context(anchors)) as reader:
            store: dict[str, Any] = json.loads(reader.json())
    except c2pa.C2paError as error:
        return [state(f"unreadable: {' '.join(str(error).split())[:200]}")]
    return manifest_facts(store, place, offset)


def manifest_facts(store: Mapping[str, Any], place: str, offset: int) -> list[Fact]:
    """Facts of a manifest store as c2pa-python gives it, ``read_c2pa`` says which."""
    codes = _failures(store)
    name = _state(store, codes)
    strength = {
        "trusted": Strength.CRYPTOGRAPHIC,
        "untrusted": Strength.SPECIFIC,
        "expired": Strength.SPECIFIC,
    }.get(name, Strength.WEAK)
    facts = [Fact("c2pa.manifest", name, place, offset, strength)]
    facts += [Fact("c2pa.failure", cut(code), place, offset) for code in codes]
    for fact in _manifests(store, strength):
        facts.append(Fact(fact[0], cut(fact[1]), place, offset, fact[2], fact[3]))
    return facts


@functools.lru_cache(maxsize=1)
def _context(anchors: str) -> Any:
    import c2pa

    verify = {"verify_trust": True, "remote_manifest_fetch": False, "ocsp_fetch": False}
    trust = {"trust": {"trust_anchors": anchors}} if anchors else {}
    return c2pa.Context.from_dict({"verify": verify, **trust})


def _object(value: Any) -> Mapping[str, Any]:
    """An object of JSON; an empty one for anything else, as assertions may hold what they like."""
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _failures(store: Mapping[str, Any]) -> list[str]:
    """Codes of the active manifest, and those of its ingredients that came since it was signed."""
    results = _object(store.get("validation_results"))
    codes = _codes(results.get("activeManifest"))
    for delta in _objects(results.get("ingredientDeltas")):
        later = _codes(delta.get("validationDeltas"))
        codes += [code for code in later if code not in _UNTRUSTED]
    return list(dict.fromkeys(codes))


def _codes(results: Any, outcome: str = "failure") -> list[str]:
    return [_text(each.get("code")) for each in _objects(_object(results).get(outcome))]


def _state(store: Mapping[str, Any], codes: list[str]) -> str:
    if store.get("validation_state") == "Trusted":
        return "trusted"
    if any(code.startswith(_CONTENT) for code in codes):
        return "tampered content"
    if any(code not in _UNTRUSTED for code in codes):
        return "tampered manifest"
    if codes:
        return "expired" if _EXPIRED in codes else "untrusted"
    # nothing failed in a store that is no more than valid: an ingredient's signer is not known
    active = _object(store.get("validation_results")).get("activeManifest")
    known = "signingCredential.trusted" in _codes(active, "success")
    valid = store.get("validation_state") == "Valid"
    return "trusted" if valid and known else "tampered manifest"


_Line = tuple[str, str, Strength, Claim | None]


def _manifests(store: Mapping[str, Any], strength: Strength) -> Iterator[_Line]:
    """Facts of the active manifest, and of those that it was made from."""
    manifests = _object(store.get("manifests"))
    waiting = [(_text(store.get("active_manifest")), strength, False)]
    seen: set[str] = set()
    while waiting and len(seen) < _MAX_PARENTS:
        label, worth, component = waiting.pop(0)
        manifest = _object(manifests.get(label))
        if not manifest or label in seen:
            continue
        seen.add(label)
        yield from _signature(manifest)
        for key, value, claim in _actions(manifest):
            if component and claim is Claim.AI:
                claim = Claim.COMPOSITE
            yield key, value, worth if claim else Strength.WEAK, claim
        for ingredient in _objects(manifest.get("ingredients")):
            relation = _text(ingredient.get("relationship"))
            title = _text(ingredient.get("title")) or "untitled"
            yield "c2pa.ingredient", f"{title} ({relation})", Strength.WEAK, None
            # what an ingredient says of itself is not vouched for by the later signer
            weaker = Strength.SPECIFIC if worth is Strength.CRYPTOGRAPHIC else worth
            recorded = _codes(_object(ingredient.get("validation_results")).get("activeManifest"))
            if any(code not in _UNTRUSTED for code in recorded):  # it was broken before
                weaker = Strength.WEAK
            inner = _text(ingredient.get("active_manifest"))
            waiting.append((inner, weaker, component or relation != "parentOf"))


def _signature(manifest: Mapping[str, Any]) -> Iterator[_Line]:
    signed = _object(manifest.get("signature_info"))
    names = [_text(signed.get(key)) for key in ("issuer", "common_name", "time")]
    if any(names):
        yield "c2pa.signer", ", ".join(filter(None, names)), Strength.WEAK, None
    named = [
        f"{_text(each.get('name'))} {_text(each.get('version'))}".strip()
        for each in _objects(manifest.get("claim_generator_info"))
    ]
    generator = ", ".join(filter(None, named)) or _text(manifest.get("claim_generator"))
    if generator:
        yield "c2pa.generator", generator, Strength.WEAK, None


def _actions(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str, Claim | None]]:
    for assertion in _objects(manifest.get("assertions")):
        if not _text(assertion.get("label")).startswith("c2pa.actions"):
            continue
        for action in _objects(_object(assertion.get("data")).get("actions")):
            code = source_type(_text(action.get("digitalSourceType")))
            claim = SOURCE_TYPES[code] if code else None
            # an edit by a model leaves the rest of the picture what it was
            if claim is Claim.AI and action.get("action") != "c2pa.created":
                claim = Claim.COMPOSITE
            agent = action.get("softwareAgent")
            agent = agent.get("name") if isinstance(agent, dict) else agent
            parts = [action.get("action"), code, agent, action.get("description")]
            yield "c2pa.action", ", ".join(filter(None, map(_text, parts))), claim
