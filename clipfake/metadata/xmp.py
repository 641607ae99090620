"""Properties of an XMP packet (ISO 16684-1), read as a stream so that memory stays bounded."""

import codecs
import re
from contextlib import suppress
from dataclasses import dataclass
from xml.parsers import expat

import numpy as np

from clipfake.metadata.loose_xml import read_loosely

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XML = "http://www.w3.org/XML/1998/namespace"
MAX_ELEMENTS = 100_000
MAX_DEPTH = 100
_MAX_AGAIN = 10_000  # elements after which a packet with a fault is not read a second time
MAX_VALUE = 2**16  # characters; generators keep whole workflows in one value
_CONTAINERS = {f"{RDF} {name}" for name in ("Bag", "Seq", "Alt", "li", "Description", "value")}

Properties = dict[str, list[str]]
# prefixes as everyone writes them, for packets that leave their declarations out
_PREFIXES = {
    "x": "adobe:ns:meta/",
    "rdf": RDF,
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xap": "http://ns.adobe.com/xap/1.0/",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "xmpNote": "http://ns.adobe.com/xmp/note/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "TC260": "http://www.tc260.org.cn/ns/AIGC/1.0/",
}
_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
    (b"<\x00\x00\x00", "utf-32-le"),
    (b"\x00\x00\x00<", "utf-32-be"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
)
_DECLARED = re.compile(rb"<\?xml\s[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")


@dataclass(frozen=True)
class Xmp:
    """A packet, read.

    Attributes:
        properties: top-level values by name, ``namespace-URI local-name``; the values of arrays
            stand one by one, the fields of a structure under ``property/field``. A value has at
            most ``MAX_VALUE`` characters.
        fault: what is wrong with the packet, for a note; empty for nothing.
    """

    properties: Properties
    fault: str = ""


def read_xmp(packet: bytes) -> Xmp:
    """Top-level properties of a packet; of a broken one, those that can still be told.

    Args:
        packet: XML, with or without the ``xpacket`` wrapper and padding, in any encoding of
            Unicode or the one that it declares. What follows its root element is not read. No
            entities are expanded, and what follows ``MAX_ELEMENTS`` elements or lies deeper than
            ``MAX_DEPTH`` is left out.
    """
    text, fault = _decoded(packet)
    text = text.lstrip("\ufeff\x00 \t\r\n")
    reader = _Reader()
    parser = expat.ParserCreate("utf-8", " ")
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refuse
    try:
        # what follows the last element is padding
        parser.Parse(text[: text.rfind(">") + 1].encode(), True)
        return Xmp(reader.properties, fault)
    except ValueError as error:
        return Xmp(reader.properties, str(error))
    except expat.ExpatError as error:
        fault = f"XMP is not well-formed ({expat.ErrorString(error.code)})"
    if reader.elements > _MAX_AGAIN:  # what stands before the fault is read
        return Xmp(reader.properties, fault)
    reader = _Reader()
    with suppress(ValueError):  # the first fault is the one that is told
        read_loosely(text, reader, _PREFIXES)
    return Xmp(reader.properties, fault)


def _decoded(packet: bytes) -> tuple[str, str]:
    """A packet's text, and what is wrong with its encoding."""
    start = packet.lstrip(b" \t\r\n")
    for mark, name in _MARKS:
        if start.startswith(mark):
            whole = len(start) & (-4 if "32" in name else -2)
            return start[:whole].decode(name, errors="replace"), ""
    try:
        return packet.decode("utf-8"), ""
    except UnicodeDecodeError:
        declared = _DECLARED.search(packet[:1024])
    name = declared.group(1).decode() if declared else "utf-8"
    with suppress(LookupError, UnicodeError):
        if codecs.lookup(name).name.startswith(("iso8859", "cp", "koi8", "mac", "ascii")):
            return packet.decode(name), ""
    return _with_latin_1(packet), "XMP has bytes that are no UTF-8"


def _with_latin_1(packet: bytes) -> str:
    """Text in UTF-8, whose other bytes are taken for Latin-1."""
    text = packet.decode("utf-8", errors="surrogateescape")  # as U+DC80 to U+DCFF (PEP 383)
    codes = np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), dtype="<u4").copy()
    codes[(codes >= 0xDC80) & (codes <= 0xDCFF)] -= 0xDC00
    return codes.tobytes().decode("utf-32-le")


def _refuse(*_arguments: object) -> None:
    raise ValueError("XMP has a document type declaration, which it must not")


class _Reader:
    """Handler of a packet's elements; ``_path`` holds the names of the open ones."""

    def __init__(self) -> None:
        self.properties: Properties = {}
        self._path: list[str] = []
        self._owner = 0  # depth of the rdf:Description whose properties are read, 0 for none
        self._buffer: list[str] = []
        self._room = MAX_VALUE  # characters that the buffer still takes
        self.elements = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins; raises ValueError when there are too many, or too deep ones."""
        self.elements += 1
        if self.elements > MAX_ELEMENTS:
            raise ValueError(f"XMP has more than {MAX_ELEMENTS} elements")
        self._path.append(name)
        if len(self._path) > MAX_DEPTH:
            raise ValueError(f"XMP is nested more than {MAX_DEPTH} deep")
        self._buffer, self._room = [], MAX_VALUE
        if self._owner:
            key = self._key()
            for attribute, value in attributes.items():
                if attribute == f"{RDF} resource":
                    self._add(key, value)
                elif not attribute.startswith((RDF, _XML)) and " " in attribute and key:
                    self._add(f"{key}/{attribute}", value)
        elif len(self._path) <= 3 and self._path[-2:] == [f"{RDF} RDF", f"{RDF} Description"]:
            self._owner = len(self._path)
            for attribute, value in attributes.items():
                if not attribute.startswith((RDF, _XML)) and " " in attribute:
                    self._add(attribute, value)

    def end(self, _name: str) -> None:
        """The innermost element ends."""
        if self._owner and len(self._path) > self._owner:
            text = "".join(self._buffer).strip()
            if text:
                self._add(self._key(), text)
        self._buffer, self._room = [], MAX_VALUE
        self._path.pop()
        if len(self._path) < self._owner:
            self._owner = 0

    def text(self, text: str) -> None:
        """Characters of the innermost element."""
        if self._room > 0:
            self._buffer.append(text[: self._room])
            self._room -= len(text)

    def _key(self) -> str:
        inner = [name for name in self._path[self._owner :] if name not in _CONTAINERS]
        return "/".join(inner[:2])

    def _add(self, key: str, value: str) -> None:
        values = self.properties.setdefault(key, []) if key else []
        if len(values) < 100:
            values.append(value[:MAX_VALUE])
