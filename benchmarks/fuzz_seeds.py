"""Small files with every kind of metadata, made here: what the fuzzer starts from."""

import gzip
import io
import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from clipfake.errors import ImageError
from clipfake.imaging.formats import SNIFF_BYTES, sniff

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF", "HEIF")
Entry = tuple[int, int, int, bytes]  # tag, field type, count, value


class Case(NamedTuple):
    """An input: bytes, and the parser that they go to (a format, or a part of the package)."""

    target: str
    data: bytes


STEPS = (
    "a red fox, <lora:fur:0.8>\nNegative prompt: blurry, text\n"
    "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 42, Size: 512x768, Model hash: 6ce0161689, "
    'Model: v1-5, ControlNet 0: "Module: canny, Weight: 1", Hashes: {"model": "6ce0161689"}, '
    "Version: v1.9.4"
)
GRAPH = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 42,
            "steps": 20,
            "cfg": 8.0,
            "sampler_name": "euler",
            "scheduler": "normal",
            "model": ["4", 0],
            "positive": ["6", 0],
            "negative": ["7", 0],
            "latent_image": ["9", 0],
        },
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "v1-5.safetensors"}},
    "5": {"class_type": "ConditioningCombine", "inputs": {"a": ["6", 0], "b": ["7", 0]}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red fox", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["4", 1]}},
    "8": {
        "class_type": "ImpactSwitch",
        "inputs": {"select": 1, "input1": ["3", 0], "input2": ["9", 0]},
    },
    "9": {"class_type": "VAEEncode", "inputs": {"pixels": ["10", 0], "vae": ["4", 2]}},
    "10": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
    "11": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "x"}},
}
_LINKS: tuple[tuple[int, int, int, int, int, str], ...] = (
    (1, 4, 0, 3, 0, "MODEL"),
    (2, 6, 0, 3, 1, "CONDITIONING"),
    (3, 7, 0, 3, 2, "CONDITIONING"),
    (4, 10, 0, 3, 3, "LATENT"),
    (5, 3, 0, 12, 0, "LATENT"),
    (6, 12, 0, 11, 0, "IMAGE"),
)
_TARGETS = ("model", "positive", "negative", "latent_image")
WORKFLOW = {
    "nodes": [
        {
            "id": int(number),
            "type": node["class_type"],
            "mode": 0,
            "inputs": [
                {"name": _TARGETS[link[4]], "type": link[5], "link": link[0]}
                for link in _LINKS
                if link[3] == int(number)
            ],
            "outputs": [{"name": "out", "type": "IMAGE"}],
            "widgets_values": ["x", 1, 2, 3],
        }
        for number, node in GRAPH.items()
    ]
    + [
        {"id": 12, "type": "sub", "mode": 0, "inputs": [{"name": "a", "link": 5}]},
        {"id": 13, "type": "SetNode", "widgets_values": ["n"], "inputs": [{"link": 6}]},
        {"id": 14, "type": "GetNode", "widgets_values": ["n"]},
        {"id": 15, "type": "workflow>g", "mode": 4, "inputs": [{"name": "b", "link": 5}]},
    ],
    "links": _LINKS,
    "definitions": {
        "subgraphs": [
            {
                "id": "sub",
                "nodes": [
                    {"id": 1, "type": "VAEDecode", "inputs": [{"name": "samples", "link": 1}]}
                ],
                "links": [
                    {"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 1, "target_slot": 0},
                    {"id": 2, "origin_id": 1, "origin_slot": 0, "target_id": -20, "target_slot": 0},
                ],
            }
        ]
    },
    "extra": {"groupNodes": {"g": {"nodes": [{"type": "KSampler", "mode": 0}]}}},
}
_INVOKE = {
    "positive_prompt": "a red fox",
    "negative_prompt": "blurry",
    "seed": 42,
    "steps": 20,
    "scheduler": "euler",
    "cfg_scale": 7.5,
    "width": 512,
    "height": 512,
    "model": {"model_name": "sdxl", "name": "sdxl", "base": "sdxl"},
}
_SD_METADATA = {
    "model_weights": "sd-1.5",
    "model_hash": "cc6cb27103",
    "image": {
        "prompt": [{"prompt": "a red fox [blurry]", "weight": 1.0}],
        "sampler": "k_lms",
        "seed": 42,
        "steps": 20,
        "cfg_scale": 7.5,
    },
}
_NOVELAI = {"prompt": "a fox", "steps": 28, "sampler": "k_euler", "seed": 42, "uc": "blurry"}
_FOOOCUS = {
    "prompt": "a fox",
    "negative_prompt": "",
    "base_model": "juggernaut",
    "base_model_hash": "aeb7e9e689",
    "sampler": "dpmpp_2m",
    "seed": 42,
    "steps": 30,
}
_LABEL = {"AIGC": {"Label": "1", "ContentProducer": "example"}}
_JOB = "a red fox --v 6 --ar 3:2 Job ID: 01234567-89ab-cdef-0123-456789abcdef"
# texts by field, as read_parameters takes them
TEXTS: tuple[dict[str, str], ...] = (
    {"png:parameters": STEPS},
    {"exif:UserComment": STEPS},
    {"png:prompt": json.dumps(GRAPH), "png:workflow": json.dumps(WORKFLOW)},
    {
        "exif:Make": "workflow:" + json.dumps(WORKFLOW),
        "exif:Model": "prompt:" + json.dumps(GRAPH),
    },
    {"png:invokeai_metadata": json.dumps(_INVOKE), "png:invokeai_graph": json.dumps(GRAPH)},
    {"png:sd-metadata": json.dumps(_SD_METADATA)},
    {"png:Dream": '"a red fox [blurry]" -s 20 -S 42 -W 512 -H 512 -C 7.5 -A k_lms'},
    {
        "png:Software": "NovelAI",
        "png:Title": "AI generated image",
        "png:Description": "a fox",
        "png:Source": "Stable Diffusion F1022D28",
        "png:Comment": json.dumps(_NOVELAI),
    },
    {"png:parameters": json.dumps(_FOOOCUS)},
    {"png:parameters": json.dumps({"sui_image_params": {"prompt": "a fox", "seed": 42}})},
    {"png:parameters": json.dumps({"use_stable_diffusion_model": "v1-5", "prompt": "a fox"})},
    {"png:use_stable_diffusion_model": "v1-5", "png:prompt": "a fox", "png:seed": "42"},
    {"xmp:UserComment": json.dumps({"c": "a fox", "sampler": "DPM++", "steps": 20})},
    {"png:Description": _JOB},
    {
        "exif:ImageDescription": "Signature: " + "QUJD" * 20,
        "exif:Artist": "01234567-89ab-cdef-0123-456789abcdef",
    },
    {"exif:MakerNote": "OpenAI--ImageGeneration--1", "exif:Software": "Adobe Firefly"},
    {"png:AIGC": json.dumps(_LABEL)},
    {"comment": STEPS, "png:parameters (2)": STEPS},
    {"png:workflow": json.dumps(WORKFLOW)},
    {"exif:UserComment": json.dumps({"prompt": GRAPH, "workflow": WORKFLOW})},
    {"exif:UserComment": json.dumps(GRAPH | {"extra": {}, "extraMetadata": "{}"})},
    {"stealth:parameters": json.dumps({"Software": "NovelAI", "Comment": json.dumps(_NOVELAI)})},
    {"png:Comment": json.dumps(_FOOOCUS | {"software": "Fooocus 1.0 MRE"})},
    {
        "png:generation_data": json.dumps(
            {"prompt": "a fox", "samplerName": "Euler a", "steps": 25, "cfgScale": 7, "seed": "42"}
            | {"baseModel": {"label": "x"}, "workEngine": "TAMS_V1"}
        )
    },
    {"exif:Model": json.dumps({"sui_image_params": {"prompt": "a fox", "seed": 42}})},
    {
        "iptc:originating_program": "Mochi Diffusion",
        "iptc:caption": "Include in Image: a fox; Exclude from Image: x; Steps: 20; Seed: 42",
    },
    {"exif:UserComment": '"a red fox" --ddim_steps 50 --scale 7.5 --seed 42 --W 512 --H 512'},
    {"exif:Make": "Ideogram AI", "png:Software": "AI generated;txt2img;FLUX.1 [dev]"},
)

XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    'rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/" '
    'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
    'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" '
    'xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/" '
    'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    'xmp:CreatorTool="Adobe Firefly" photoshop:Credit="Made with Google AI" '
    'xmpNote:HasExtendedXMP="0123456789ABCDEF0123456789ABCDEF" '
    "TC260:AIGC='{&quot;Label&quot;:&quot;1&quot;}'>"
    "<Iptc4xmpExt:DigitalSourceType>http://cv.iptc.org/newscodes/digitalsourcetype/"
    "trainedAlgorithmicMedia</Iptc4xmpExt:DigitalSourceType>"
    "<Iptc4xmpExt:AIPromptInformation>a red fox</Iptc4xmpExt:AIPromptInformation>"
    '<dc:description><rdf:Alt><rdf:li xml:lang="x-default">a fox &amp; more</rdf:li></rdf:Alt>'
    '</dc:description><exif:UserComment rdf:parseType="Resource"><rdf:value>{}</rdf:value>'
    "</exif:UserComment></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>"
).encode()
IPTC = b"".join(
    b"\x1c\x02" + bytes([number]) + len(text).to_bytes(2, "big") + text
    for number, text in ((80, b"A Name"), (110, b"Made with Google AI"), (65, b"tool"))
)
RESOURCES = b"8BIM\x03\xed\x00\x00\x00\x00\x00\x02ab" + (
    b"8BIM\x04\x04\x00\x00" + len(IPTC).to_bytes(4, "big") + IPTC
)


