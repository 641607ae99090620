"""Properties of an XMP packet (ISO 16684-1), read as a stream so that memory stays bounded."""

from xml.parsers import expat

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XML = "http://www.w3.org/XML/1998/namespace"
MAX_ELEMENTS = 100_000
MAX_DEPTH = 100
MAX_VALUE = 2**16  # characters; generators keep whole workflows in one value
_CONTAINERS = {f"{RDF} {name}" for name in ("Bag", "Seq", "Alt", "li", "Description", "value")}

Properties = dict[str, list[str]]


def read_xmp(packet: bytes) -> Properties:
    """Top-level properties of a packet.

    Args:
        packet: XML, with or without the ``xpacket`` wrapper and padding.

    Returns:
        Values by name, ``namespace-URI local-name``; the values of arrays stand one by one, the
        fields of a structure under ``property/field``. A value has at most ``MAX_VALUE``
        characters.

    Raises:
        ValueError: no well-formed XMP, a document type declaration, too many elements or too deep
            a nesting.
    """
    reader = _Reader()
    end = packet.rfind(b">") + 1
    try:
        # bytes that stand before the packet are whitespace, padding or a mark of byte order
        reader.parser.Parse(packet[:end].lstrip(b"\x00 \t\r\n"), True)
    except expat.ExpatError as error:
        raise ValueError(f"XMP is not well-formed ({expat.ErrorString(error.code)})") from error
    return reader.properties


class _Reader:
    """Expat handlers; ``path`` holds the names of the open elements."""

    def __init__(self) -> None:
        self.properties: Properties = {}
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._refuse
        self._path: list[str] = []
        self._owner = 0  # depth of the rdf:Description whose properties are read, 0 for none
        self._buffer: list[str] = []
        self._room = MAX_VALUE  # characters that the buffer still takes
        self._elements = 0

    def _refuse(self, *_arguments: object) -> None:
        raise ValueError("XMP has a document type declaration, which it must not")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
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

    def _end(self, name: str) -> None:
        if self._owner and len(self._path) > self._owner:
            text = "".join(self._buffer).strip()
            if text:
                self._add(self._key(), text)
        self._buffer, self._room = [], MAX_VALUE
        self._path.pop()
        if len(self._path) < self._owner:
            self._owner = 0

    def _text(self, text: str) -> None:
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
