"""Whole files to facts."""

import gzip
import json
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, features
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import IFDRational

from clipfake.errors import ErrorCode, ImageError
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.metadata import read as reading
from clipfake.metadata.read import MetadataOptions, read_metadata
from clipfake.records import Claim, Fact, Strength
from clipfake.scanning.reader import ReadOptions, read_item
from clipfake.sources import Item
from clipfake.verdict.declaration import Declared, declaration
from tests.conftest import encoded, picture
from tests.metadata.generators.graphs import EDITING, TEXT_TO_IMAGE
from tests.metadata.pieces import (
    AI_TYPE,
    NEWSCODES,
    XMP_HEAD,
    box,
    chunk,
    dataset,
    facts_of,
    jpeg,
    packet,
    png,
    resource,
    segment,
    store,
    texted,
    with_xmp,
)

LINE = "a lighthouse\nNegative prompt: fog\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1234"
SETTINGS = f"{LINE}, Size: 512x768, Model hash: abc123, Model: a-model, Version: v1.9.0"
LABEL = json.dumps({"Label": "1", "ContentProducer": "001191310000", "ProduceID": "x"})
MOCHI = "Include in Image: a lighthouse; Exclude from Image: ; Model: a-model; Steps: 20; Seed: 5"


def camera(**base: object) -> bytes:
    """An EXIF block with exposure, serial number, maker note, comment and position."""
    exif = Image.Exif()
    named = {"Make": "Example Optics", "Model": "EO-1", "Software": "Firmware 1.0"}
    inner = {
        ExifTags.Base.ExposureTime: IFDRational(1, 50),
        ExifTags.Base.FNumber: IFDRational(28, 10),
        ExifTags.Base.DateTimeOriginal: "2024:07:04 12:34:56",
        ExifTags.Base.LensModel: "35mm F2",
        ExifTags.Base.BodySerialNumber: "0042",
        ExifTags.Base.MakerNote: b"the maker's own",
        ExifTags.Base.UserComment: b"ASCII\0\0\0a comment",
    }
    for name, value in (named | base).items():
        tag = ExifTags.Base[name]
        (inner if tag in inner else exif)[tag] = value
    exif.get_ifd(ExifTags.IFD.Exif).update(
        {tag: value for tag, value in inner.items() if value is not None}
    )
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitudeRef], gps[ExifTags.GPS.GPSLatitude] = "N", (10.0, 30.0, 36.0)
    gps[ExifTags.GPS.GPSLongitudeRef], gps[ExifTags.GPS.GPSLongitude] = "E", (20.0, 15.0, 0.0)
    return exif.tobytes()


def with_exif(form: str = "JPEG", **base: object) -> bytes:
    return encoded(picture(), form, exif=camera(**base))


def with_iptc(*datasets: bytes) -> bytes:
    resources = resource(0x0404, b"".join(datasets))
    return jpeg(segment(0xED, b"Photoshop 3.0\0" + resources))


def element(name: str, value: str) -> str:
    return f"<{name}>{value}</{name}>"


class Case(NamedTuple):
    """A file and one fact that it gives; ``at`` are the bytes at the fact's offset."""

    key: str
    file: Callable[[], bytes]
    value: str
    place: str
    at: bytes | None
    strength: Strength = Strength.WEAK
    claim: Claim | None = None
    form: str = "JPEG"


AI, SPECIFIC, WEAK = Claim.AI, Strength.SPECIFIC, Strength.WEAK
APP1, APP13 = b"\xff\xe1", b"\xff\xed"
PARAMETERS = {
    "model": "a-model",
    "model_hash": "abc123",
    "sampler": "Euler a",
    "seed": "1234",
    "size": "512x768",
    "steps": "20",
    "version": "v1.9.0",
}


def in_exif(key: str, value: str, claim: Claim | None = None) -> Case:
    return Case(key, with_exif, value, "JPEG APP1", APP1, WEAK, claim)


def in_xmp(
    key: str, name: str, text: str, claim: Claim | None = None, value: str | None = None
) -> Case:
    strength = SPECIFIC if claim else WEAK
    return Case(
        key,
        lambda: with_xmp(element(name, text)),
        text if value is None else value,
        "JPEG APP1",
        APP1,
        strength,
        claim,
    )


