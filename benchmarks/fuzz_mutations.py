"""Mutations that keep enough of a format's structure to get past its first check."""

import json
import re
import struct
import zlib
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, NamedTuple

from benchmarks.fuzz_seeds import XMP, Case, Entry, chunk, stealth, text_chunk, tiff

MAX_INPUT = 2**21
_NUMBERS: tuple[int, ...] = (
    0,
    1,
    2,
    3,
    0x7F,
    0x80,
    0xFF,
    0x100,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x10000,
    0xFFFFFF,
)
_NUMBERS += (0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF, 2**40, 2**63 - 1, 2**63, 2**64 - 1)
_TAGS: tuple[int, ...] = (
    0x0100,
    0x010E,
    0x010F,
    0x0110,
    0x0112,
    0x011D,
    0x0131,
    0x013B,
    0x014A,
    0x0201,
    0x0202,
)
_TAGS += (700, 33723, 34377, 52545, 0x829A, 0x8769, 0x8825, 0xA005, 0x9003, 0x927C, 0x9286, 0xA434)
_KEYWORDS: tuple[bytes, ...] = (
    b"parameters",
    b"prompt",
    b"workflow",
    b"Comment",
    b"Description",
    b"Software",
    b"AIGC",
)
_KEYWORDS += (b"invokeai_metadata", b"sd-metadata", b"Dream", b"XML:com.adobe.xmp", b"Source")
_KEYWORDS += (b"Raw profile type exif", b"Raw profile type iptc", b"Raw profile type xmp")
_NAMESPACES = (
    b"http://ns.adobe.com/xap/1.0/",
    b"http://www.tc260.org.cn/ns/AIGC/1.0/",
    b"http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
)

_WORDS: tuple[bytes, ...] = (
    b"\n",
    b", ",
    b":",
    b'"',
    b'"a\n',
    b"Hashes:{",
    b"Hashes: {}, ",
    b", Seed: 1",
    b"Steps: 1",
)
_WORDS += (b" ", b"Negative prompt:", b"Size: x, ", b", Version: f2.0", b"[", b" --v ")

Change = Callable[[bytes, Random], bytes]


def mutate(case: Case, pool: Sequence[Case], rng: Random) -> Case:
    """Change an input one to five times; the same for the same state of ``rng``."""
    data = case.data
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5))):
        if rng.random() < 0.05:
            data = _splice(data, rng.choice(pool).data, rng)
        elif rng.random() < 0.3:
            data = _bytes(data, rng)
        else:
            data = _CHANGES.get(case.target, _bytes)(data, rng)
        data = data[:MAX_INPUT]
    return Case(case.target, data)


def _times(rng: Random, size: int) -> int:
    """How often something of a size is repeated: mostly a few times, seldom very often."""
    if rng.random() > 0.04:
        return rng.randint(2, 5)
    return rng.choice((2**15, 2**18, 2**20)) // max(1, size)


