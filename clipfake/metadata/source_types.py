"""The IPTC digital source types (NewsCodes, http://cv.iptc.org/newscodes/digitalsourcetype/)."""

from clipfake.records import Claim

_PREFIXES = (
    "http://cv.iptc.org/newscodes/digitalsourcetype/",
    "https://cv.iptc.org/newscodes/digitalsourcetype/",
    "digsrctype:",
)

# what each says of the origin; None: neither captured nor made by a trained model, or not told
SOURCE_TYPES: dict[str, Claim | None] = {
    "trainedAlgorithmicMedia": Claim.AI,
    "compositeWithTrainedAlgorithmicMedia": Claim.COMPOSITE,
    "compositeSynthetic": Claim.COMPOSITE,
    "algorithmicMedia": None,
    "algorithmicallyEnhanced": None,
    "composite": None,
    "compositeCapture": Claim.CAMERA,
    "computationalCapture": Claim.CAMERA,
    "dataDrivenMedia": None,
    "digitalArt": None,
    "digitalCapture": Claim.CAMERA,
    "digitalCreation": None,
    "humanEdits": None,
    "minorHumanEdits": Claim.CAMERA,
    "negativeFilm": Claim.CAMERA,
    "positiveFilm": Claim.CAMERA,
    "print": Claim.CAMERA,
    "screenCapture": None,
    "softwareImage": None,
    "virtualRecording": None,
}


def source_type(value: str) -> str | None:
    """Code of a digital source type given as a URI, a prefixed name or alone; None if unknown.

    C2PA adds types of its own under ``http://c2pa.org/digitalsourcetype/``; these are known, too.
    """
    code = value.strip()
    for prefix in (*_PREFIXES, "http://c2pa.org/digitalsourcetype/"):
        code = code.removeprefix(prefix)
    known = {name.lower(): name for name in SOURCE_TYPES}
    # URIs are written with any capitals
    return known.get(code.lower().rstrip("/"))