CASES = [
    in_exif("exif.camera", "Example Optics EO-1", Claim.CAMERA),
    in_exif("exif.lens", "35mm F2"),
    in_exif("exif.exposure", "ExposureTime 1/50, FNumber 14/5"),
    in_exif("exif.software", "Firmware 1.0"),
    in_exif("exif.datetime_original", "2024-07-04 12:34:56"),
    in_exif("exif.gps", "present"),
    in_exif("exif.serial_number", "present"),
    in_exif("exif.maker_note", "15 bytes"),
    in_exif("exif.user_comment", "9 characters"),
    *(
        Case(
            f"iptc.{name}",
            lambda number=number: with_iptc(dataset(number, b"a name")),
            "a name",
            "JPEG APP13",
            APP13,
        )
        for name, number in {
            "by_line": 80,
            "source": 115,
            "originating_program": 65,
            "credit": 110,
        }.items()
    ),
    Case(
        "iptc.credit",
        lambda: with_iptc(dataset(110, b"Made with Google AI")),
        "Made with Google AI",
        "JPEG APP13",
        APP13,
        SPECIFIC,
        AI,
    ),
    in_xmp(
        "xmp.digital_source_type",
        "Iptc4xmpExt:DigitalSourceType",
        AI_TYPE,
        AI,
        "trainedAlgorithmicMedia",
    ),
    in_xmp(
        "xmp.digital_source_type",
        "Iptc4xmpExt:DigitalSourceFileType",
        AI_TYPE,
        AI,
        "trainedAlgorithmicMedia",
    ),
    in_xmp(
        "xmp.digital_source_type",
        "Iptc4xmpExt:DigitalSourceType",
        f"{NEWSCODES}compositeWithTrainedAlgorithmicMedia",
        Claim.COMPOSITE,
        "compositeWithTrainedAlgorithmicMedia",
    ),
    in_xmp(
        "xmp.digital_source_type",
        "Iptc4xmpExt:DigitalSourceType",
        f"{NEWSCODES}digitalCapture",
        Claim.CAMERA,
        "digitalCapture",
    ),
    Case(
        "xmp.digital_source_type",
        lambda: with_xmp(element("Iptc4xmpExt:DigitalSourceType", f"{NEWSCODES}digitalArt")),
        "digitalArt",
        "JPEG APP1",
        APP1,
        SPECIFIC,
    ),
    in_xmp("xmp.digital_source_type", "Iptc4xmpExt:DigitalSourceType", "something else"),
    in_xmp("xmp.ai_system_used", "Iptc4xmpExt:AISystemUsed", "A Model", AI),
    in_xmp("xmp.ai_system_version_used", "Iptc4xmpExt:AISystemVersionUsed", "2.1", AI),
    in_xmp(
        "xmp.ai_prompt_information",
        "Iptc4xmpExt:AIPromptInformation",
        "a lighthouse",
        value="12 characters; --prompts shows them",
    ),
    in_xmp(
        "xmp.ai_prompt_writer",
        "Iptc4xmpExt:AIPromptWriterName",
        "A. Writer",
        value="9 characters; --prompts shows them",
    ),
    in_xmp("xmp.credit", "photoshop:Credit", "Made with Google AI", AI),
    in_xmp("xmp.credit", "photoshop:Credit", "Edited with Google AI", Claim.COMPOSITE),
    in_xmp("xmp.credit", "photoshop:Credit", "A Photographer"),
    in_xmp("xmp.creator_tool", "xmp:CreatorTool", "Adobe Photoshop 26.0"),
    in_xmp("tc260.aigc", "TC260:AIGC", LABEL, AI, "label 1, producer 001191310000"),
    in_xmp("parameters.tool", "xmp:CreatorTool", "Adobe Firefly", AI),
    Case(
        "tc260.aigc",
        lambda: with_exif(UserComment=b"ASCII\0\0\0" + json.dumps({"AIGC": {"Label": 1}}).encode()),
        "label 1",
        "JPEG APP1",
        APP1,
        SPECIFIC,
        AI,
    ),
    Case(
        "tc260.aigc",
        lambda: texted(AIGC=json.dumps({"label": "1", "contentProducer": "0011"})),
        "label 1, producer 0011",
        "PNG tEXt AIGC",
        b"tEXtAIGC",
        SPECIFIC,
        AI,
        "PNG",
    ),
    Case(
        "tc260.aigc",
        lambda: texted(AIGC=LABEL),
        "label 1, producer 001191310000",
        "PNG tEXt AIGC",
        b"tEXtAIGC",
        SPECIFIC,
        AI,
        "PNG",
    ),
    *(
        Case(
            "tc260.aigc",
            lambda code=code: texted(AIGC=json.dumps({"AIGC": {"Label": code}})),
            f"label {code}",
            "PNG tEXt AIGC",
            b"tEXtAIGC",
            WEAK,
            AI,
            "PNG",
        )
        for code in ("2", "3")
    ),
    Case("jpeg.quality", jpeg, "75", "JPEG", None),
    Case("jpeg.subsampling", jpeg, "4:2:0", "JPEG", None),
    Case("jpeg.process", jpeg, "baseline", "JPEG", None),
    Case(
        "parameters.tool",
        lambda: texted(parameters=SETTINGS),
        "AUTOMATIC1111",
        "PNG tEXt parameters",
        b"tEXtparameters",
        SPECIFIC,
        AI,
        "PNG",
    ),
    *(
        Case(
            f"parameters.{name}",
            lambda: texted(parameters=SETTINGS),
            value,
            "PNG tEXt parameters",
            b"tEXtparameters",
            form="PNG",
        )
        for name, value in PARAMETERS.items()
    ),
    Case(
        "parameters.prompt",
        lambda: texted(parameters=SETTINGS),
        "12 characters; --prompts shows them",
        "PNG tEXt parameters",
        b"tEXtparameters",
        form="PNG",
    ),
    Case(
        "parameters.tool",
        lambda: texted(prompt=json.dumps(EDITING)),
        "ComfyUI",
        "PNG tEXt prompt",
        b"tEXtprompt",
        WEAK,
        form="PNG",
    ),
    Case(
        "parameters.tool",
        lambda: texted(prompt=json.dumps(TEXT_TO_IMAGE)),
        "ComfyUI",
        "PNG tEXt prompt",
        b"tEXtprompt",
        SPECIFIC,
        AI,
        "PNG",
    ),
    Case(
        "parameters.tool",
        lambda: jpeg(segment(0xFE, b"a first comment"), segment(0xFE, SETTINGS.encode())),
        "AUTOMATIC1111",
        "JPEG COM",
        b"\xff\xfe",
        SPECIFIC,
        AI,
    ),
    Case(
        "parameters.tool",
        lambda: jpeg(segment(0xFE, SETTINGS.encode("utf-16-le"))),
        "AUTOMATIC1111",
        "JPEG COM",
        b"\xff\xfe",
        SPECIFIC,
        AI,
    ),
    Case(
        "parameters.tool",
        lambda: encoded(picture(), "GIF", comment=SETTINGS.encode()),
        "AUTOMATIC1111",
        "GIF comment",
        b"!\xfe",
        SPECIFIC,
        AI,
        "GIF",
    ),
    Case(
        "parameters.tool",
        lambda: with_iptc(dataset(65, b"Mochi Diffusion"), dataset(120, MOCHI.encode())),
        "Mochi Diffusion",
        "JPEG APP13",
        APP13,
        SPECIFIC,
        AI,
    ),
    in_xmp("parameters.tool", "tiff:Software", "Midjourney v6.1", AI, "Midjourney"),
    Case(
        "parameters.tool",
        lambda: with_exif(UserComment=b"ASCII\0\0\0" + SETTINGS.encode()),
        "AUTOMATIC1111",
        "JPEG APP1 exif:UserComment",
        b"ASCII\0\0\0a lighthouse",
        SPECIFIC,
        AI,
    ),
    Case(
        "parameters.tool",
        lambda: with_exif("WEBP", Make=f"prompt:{json.dumps(TEXT_TO_IMAGE)}", Model="workflow:{}"),
        "ComfyUI",
        "WebP EXIF exif:Make",
        b"prompt:{",
        SPECIFIC,
        AI,
        "WEBP",
    ),
    Case(
        "parameters.tool",
        lambda: with_exif("PNG", MakerNote=b"OpenAI--ImageGeneration--generation-aBc"),
        "OpenAI",
        "PNG eXIf exif:MakerNote",
        b"eXIf",
        SPECIFIC,
        AI,
        "PNG",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.key}-{case.value[:20]}")
def test_each_fact_is_read_with_its_place_and_worth(case: Case) -> None:
    data = case.file()
    (fact,) = [
        f for f in read_metadata(data, case.form, MetadataOptions()).facts if f.key == case.key
    ]
    assert fact == Fact(case.key, case.value, case.place, fact.offset, case.strength, case.claim)
    if case.at is None:
        assert fact.offset is None
    else:
        assert fact.offset is not None
        skip = 4 if case.form == "PNG" else 0  # a chunk's type follows its length
        assert data[fact.offset + skip :].startswith(case.at)


def test_a_file_without_metadata_says_only_how_it_was_coded() -> None:
    assert set(facts_of(jpeg(), "JPEG")) == {"jpeg.quality", "jpeg.subsampling", "jpeg.process"}
    for form in ("PNG", "WEBP", "GIF", "BMP", "TIFF"):
        found = read_metadata(encoded(picture(), form), form, MetadataOptions())
        assert (found.facts, found.notes, found.thumbnail) == ((), (), None)


def test_odd_tables_are_about_a_quality() -> None:
    data = jpeg(segment(0xDB, b"\0" + bytes([17, *[16] * 63])))
    assert facts_of(data, "JPEG")["jpeg.quality"].value.startswith("about ")


def with_both(form: str, image: Image.Image, xmp: bytes) -> bytes:
    """A file with EXIF and an XMP packet, as Pillow puts them into the format."""
    if form == "PNG":
        texts = PngInfo()
        texts.add_itxt("XML:com.adobe.xmp", xmp.decode())
        return encoded(image, form, exif=camera(), pnginfo=texts)
    if form == "TIFF":
        exif = Image.Exif()
        exif.load(camera())
        exif[700] = xmp
        return encoded(image, form, exif=exif.tobytes())
    return encoded(image, form, exif=camera(), xmp=xmp)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_the_formats_keep_the_same_facts(form: str) -> None:
    if form == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    data = with_both(form, picture(), packet(element("photoshop:Credit", "A. B.")))
    found = facts_of(data, form)
    assert found["exif.camera"].value == "Example Optics EO-1"
    assert found["exif.camera"].claim is Claim.CAMERA
    assert found["xmp.credit"].value == "A. B."


def test_a_name_without_exposure_or_maker_note_is_no_camera() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "Example Optics", "EO-1"
    found = read_metadata(encoded(picture(), "JPEG", exif=exif), "JPEG", MetadataOptions())
    assert found.exif is not None
    assert found.exif.make == "Example Optics"
    assert all(fact.claim is None for fact in found.facts)


def test_facts_stand_in_the_order_of_the_file() -> None:
    credit = segment(0xED, b"Photoshop 3.0\0" + resource(0x0404, dataset(110, b"A. B.")))
    tool = segment(0xE1, XMP_HEAD + packet(attributes='xmp:CreatorTool="a tool"'))
    exif = segment(0xE1, camera())
    for order in ([credit, tool, exif], [exif, credit, tool]):
        facts = read_metadata(jpeg(*order), "JPEG", MetadataOptions()).facts
        offsets = [fact.offset or 0 for fact in facts]
        assert offsets == sorted(offsets)
        assert len(set(offsets)) == 4


def test_equal_facts_stand_once() -> None:
    both = element("Iptc4xmpExt:DigitalSourceType", AI_TYPE)
    both += element("Iptc4xmpExt:DigitalSourceFileType", AI_TYPE)
    assert facts_of(with_xmp(both), "JPEG")["xmp.digital_source_type"].claim is AI


def test_a_fact_from_a_profile_that_was_inflated_has_no_place_of_its_own() -> None:
    exif = camera(UserComment=b"ASCII\0\0\0" + LINE.encode())
    text = b"\nexif\n%8d\n%s\n" % (len(exif), exif.hex().encode())
    data = png(chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text)))
    found = facts_of(data, "PNG")
    assert found["exif.camera"].offset == 33
    assert found["parameters.tool"].place == "PNG zTXt Raw profile type exif exif:UserComment"