def _near(value: int, rng: Random) -> int:
    """An interesting number, or one near a value."""
    return rng.choice((*_NUMBERS, max(0, value - 1), value + 1, value + 2, value * 2, value // 2))


def _range(data: bytes, rng: Random) -> tuple[int, int]:
    start = rng.randrange(len(data) + 1)
    return start, min(len(data), start + rng.choice((1, 2, 4, 8, 12, 64, 512, len(data))))


def _bytes(data: bytes, rng: Random) -> bytes:
    """A change that knows nothing of the format."""
    start, end = _range(data, rng)
    match rng.randrange(6):
        case 0:
            changed = bytearray(data)
            for _ in range(rng.choice((1, 1, 2, 8))):
                if changed:
                    changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
            return bytes(changed)
        case 1:
            size = rng.choice((1, 2, 4, 8))
            order = rng.choice(("<", ">"))
            now = int.from_bytes(data[start : start + size], "little" if order == "<" else "big")
            number = _near(now, rng) % 2 ** (8 * size)
            packed = struct.pack(order + {1: "B", 2: "H", 4: "I", 8: "Q"}[size], number)
            return data[:start] + packed + data[start + size :]
        case 2:
            return data[:start]
        case 3:
            return data[:start] + data[start:end] * _times(rng, end - start) + data[end:]
        case 4:
            return data[:start] + data[end:]
        case _:
            return data[:start] + rng.randbytes(rng.choice((1, 4, 16, 64))) + data[start:]


def _splice(data: bytes, other: bytes, rng: Random) -> bytes:
    start, end = _range(other, rng)
    at = rng.randrange(len(data) + 1)
    return data[:at] + other[start:end] + data[rng.choice((at, min(len(data), at + end - start))) :]


class _Part(NamedTuple):
    """A chunk, segment or box; its size may be a lie."""

    kind: bytes
    body: bytes
    size: int | None = None


def _parts(parts: list[_Part], rng: Random, inner: Callable[[_Part], _Part]) -> list[_Part]:
    """Change, repeat, drop, swap or resize a part."""
    if not parts:
        return parts
    at, other = rng.randrange(len(parts)), rng.randrange(len(parts))
    if rng.random() < 0.6:  # mostly those that are metadata
        told = [i for i, part in enumerate(parts) if _payload(part.body) is not None]
        at = rng.choice(told) if told else at
    part = parts[at]
    match rng.randrange(10):
        case 0:
            new = [part] * _times(rng, len(part.body) + 12)
        case 1:
            new = []
        case 2:
            new = [parts[other]]
        case 3:
            new = [part._replace(size=_near(len(part.body), rng))]
        case 4:
            new = [part._replace(kind=parts[other].kind)]
        case 5:  # short ones, many
            new = [part._replace(body=part.body[: rng.choice((0, 1, 8, 16, 64, 100))])]
            new *= _times(rng, len(new[0].body) + 12)
        case _:
            new = [inner(part)]
    return parts[:at] + new + parts[at + 1 :]


def _payload(body: bytes) -> tuple[int, Change] | None:
    """Where a known kind of metadata begins in a body, and how it is changed."""
    for marker, change in _PAYLOADS:
        found = re.search(marker, body[:600])
        if found:
            return found.start(), change
    return None


def _inner(part: _Part, rng: Random) -> _Part:
    found = _payload(part.body) if rng.random() < 0.8 else None
    at, change = found or (0, _bytes)
    return part._replace(body=part.body[:at] + change(part.body[at:], rng))


def _png(data: bytes, rng: Random) -> bytes:
    parts, at = [], 8
    while at + 12 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        parts.append(_Part(kind, data[at + 8 : min(at + 8 + size, len(data) - 4)]))
        at += 12 + size
    if rng.random() < 0.2:
        keyword = rng.choice(_KEYWORDS)
        text = _profile(rng) if keyword.startswith(b"Raw") else _text(rng)
        kind = rng.choice((b"tEXt", b"zTXt", b"iTXt"))
        parts.insert(1, _Part(kind, text_chunk(kind, keyword, text)))
    parts = _parts(parts, rng, lambda part: _png_part(part, rng))
    return data[:8] + b"".join(
        chunk(part.kind, part.body)
        if part.size is None
        else struct.pack(">I", part.size % 2**32) + chunk(part.kind, part.body)[4:]
        for part in parts
    )


def _png_part(part: _Part, rng: Random) -> _Part:
    """A changed chunk; compressed text is inflated for that, and other text stays text."""
    if part.kind not in (b"tEXt", b"zTXt", b"iTXt") or rng.random() < 0.2:
        return _inner(part, rng)
    keyword, _, rest = part.body.partition(b"\x00")
    text = rest
    if part.kind == b"iTXt":
        text = rest[4:]
    if part.kind == b"zTXt" or rest[:1] == b"\x01":
        try:
            text = zlib.decompressobj().decompress(text[part.kind == b"zTXt" :], 2**20)
        except zlib.error:
            text = b""
    found = _payload(text)
    at, change = found or (0, _bytes)
    text = text[:at] + change(text[at:], rng)
    if rng.random() < 0.1:
        keyword = rng.choice(_KEYWORDS)
    if rng.random() < 0.01:
        text = _bomb(text, rng)
    kind = rng.choice((b"tEXt", b"zTXt", b"iTXt"))
    return _Part(kind, text_chunk(kind, keyword, text))


def _bomb(text: bytes, rng: Random) -> bytes:
    """Much text that is small when compressed, about as long as what is inflated at most."""
    filler = rng.choice((text, b"\n", b" ", b"Hashes:{", b"[", b"{}, ", b"<a>", b"00", b'"\n'))
    size = rng.choice((2**20, 2**22, 2**24))
    return text + filler * (size // max(1, len(filler)))


def _text(rng: Random) -> bytes:
    return rng.choice((_json_text, _steps, _xml))(b"", rng)


def _profile(rng: Random) -> bytes:
    """Text that looks like a raw profile."""
    space = rng.choice((b"\n", b" ", b"\n" * _times(rng, 1)))
    tail = rng.choice((b"", b"zz", b"\n"))
    return b"\nexif" + space + b"8" + space + b"49492a0008000000" * rng.randint(0, 9) + tail


def _jpeg(data: bytes, rng: Random) -> bytes:
    parts, at = [], 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        size = max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
        parts.append(_Part(data[at + 1 : at + 2], data[at + 4 : at + 2 + size]))
        at += 2 + size
    parts = _parts(parts, rng, lambda part: _inner(part, rng))
    joined = b""
    if rng.random() < 0.02:
        joined = b"\xff" * _times(rng, 1)
    joined += b"".join(
        b"\xff"
        + part.kind
        + (min(len(part.body) + 2, 0xFFFF) if part.size is None else part.size % 2**16).to_bytes(
            2, "big"
        )
        + part.body[:0xFFFD]
        for part in parts
    )
    return data[:2] + joined + data[at:]


def _webp(data: bytes, rng: Random) -> bytes:
    parts, at = [], 12
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, at)
        parts.append(_Part(kind, data[at + 8 : at + 8 + size]))
        at += 8 + size + size % 2
    parts = _parts(parts, rng, lambda part: _inner(part, rng))
    body = b"".join(
        part.kind
        + struct.pack("<I", (len(part.body) if part.size is None else part.size) % 2**32)
        + part.body
        + bytes(len(part.body) % 2)
        for part in parts
    )
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _gif(data: bytes, rng: Random) -> bytes:
    parts = [_Part(b"", body) for body in re.split(rb"(?=\x21[\xf9\xfe\xff])", data)]
    return b"".join(part.body for part in _parts(parts, rng, lambda part: _inner(part, rng)))


def _boxes(data: bytes, rng: Random) -> bytes:
    """Change a box of a file, or one inside its meta box."""
    parts, at = [], 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        size = size if 8 <= size <= len(data) - at else len(data) - at
        parts.append(_Part(kind, data[at + 8 : at + size]))
        at += size

    def inner(part: _Part) -> _Part:
        if part.kind == b"meta":
            return part._replace(body=part.body[:4] + _boxes(part.body[4:], rng))
        if part.kind in (b"iinf", b"jumb"):
            skip = 6 if part.kind == b"iinf" else 0
            return part._replace(body=part.body[:skip] + _boxes(part.body[skip:], rng))
        if part.kind == b"iloc" and rng.random() < 0.7:
            return part._replace(body=_item_places(part.body, rng))
        return _inner(part, rng)

    told = [index for index, part in enumerate(parts) if part.kind in (b"meta", b"iloc", b"iinf")]
    if told and rng.random() < 0.5:
        index = rng.choice(told)
        parts[index] = inner(parts[index])
    else:
        parts = _parts(parts, rng, inner)
    return b"".join(
        struct.pack(">I", (len(part.body) + 8 if part.size is None else part.size) % 2**32)
        + part.kind
        + part.body
        for part in parts
    )


def _item_places(body: bytes, rng: Random) -> bytes:
    """An iloc box with other widths and counts."""
    version = rng.choice((0, 1, 2))
    offset, length, base = (rng.choice((0, 4, 8)) for _ in range(3))
    head = struct.pack(">IBB", version << 24, offset << 4 | length, base << 4)
    wide = ">I" if version == 2 else ">H"
    count = rng.choice((1, 2, 0xFFFF))
    extents = rng.choice((1, 2, 500, 0xFFFF))
    extent = (rng.choice((0, 8, 100)) if offset else 0).to_bytes(offset, "big")
    extent += (rng.choice((0, 16, 2000)) if length else 0).to_bytes(length, "big")
    items: list[bytes] = []
    most = rng.choice((1, 2, 4000))
    while len(items) < most and sum(map(len, items[-1:])) * len(items) < 2**17:
        items.append(struct.pack(wide, rng.choice((1, 2, len(items)))))
        items[-1] += (b"\x00\x00\x00\x00" if version else b"\x00\x00") + bytes(base)
        items[-1] += struct.pack(">H", extents) + extent * min(extents, 500)
    return head + struct.pack(wide, count) + b"".join(items) + body[:8]


def _exif(data: bytes, rng: Random) -> bytes:
    """Change a directory entry, a count or a pointer of a TIFF structure, or make a new one."""
    order = ">" if data[:2] == b"MM" else "<"
    if len(data) < 14 or rng.random() < 0.1:
        return _directories(rng)
    starts: list[int] = []
    at = struct.unpack_from(order + "I", data, 4)[0]
    entries: list[int] = []
    while at + 2 <= len(data) and at not in starts and len(starts) < 8:
        starts.append(at)
        count = struct.unpack_from(order + "H", data, at)[0]
        places = [at + 2 + 12 * i for i in range(min(count, 200)) if at + 14 + 12 * i <= len(data)]
        entries += places
        inner = [
            p for p in places if struct.unpack_from(order + "H", data, p)[0] in (0x8769, 0x8825)
        ]
        where = rng.choice(inner) + 8 if inner else at + 2 + 12 * count
        at = (
            struct.unpack_from(order + "I", data, where)[0] if where + 4 <= len(data) else len(data)
        )
    if not entries:
        return _bytes(data, rng)
    entry, start = rng.choice(entries), rng.choice(starts)
    changed = bytearray(data)

    def put(form: str, where: int, value: int) -> bytes:
        size = struct.calcsize(form)
        if where + size <= len(changed):
            struct.pack_into(order + form, changed, where, value % 2 ** (8 * size))
        return bytes(changed)

    count, value = struct.unpack_from(order + "II", data, entry + 4)
    match rng.randrange(8):
        case 0:
            return put("H", entry, rng.choice(_TAGS))
        case 1:
            return put("H", entry + 2, rng.choice((*range(14), 16, 18, 255)))
        case 2:
            return put("I", entry + 4, _near(rng.choice((count, len(data))), rng))
        case 3:
            return put("I", entry + 8, _near(rng.choice((value, len(data), *starts)), rng))
        case 4:
            return put("H", start, _near(len(entries), rng))
        case 5:
            fields = struct.unpack_from(order + "H", data, start)[0]
            return put("I", start + 2 + 12 * fields, rng.choice((*starts, *entries, len(data))))
        case 6:
            put("H", entry, rng.choice(_TAGS))
            put("H", entry + 2, rng.choice((2, 7, 5)))
            put("I", entry + 4, rng.choice((999, len(data) // 2, len(data) - 64)))
            return put("I", entry + 8, 8)
        case _:
            return _many(data, rng, order, entries)


def _many(data: bytes, rng: Random, order: str, entries: list[int]) -> bytes:
    """Put a long directory, or a long chain of short ones, behind a structure."""
    chosen = [data[at : at + 12] for at in rng.choices(entries, k=4)]
    field = struct.pack(order + "HHII", rng.choice(_TAGS), rng.choice((2, 5, 7)), 900, 8)
    chosen += [field, struct.pack(order + "HHII", 0x8825, 4, 1, len(data))]
    moved = data[:4] + struct.pack(order + "I", len(data)) + data[8:]
    if rng.random() < 0.5:
        count = rng.choice((50, 500, 4096, 20000))
        body = b"".join(rng.choices(chosen, k=50)) * (count // 50)
        return moved + struct.pack(order + "H", rng.choice((count, 0xFFFF))) + body + bytes(4)
    links, count = b"", rng.choice((30, 300, 3000))
    for index in range(count):
        at = len(data) + (index + 1) * 18
        links += struct.pack(order + "H", rng.choice((1, 1, 0xFFFF))) + rng.choice(chosen)
        links += struct.pack(order + "I", at)
    return moved + links


def _directories(rng: Random) -> bytes:
    """A structure of random entries."""

    def entries() -> list[Entry]:
        made = []
        for _ in range(rng.choice((0, 1, 3, 10, 100))):
            value = rng.randbytes(rng.choice((0, 4, 4, 8, 24, 200)))
            count = rng.choice((1, len(value), len(value) // 8, rng.choice(_NUMBERS) % 2**32))
            made.append((rng.choice(_TAGS), rng.choice((*range(14), 16)), count, value[:65000]))
        return made

    main = [entries() for _ in range(rng.choice((1, 1, 2, 5)))]
    return tiff(main, {tag: entries() for tag in (0x8769, 0x8825, 0xA005) if rng.random() < 0.5})


def _xml(data: bytes, rng: Random) -> bytes:
    """Nest, repeat, rename or swell something in an XML text."""
    data = data or XMP
    ends = [found.end() for found in re.finditer(rb"<[A-Za-z][^>]*[^/]>", data[: 2**16])]
    inside = [found.end() for found in re.finditer(rb"<[A-Za-z][\w:]*(?= )", data[: 2**16])]
    at = rng.choice(ends) if ends else 0
    spot = rng.choice(inside) if inside else 0
    count = _times(rng, 16)
    match rng.randrange(10):
        case 0:
            return data[:at] + b"<b>" * count + b"</b>" * count + data[at:]
        case 1:
            return data[:at] + b"<xmp:b>" * count + data[at:]
        case 2:
            entities = b"".join(
                b'<!ENTITY e%d "%s">' % (i, b"&e%d;" % (i - 1) * 9) for i in range(1, 9)
            )
            return b'<!DOCTYPE x [<!ENTITY e0 "aaaa">' + entities + b"]>" + data + b"&e8;"
        case 3:
            names = b"".join(b' xmp:n%d="x"' % index for index in range(count))
            return data[:spot] + names + data[spot:]
        case 4:
            return data[:spot] + b' xmp:big="' + b"v" * _times(rng, 1) + b'"' + data[spot:]
        case 5:
            return data.replace(rng.choice(_NAMESPACES), b"n:" + b"s" * _times(rng, 4))
        case 6:
            filler = rng.choice((b"\n", b"a\n", b"&amp;", b"<xmp:a/>", b"<!---->", b"<![CDATA[]]>"))
            return data[:at] + filler * _times(rng, len(filler)) + data[at:]
        case 7:
            prefixes = b"".join(b' xmlns:p%d="%s"' % (i, b"u" * 200) for i in range(count // 16))
            return data[:spot] + prefixes + data[spot:]
        case 8:
            items = b"".join(b"<rdf:li xmp:q%d='1'>x</rdf:li>" % i for i in range(count))
            return data[:at] + items + data[at:]
        case _:
            return _bytes(data, rng)


def _json_text(data: bytes, rng: Random) -> bytes:
    """Change a JSON text, keeping what stands behind it; what is none is changed as bytes."""
    if _depth(data) > 100:  # whether it can be parsed depends on the stack
        return _bytes(data, rng)
    try:
        value, end = json.JSONDecoder().raw_decode(data.decode())
    except ValueError:
        value, end = {}, len(data)
    changed = json.dumps(_json(value, rng)).encode()
    if b"@deep" in changed:
        depth = rng.choice((20, 400, 900, 970, 985, 3000, 100_000))
        opening, closing = rng.choice(((b"[", b"]"), (b'{"a":', b"}")))
        changed = changed.replace(b'"@deep"', opening * depth + b"1" + closing * depth, 1)
    if rng.random() < 0.03:  # a digit becomes a number of many
        changed = re.sub(rb"\d", b"9" * rng.choice((400, 4301, 100_000)), changed, count=1)
    return changed + data[end:]


def _depth(data: bytes) -> int:
    depth = deepest = 0
    for found in re.finditer(rb"[\[{}\]]", data):
        depth += 1 if found.group() in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _odd(rng: Random) -> Any:
    """A value of a type that is not expected."""
    values: tuple[Any, ...] = (
        None,
        True,
        -1,
        1.5,
        1e308,
        2**70,
        "",
        "\ud800",
        "\x00",
        [],
        {},
        [[]],
        {"a": 1},
    )
    return rng.choice((*values, "@deep", "x" * _times(rng, 1), [1] * 5, "é" * 3000, float("inf")))


def _json(value: Any, rng: Random) -> Any:
    """Change something in a value; graphs get cycles, other links and many nodes."""
    if isinstance(value, dict) and "nodes" in value and rng.random() < 0.5:
        return value | {"links": _links(rng, [str(node) for node in range(1, 9)])}
    if isinstance(value, dict) and "3" in value and rng.random() < 0.3:
        count = rng.choice((5, 50, 500)) if rng.random() < 0.2 else 2
        kinds = [each for each in value.values() if isinstance(each, dict)]
        return value | {str(i): rng.choice(kinds) for i in range(count) if kinds}
    if rng.random() < 0.25 or not isinstance(value, (dict, list)) or not value:
        return _odd(rng)
    if isinstance(value, list):
        at = rng.randrange(len(value))
        if rng.random() < 0.2:
            return value * _times(rng, 40)
        return [*value[:at], _json(value[at], rng), *value[at + 1 :]]
    key = rng.choice(list(value))
    if rng.random() < 0.15:
        return {name: each for name, each in value.items() if name != key}
    return value | {key: _json(value[key], rng)}


def _links(rng: Random, nodes: list[str]) -> list[list[Any]]:
    """Links between nodes, cycles among them; seldom a long chain of all."""
    if rng.random() < 0.1:
        count = rng.choice((50, 900, 5000))
        chain = [[i, i + 1, 0, i, 0, "MODEL"] for i in range(count)]
        return [*chain, [0, 4, 0, 3, 0, "MODEL"], [0, 0, 0, 4, 0, "MODEL"]]
    count = rng.choice((1, 10, 60))
    return [[0, rng.choice(nodes), 0, rng.choice(nodes), 0, "LATENT"] for _ in range(count)]


def _steps(data: bytes, rng: Random) -> bytes:
    """Change settings in AUTOMATIC1111's form."""
    data = data or b"a fox\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 8x8"
    at = rng.choice([found.start() for found in re.finditer(rb"[:,\n ]", data[:4096])] or [0])
    word = rng.choice(_WORDS)
    return data[:at] + word * _times(rng, len(word)) + data[at:]


def _parameters(data: bytes, rng: Random) -> bytes:
    """Change one of the texts that ``read_parameters`` takes."""
    try:
        texts = json.loads(data)
    except ValueError:
        return data
    if not isinstance(texts, dict) or not texts:
        return data
    name = rng.choice(list(texts))
    text = str(texts[name]).encode("utf-8", "replace")
    found = _payload(text)
    at, change = found or (0, _steps)
    new = (text[:at] + change(text[at:], rng)).decode("utf-8", "replace")
    if rng.random() < 0.05:
        name = rng.choice(("png:", "exif:", "xmp:", "stealth:", "iptc:")) + name.partition(":")[2]
    return json.dumps(texts | {name: new}).encode()


def _stealth(data: bytes, rng: Random) -> bytes:
    """Hide another text, or break the stream."""
    if rng.random() < 0.5:
        return _bytes(data, rng)
    text = _text(rng)
    if rng.random() < 0.05:
        text = _bomb(text, rng)
    return stealth(text, packed=rng.random() < 0.5, place=rng.choice((b"png", b"rgb")))


_PAYLOADS: tuple[tuple[bytes, Change], ...] = (
    (rb"II[*+]\x00|MM\x00[*+]", _exif),
    (rb"<x:xmpmeta|<\?xpacket", _xml),
    (rb"....jumb", _boxes),
    (rb"\{", _json_text),
    (rb"(?<=\n)Steps:", _steps),
)
_CHANGES: dict[str, Change] = {
    "PNG": _png,
    "JPEG": _jpeg,
    "thumbnail": _jpeg,
    "WEBP": _webp,
    "GIF": _gif,
    "TIFF": _exif,
    "exif": _exif,
    "AVIF": _boxes,
    "HEIF": _boxes,
    "jumbf": _boxes,
    "xmp": _xml,
    "parameters": _parameters,
    "manifest": _json_text,
    "stealth": _stealth,
}