def box(kind: bytes, body: bytes) -> bytes:
    """A box of an ISO base media or JUMBF file."""
    return struct.pack(">I4s", 8 + len(body), kind) + body


_SUFFIX = bytes.fromhex("00110010800000aa00389b71")
STORE = box(
    b"jumb",
    box(b"jumd", b"c2pa" + _SUFFIX + b"\x03c2pa\x00")
    + box(b"jumb", box(b"jumd", b"c2ma" + _SUFFIX + b"\x03urn:uuid:1\x00") + box(b"cbor", b"\xa0")),
)
MANIFESTS = {
    "active_manifest": "urn:uuid:1",
    "validation_state": "Valid",
    "validation_results": {
        "activeManifest": {"success": [], "failure": [{"code": "signingCredential.untrusted"}]}
    },
    "manifests": {
        "urn:uuid:1": {
            "claim_generator": "tool/1",
            "claim_generator_info": [{"name": "tool", "version": "1"}],
            "signature_info": {"issuer": "Example", "time": "2024-01-01T00:00:00+00:00"},
            "ingredients": [
                {"title": "a.jpg", "relationship": "parentOf", "active_manifest": "urn:uuid:2"}
            ],
            "assertions": [
                {
                    "label": "c2pa.actions.v2",
                    "data": {
                        "actions": [
                            {
                                "action": "c2pa.created",
                                "softwareAgent": {"name": "tool"},
                                "digitalSourceType": "http://cv.iptc.org/newscodes/"
                                "digitalsourcetype/trainedAlgorithmicMedia",
                            }
                        ]
                    },
                }
            ],
        },
        "urn:uuid:2": {"assertions": [{"label": "c2pa.actions", "data": {"actions": []}}]},
    },
}


