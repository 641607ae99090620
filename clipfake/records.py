"""The record: everything that a scan says about one file, and the facts that it holds."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from clipfake.errors import ErrorCode

MAX_TEXT = 2000  # characters of a value that are kept
# notes of what may go otherwise another time, so that the record is no lasting one
TOOK_TOO_LONG = "metadata took too long"
TOOK_TOO_MUCH = "metadata took too much memory"
# said of an image whose score gives no verdict, see clipfake.verdict
TOO_SMALL = "too small to judge by its pixels"
# said of a file that a scan took for the one that it had hashed before
NOT_READ = "not read again; its size and times are those of when it was hashed"

# a file's absolute name, and what changes with it; see clipfake.scanning.cache.stamp_of
Stamp = tuple[bytes, str]
# a picture's file; by another name, since a record calls its size ``bytes``
Webp = bytes


class Verdict(str, Enum):
    """What the score says at the operating point in use."""

    AI = "ai"
    REAL = "real"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


class Strength(str, Enum):
    """How hard a fact is to forge or to get wrong."""

    CRYPTOGRAPHIC = "cryptographic"  # signed, unchanged since, by a signer on the trust list
    SPECIFIC = "specific"  # stands in the field that was made for saying it
    WEAK = "weak"  # informs, decides nothing


class Claim(str, Enum):
    """What a fact says of the image's origin."""

    AI = "ai"
    COMPOSITE = "composite"  # parts of it are synthetic
    CAMERA = "camera"  # captured, or scanned from what was captured


@dataclass(frozen=True)
class Fact:
    """One thing that a file says about itself.

    Attributes:
        key: dotted name, e.g. ``xmp.digital_source_type``; docs/evidence.md lists all.
        value: text as found, at most ``MAX_TEXT`` characters.
        place: the segment, chunk, box or tag where it stands.
        offset: bytes from the start of the file to that place; None when it has no single one.
        strength: how much it is worth.
        claim: what it says of the origin; None when it says nothing of that.
    """

    key: str
    value: str
    place: str
    offset: int | None
    strength: Strength = Strength.WEAK
    claim: Claim | None = None


class GeneratorBasis(str, Enum):
    """Where an answer to "which generator" comes from, the most trusted first."""

    SIGNED = "signed"  # a C2PA manifest that holds, by a signer on the trust list
    DECLARED = "declared"  # the file says so; anybody can write that
    WATERMARK = "watermark"  # a generator's public pattern in the pixels
    PIXELS = "pixels"  # the detector's opinion


@dataclass(frozen=True)
class Attribution:
    """One source's answer to which generator made an image.

    Attributes:
        basis: the kind of source.
        generator: usual name; of pixels the family's title, or the name of an added generator.
        family: ``clipfake.attribution.families.Family`` value; None where none is known.
        version: as the source gives it; None where it gives none.
        score: of pixels alone: calibrated probability, 0..1, that the family is right.
        by: key of the fact that says so; ``pixels`` for the detector.
    """

    basis: GeneratorBasis
    generator: str
    family: str | None = None
    version: str | None = None
    score: float | None = None
    by: str = ""


def cut(text: str) -> str:
    """A text as the value of a fact, without halves of surrogate pairs, which JSON can name."""
    return text[:MAX_TEXT].encode("utf-8", errors="replace").decode("utf-8")


@dataclass(frozen=True)
class Exif:
    """Camera facts that a file's EXIF block claims; any of them can be forged.

    Attributes:
        make: camera maker.
        model: camera model.
        lens: lens model.
        software: program that wrote the file.
        datetime_original: when the picture was taken, by the camera's clock, no time zone.
        gps: whether the block holds a position.
        latitude: degrees, north positive, -90..90; only when asked for.
        longitude: degrees, east positive, -180..180; only when asked for.
        width: pixel width that the block claims.
        height: pixel height that the block claims.
        orientation: 1..8.
    """

    make: str | None = None
    model: str | None = None
    lens: str | None = None
    software: str | None = None
    datetime_original: datetime | None = None
    gps: bool = False
    latitude: float | None = None
    longitude: float | None = None
    width: int | None = None
    height: int | None = None
    orientation: int | None = None


