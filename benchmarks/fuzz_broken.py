"""Seeds that are broken, long or odd in the ways that readers make up for."""

import io
import json
import struct
import zlib

import numpy as np
from PIL import Image

from benchmarks.fuzz_seeds import (
    IPTC,
    MANIFESTS,
    RESOURCES,
    STEPS,
    XMP,
    Case,
    chunk,
    segment,
    text_chunk,
    tiff,
)

_PHUT = b"PHUT\x0b\xb8\x00\x00\x00\x00\x00\x05abcde\x00"
_WIDE = b"\x1c\x01\x5a\x00\x03\x1b%G\x1c\x02\x73\x80\x04\x00\x00\x00\x04wide"
_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
_CODES = (
    "assertion.action.malformed",
    "assertion.dataHash.mismatch",
    "assertion.hashedURI.mismatch",
    "general.error",
)
_ACTIONS = {
    "templates": [{"action": "*", "digitalSourceType": _TYPE}],
    "softwareAgents": [{"name": "Adobe Firefly"}],
    "actions": [
        {"action": "c2pa.opened", "parameters": {"com.adobe.digitalSourceType": _TYPE}},
        {"action": "c2pa.created", "softwareAgentIndex": 0},
        {"action": "c2pa.created", "softwareAgent": "x", "description": "AI Generated Image"},
    ],
}


def broken_seeds() -> list[Case]:
    """Inputs of the parts and formats whose readers go on behind damage."""
    values = np.random.default_rng(1).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    picture = Image.fromarray(values).resize((32, 24))

    def encoded(form: str) -> bytes:
        buffer = io.BytesIO()
        picture.save(buffer, form)
        return buffer.getvalue()

    end = XMP.rindex(b"</rdf:RDF>")
    packets = [
        XMP[:end] + b"<dc:title>Salt & pepper</dc:titel><odd:a b=c>" + XMP[end:],
        XMP.replace(b"xmlns:", b"xmlno:") + b"<dc:old>left over</dc:old></rdf:RDF>",
        XMP[:end],
        XMP.decode().encode("utf-16-le"),
        XMP.replace(b"<rdf:RDF", b"\xff\x00<rdf:RDF", 1),
    ]
    cases = [Case("xmp", packet) for packet in packets]
    cases += [Case("photoshop", _PHUT + RESOURCES), Case("photoshop", b"\x00\x00junk" + RESOURCES)]
    cases.append(Case("iptc", _WIDE + IPTC))
    cases.append(Case("manifest", json.dumps(_manifests()).encode()))
    sensor = [(0x0100, 4, 1, struct.pack("<I", 64)), (0x0106, 3, 1, struct.pack("<H", 32803))]
    preview = [(0x00FE, 4, 1, struct.pack("<I", 1)), (0x0100, 4, 1, struct.pack("<I", 16))]
    cases.append(Case("TIFF", tiff([preview], {0x014A: sensor})))
    plain = encoded("JPEG")
    comment = b"UNICODE\x00" + (STEPS * 40).encode("utf-16-le")
    block = tiff([[(0x010F, 2, 6, b"Canon\x00")]], {0x8769: [(0x9286, 7, len(comment), comment)]})
    parts = [
        segment(0xE1, b"Exif\x00\x00" + block[at : at + 2000]) for at in range(0, len(block), 2000)
    ]
    parts += [segment(0xED, b"Photoshop 3.0\x00" + part) for part in (b"junk", _PHUT + RESOURCES)]
    cases.append(Case("JPEG", plain[:2] + b"".join(parts) + plain[2:]))
    texts = chunk(b"tEXt", b"parameters\x00" + STEPS.encode())[:-1] + b"?"
    texts += chunk(b"zTXt", text_chunk(b"zTXt", b"k", b"words")) + chunk(b"pHYs", bytes(3))
    texts += chunk(b"iCCP", b"icc\x00\x00" + zlib.compress(b"no profile"))
    plain = encoded("PNG")
    cases.append(Case("PNG", plain[:33] + texts + plain[33:]))
    return cases


def _manifests() -> dict[str, object]:
    hold = [{"code": f"assertion.{name}.match", "url": name} for name in ("dataHash", "bmffHash")]
    failed = [{"code": code, "url": "dataHash"} for code in _CODES]
    results = {"success": [*hold, {"code": "claimSignature.validated"}], "failure": failed}
    later = [{"validationDeltas": {"failure": failed[2:]}}]
    assertions = [
        {"label": "c2pa.actions.v2__1", "data": _ACTIONS},
        {"label": "com.adobe.generative-ai", "data": {"description": "x", "version": "1"}},
        {"label": "cawg.metadata", "data": {"Iptc4xmpExt:DigitalSourceType": {"@id": _TYPE}}},
    ]
    inner = {"active_manifest": "b", "validation_results": {"activeManifest": results}}
    return {
        **MANIFESTS,
        "active_manifest": "a",
        "validation_state": "Invalid",
        "validation_results": {"activeManifest": results, "ingredientDeltas": later},
        "manifests": {
            "a": {"assertions": assertions, "ingredients": [inner]},
            "b": {"assertions": assertions},
        },
    }