def tiff(main: Sequence[Sequence[Entry]], inner: Mapping[int, Sequence[Entry]]) -> bytes:
    """A little-endian TIFF structure.

    Args:
        main: entries of the directories in the chain.
        inner: entries of the directories that the first one points to, by the pointer's tag.
    """
    first = [*main[0], *((tag, 4, 1, bytes(4)) for tag in inner)]
    directories = [first, *main[1:], *inner.values()]
    starts = [8]
    for entries in directories:
        starts.append(starts[-1] + 6 + 12 * len(entries))
    first[len(main[0]) :] = [
        (tag, 4, 1, struct.pack("<I", start))
        for tag, start in zip(inner, starts[len(main) :], strict=False)
    ]
    head, values = b"II*\x00" + struct.pack("<I", 8), b""
    for index, entries in enumerate(directories):
        head += struct.pack("<H", len(entries))
        for tag, kind, count, value in entries:
            if len(value) > 4:
                value, values = struct.pack("<I", starts[-1] + len(values)), values + value
            head += struct.pack("<HHI4s", tag, kind, count, value)
        head += struct.pack("<I", starts[index + 1] if index + 1 < len(main) else 0)
    return head + values


def _ascii(tag: int, text: bytes) -> Entry:
    return tag, 2, len(text) + 1, text + b"\x00"


def exif_block(thumbnail: bytes) -> bytes:
    """An EXIF block with a camera's facts, a position, a maker note and a thumbnail."""
    degrees = struct.pack("<6I", 52, 1, 30, 1, 1234, 100)
    comment = b"UNICODE\x00" + STEPS.encode("utf-16-le")
    main = [_ascii(0x010F, b"Canon"), _ascii(0x0110, b"EOS 5D"), (0x0112, 3, 1, b"\x06\x00")]
    inner: dict[int, list[Entry]] = {
        0x8769: [
            (0x829A, 5, 1, struct.pack("<2I", 1, 125)),
            _ascii(0x9003, b"2024:01:02 03:04:05"),
            (0x927C, 7, 64, bytes(range(64))),
            (0x9286, 7, len(comment), comment),
            _ascii(0xA434, b"50mm"),
        ],
        0x8825: [
            (1, 2, 2, b"N\x00"),
            (2, 5, 3, degrees),
            (3, 2, 2, b"E\x00"),
            (4, 5, 3, degrees),
        ],
    }
    at = len(tiff([main, [(0x0201, 4, 1, bytes(4)), (0x0202, 4, 1, bytes(4))]], inner))
    places = [(0x0201, 4, 1, struct.pack("<I", at))]
    places.append((0x0202, 4, 1, struct.pack("<I", len(thumbnail))))
    return tiff([main, places], inner) + thumbnail


