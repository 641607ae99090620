"""Certificates made here, and files signed with them by c2pa-python."""

import datetime
import hashlib
import io
from dataclasses import dataclass
from typing import Any

import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from tests.metadata.pieces import NEWSCODES

MIME = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "TIFF": "image/tiff",
    "GIF": "image/gif",
    "AVIF": "image/avif",
    "HEIF": "image/heic",
}
EDIT = c2pa.C2paBuilderIntent.EDIT
_START, _END = datetime.datetime(2020, 1, 1), datetime.datetime(2045, 1, 1)


@dataclass(frozen=True)
class Signer:
    """A root certificate, and a leaf with its key that the root vouches for."""

    root: x509.Certificate
    root_key: ec.EllipticCurvePrivateKey
    leaf: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def anchors(self) -> str:
        return self.root.public_bytes(Encoding.PEM).decode()

    @property
    def chain(self) -> str:
        return self.leaf.public_bytes(Encoding.PEM).decode() + self.anchors

    def sign(self, data: bytes) -> bytes:
        """The two numbers of an ECDSA signature, 32 bytes each."""
        numbers = decode_dss_signature(self.key.sign(data, ec.ECDSA(hashes.SHA256())))
        return b"".join(number.to_bytes(32, "big") for number in numbers)


def signer(name: str = "Example Signer", ocsp: str = "") -> Signer:
    """A signer with new keys; ``ocsp`` is where its certificate says to ask for revocation."""
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = _certificate("Example Root", root_key, "Example Root", root_key, _END, ca=True)
    leaf = _certificate(name, key, "Example Root", root_key, _END, ocsp=ocsp)
    return Signer(root, root_key, leaf, key)


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    end: datetime.datetime,
    *,
    ca: bool = False,
    ocsp: str = "",
) -> x509.Certificate:
    usage = dict.fromkeys(
        [
            *("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
            *("encipher_only", "decipher_only"),
        ],
        False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(issuer))
        .public_key(key.public_key())
        .serial_number(4711)
        .not_valid_before(_START)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=not ca, key_cert_sign=ca, crl_sign=ca, **usage),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if not ca:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        builder = builder.add_extension(identifier, critical=False)
        builder = builder.add_extension(purpose, critical=False)
    if ocsp:
        access = x509.AccessDescription(
            AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(ocsp)
        )
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _named(name: str) -> x509.Name:
    organization = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example")
    return x509.Name([organization, x509.NameAttribute(NameOID.COMMON_NAME, name)])


def action(name: str, kind: str = "", **fields: object) -> dict[str, object]:
    """An action, with a digital source type if one is given."""
    typed = {"digitalSourceType": NEWSCODES + kind} if kind else {}
    return {"action": name, **typed, **fields}


def manifest(*actions: dict[str, object]) -> dict[str, Any]:
    return {
        "title": "a title",
        "claim_generator_info": [{"name": "a generator", "version": "1.0"}],
        "assertions": [{"label": "c2pa.actions", "data": {"actions": list(actions)}}],
    }


def signed(
    data: bytes,
    form: str,
    by: Signer,
    *actions: dict[str, object],
    intent: c2pa.C2paBuilderIntent | None = None,
    parts: tuple[tuple[str, bytes], ...] = (),
    remote: str = "",
    embed: bool = True,
    sign: Any = None,
    version: int = 2,
    assertions: tuple[dict[str, object], ...] = (),
) -> bytes:
    """A file with a manifest.

    Args:
        data: the file.
        form: its format; of ``parts``, too.
        by: who signs.
        actions: that the manifest tells of.
        intent: an edit takes the file's own manifest in as that of its parent.
        parts: relationship and file of further ingredients.
        remote: where the manifest is said to stand.
        embed: whether it also stands in the file.
        sign: in place of the signer's own.
        version: of the claim; the first one has fewer rules.
        assertions: besides the actions.
    """
    verify = {"verify_after_sign": False, "remote_manifest_fetch": False, "ocsp_fetch": False}
    settings = {"builder": {"thumbnail": {"enabled": False}}, "verify": verify}
    told = manifest(*actions) | {"claim_version": version}
    told["assertions"] = [*(told["assertions"] if actions else []), *assertions]
    builder = c2pa.Builder(told, context=c2pa.Context.from_dict(settings))
    if intent is not None:
        builder.set_intent(intent)
    for relation, part in parts:
        named = {"title": "a part", "relationship": relation}
        builder.add_ingredient(named, MIME[form], io.BytesIO(part))
    if remote:
        builder.set_remote_url(remote)
    if not embed:
        builder.set_no_embed()
    target = io.BytesIO()
    with c2pa.Signer.from_callback(sign or by.sign, c2pa.C2paSigningAlg.ES256, by.chain) as native:
        builder.sign(native, MIME[form], io.BytesIO(data), target)
    return target.getvalue()


def signed_when_valid(data: bytes, form: str, by: Signer, *actions: dict[str, object]) -> bytes:
    """A JPEG whose signer's certificate has run out since; the library signs with none such.

    It signs with a certificate of the same key and length that has not, which is then replaced.
    """
    valid = by.leaf.public_bytes(Encoding.DER)
    past = b""
    while len(past) != len(valid):  # the length of an ECDSA signature varies
        name = by.leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        end = datetime.datetime(2021, 1, 1)
        leaf = _certificate(str(name), by.key, "Example Root", by.root_key, end)
        past = leaf.public_bytes(Encoding.DER)

    def sign(message: bytes) -> bytes:
        return by.sign(message.replace(valid, past))

    whole = signed(data, form, by, *actions, sign=sign)
    assert whole.count(valid) == 1
    return whole.replace(valid, past)


def signed_excluding(
    data: bytes, form: str, by: Signer, *actions: dict[str, object], more: int, right: bool = True
) -> bytes:
    """A file whose data hash leaves ``more`` bytes behind the manifest out; negative: ahead of it.

    The library writes none such: the assertion is changed, and with it the claim that names its
    hash and the signature. The hash of the data is made ``right`` for the new range, or left as
    it was.
    """
    messages: list[bytes] = []

    def sign(message: bytes) -> bytes:
        messages.append(message)
        return by.sign(message)

    whole = signed(data, form, by, *actions, sign=sign)
    box = whole.index(b"c2pa.hash.data\0") - 33  # heads of superbox and description, type, flags
    size = int.from_bytes(whole[box : box + 4], "big")
    assertion = whole[box : box + size]

    changed = bytearray(assertion)
    start_at = assertion.index(b"estart") + 6  # a number up to 23 stands in its head
    length_at = assertion.index(b"flength\x19") + 8  # one of 16 bits behind it
    start, length = assertion[start_at], int.from_bytes(assertion[length_at : length_at + 2], "big")
    start, length = start + min(more, 0), length + abs(more)
    assert 0 <= start < 24
    changed[start_at] = start
    changed[length_at : length_at + 2] = length.to_bytes(2, "big")
    if right:
        at = assertion.index(b"dhash\x58\x20") + 7
        rest = whole[:start] + whole[start + length :]
        changed[at : at + 32] = hashlib.sha256(rest).digest()
    old, new = (hashlib.sha256(bytes(each[8:])).digest() for each in (assertion, changed))
    (message,) = (each for each in messages if old in each)
    whole = whole.replace(assertion, bytes(changed)).replace(old, new)
    again = by.sign(message.replace(old, new))
    place = whole.rindex(b"\xf6\x58\x40") + 3  # behind the payload, which is nil
    return whole[:place] + again + whole[place + 64 :]