def test_no_value_is_endless() -> None:
    long = "x" * 12_000
    elements = element("xmp:CreatorTool", long) + element("photoshop:Credit", long)
    elements += element("Iptc4xmpExt:DigitalSourceType", long)
    elements += element("Iptc4xmpExt:AIPromptInformation", long)
    found = facts_of(with_xmp(elements), "JPEG", prompts=True)
    assert len(found) == 7
    assert max(len(fact.value) for fact in found.values()) == 2000


def test_a_generator_that_two_fields_name_is_told_once() -> None:
    exif = camera(Software="Ideogram", Make="Ideogram AI")
    found = facts_of(encoded(picture(), "JPEG", exif=exif), "JPEG")
    assert found["parameters.tool"].place == "JPEG APP1 exif:Software"


@pytest.mark.parametrize("length", [100, 100_000])
def test_a_text_longer_than_a_segment_is_read_whole(length: int) -> None:
    words = (
        f"{'a lighthouse, ' * (length // 14)}\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1"
    )
    whole = camera(UserComment=b"ASCII\0\0\0" + words.encode()).removeprefix(b"Exif\0\0")
    parts = [b"Exif\0\0" + whole[at : at + 65_000] for at in range(0, len(whole), 65_000)]
    data = jpeg(*(segment(0xE1, part) for part in parts))
    found = facts_of(data, "JPEG")
    assert found["parameters.tool"].value == "AUTOMATIC1111"
    assert found["exif.user_comment"].value == f"{len(words)} characters"
    assert found["exif.camera"].value == "Example Optics EO-1"


