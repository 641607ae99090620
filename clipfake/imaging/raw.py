"""Camera raw files, told by their content: what a decoder shows of them is only a preview."""

from clipfake.imaging.tiff import HEADS, tags

# what the first bytes say, wherever no TIFF directory does
_MAGIC = (
    (b"IIU\x00", "Panasonic"),
    (b"FUJIFILMCCD-RAW", "Fujifilm"),
    (b"FOVb", "Sigma"),
    (b"\x00MRM", "Minolta"),
    (b"II\x1a\x00\x00\x00HEAPCCDR", "Canon"),
    (b"MM\x00\x1a\x00\x00HEAPCCDR", "Canon"),
    (b"ARRI\x12\x34\x56\x78", "ARRI"),
    (b"ARRI\x78\x56\x34\x12", "ARRI"),
    (b"DSC-Image", "Rollei"),
    (b"NOKIARAW", "Nokia"),
    (b"qktk", "QuickTake"),
    (b"qktn", "QuickTake"),
)
_PHASE_ONE = "camera raw (Phase One)"
_OLYMPUS = (b"IIRO", b"IIRS", b"MMOR")  # and the offset of a directory, as in a TIFF
_SUBFILE, _WIDTH, _COMPRESSION, _PHOTOMETRIC, _DNG_VERSION = 0x00FE, 0x0100, 0x0103, 0x0106, 0xC612
_WANTED = frozenset((_SUBFILE, _WIDTH, _COMPRESSION, _PHOTOMETRIC, _DNG_VERSION))
# colour filter array (TIFF/EP, ISO 12234-2) and LinearRaw (DNG 1.7, chapter 4)
_SENSOR = (32803, 34892)
# compressions that makers use for sensor data: Sony, Epson, Samsung, Kodak, Nikon, Kodak, Pentax
_MAKERS = (32767, 32769, 32770, 32867, 34713, 65000, 65535)


def raw_kind(data: bytes) -> str | None:
    """Say whether a file holds what a camera's sensor saw, and no picture that is meant to be it.

    Args:
        data: the file, or its first bytes; directories beyond them are not looked at.

    Returns:
        What it is, for a message: a maker's raw, DNG, or a TIFF that begins with a preview of a
        larger image. None for anything else, also for a TIFF that was made from raw.
    """
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return f"camera raw ({name})"
    if data.startswith(_OLYMPUS) and b"\x00\x00" in data[4:8]:
        return "camera raw (Olympus)"
    if data[4:12] == b"ftypcrx ":
        return "camera raw (Canon CR3)"
    if b"IIIITwaR" in data[:32] or b"MMMMRawT" in data[:32]:
        return _PHASE_ONE
    if not data.startswith(HEADS):
        return None
    if data[8:10] == b"CR":
        return "camera raw (Canon CR2)"
    if data[8:12] in (b"IIII", b"MMMM"):
        return _PHASE_ONE
    return _directories(data)


def _directories(data: bytes) -> str | None:
    """The same of a TIFF, by all of its directories."""
    preview, first, largest = False, 0, 0
    for tag in tags(data, _WANTED, children=True):
        value = tag.integer or 0
        if tag.number == _DNG_VERSION:
            return "camera raw (DNG)"
        if tag.number == _PHOTOMETRIC and value in _SENSOR:
            return "camera raw"
        if tag.number == _COMPRESSION and value in _MAKERS:
            return "camera raw"
        if tag.number == _SUBFILE and tag.ifd == "IFD0":
            preview = bool(value & 1)
        if tag.number == _WIDTH and tag.ifd == "IFD0":
            first = value
        if tag.number == _WIDTH and tag.ifd == "Sub":
            largest = max(largest, value)
    return "TIFF that begins with a preview" if preview and largest > first else None
