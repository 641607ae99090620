"""Parts that files are made of: segments, chunks, boxes, packets and the facts read from them."""

import struct
import zlib

from clipfake.metadata.read import MetadataOptions, read_metadata
from clipfake.records import Fact
from tests.conftest import encoded, picture

_NAMESPACES = {
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "xmpNote": "http://ns.adobe.com/xmp/note/",
    "TC260": "http://www.tc260.org.cn/ns/AIGC/1.0/",
}
_STORE_TYPE = bytes.fromhex("6332706100110010800000aa00389b71")
XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
NEWSCODES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
AI_TYPE = f"{NEWSCODES}trainedAlgorithmicMedia"


def segment(marker: int, body: bytes) -> bytes:
    """A JPEG segment."""
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def jpeg(*segments: bytes) -> bytes:
    """A JPEG with segments right behind SOI."""
    data = encoded(picture(), "JPEG")
    return data[:2] + b"".join(segments) + data[2:]


def chunk(kind: bytes, body: bytes) -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*chunks: bytes, late: bytes = b"") -> bytes:
    """A PNG with chunks right behind IHDR, and with others behind the pixels."""
    data = encoded(picture())
    end = len(data) - 12
    return data[:33] + b"".join(chunks) + data[33:end] + late + data[end:]


def texted(**texts: str) -> bytes:
    """A PNG with tEXt chunks."""
    return png(
        *(chunk(b"tEXt", key.encode() + b"\0" + text.encode()) for key, text in texts.items())
    )


def box(kind: bytes, body: bytes) -> bytes:
    """A box of ISO BMFF or JUMBF."""
    return struct.pack(">I", len(body) + 8) + kind + body


def store(kind: bytes = _STORE_TYPE, label: bytes = b"c2pa", content: bytes = b"") -> bytes:
    """A JUMBF superbox, a C2PA manifest store unless told otherwise."""
    return box(b"jumb", box(b"jumd", kind + b"\x03" + label + b"\0") + content)


def packet(elements: str = "", attributes: str = "") -> bytes:
    """An XMP packet with one rdf:Description."""
    spaces = " ".join(f'xmlns:{name}="{uri}"' for name, uri in _NAMESPACES.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {spaces} {attributes}>{elements}</rdf:Description>'
        '</rdf:RDF></x:xmpmeta>\n<?xpacket end="w"?>'
    ).encode()


def with_xmp(elements: str = "", attributes: str = "") -> bytes:
    """A JPEG with an XMP packet."""
    return jpeg(segment(0xE1, XMP_HEAD + packet(elements, attributes)))


def dataset(number: int, text: bytes, record: int = 2) -> bytes:
    """An IPTC-IIM dataset."""
    return struct.pack(">BBBH", 0x1C, record, number, len(text)) + text


def resource(number: int, body: bytes, name: bytes = b"", kind: bytes = b"8BIM") -> bytes:
    """A Photoshop image resource."""
    head = kind + struct.pack(">HB", number, len(name)) + name
    padded = head + bytes(len(head) % 2 == 1)
    return padded + struct.pack(">I", len(body)) + body + bytes(len(body) % 2)


def facts_of(data: bytes, form: str, **options: object) -> dict[str, Fact]:
    """The facts of a file by key; each key stands once."""
    found = read_metadata(data, form, MetadataOptions(**options)).facts  # type: ignore[arg-type]
    assert len({fact.key for fact in found}) == len(found)
    return {fact.key: fact for fact in found}
