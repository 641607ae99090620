"""Everything that a file says about itself, as facts."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from clipfake.imaging.tiff import HEADS
from clipfake.metadata.c2pa import read_c2pa
from clipfake.metadata.containers.block import Block, BlockKind
from clipfake.metadata.containers.jpeg import JpegCoding
from clipfake.metadata.containers.read import read_blocks
from clipfake.metadata.exif import ExifBlock, read_exif
from clipfake.metadata.iptc import read_iptc
from clipfake.metadata.jpeg_coding import estimated_quality, subsampling
from clipfake.metadata.jumbf import is_manifest_store
from clipfake.metadata.parameters import read_parameters
from clipfake.metadata.source_types import SOURCE_TYPES, source_type
from clipfake.metadata.user_comment import decoded
from clipfake.metadata.xmp import Properties, read_xmp
from clipfake.records import MAX_TEXT, Claim, Exif, Fact, Strength, cut

_IPTC_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
_XMP = "http://ns.adobe.com/xap/1.0/"
_DC = "http://purl.org/dc/elements/1.1/"
_EXIF = "http://ns.adobe.com/exif/1.0/"
_TIFF = "http://ns.adobe.com/tiff/1.0/"
_TC260 = "http://www.tc260.org.cn/ns/AIGC/1.0/"
_CREDITS = {
    re.compile(r"made with google ai\b", re.I): Claim.AI,
    re.compile(r"edited with google ai\b", re.I): Claim.COMPOSITE,
}
_SYSTEM = {
    f"{_IPTC_EXT} AISystemUsed": "xmp.ai_system_used",
    f"{_IPTC_EXT} AISystemVersionUsed": "xmp.ai_system_version_used",
}
_PROMPTS = {
    f"{_IPTC_EXT} AIPromptInformation": "xmp.ai_prompt_information",
    f"{_IPTC_EXT} AIPromptWriterName": "xmp.ai_prompt_writer",
}
# texts of XMP that generators write to, by the names that read_parameters knows
_XMP_TEXTS = {
    f"{_EXIF} UserComment": "xmp:UserComment",
    f"{_XMP} CreatorTool": "xmp:CreatorTool",
    f"{_TIFF} Software": "xmp:Software",
    f"{_DC} description": "xmp:description",
}
# blocks of a kind that are read, lest a file of many is read for minutes
_MAX_BLOCKS = {BlockKind.EXIF: 4, BlockKind.XMP: 8, BlockKind.IPTC: 8}
_MAX_NOTES = 8  # of blocks that are damaged
_MAX_TEXTS = 4 * 2**20  # characters of all texts that are searched for parameters
_MAX_SAME = 8  # texts of one field
# China's labelling standard GB 45438-2025: 1 is, 2 may be, 3 is suspected to be generated
_LABELS = {"1": Strength.SPECIFIC, "2": Strength.WEAK, "3": Strength.WEAK}


@dataclass(frozen=True)
class MetadataOptions:
    """What is read of a file's metadata, and how much of it is reported.

    Attributes:
        position: report GPS coordinates, not only their presence.
        prompts: report prompts, not only their length.
        anchors: certificates of C2PA signers that are trusted, PEM.
    """

    position: bool = False
    prompts: bool = False
    anchors: str = ""


@dataclass(frozen=True)
class Metadata:
    """What a file says about itself.

    Attributes:
        exif: camera facts of the first EXIF block that has any.
        facts: all facts, in the order of the file.
        notes: blocks that could not be read.
        thumbnail: the JPEG that an EXIF block embeds.
    """

    exif: Exif | None = None
    facts: tuple[Fact, ...] = ()
    notes: tuple[str, ...] = ()
    thumbnail: bytes | None = None


def read_metadata(data: bytes, form: str, options: MetadataOptions) -> Metadata:
    """Read every block of metadata that stands in its proper place.

    Args:
        data: the whole file.
        form: format as ``sniff`` names it.
        options: what is reported.

    Raises:
        ImageError: a time limit set by the caller ran out.
    """
    blocks, coding = read_blocks(data, form)
    reader = _Reader(data, form, options)
    seen = Counter[BlockKind]()
    faults: list[str] = []
    for block in blocks:
        if block.kind is BlockKind.DAMAGED:
            faults.append(f"{block.place}: {block.data.decode()}")
            continue
        seen[block.kind] += 1
        if seen[block.kind] > _MAX_BLOCKS.get(block.kind, len(blocks)):
            continue
        try:
            reader.take(block)
        except ValueError as error:
            reader.notes.append(f"{block.place}: {error}")
    reader.notes += _few(faults)
    for kind, most in _MAX_BLOCKS.items():
        if seen[kind] > most:
            reader.notes.append(f"{seen[kind]} blocks of {kind.value}, of which {most} were read")
    reader.facts += parameter_facts(
        reader.texts, reader.places, prompts=options.prompts, captured=reader.captured
    )
    if coding is not None:
        reader.facts += _coding_facts(coding)
    facts = sorted(dict.fromkeys(reader.facts), key=lambda f: f.offset or 0)
    return Metadata(reader.exif, tuple(facts), tuple(reader.notes), reader.thumbnail)


def _few(notes: list[str]) -> list[str]:
    """Each note once, and not too many of them."""
    told = list(dict.fromkeys(notes))
    more = len(told) - _MAX_NOTES
    return [*told[:_MAX_NOTES], f"{more} damaged blocks more"] if more > 0 else told


def parameter_facts(
    texts: Mapping[str, str],
    places: Mapping[str, tuple[str, int | None]],
    *,
    prompts: bool,
    captured: bool = False,
) -> list[Fact]:
    """Facts of the generators that texts name.

    Args:
        texts: by field, as ``read_parameters`` takes them.
        places: where each field stands, and its offset.
        prompts: give the prompts themselves.
        captured: whether the file has a camera's exposure settings.
    """
    facts: list[Fact] = []
    told: set[str] = set()
    for found in read_parameters(texts, captured=captured):
        if found.tool in told:
            continue
        told.add(found.tool)
        place, offset = places[found.origin]
        facts.append(
            Fact("parameters.tool", cut(found.tool), place, offset, found.strength, found.claim)
        )
        details = found.details | ({"name": found.name} if found.name else {})
        facts += [
            Fact(f"parameters.{key}", cut(value), place, offset) for key, value in details.items()
        ]
        facts += _prompt("parameters.prompt", found.prompt, place, offset, shown=prompts)
    return facts


def _prompt(key: str, text: str, place: str, offset: int | None, *, shown: bool) -> Iterator[Fact]:
    if text:
        value = cut(text) if shown else f"{len(text)} characters; --prompts shows them"
        yield Fact(key, value, place, offset)


class _Reader:
    """Collects facts block by block."""

    def __init__(self, data: bytes, form: str, options: MetadataOptions) -> None:
        self.data, self.form, self.options = data, form, options
        self.exif: Exif | None = None
        self.facts: list[Fact] = []
        self.notes: list[str] = []
        self.texts: dict[str, str] = {}
        self.places: dict[str, tuple[str, int | None]] = {}
        self.thumbnail: bytes | None = None
        self.captured = False
        self._signed = False
        self._room = _MAX_TEXTS

    def take(self, block: Block) -> None:
        """Read one block; raises ValueError when it is corrupt."""
        if block.kind is BlockKind.EXIF:
            self._exif(block)
        elif block.kind is BlockKind.XMP:
            found = read_xmp(block.data)
            if found.fault:
                self.notes.append(f"{block.place}: {found.fault}")
            self._xmp(found.properties, block)
        elif block.kind is BlockKind.IPTC:
            self._iptc(read_iptc(block.data), block)
        elif block.kind is BlockKind.TEXT:
            text = block.data.decode("utf-8", "replace")
            self._text(f"png:{block.keyword}", text, block)
            if block.keyword == "AIGC":
                self._label(text, block.place, block.offset, named=True)
        elif block.kind is BlockKind.COMMENT:
            self._text("comment", decoded(block.data), block)
        elif block.kind is BlockKind.C2PA and not self._signed and is_manifest_store(block.data):
            self._signed = True  # what is read is all of the file, wherever its stores are
            self.facts += read_c2pa(
                self.data, self.form, block.place, block.offset, self.options.anchors
            )

    def _text(self, field: str, text: str, block: Block, offset: int | None = None) -> None:
        names = (field, *(f"{field} ({number})" for number in range(2, _MAX_SAME + 1)))
        field = next((name for name in names if name not in self.texts), "")
        if field and text not in self.texts.values() and len(text) <= self._room:
            self._room -= len(text)
            self.texts[field] = text
            at = block.offset if offset is None else offset
            self.places[field] = (f"{block.place} {field}" if "exif" in field else block.place, at)

    def _exif(self, block: Block) -> None:
        if not block.data.startswith(HEADS):
            self.notes.append(f"{block.place}: EXIF does not begin like a TIFF structure")
        found = read_exif(block.data, with_position=self.options.position)
        self.exif = self.exif or found.camera
        self.captured |= _captured(found)
        # where the structure begins in the file; None when it was inflated or joined
        start = self.data.find(block.data[:64], block.offset) if block.data else -1
        for name, (text, at) in found.texts.items():
            # what went on in another segment does not stand there
            place = start + at
            there = start >= 0 and self.data[place : place + 16] == block.data[at : at + 16]
            self._text(f"exif:{name}", text, block, place if there else None)
        if found.maker_note:
            note = found.maker_note[1].decode("latin-1").rstrip("\x00")
            self._text("exif:MakerNote", note, block)
        comment, _ = found.texts.get("UserComment", ("", 0))
        self._label(comment, block.place, block.offset, named=False)
        if found.thumbnail and self.thumbnail is None:
            self.thumbnail = found.thumbnail[1]
        self.facts += _exif_facts(found, block)

    def _xmp(self, properties: Properties, block: Block) -> None:
        def add(key: str, value: str, strength: Strength, claim: Claim | None) -> None:
            text = value[:MAX_TEXT]
            self.facts.append(Fact(key, text, block.place, block.offset, strength, claim))

        for name, values in properties.items():
            space, _, local = name.partition(" ")
            if space == _IPTC_EXT and local.lower() in (
                "digitalsourcetype",
                "digitalsourcefiletype",  # the same property in an early draft
            ):
                for value in values:
                    code = source_type(value)
                    claim = SOURCE_TYPES[code] if code else None
                    strength = Strength.SPECIFIC if code else Strength.WEAK
                    add("xmp.digital_source_type", code or value, strength, claim)
            elif name in _SYSTEM:
                add(_SYSTEM[name], values[0], Strength.SPECIFIC, Claim.AI)
            elif name in _PROMPTS:
                self.facts += _prompt(
                    _PROMPTS[name],
                    values[0],
                    block.place,
                    block.offset,
                    shown=self.options.prompts,
                )
            elif name == f"{_PHOTOSHOP} Credit":
                self._credit("xmp.credit", values[0], block)
            elif space == _TC260 and local.split("/")[0] == "AIGC":
                self._label(values[0], block.place, block.offset, named=True)
            elif name in _XMP_TEXTS:
                self._text(_XMP_TEXTS[name], values[0], block)
                if name == f"{_XMP} CreatorTool":
                    add("xmp.creator_tool", values[0], Strength.WEAK, None)

    def _iptc(self, records: dict[str, str], block: Block) -> None:
        for name in ("by_line", "source", "originating_program"):
            if name in records:
                self.facts.append(Fact(f"iptc.{name}", records[name], block.place, block.offset))
        for name in ("originating_program", "caption"):
            self._text(f"iptc:{name}", records.get(name, ""), block)
        if "credit" in records:
            self._credit("iptc.credit", records["credit"], block)

    def _credit(self, key: str, value: str, block: Block) -> None:
        claims = [claim for pattern, claim in _CREDITS.items() if pattern.match(value)]
        strength = Strength.SPECIFIC if claims else Strength.WEAK
        claim = claims[0] if claims else None
        text = value[:MAX_TEXT]
        self.facts.append(Fact(key, text, block.place, block.offset, strength, claim))

    def _label(self, text: str, place: str, offset: int, *, named: bool) -> None:
        """The implicit label of GB 45438-2025: JSON with an AIGC object.

        Where the field is ``named`` for the label, the object may stand alone.
        """
        if not text.lstrip().startswith("{") or len(text) > MAX_TEXT * 4:
            return
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):
            return
        label = values.get("AIGC", values if named else None)
        if not isinstance(label, dict):
            return
        folded = {key.lower(): value for key, value in label.items()}  # some write "label"
        code = str(folded.get("label", ""))
        if code in _LABELS:
            producer = str(folded.get("contentproducer", ""))
            value = f"label {code}, producer {producer}" if producer else f"label {code}"
            self.facts.append(
                Fact("tc260.aigc", cut(value), place, offset, _LABELS[code], Claim.AI)
            )


def _captured(found: ExifBlock) -> bool:
    """Whether a block has two of a capture's marks: exposure settings and when it was taken."""
    dated = found.camera is not None and found.camera.datetime_original is not None
    return len(found.exposure) + dated > 1


