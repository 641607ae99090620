"""A page from its parts: the one place where text becomes HTML, and data become a script's.

Jinja escapes every text. Data travel as JSON in a script element that does not run, with every
``<`` as an escape. What runs is told by its hash in the page's Content-Security-Policy (CSP level
3), so that nothing else does, whatever a file is called.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from clipfake.report.page.words import counted, percent, shown, size_of

if TYPE_CHECKING:
    from jinja2 import Environment

_HERE = Path(__file__).parent
# what every page has; later ones use what earlier ones define
_EARLY = _HERE / "script" / "early.js"
_BASE_SCRIPTS = tuple(_HERE / "script" / name for name in ("dom.js", "reader.js"))
_BASE_STYLE = _HERE / "style" / "base.css"
_TEMPLATES = _HERE / "templates"
# of the page of a scan, in the order in which they are needed
_SCRIPTS = (
    "model.js",
    "address.js",
    "reviews.js",
    "incoming.js",
    "detail.js",
    "gallery.js",
    "filters.js",
    "main.js",
)
_POLICY = (
    "default-src 'none'; script-src {scripts}; style-src '{style}'; img-src {images}; "
    "base-uri 'none'; form-action 'none'"
)
# what JSON may hold and HTML, or a script of old, would take for its own
_ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def plain_json(value: Any) -> str:
    """A value as JSON that may stand in HTML and in a script."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.translate(_ESCAPES)


def document(
    template: Path,
    styles: Sequence[Path],
    scripts: Sequence[Path],
    *,
    images: str,
    own: str = "",
    **values: Any,
) -> str:
    """A page in the design that all pages have.

    Args:
        template: extends ``shell.html``.
        styles: put after those of every page.
        scripts: put after those of every page, in one function with them.
        images: where pictures may come from, as the policy says it.
        own: which scripts may be loaded besides, as the policy says it; empty for none.
        values: what the template shows; ``version`` among them.
    """
    early = _read(_EARLY)
    parts = "\n".join(map(_read, (*_BASE_SCRIPTS, *scripts)))
    script = f"(() => {{\n'use strict';\n{parts}\n}})();\n"
    style = "\n".join(map(_read, (_BASE_STYLE, *styles)))
    hashes = " ".join(f"'{digest(text)}'" for text in (early, script))
    policy = _POLICY.format(scripts=f"{own} {hashes}".strip(), style=digest(style), images=images)
    # these three are the package's own files
    trusted = {
        "early": Markup(early),  # noqa: S704
        "script": Markup(script),  # noqa: S704
        "style": Markup(style),  # noqa: S704
    }
    made = _environment(template.parent).get_template(template.name)
    return made.render(policy=policy, **trusted, **values)


def render(source: Sequence[Path], images: str, own: str, **values: Any) -> str:
    """The page of a scan.

    Args:
        source: scripts that bring the data, put before ``main.js``.
        images: where pictures may come from, as the policy says it.
        own: which scripts may be loaded besides, as the policy says it; empty for none.
        values: what the template shows.
    """
    *first, main = (_HERE / "script" / name for name in _SCRIPTS)
    return document(
        _TEMPLATES / "page.html",
        [_HERE / "style" / "page.css"],
        [*first, *source, main],
        images=images,
        own=own,
        **values,
    )


def digest(text: str) -> str:
    """The hash of a script or style as a policy names it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _read(path: Path) -> str:
    return path.read_text("utf-8")


@cache
def _environment(folder: Path) -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # scans seldom need it

    environment = Environment(
        loader=FileSystemLoader([folder, _TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "shown": shown,
        "size": size_of,
        "percent": percent,
        "counted": counted,
        "as_json": lambda value: Markup(plain_json(value)),  # noqa: S704 - escaped there
    }
    environment.globals["bars"] = bars
    return environment


def bars(parts: Mapping[str, int], names: Sequence[str], width: float = 100.0) -> list[Any]:
    """Parts of a bar: name, number, start and width, of those that are not empty.

    Args:
        parts: numbers by name.
        names: in order.
        width: of the whole bar.
    """
    total, start, found = sum(parts.get(name, 0) for name in names), 0.0, []
    for name in names:
        if number := parts.get(name, 0):
            part = width * number / total
            found.append((name, number, round(start, 3), round(part, 3)))
            start += part
    return found