# what is told only when asked for


@pytest.mark.parametrize(
    ("data", "form", "key"),
    [
        (texted(parameters=SETTINGS), "PNG", "parameters.prompt"),
        (texted(prompt=json.dumps(TEXT_TO_IMAGE)), "PNG", "parameters.prompt"),
        (
            with_exif(UserComment=b"ASCII\0\0\0" + SETTINGS.encode()),
            "JPEG",
            "parameters.prompt",
        ),
        (
            with_exif("WEBP", Make=f"Prompt:{json.dumps(TEXT_TO_IMAGE)}"),
            "WEBP",
            "parameters.prompt",
        ),
        (
            with_xmp(element("Iptc4xmpExt:AIPromptInformation", "a lighthouse")),
            "JPEG",
            "xmp.ai_prompt_information",
        ),
    ],
)
def test_prompts_are_given_only_when_asked_for(data: bytes, form: str, key: str) -> None:
    hidden = read_metadata(data, form, MetadataOptions())
    assert "lighthouse" not in repr((hidden.facts, hidden.exif))
    assert {f.key: f.value for f in hidden.facts}[key] == "12 characters; --prompts shows them"
    shown = read_metadata(data, form, MetadataOptions(prompts=True))
    assert {f.key: f.value for f in shown.facts}[key] == "a lighthouse"


