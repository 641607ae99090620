"""C2PA manifests: validated by c2pa-python where it is installed, else only found."""

import functools
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

from clipfake.metadata.c2pa_assertions import statements
from clipfake.metadata.c2pa_status import validation, was_touched
from clipfake.metadata.json_values import as_object, as_objects, as_text
from clipfake.records import Claim, Fact, Strength, cut

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
# a signer on the trust list vouches for what holds and conforms; what else holds is worth no more
# than unsigned metadata, and what is not known to hold informs
_STRENGTHS = {
    "trusted": Strength.CRYPTOGRAPHIC,
    "untrusted": Strength.SPECIFIC,
    "expired": Strength.SPECIFIC,
    "not conforming": Strength.SPECIFIC,
}

MISSING_EXTRA = "not validated; pip install 'clipfake[c2pa]'"


def read_c2pa(data: bytes, form: str, place: str, offset: int, anchors: str = "") -> list[Fact]:
    """Validate the manifest store of a file.

    A manifest counts as ``trusted`` only when its signature holds, nothing was changed and its
    certificate leads to one of the anchors. One that holds but whose signer is not known
    (``untrusted``), whose certificate has run out (``expired``) or that only breaks a rule of the
    standard (``not conforming``) is worth what unsigned metadata is worth; one that was tampered
    with or cannot be checked only informs. Nothing is fetched: neither remote manifests nor
    revocation lists.

    Args:
        data: the whole file.
        form: format as ``sniff`` names it.
        place: where the store was found.
        offset: bytes from the start of the file to it.
        anchors: certificates that are trusted, PEM.

    Returns:
        Facts ``c2pa.manifest``, ``c2pa.failure``, ``c2pa.signer``, ``c2pa.generator``,
        ``c2pa.action``, ``c2pa.assertion`` and ``c2pa.ingredient``.
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
    found = validation(store)
    strength = _STRENGTHS.get(found.state, Strength.WEAK)
    facts = [Fact("c2pa.manifest", found.state, place, offset, strength)]
    facts += [Fact("c2pa.failure", cut(code), place, offset) for code in found.codes]
    for fact in _manifests(store, strength):
        facts.append(Fact(fact[0], cut(fact[1]), place, offset, fact[2], fact[3]))
    return facts


@functools.lru_cache(maxsize=1)
def _context(anchors: str) -> Any:
    import c2pa

    verify = {"verify_trust": True, "remote_manifest_fetch": False, "ocsp_fetch": False}
    trust = {"trust": {"trust_anchors": anchors}} if anchors else {}
    return c2pa.Context.from_dict({"verify": verify, **trust})


_Line = tuple[str, str, Strength, Claim | None]


def _manifests(store: Mapping[str, Any], strength: Strength) -> Iterator[_Line]:
    """Facts of the active manifest, and of those that it was made from."""
    manifests = as_object(store.get("manifests"))
    waiting = [(as_text(store.get("active_manifest")), strength, False)]
    seen: set[str] = set()
    while waiting and len(seen) < _MAX_PARENTS:
        label, worth, component = waiting.pop(0)
        manifest = as_object(manifests.get(label))
        if not manifest or label in seen:
            continue
        seen.add(label)
        yield from _signature(manifest)
        for key, value, claim in statements(manifest):
            if component and claim is Claim.AI:
                claim = Claim.COMPOSITE
            yield key, value, worth if claim else Strength.WEAK, claim
        for ingredient in as_objects(manifest.get("ingredients")):
            relation = as_text(ingredient.get("relationship"))
            title = as_text(ingredient.get("title")) or "untitled"
            yield "c2pa.ingredient", f"{title} ({relation})", Strength.WEAK, None
            # what an ingredient says of itself is not vouched for by the later signer
            weaker = Strength.SPECIFIC if worth is Strength.CRYPTOGRAPHIC else worth
            if was_touched(ingredient.get("validation_results")):  # before it was put in
                weaker = Strength.WEAK
            inner = as_text(ingredient.get("active_manifest"))
            waiting.append((inner, weaker, component or relation != "parentOf"))


def _signature(manifest: Mapping[str, Any]) -> Iterator[_Line]:
    signed = as_object(manifest.get("signature_info"))
    names = [as_text(signed.get(key)) for key in ("issuer", "common_name", "time")]
    if any(names):
        yield "c2pa.signer", ", ".join(filter(None, names)), Strength.WEAK, None
    named = [
        f"{as_text(each.get('name'))} {as_text(each.get('version'))}".strip()
        for each in as_objects(manifest.get("claim_generator_info"))
    ]
    generator = ", ".join(filter(None, named)) or as_text(manifest.get("claim_generator"))
    if generator:
        yield "c2pa.generator", generator, Strength.WEAK, None
