"""A page as a browser takes it apart."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

VOID = {"meta", "input", "img", "br", "link", "hr", "wbr"}


class Parsed(HTMLParser):
    """Elements, texts, scripts and data of a page.

    Attributes:
        elements: name and attributes of each, in order.
        texts: of all elements but scripts and styles, joined.
        scripts: texts of those that run.
        styles: texts of style elements.
        data: the JSON of the element ``data``.
        policy: of the page, by directive.
        unclosed: elements that were opened and never closed.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts = ""
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.data: dict[str, Any] = {}
        self.policy: dict[str, list[str]] = {}
        self.unclosed: list[str] = []
        self.source = path.read_text("utf-8")
        self.feed(self.source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.elements.append((tag, given))
        if tag not in VOID:
            self.unclosed.append(tag)
        if given.get("http-equiv") == "Content-Security-Policy":
            for directive in (given["content"] or "").split(";"):
                name, *values = directive.split()
                self.policy[name] = values

    def handle_endtag(self, tag: str) -> None:
        assert self.unclosed[-1] == tag, f"</{tag}> where {self.unclosed[-1]} is open"
        self.unclosed.pop()

    def handle_data(self, data: str) -> None:
        _, given = self.elements[-1] if self.elements else ("", {})
        inside = self.unclosed[-1] if self.unclosed else ""
        if inside == "script" and given.get("type") == "application/json":
            self.data = json.loads(data)
        elif inside == "script":
            self.scripts.append(data)
        elif inside == "style":
            self.styles.append(data)
        else:
            self.texts += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """Attributes of all elements of a name."""
        return [given for name, given in self.elements if name == tag]