def test_coordinates_are_given_only_when_asked_for() -> None:
    hidden = read_metadata(with_exif(), "JPEG", MetadataOptions())
    shown = read_metadata(with_exif(), "JPEG", MetadataOptions(position=True))
    assert hidden.facts == shown.facts
    assert hidden.exif is not None
    assert shown.exif is not None
    assert (hidden.exif.gps, hidden.exif.latitude) == (True, None)
    assert shown.exif.latitude == pytest.approx(10.51)


# labels of GB 45438-2025


@pytest.mark.parametrize(
    "text",
    [
        "",
        "AIGC",
        "{",
        "[]",
        "{}",
        '{"Label": "0"}',
        '{"Label": "4"}',
        '{"AIGC": {}}',
        '{"AIGC": "1"}',
        '{"AIGC": {"Label": []}}',
        '{"a":' * 2000,
        json.dumps({"Label": "1", "pad": "x" * 9000}),
    ],
)
def test_a_broken_label_says_nothing(text: str) -> None:
    assert facts_of(texted(AIGC=text), "PNG") == {}


@pytest.mark.parametrize(
    "data",
    [
        texted(Comment=LABEL),
        texted(Comment=json.dumps({"AIGC": {"Label": "1"}})),
        with_xmp(element("dc:description", LABEL)),
        with_exif(UserComment=b"ASCII\0\0\0" + LABEL.encode()),
        with_exif(ImageDescription=json.dumps({"AIGC": {"Label": "1"}})),
    ],
)
def test_a_label_in_another_field_says_nothing(data: bytes) -> None:
    form = "PNG" if data.startswith(b"\x89PNG") else "JPEG"
    assert "tc260.aigc" not in facts_of(data, form)


# with pixels


def described(path: Path, data: bytes) -> dict[str, Fact]:
    """The facts of a file whose pixels are looked at, too."""
    path.write_bytes(data)
    record, pixels = read_item(Item(str(path)), ReadOptions(Preprocessing(size=64)))
    assert pixels is not None
    return {fact.key: fact for fact in record.facts or ()}


@pytest.mark.parametrize(
    ("seed", "words"), [(0, "80x60, agrees with the image"), (1, "80x60, differs from the image")]
)
def test_a_thumbnail_is_compared_with_the_pixels(tmp_path: Path, seed: int, words: str) -> None:
    piexif = pytest.importorskip("piexif")
    thumbnail = encoded(picture(320, 240, seed).resize((80, 60)), "JPEG")
    exif = piexif.dump({"0th": {}, "1st": {}, "thumbnail": thumbnail})
    data = encoded(picture(320, 240), "JPEG", exif=exif)
    fact = described(tmp_path / "photo.jpg", data)["exif.thumbnail"]
    assert fact.value.replace("differs with", "differs from").startswith(words)
    assert (fact.place, fact.offset, fact.claim) == ("EXIF IFD1", None, None)


def test_texts_in_the_alpha_channel_are_read(tmp_path: Path) -> None:
    words = json.dumps({"Software": "NovelAI", "Description": "a lighthouse"})
    data = gzip.compress(words.encode())
    stream = b"stealth_pngcomp" + (8 * len(data)).to_bytes(4, "big") + data
    bits = np.unpackbits(np.frombuffer(stream, np.uint8))
    alpha = np.full(64 * 48, 254, np.uint8)
    alpha[: len(bits)] |= bits
    image = picture()
    image.putalpha(Image.fromarray(alpha.reshape(64, 48).T.copy()))
    found = described(tmp_path / "photo.png", encoded(image))
    assert found["parameters.tool"] == Fact(
        "parameters.tool", "NovelAI", "alpha channel", None, SPECIFIC, AI
    )
    assert found["parameters.prompt"].value == "12 characters; --prompts shows them"


# forgeries: bytes that spell a statement, in a place that states nothing

SPELLED = {
    "c2pa": b"c2pa",
    "a manifest store": store(),
    "parameters": b"parameters\0" + SETTINGS.encode(),
    "a type": AI_TYPE.encode(),
    "a line": SETTINGS.encode(),
    "a packet": packet(element("Iptc4xmpExt:DigitalSourceType", AI_TYPE)),
    "a packet with its name": XMP_HEAD + packet(element("Iptc4xmpExt:DigitalSourceType", AI_TYPE)),
    "a graph": json.dumps(TEXT_TO_IMAGE).encode(),
    "a label": json.dumps({"AIGC": {"Label": "1"}}).encode(),
    "a chunk": chunk(b"tEXt", b"parameters\0" + SETTINGS.encode()),
    "a segment": segment(0xE1, XMP_HEAD + packet(attributes='xmp:CreatorTool="Midjourney"')),
    "a name": b"Midjourney",
    "IPTC": b"Photoshop 3.0\0" + resource(0x0404, dataset(110, b"Made with Google AI")),
}