def _exif_facts(found: ExifBlock, block: Block) -> Iterator[Fact]:
    def fact(key: str, value: str, claim: Claim | None = None) -> Fact:
        return Fact(key, value, block.place, block.offset, Strength.WEAK, claim)

    camera = found.camera
    if camera is None:
        return
    if camera.make and camera.model and (_captured(found) or found.maker_note):
        yield fact("exif.camera", f"{camera.make} {camera.model}", Claim.CAMERA)
    if camera.lens:
        yield fact("exif.lens", camera.lens)
    if found.exposure:
        yield fact("exif.exposure", ", ".join(f"{k} {v}" for k, v in found.exposure.items()))
    if camera.software:
        yield fact("exif.software", camera.software)
    if found.taken:
        yield fact("exif.datetime_original", _date_text(found.taken, camera.datetime_original))
    if camera.gps:
        yield fact("exif.gps", "present")
    if found.serial:
        yield fact("exif.serial_number", "present")
    if found.maker_note:
        yield fact("exif.maker_note", f"{len(found.maker_note[1])} bytes")
    if "UserComment" in found.texts:
        text = found.texts["UserComment"][0]
        yield fact("exif.user_comment", f"{len(text)} characters")


def _date_text(text: str, date: datetime | None) -> str:
    """A date in the way of ISO 8601; as it stands there if that says less, or it is none."""
    short = date is not None and len(text.strip()) <= len("2024:07:04 12:34:56")
    return date.isoformat(" ") if date is not None and short else text


def _coding_facts(coding: JpegCoding) -> Iterator[Fact]:
    def fact(key: str, value: str) -> Fact:
        return Fact(key, value, "JPEG", None)

    if 0 in coding.tables:
        quality, exact = estimated_quality(coding.tables[0])
        yield fact("jpeg.quality", f"{quality}" if exact else f"about {quality}, own tables")
    sampling = subsampling(coding)
    if sampling:
        yield fact("jpeg.subsampling", sampling)
    if coding.process:
        yield fact("jpeg.process", coding.process)
