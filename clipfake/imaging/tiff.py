"""Tags of a TIFF structure: of a TIFF file, or of the TIFF inside an EXIF block (TIFF 6.0)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
_SIZES |= {17: 8, 18: 8}
HEADS = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")  # classic and BigTIFF
EXIF_IFD = 0x8769
_SUB_IFDS = 0x014A
MAX_VALUE = 16 * 2**20  # bytes of a value
MAX_IFDS = 32
MAX_ENTRIES = 4096


@dataclass(frozen=True)
class Tag:
    """One entry of a directory.

    Attributes:
        ifd: ``IFD0``, ``IFD1``, ..., ``Exif``, or ``Sub`` for a child (TIFF/EP) of any of these.
        number: of the tag.
        kind: field type, 1..18.
        value: the raw bytes, at most ``MAX_VALUE``.
        offset: of the value, from the start of the structure.
        order: ``<`` or ``>``, the byte order of the structure.
    """

    ifd: str
    number: int
    kind: int
    value: bytes
    offset: int
    order: str

    @property
    def integer(self) -> int | None:
        """The first value of a SHORT or LONG field."""
        form = {3: "H", 4: "I", 13: "I"}.get(self.kind)
        return None if form is None else int(struct.unpack_from(self.order + form, self.value)[0])


def tags(
    data: bytes,
    wanted: frozenset[int],
    *,
    children: bool = False,
    broken: list[tuple[str, int]] | None = None,
) -> Iterator[Tag]:
    """Entries with certain numbers, of the main directories and of the EXIF one.

    Args:
        data: starts with the byte order mark; classic or BigTIFF. What lies beyond its end is
            left out.
        wanted: numbers of the tags; others are stepped over.
        children: of the directories in SubIFDs (TIFF/EP, ISO 12234-2), too.
        broken: gets directory and number of each wanted tag whose value lies beyond the end or
            is larger than ``MAX_VALUE``.
    """
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 8:
        return
    big = struct.unpack(order + "H", data[2:4])[0] == 43
    word, width, count_format = ("Q", 8, "Q") if big else ("I", 4, "H")
    count_size, entry_size = struct.calcsize(count_format), 4 + 2 * width

    def number(form: str, at: int) -> int | None:
        size = struct.calcsize(order + form)
        if at < 0 or at + size > len(data):
            return None
        found: int = struct.unpack_from(order + form, data, at)[0]
        return found

    start = number(word, 8 if big else 4)
    waiting = [("IFD0", start)] if start else []
    seen: set[int] = set()
    main = 0
    while waiting and len(seen) < MAX_IFDS:
        name, at = waiting.pop(0)
        entries = number(count_format, at)
        if entries is None or at in seen:
            continue
        seen.add(at)
        known: set[int] = set()
        for index in range(min(entries, MAX_ENTRIES)):
            entry = at + count_size + index * entry_size
            tag, kind, count = number("H", entry), number("H", entry + 2), number(word, entry + 4)
            if tag is None or kind is None or count is None:
                break
            if (tag not in wanted and tag not in (EXIF_IFD, _SUB_IFDS)) or tag in known:
                continue
            known.add(tag)
            size = _SIZES.get(kind, 0) * count
            where = entry + 4 + width
            if size > width:
                where = number(word, where) or len(data)
            if tag == EXIF_IFD:
                inner = number("Q" if kind in (16, 18) else "I", where)
                if inner and name != "Exif":
                    waiting.append(("Exif", inner))
            elif tag == _SUB_IFDS and children:
                step = "Q" if kind in (16, 18) else "I"
                for place in range(min(count, MAX_IFDS)):
                    inner = number(step, where + place * struct.calcsize(order + step))
                    waiting += [("Sub", inner)] if inner else []
            elif tag in wanted and 0 < size <= MAX_VALUE and where + size <= len(data):
                yield Tag(name, tag, kind, data[where : where + size], where, order)
            elif tag in wanted and size and broken is not None:
                broken.append((name, tag))
        following = number(word, at + count_size + entries * entry_size)
        if following and name not in ("Exif", "Sub"):
            main += 1
            waiting.append((f"IFD{main}", following))