def as_pixels(payload: bytes, form: str) -> bytes:
    """A picture whose rows are the payload, uncompressed."""
    image = Image.frombytes("L", (len(payload), 4), payload * 4)
    data = encoded(image, form)
    if form == "PNG":  # with rows that are not filtered
        head, tail = data[: data.index(b"IDAT") - 4], data[-12:]
        data = head + chunk(b"IDAT", zlib.compress((b"\0" + payload) * 4, 0)) + tail
    assert payload in data
    return data


def in_scan(payload: bytes) -> bytes:
    """A JPEG whose entropy-coded data holds the payload."""
    data = encoded(picture(), "JPEG")
    return data[:-2] + payload.replace(b"\xff", b"\xff\0") + data[-2:]


def wide_name(payload: bytes) -> bytes:
    """A JPEG that says it in EXIF's description and artist, and in a thumbnail's place."""
    return with_exif(ImageDescription=payload.decode("latin-1"), Artist=payload.decode("latin-1"))


PLACES: dict[str, Callable[[bytes], tuple[bytes, str]]] = {
    "a JPEG comment": lambda p: (jpeg(segment(0xFE, p)), "JPEG"),
    "APP2": lambda p: (jpeg(segment(0xE2, p)), "JPEG"),
    "a profile": lambda p: (jpeg(segment(0xE2, b"ICC_PROFILE\0\1\1" + p)), "JPEG"),
    "APP11 of another kind": lambda p: (jpeg(segment(0xEB, b"HDR_RI" + p)), "JPEG"),
    "an unnamed APP1": lambda p: (jpeg(segment(0xE1, b"\0" + p)), "JPEG"),
    "a scan": lambda p: (in_scan(p), "JPEG"),
    "behind EOI": lambda p: (jpeg() + p, "JPEG"),
    "EXIF's description": lambda p: (wide_name(p), "JPEG"),
    "XMP's description": lambda p: (
        with_xmp(f"<dc:description><![CDATA[{p.decode('ascii', 'ignore')}]]></dc:description>")
        if not p.startswith((b"\xff", b"\0"))
        else jpeg(),
        "JPEG",
    ),
    "tEXt Comment": lambda p: (png(chunk(b"tEXt", b"Comment\0" + p)), "PNG"),
    "tEXt of XMP's name": lambda p: (png(chunk(b"tEXt", b"XML:com.adobe.xmp\0" + p)), "PNG"),
    "a private chunk": lambda p: (png(chunk(b"prVt", p)), "PNG"),
    "behind IEND": lambda p: (encoded(picture()) + p, "PNG"),
    "a chunk behind IEND": lambda p: (
        encoded(picture()) + chunk(b"tEXt", b"parameters\0" + p),
        "PNG",
    ),
    "pixels of a PNG": lambda p: (as_pixels(p, "PNG"), "PNG"),
    "pixels of a TIFF": lambda p: (as_pixels(p, "TIFF"), "TIFF"),
    "pixels of a BMP": lambda p: (as_pixels(p, "BMP"), "BMP"),
    "a GIF comment": lambda p: (encoded(picture(), "GIF", comment=p), "GIF"),
    "behind a GIF": lambda p: (encoded(picture(), "GIF") + p, "GIF"),
    "behind a WebP": lambda p: (encoded(picture(), "WEBP") + p, "WEBP"),
    "a box of data": lambda p: (box(b"ftyp", b"avif\0\0\0\0") + box(b"mdat", p), "AVIF"),
}


# comments are where programs put their settings, for want of text chunks
COMMENTS = ("a JPEG comment", "tEXt Comment", "a GIF comment")
HAS_SETTINGS = ("parameters", "a line", "a graph", "a chunk")


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (words, place)
        for words in SPELLED
        for place in PLACES
        if place not in COMMENTS or words not in HAS_SETTINGS
    ],
)
def test_words_in_the_wrong_place_claim_nothing(words: str, place: str) -> None:
    data, form = PLACES[place](SPELLED[words])
    claims = [f for f in read_metadata(data, form, MetadataOptions()).facts if f.claim]
    assert [f for f in claims if f.key != "exif.camera"] == []


def test_a_type_of_another_picture_claims_nothing() -> None:
    inner = element("Iptc4xmpExt:DigitalSourceType", AI_TYPE)
    nested = f'<xmp:Ingredients rdf:parseType="Resource">{inner}</xmp:Ingredients>'
    found = facts_of(with_xmp(nested), "JPEG")
    assert all(fact.claim is None for fact in found.values())


