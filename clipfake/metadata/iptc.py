"""IPTC-IIM records (IIM 4.2, chapter 3): the datasets that name who or what made an image."""

from clipfake.metadata.facts import MAX_TEXT

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


def read_iptc(data: bytes) -> dict[str, str]:
    """Text of the datasets in ``DATASETS``, by name; what follows a broken record is left out."""
    found: dict[str, str] = {}
    at = 0
    while at + 5 <= len(data) and data[at] == 0x1C:
        record, number = data[at + 1], data[at + 2]
        size = int.from_bytes(data[at + 3 : at + 5], "big")
        if size & 0x8000:  # an extended dataset: more than any text of ours
            break
        value = data[at + 5 : at + 5 + size]
        if record == 2 and number in DATASETS:
            found.setdefault(DATASETS[number], _text(value))
        at += 5 + size
    return found


def _text(value: bytes) -> str:
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        text = value.decode("latin-1")
    return text.replace("\x00", "").strip()[:MAX_TEXT]
