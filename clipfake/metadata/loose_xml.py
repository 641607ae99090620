"""XML that is not well-formed, read as far as it can be told what it says.

Undeclared prefixes, bare ampersands, stray bytes, tags that do not match and a missing end cost no
more than what they touch. There are no entities but those of XML itself, so nothing expands.
"""

import re
from collections.abc import Mapping
from typing import Protocol

_OPEN = re.compile(r"<([^\s<>/=\"'!?&]+)")
_CLOSE = re.compile(r"</([^\s<>/=\"'!?&]+)[^<>]*>?")
_ATTRIBUTE = re.compile(
    r"""\s*([^\s<>/="'!?&]+)\s*=\s*(?:"([^"]*)"(?=[\s/>?]|\Z)|'([^']*)'(?=[\s/>?]|\Z))"""
)
_TAG_END = re.compile(r"\s*(/?)>")
_JUNK = re.compile(r"""[^\s<>"'/]+|["'/]|\s+""")
_REFERENCE = re.compile(r"&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|(amp|lt|gt|quot|apos));")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
# characters that XML 1.0 (section 2.2) has no place for
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]+")
_CDATA = "<![CDATA["
_SECTIONS = (("<!--", "-->"), (_CDATA, "]]>"), ("<?", "?>"))
MAX_STEPS = 60_000  # tags, attributes and faults; whole packets have some thousand
_XML = "http://www.w3.org/XML/1998/namespace"


class Handler(Protocol):
    """What is told of a document, as expat tells it: names are ``namespace-URI local-name``."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """The innermost element ends."""

    def text(self, text: str) -> None:
        """Characters of the innermost element."""


def read_loosely(document: str, handler: Handler, prefixes: Mapping[str, str]) -> None:
    """Tell a handler of a document's elements up to the end of the first one at the top.

    What is cut off, a tag's last attribute or an element's text, is not told.

    Args:
        document: the text.
        handler: is told; it may raise to end it.
        prefixes: namespaces of prefixes that the document does not declare.

    Raises:
        ValueError: a document type declaration, or more than ``MAX_STEPS`` things to read.
    """
    _Loose(_CONTROLS.sub("", document), handler, prefixes).read()


class _Loose:
    """Goes through a document; ``open`` holds the elements that have begun."""

    def __init__(self, document: str, handler: Handler, prefixes: Mapping[str, str]) -> None:
        self.document, self.handler = document, handler
        self.open: list[tuple[str, Mapping[str, str]]] = []
        self._spaces = {"xml": _XML, **prefixes}
        self._left = MAX_STEPS
        self._childless = self._worded = False  # whether the innermost element is, and has text

    def read(self) -> None:
        at: int | None = 0
        while at is not None:
            self._step()
            mark = self.document.find("<", at)
            if mark < 0:
                return
            if self.open and mark > at:
                text = self.document[at:mark]
                self._worded = self._worded or (self._childless and not text.isspace())
                self.handler.text(_plain(text))
            at = self._markup(mark)

    def _step(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise ValueError(f"XMP has more than {MAX_STEPS} tags and attributes")

    def _markup(self, mark: int) -> int | None:
        """Read what begins at a ``<``; returns where it ends, None if the document does."""
        document = self.document
        for opening, closing in _SECTIONS:
            if document.startswith(opening, mark):
                end = document.find(closing, mark + len(opening))
                if end >= 0 and self.open and opening == _CDATA:
                    self.handler.text(document[mark + len(opening) : end])
                return None if end < 0 else end + len(closing)
        if document[mark : mark + 9].upper() == "<!DOCTYPE":
            raise ValueError("XMP has a document type declaration, which it must not")
        if close := _CLOSE.match(document, mark):
            return None if self._close(close.group(1)) else close.end()
        if begin := _OPEN.match(document, mark):
            return self._begin(begin.group(1), begin.end())
        if self.open:
            self.handler.text("<")  # which should have been escaped
        return mark + 1

    def _begin(self, name: str, at: int) -> int | None:
        """Read a start tag from behind its name; returns as ``_markup`` does."""
        raw: dict[str, str] = {}
        document = self.document
        while at < len(document) and document[at] != "<":
            self._step()
            if end := _TAG_END.match(document, at):
                self._start(name, raw)
                return None if end.group(1) and self._close(name) else end.end()
            if found := _ATTRIBUTE.match(document, at):
                key, double, single = found.groups()
                raw.setdefault(key, _plain(single if double is None else double))
                at = found.end()
            else:
                junk = _JUNK.match(document, at)
                at = junk.end() if junk else at + 1
        self._start(name, raw)  # cut off, or the next tag begins
        return at

    def _start(self, name: str, raw: Mapping[str, str]) -> None:
        spaces = self.open[-1][1] if self.open else self._spaces
        declared = {
            key.partition(":")[2]: value
            for key, value in raw.items()
            if key == "xmlns" or key.startswith("xmlns:")
        }
        if declared:
            spaces = {**spaces, **declared}
        self.open.append((name, spaces))
        self._childless, self._worded = True, False
        attributes: dict[str, str] = {}
        for key, value in raw.items():
            if key != "xmlns" and not key.startswith("xmlns:"):
                attributes.setdefault(_full(key, spaces) if ":" in key else key, value)
        self.handler.start(_full(name, spaces), attributes)

    def _close(self, name: str) -> bool:
        """End an element and those inside it; whether it was the one at the top."""
        if all(name != each for each, _ in self.open):
            if not self._worded:
                return False  # it has not begun
            name = self.open[-1][0]  # misspelt: nothing else can end where there are words
        self._childless = self._worded = False
        inner = ""
        while inner != name:
            inner, spaces = self.open.pop()
            self.handler.end(_full(inner, spaces))
        return not self.open


def _full(name: str, spaces: Mapping[str, str]) -> str:
    prefix, colon, local = name.rpartition(":")
    space = spaces.get(prefix, f"{prefix}:" if colon else "")
    return f"{space} {local}" if space else local


def _plain(text: str) -> str:
    """A text with its references resolved; what is none stays as it is."""
    return _REFERENCE.sub(_character, text) if "&" in text else text


def _character(found: re.Match[str]) -> str:
    decimal, hexadecimal, name = found.groups()
    if name:
        return _ENTITIES[name]
    code = int(decimal) if decimal else int(hexadecimal, 16)
    legal = code in (9, 10, 13) or 32 <= code < 0xD800 or 0xE000 <= code < 0x110000
    return chr(code) if legal else "\ufffd"