def test_a_second_image_in_the_file_claims_nothing() -> None:
    second = with_xmp(element("Iptc4xmpExt:DigitalSourceType", AI_TYPE))
    found = facts_of(jpeg() + second, "JPEG")
    assert all(fact.claim is None for fact in found.values())


# damage


def test_a_broken_block_is_noted_and_the_others_are_read() -> None:
    broken = segment(0xE1, XMP_HEAD + b"<a><b></a>")
    credit = segment(0xED, b"Photoshop 3.0\0" + resource(0x0404, dataset(110, b"A. B.")))
    found = read_metadata(jpeg(broken, credit), "JPEG", MetadataOptions())
    assert found.notes == ("JPEG APP1: XMP is not well-formed (mismatched tag)",)
    assert "iptc.credit" in {fact.key for fact in found.facts}


def test_exif_without_a_head_is_noted() -> None:
    for body in (b"", b"the rest of something", b"MM*\0\0\0\0\x08"):
        found = read_metadata(jpeg(segment(0xE1, b"Exif\0\0" + body)), "JPEG", MetadataOptions())
        assert found.notes == ("JPEG APP1: EXIF does not begin like a TIFF structure",)


@pytest.mark.parametrize("size", [0, 20])
def test_a_damaged_chunk_is_noted_with_or_without_pixels(tmp_path: Path, size: int) -> None:
    bad = chunk(b"tEXt", b"parameters\0" + SETTINGS.encode())[:-1] + b"?"
    huge = chunk(b"zTXt", b"parameters\0\0" + zlib.compress(bytes(size * 2**20)))
    path = tmp_path / "photo.png"
    path.write_bytes(png(bad, huge))
    notes = ["PNG tEXt: its checksum does not fit"]
    notes += ["PNG zTXt: no text, or more than 16777216 bytes of it"] if size else []
    for pixels in (None, Preprocessing(size=64)):
        record, found = read_item(Item(str(path)), ReadOptions(pixels))
        assert record.error is None
        assert (found is None) == (pixels is None)
        assert [note for note in record.notes if note.startswith("PNG")] == notes
        assert "parameters.tool" not in {fact.key for fact in record.facts or ()}


def test_many_damaged_blocks_are_counted() -> None:
    bad = [chunk(b"tEXt", b"k%d\0\0" % n)[:-1] + b"?" for n in range(30)]
    kinds = [chunk(b"tEXt", b"Raw profile type exif\0%d" % n) for n in range(30)]
    found = read_metadata(png(*bad, *kinds), "PNG", MetadataOptions())
    assert len(found.notes) == 2  # each is said once


def test_the_time_limit_is_not_taken_for_corruption(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object) -> None:
        raise ImageError(ErrorCode.TOO_SLOW, "slow")

    monkeypatch.setattr(reading, "read_xmp", slow)
    with pytest.raises(ImageError, match="slow"):
        read_metadata(with_xmp(), "JPEG", MetadataOptions())


def small_files() -> Sequence[tuple[bytes, str]]:
    """A small file of each format with every kind of block that it takes."""
    tiny = picture(8, 8)
    xmp = packet(element("Iptc4xmpExt:DigitalSourceType", AI_TYPE))
    credit = segment(0xED, b"Photoshop 3.0\0" + resource(0x0404, dataset(110, b"A. B.")))
    texts = chunk(b"zTXt", b"parameters\0\0" + zlib.compress(SETTINGS.encode()))
    whole, flat = with_both("JPEG", tiny, xmp), with_both("PNG", tiny, xmp)
    return [
        (whole[:2] + credit + whole[2:], "JPEG"),
        (flat[:33] + texts + flat[33:], "PNG"),
        (with_both("WEBP", tiny, xmp), "WEBP"),
        (with_both("TIFF", tiny, xmp), "TIFF"),
        (encoded(tiny, "GIF", comment=b"words"), "GIF"),
    ]


SMALL = small_files()