def segment(marker: int, body: bytes) -> bytes:
    """A JPEG segment."""
    return bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body


def chunk(kind: bytes, body: bytes) -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def text_chunk(kind: bytes, keyword: bytes, text: bytes) -> bytes:
    """Body of a tEXt, zTXt or iTXt chunk; the last is compressed if it is long."""
    if kind == b"tEXt":
        return keyword + b"\x00" + text
    if kind == b"zTXt":
        return keyword + b"\x00\x00" + zlib.compress(text, 1)
    packed = len(text) > 500
    return (
        keyword
        + (b"\x00\x01" if packed else b"\x00\x00")
        + b"\x00\x00\x00"
        + (zlib.compress(text, 1) if packed else text)
    )


def sub_blocks(body: bytes) -> bytes:
    """Bytes as a GIF keeps them."""
    parts = [body[at : at + 255] for at in range(0, len(body), 255)]
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\x00"


def stealth(text: bytes, *, packed: bool, place: bytes = b"png") -> bytes:
    """The stream that is hidden in an alpha channel, or in the colours (``rgb``)."""
    body = gzip.compress(text, mtime=0) if packed else text
    head = b"stealth_" + place + (b"comp" if packed else b"info")
    return head + struct.pack(">I", len(body) * 8) + body


def make_seeds() -> list[Case]:
    """A file or two of each format that can be written here, and an input of each part."""
    values = np.random.default_rng(0).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    picture = Image.fromarray(values).resize((32, 24))

    def encoded(form: str, **options: object) -> bytes:
        buffer = io.BytesIO()
        picture.save(buffer, form, **options)
        return buffer.getvalue()

    exif = exif_block(encoded("JPEG"))
    exif_head = b"Exif\x00\x00" + exif
    plain = {form: encoded(form) for form in FORMATS[:4]}
    cases = [Case(form, data) for form, data in plain.items()]
    cases += [Case("JPEG", _jpeg(plain["JPEG"], exif)), Case("PNG", _png(plain["PNG"], exif))]
    cases.append(Case("PNG", _raw_profiles(plain["PNG"], exif)))
    for texts in TEXTS:
        body = b"".join(
            chunk(kind, text_chunk(kind, name.partition(":")[2].encode(), text.encode()))
            for kind, (name, text) in zip(
                (b"tEXt", b"iTXt", b"zTXt") * 2, texts.items(), strict=False
            )
        )
        cases.append(Case("PNG", plain["PNG"][:33] + body + plain["PNG"][33:]))
        cases.append(Case("parameters", json.dumps(texts).encode()))
    cases += [
        Case("WEBP", encoded("WEBP", exif=exif_head, xmp=XMP)),
        Case("GIF", _gif(plain["GIF"])),
        Case("TIFF", encoded("TIFF", exif=exif_head, tiffinfo={700: XMP, 33723: IPTC})),
        Case("TIFF", tiff([[(700, 1, len(XMP), XMP), (52545, 7, len(STORE), STORE)]], {})),
        Case("HEIF", _heif(exif)),
        Case("AVIF", encoded("AVIF", exif=exif_head, xmp=XMP)),
        Case("exif", exif),
        Case("xmp", XMP),
        Case("iptc", IPTC),
        Case("photoshop", RESOURCES),
        Case("jumbf", STORE),
        Case("thumbnail", plain["JPEG"]),
        Case("manifest", json.dumps(MANIFESTS).encode()),
        Case("stealth", stealth(STEPS.encode(), packed=False)),
        Case("stealth", stealth(STEPS.encode(), packed=True, place=b"rgb")),
        *(
            Case("comment", code + STEPS.encode(encoding))
            for code, encoding in (
                (b"UNICODE\x00", "utf-8"),
                (b"UNICODE\x00", "utf-16-be"),
                (b"ASCII\x00\x00\x00", "utf-16-le"),
                (bytes(8), "latin-1"),
            )
        ),
        Case(
            "stealth", stealth(json.dumps({"Comment": json.dumps(_NOVELAI)}).encode(), packed=True)
        ),
    ]
    return cases