@dataclass
class Record:
    """One file of a scan.

    Attributes:
        path: the name as the user would open it, text.
        path_raw: the name's bytes when they are not valid UTF-8.
        sha256: hex digest of the bytes.
        bytes: size of the file.
        format: image format, told by content.
        width: pixels of a row as stored.
        height: rows as stored.
        animated: more than one frame; the first was scored.
        score: calibrated probability that the image is AI-generated, 0..1; that of the second look
            where it was taken, else of the first.
        looks: how many looks at the pixels were taken, 1 or 2.
        score_first: score of the first look, at the centre square.
        score_second: score of the second, at the whole picture; None where it was not taken.
        verdict: what the score says at the operating point and the file of itself.
        verdict_basis: what the verdict rests on: pixels, declared, both or conflict.
        declared: what the file says of its origin: ai, composite, camera, conflicting or none.
        declared_by: keys of the facts that say so.
        declared_strength: of these facts: cryptographic, specific or weak.
        explanation: the verdict and its reasons in a sentence.
        threshold: score from which the verdict is ai.
        model: name and digest of the adapter that scored.
        phash: perceptual hash of the pixels, 16 hex digits; see clipfake.imaging.phash.
        generator: which generator made it, by the most trusted source; ``unknown`` where the
            pixels are those of a generator and none is told apart; None where nothing says ai.
        generator_basis: that source: signed, declared, watermark or pixels.
        generator_family: the family of the generator.
        generator_score: of pixels: calibrated probability that the family is right.
        attributions: what every source says, the most trusted first.
        looks_like: what the pixels say, whatever the verdict; not part of a report.
        exif: None when the file has no EXIF block.
        facts: what the file says of itself, and where; None when it was not read.
        notes: what was done out of the ordinary.
        error_code: why there is no score.
        error: the same in a sentence, with a remedy.
        unread: it was asked for by name, has an image's name or is an image, and was not judged.
        suppressed: why a baseline accepts the finding; None for what is new.
        extra: the manifest's own columns.
        named: the user asked for it by its name on the command line; not part of a report.
        cached: what depends on the bytes comes from the cache; not part of a report.
        stamp: by which a later scan may know the file again; not part of a report.
        thumbnail: small picture, WebP, where one was asked for; no column of a report.
    """

    path: str
    path_raw: bytes | None = None
    sha256: str | None = None
    bytes: int | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None
    animated: bool | None = None
    score: float | None = None
    looks: int | None = None
    score_first: float | None = None
    score_second: float | None = None
    verdict: Verdict = Verdict.ERROR
    verdict_basis: str | None = None
    declared: str | None = None
    declared_by: str | None = None
    declared_strength: str | None = None
    explanation: str | None = None
    threshold: float | None = None
    model: str | None = None
    phash: str | None = None
    generator: str | None = None
    generator_basis: str | None = None
    generator_family: str | None = None
    generator_score: float | None = None
    attributions: tuple[Attribution, ...] = ()
    looks_like: Attribution | None = None
    exif: Exif | None = None
    facts: tuple[Fact, ...] | None = None
    notes: tuple[str, ...] = ()
    error_code: ErrorCode | None = None
    error: str | None = None
    unread: bool = False
    suppressed: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    named: bool = field(default=False, compare=False)
    cached: bool = field(default=False, compare=False)
    stamp: Stamp | None = field(default=None, compare=False)
    thumbnail: Webp | None = field(default=None, compare=False, repr=False)

    def scored(self, first: float, second: float | None = None) -> None:
        """Take the scores of the looks that were taken, of which the last one counts."""
        self.score_first, self.score_second = first, second
        self.looks = 1 if second is None else 2
        self.score = first if second is None else second
