"""What validation of a C2PA manifest store came to (C2PA 2.2, section 15.2.2: status codes).

A standard that grows makes manifests fail that nobody touched. Only codes that say that bytes are
others than those that were signed mean tampering; the rest say that a rule is broken, that the
signer is not known, or that something could not be checked.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

from clipfake.metadata.json_values import as_object, as_objects, as_text


class Kind(Enum):
    """What a failure code means."""

    CONTENT = "the image is not the one that was signed"
    MANIFEST = "the manifest or its signature does not hold"
    REVOKED = "the certificate was revoked"
    EXPIRED = "the certificate had run out"
    UNTRUSTED = "the signer, or when it was signed, is not known"
    NOT_CONFORMING = "a rule of the standard is broken"
    UNCHECKED = "something could not be checked"


class Status(NamedTuple):
    """One code, and the assertion, claim or signature that it is of."""

    code: str
    url: str


_HASHES = (
    "assertion.dataHash",
    "assertion.bmffHash",
    "assertion.boxesHash",
    "assertion.collectionHash",
)
_KINDS: dict[Kind, tuple[str, ...]] = {
    Kind.CONTENT: (
        *(f"{name}.mismatch" for name in _HASHES),
        "assertion.boxesHash.unknownBox",
        "assertion.collectionHash.incorrectFileCount",
    ),
    Kind.MANIFEST: (
        "assertion.hashedURI.mismatch",
        "assertion.missing",
        "assertion.outsideManifest",
        "assertion.undeclared",
        "claim.missing",
        "claimSignature.mismatch",
        "claimSignature.missing",
        "hashedURI.mismatch",
        "ingredient.claimSignature.mismatch",
        "ingredient.claimSignature.missing",
        "ingredient.hashedURI.mismatch",
        "ingredient.manifest.mismatch",
        "timeStamp.mismatch",
    ),
    Kind.REVOKED: ("signingCredential.revoked", "signingCredential.ocsp.revoked"),
    Kind.EXPIRED: ("signingCredential.expired", "claimSignature.outsideValidity"),
    Kind.UNTRUSTED: (
        "signingCredential.untrusted",
        "signingCredential.ocsp.inaccessible",
        "signingCredential.ocsp.skipped",
        "signingCredential.ocsp.unknown",
        "timeStamp.credentialInvalid",
        "timeStamp.malformed",
        "timeStamp.outsideValidity",
        "timeStamp.untrusted",
    ),
    Kind.NOT_CONFORMING: (
        "algorithm.deprecated",
        "assertion.action.ingredientMismatch",
        "assertion.action.malformed",
        "assertion.action.redacted",
        "assertion.action.redactionMismatch",
        "assertion.action.skipped",
        "assertion.action.softBindingMissing",
        "assertion.bmffHash.malformed",
        "assertion.boxesHash.malformed",
        "assertion.cbor.invalid",
        "assertion.cloud-data.actions",
        "assertion.cloud-data.hardBinding",
        "assertion.cloud-data.labelMismatch",
        "assertion.cloud-data.malformed",
        "assertion.collectionHash.invalidURI",
        "assertion.collectionHash.malformed",
        "assertion.dataHash.malformed",
        "assertion.external-reference.malformed",
        "assertion.ingredient.malformed",
        "assertion.json.invalid",
        "assertion.metadata.disallowed",
        "assertion.multipleHardBindings",
        "assertion.notRedactable",
        "assertion.notRedacted",
        "assertion.required.missing",
        "assertion.selfRedacted",
        "assertion.timestamp.malformed",
        "claim.malformed",
        "claim.multiple",
        "claim.required.missing",
        "com.adobe.prerelease",
        "manifest.multipleParents",
        "manifest.timestamp.invalid",
        "manifest.timestamp.wrongParents",
        "manifest.update.invalid",
        "manifest.update.wrongParents",
        "signingCredential.invalid",
    ),
}
_BY_CODE = {code: kind for kind, codes in _KINDS.items() for code in codes}
_IDENTITY = "cawg."  # who says so besides the signer, which touches neither image nor manifest


def kind_of(status: Status, matched: frozenset[Status]) -> Kind:
    """What a failure means; ``UNCHECKED`` for a code that is not known here.

    Args:
        status: of the failure.
        matched: hashes of content that hold. A hash that holds and fails all the same leaves more
            of the file out than the manifest, but nothing that it covers was changed.
    """
    if Status(status.code.replace(".mismatch", ".match"), status.url) in matched:
        return Kind.NOT_CONFORMING
    if status.code.startswith(_IDENTITY):
        return Kind.NOT_CONFORMING
    return _BY_CODE.get(status.code, Kind.UNCHECKED)


class Validation(NamedTuple):
    """What validation came to.

    Attributes:
        state: ``trusted``, ``untrusted``, ``expired``, ``revoked``, ``not conforming``, ``cannot
            be checked``, ``tampered content`` or ``tampered manifest``.
        codes: of the failures, each once.
    """

    state: str
    codes: tuple[str, ...]


def validation(store: Mapping[str, Any]) -> Validation:
    """State of the active manifest of a store, as c2pa-python gives it.

    What fails in an ingredient counts only where it was touched since the manifest was signed.
    """
    results = as_object(store.get("validation_results"))
    active = as_object(results.get("activeManifest"))
    deltas = [
        as_object(each.get("validationDeltas"))
        for each in as_objects(results.get("ingredientDeltas"))
    ]
    matched = frozenset(each for part in (active, *deltas) for each in _hashes_that_hold(part))
    failures = {each: kind_of(each, matched) for each in statuses(active, "failure")}
    for delta in deltas:
        for each in statuses(delta, "failure"):
            kind = kind_of(each, matched)
            if kind in (Kind.CONTENT, Kind.MANIFEST):
                failures[each] = kind
    state = _state(store, active, set(failures.values()), bound=bool(matched))
    return Validation(state, tuple(dict.fromkeys(each.code for each in failures)))


def was_touched(results: Any) -> bool:
    """Whether results that a manifest records of an ingredient say that it was changed before."""
    recorded = as_object(as_object(results).get("activeManifest"))
    matched = frozenset(_hashes_that_hold(recorded))
    kinds = {kind_of(each, matched) for each in statuses(recorded, "failure")}
    return not kinds.isdisjoint((Kind.CONTENT, Kind.MANIFEST, Kind.REVOKED, Kind.UNCHECKED))


def statuses(results: Mapping[str, Any], outcome: str) -> list[Status]:
    """Codes of an outcome: ``success``, ``informational`` or ``failure``."""
    found = as_objects(results.get(outcome))
    return [Status(as_text(each.get("code")), as_text(each.get("url"))) for each in found]


def _hashes_that_hold(results: Mapping[str, Any]) -> Sequence[Status]:
    codes = tuple(f"{name}.match" for name in _HASHES)
    return [each for each in statuses(results, "success") if each.code in codes]


def _state(
    store: Mapping[str, Any], active: Mapping[str, Any], kinds: set[Kind], *, bound: bool
) -> str:
    if store.get("validation_state") == "Trusted":
        return "trusted"
    if Kind.CONTENT in kinds:
        return "tampered content"
    if Kind.MANIFEST in kinds:
        return "tampered manifest"
    if Kind.REVOKED in kinds:
        return "revoked"
    good = {each.code for each in statuses(active, "success")}
    # nothing was touched only where signature and hash were looked at and hold
    if Kind.UNCHECKED in kinds or not bound or "claimSignature.validated" not in good:
        return "cannot be checked"
    if Kind.NOT_CONFORMING in kinds:
        return "not conforming"
    if Kind.EXPIRED in kinds:
        return "expired"
    if Kind.UNTRUSTED in kinds or "signingCredential.trusted" not in good:
        return "untrusted"
    return "trusted"  # an ingredient's signer is not known, or its manifest not conforming