def _jpeg(plain: bytes, exif: bytes) -> bytes:
    guid = b"0123456789ABCDEF0123456789ABCDEF"
    extended = b"http://ns.adobe.com/xmp/extension/\x00" + guid + struct.pack(">2I", len(XMP), 0)
    parts = [
        segment(0xE1, b"Exif\x00\x00" + exif),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\x00" + XMP),
        segment(0xE1, extended + XMP),
        segment(0xEB, b"JP\x00\x01\x00\x00\x00\x01" + STORE[:60]),
        segment(0xEB, b"JP\x00\x01\x00\x00\x00\x02" + STORE[:8] + STORE[60:]),
        segment(0xED, b"Photoshop 3.0\x00" + RESOURCES),
        segment(0xFE, STEPS.encode()),
    ]
    return plain[:2] + b"".join(parts) + plain[2:]


def _png(plain: bytes, exif: bytes) -> bytes:
    body = chunk(b"eXIf", exif) + chunk(b"caBX", STORE)
    body += chunk(b"iTXt", b"XML:com.adobe.xmp\x00\x00\x00\x00\x00" + XMP)
    body += chunk(b"zTXt", text_chunk(b"zTXt", b"Comment", b"words"))
    return plain[:33] + body + plain[33:]


def _raw_profiles(plain: bytes, exif: bytes) -> bytes:
    body = b""
    for name, block in ((b"exif", b"Exif\x00\x00" + exif), (b"iptc", RESOURCES), (b"xmp", XMP)):
        text = b"\n%s\n%8d\n%s\n" % (name, len(block), block.hex().encode())
        body += chunk(b"zTXt", text_chunk(b"zTXt", b"Raw profile type " + name, text))
    return plain[:33] + body + plain[33:]


def _gif(plain: bytes) -> bytes:
    trailer = b"\x01" + bytes(range(255, -1, -1)) + b"\x00"
    body = b"\x21\xff\x0bXMP DataXMP" + XMP + trailer
    body += b"\x21\xff\x0bC2PA_GIF\x01\x00\x00" + sub_blocks(STORE)
    body += b"\x21\xfe" + sub_blocks(STEPS.encode())
    return plain[:-1] + body + plain[-1:]


def _heif(exif: bytes) -> bytes:
    """A file with metadata items but no picture, and the uuid boxes of XMP and C2PA."""
    names = ((1, b"Exif", b""), (2, b"mime", b"application/rdf+xml\x00"))
    infos = b"".join(
        box(b"infe", struct.pack(">IHH4s", 0x02000000, number, 0, kind) + b"\x00" + rest)
        for number, kind, rest in names
    )
    bodies = {1: b"\x00\x00\x00\x06Exif\x00\x00" + exif, 2: XMP}
    kind = box(b"ftyp", b"heic\x00\x00\x00\x00mif1heic")
    xmp = box(b"uuid", bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + XMP)
    c2pa = bytes.fromhex("d8fec3d61b0e483c92975828877ec481") + bytes(4) + b"manifest\x00"
    kind += xmp + box(b"uuid", c2pa + bytes(8) + STORE)

    def meta(start: int) -> bytes:
        items = b""
        for number, body in bodies.items():
            items += struct.pack(">HHHHII", number, 0, 0, 1, start, len(body))
            start += len(body)
        places = struct.pack(">IBBH", 0x01000000, 0x44, 0, len(bodies)) + items
        return box(
            b"meta",
            bytes(4) + box(b"iinf", struct.pack(">IH", 0, 2) + infos) + box(b"iloc", places),
        )

    start = len(kind) + len(meta(0)) + 8
    return kind + meta(start) + box(b"mdat", b"".join(bodies.values()))


def read_seeds(folder: Path) -> list[Case]:
    """The images below a folder, with little of their pixels: those are not what is tested."""
    cases = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        data = path.read_bytes()
        try:
            form = sniff(data[:SNIFF_BYTES])
        except ImageError:
            continue
        cases.append(Case(form, _without_pixels(data, form)[: 2**18]))
    return cases


def _without_pixels(data: bytes, form: str) -> bytes:
    if form == "PNG":
        kept, at = data[:8], 8
        while at + 12 <= len(data):
            size, kind = struct.unpack_from(">I4s", data, at)
            whole = data[at : at + 12 + size]
            kept += chunk(kind, whole[8:72]) if kind == b"IDAT" and size > 64 else whole
            at += 12 + size
        return kept
    if form == "JPEG":
        scan = data.rfind(b"\xff\xda")
        return data[: scan + 512] if 0 < scan < len(data) - 512 else data
    return data
