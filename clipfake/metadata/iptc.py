"""IPTC-IIM records (IIM 4.2, chapters 1 and 3): datasets that name who or what made an image."""

from clipfake.records import MAX_TEXT

# record 2, by dataset number
DATASETS = {
    40: "special_instructions",
    65: "originating_program",
    80: "by_line",
    110: "credit",
    115: "source",
    116: "copyright_notice",
    120: "caption",
}


_CHARACTERS = 90  # of record 1: escape sequences of ISO 2022
_LATIN = (b"\x1b.A", b"\x1b-A", b"\x1b/A")


def read_iptc(data: bytes) -> dict[str, str]:
    """Text of the datasets in ``DATASETS``, by name; what follows a broken record is left out.

    Text is what record 1 says, UTF-8 or Latin-1; without a word or against it, UTF-8 where it is
    valid and Latin-1 where not.
    """
    found: dict[str, bytes] = {}
    characters = b""
    at = 0
    while at + 5 <= len(data) and data[at] == 0x1C:
        record, number = data[at + 1], data[at + 2]
        size = int.from_bytes(data[at + 3 : at + 5], "big")
        at += 5
        if size & 0x8000:  # an extended dataset: the size of its size
            width = size & 0x7FFF
            if width > 8:
                break
            size = int.from_bytes(data[at : at + width], "big")
            at += width
        if at + size > len(data):  # half a text may say another thing
            break
        value = data[at : at + size]
        if (record, number) == (1, _CHARACTERS):
            characters = value
        if record == 2 and number in DATASETS:
            found.setdefault(DATASETS[number], value)
        at += size
    latin = characters.startswith(_LATIN)
    return {name: _text(value, latin=latin) for name, value in found.items()}


def _text(value: bytes, *, latin: bool) -> str:
    try:
        text = value.decode("latin-1" if latin else "utf-8")
    except UnicodeDecodeError:
        text = value.decode("latin-1")
    return text.replace("\x00", "").strip()[:MAX_TEXT]