@pytest.mark.parametrize(("data", "form"), SMALL, ids=[form for _, form in SMALL])
def test_no_truncation_raises(data: bytes, form: str) -> None:
    whole = {fact.key for fact in read_metadata(data, form, MetadataOptions()).facts}
    for end in range(len(data)):
        found = read_metadata(data[:end], form, MetadataOptions())
        assert {fact.key for fact in found.facts} <= whole


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damage_gives_facts_of_bounded_text(draw: st.DataObject) -> None:
    data, form = draw.draw(st.sampled_from(SMALL))
    changed = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 10))):
        changed[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    found = read_metadata(bytes(changed), form, MetadataOptions())
    for fact in found.facts:
        assert len(fact.value) <= 2000
        assert fact.offset is None or 0 <= fact.offset < len(data)


# files of others


def test_files_of_known_origin_declare_it(shared: Path) -> None:
    pytest.importorskip("c2pa")
    expected = json.loads((shared / "metadata" / "expected.json").read_text("utf-8"))
    assert len(expected) >= 27
    for name, known in expected.items():
        data = (shared / "metadata" / name).read_bytes()
        form = "PNG" if name.endswith(".png") else "JPEG"
        found = read_metadata(data, form, MetadataOptions())
        said = declaration(found.facts)
        if known["label"] == "fake":
            assert said.declared in (Declared.AI, Declared.COMPOSITE), name
            assert said.strength is Strength.SPECIFIC, name
        else:
            assert said.declared is Declared.CAMERA, name
            assert said.strength is Strength.WEAK, name
        assert found.notes == (), name


def test_known_files_give_their_source_type_and_settings(shared: Path) -> None:
    expected = json.loads((shared / "metadata" / "expected.json").read_text("utf-8"))
    compared = 0
    for name, known in expected.items():
        data = (shared / "metadata" / name).read_bytes()
        form = "PNG" if name.endswith(".png") else "JPEG"
        found = {f.key: f.value for f in read_metadata(data, form, MetadataOptions()).facts}
        tags = known["exiftool"]
        if "XMP-iptcExt:DigitalSourceType" in tags:
            code = tags["XMP-iptcExt:DigitalSourceType"].rpartition("/")[2]
            assert found["xmp.digital_source_type"] == code, name
            compared += 1
        if "IPTC:Credit" in tags:
            assert found["iptc.credit"] == tags["IPTC:Credit"], name
            compared += 1
        if "File:YCbCrSubSampling" in tags:
            words = tags["File:YCbCrSubSampling"].removeprefix("YCbCr").split()[0]
            assert found["jpeg.subsampling"] == words, name
            compared += 1
        if "Seed: " in str(tags.get("PNG:Parameters")):
            seed = tags["PNG:Parameters"].partition("Seed: ")[2].split(",")[0].strip()
            assert found["parameters.seed"] == seed, name
            compared += 1
    assert compared >= 20


def test_the_first_of_two_equal_keywords_does_not_hide_the_second() -> None:
    both = png(
        chunk(b"tEXt", b"parameters\0" + b"words"),
        chunk(b"tEXt", b"parameters\0" + SETTINGS.encode()),
    )
    assert facts_of(both, "PNG")["parameters.tool"].value == "AUTOMATIC1111"


@pytest.mark.parametrize(
    ("tags", "claims"),
    [
        ({"FNumber": None, "DateTimeOriginal": None, "MakerNote": None}, False),
        ({"FNumber": None, "MakerNote": None}, True),
        ({"DateTimeOriginal": None, "MakerNote": None}, True),
        ({"FNumber": None, "DateTimeOriginal": None}, True),
    ],
)
def test_a_camera_leaves_two_marks_of_a_capture(tags: dict[str, None], claims: bool) -> None:
    found = facts_of(with_exif(**tags), "JPEG")
    assert ("exif.camera" in found) is claims


def test_a_program_that_saved_a_capture_does_not_make_it_ai() -> None:
    for name in ("Adobe Firefly", "Midjourney"):
        said = declaration(tuple(facts_of(with_exif(Software=name), "JPEG").values()))
        assert (said.declared, said.strength) == (Declared.CAMERA, WEAK)


def test_cameras_named_like_generators_are_cameras() -> None:
    for tags in (
        {"Make": "Planet", "Model": "Gemini PDA"},
        {"Make": "Recraft", "Model": "Midjourney"},
        {"Make": "Midjourney", "Model": "Imagen 3", "Software": "Imagen 4.2"},
    ):
        said = declaration(tuple(facts_of(with_exif(**tags), "JPEG").values()))
        assert said.declared is Declared.CAMERA


@pytest.mark.parametrize(
    ("text", "names"),
    [("gpt-image-1", ["gpt-image-1"]), ("Midjourney v6.1", ["Midjourney v6.1"]), ("ComfyUI", [])],
)
def test_a_name_that_says_more_than_the_tool_is_kept(text: str, names: list[str]) -> None:
    words = PngInfo()
    words.add_text("Software", text)
    found = read_metadata(encoded(picture(), pnginfo=words), "PNG", MetadataOptions()).facts
    assert [fact.value for fact in found if fact.key == "parameters.name"] == names


def test_a_model_without_a_file_of_its_own_is_named_by_what_samples() -> None:
    words = PngInfo()
    line = LINE.replace("CFG scale: 7", "CFG scale: 7, Model: , Unet: Krea-2-Raw-Q8_0.gguf")
    words.add_text("parameters", line)
    found = read_metadata(encoded(picture(), pnginfo=words), "PNG", MetadataOptions()).facts
    models = [fact.value for fact in found if fact.key == "parameters.model"]
    assert models == ["Krea-2-Raw-Q8_0.gguf"]
