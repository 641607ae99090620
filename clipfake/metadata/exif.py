"""What an EXIF block says: camera facts by exifread, and the tags that it passes over."""

import io
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import exifread
from exifread.utils import Ratio

from clipfake.errors import ImageError
from clipfake.imaging.tiff import Tag, tags
from clipfake.metadata.user_comment import user_comment
from clipfake.records import MAX_TEXT, Exif

logging.getLogger("exifread").setLevel(logging.CRITICAL)  # it warns of every odd tag

_MAX_TEXT = 256
# what exifread may read of a block: a directory may count 65535 entries, a chain go on and on
_MAX_READS = 50_000
_MAX_DETAIL_READS = 120_000  # it reads maker notes byte by byte
_MAX_READ = 4096  # bytes; texts are cut to less
# a date, and behind it fractions of a second or the time zone, which are another clock's business
_DATE = re.compile(
    r"(\d{4}:\d{1,2}:\d{1,2} {1,2}\d{1,2}:\d{1,2}:\d{1,2})(?:\.\d+)?(?: ?(?:Z|[+-]\d{2}:?\d{2}))?"
)
_NORTH = {"n": 1, "north": 1, "s": -1, "south": -1}
_EAST = {"e": 1, "east": 1, "w": -1, "west": -1}
_PARTS = (1, 60, 3600)  # of a degree
_GRAPH = re.compile(r"(prompt|workflow): *\{", re.I)
_EXPOSURE = ("EXIF ExposureTime", "EXIF FNumber", "EXIF ISOSpeedRatings", "EXIF FocalLength")
_SERIALS = ("EXIF BodySerialNumber", "EXIF LensSerialNumber", "Image CameraSerialNumber")
# texts that exifread skips, cuts or cannot place: where generators sign
TEXT_TAGS = {
    0x010E: "ImageDescription",
    0x010F: "Make",
    0x0110: "Model",
    0x0131: "Software",
    0x013B: "Artist",
    0x9286: "UserComment",
}
_MAKER_NOTE, _THUMBNAIL, _THUMBNAIL_SIZE = 0x927C, 0x0201, 0x0202
_WANTED = frozenset((*TEXT_TAGS, _MAKER_NOTE, _THUMBNAIL, _THUMBNAIL_SIZE))


@dataclass(frozen=True)
class ExifBlock:
    """An EXIF block, read.

    Attributes:
        camera: the facts that the report has columns for; None when there is no tag at all.
        taken: when it was, as text; not always a date.
        exposure: exposure time, f-number, ISO speed and focal length, as text, where given.
        serial: whether a body or lens serial number is there.
        texts: of ``TEXT_TAGS`` by name, each with its offset in the block.
        maker_note: offset and bytes of the maker's own block.
        thumbnail: offset and bytes of the embedded JPEG.
    """

    camera: Exif | None
    taken: str = ""
    exposure: dict[str, str] = field(default_factory=dict)
    serial: bool = False
    texts: dict[str, tuple[str, int]] = field(default_factory=dict)
    maker_note: tuple[int, bytes] | None = None
    thumbnail: tuple[int, bytes] | None = None


def read_exif(block: bytes, *, with_position: bool = False) -> ExifBlock:
    r"""Read an EXIF block.

    Args:
        block: a TIFF structure: what follows ``Exif\0\0`` in a JPEG, or a whole TIFF file.
        with_position: also give the coordinates, not only that there are some.

    Returns:
        What can be read; unreadable fields are None or absent.

    Raises:
        ValueError: the block is too corrupt to be read at all.
        ImageError: a time limit set by the caller ran out.
    """
    # details would decode maker notes, which are undocumented and long to read
    found = _known(block, details=False)
    raw = {(tag.ifd, tag.number): tag for tag in tags(block, _WANTED)}
    texts: dict[str, tuple[str, int]] = {}
    for (ifd, number), tag in raw.items():
        text = _tag_text(tag) if number in TEXT_TAGS and ifd in ("IFD0", "Exif") else ""
        if text:
            texts.setdefault(TEXT_TAGS[number], (text, tag.offset))
    note = raw.get(("Exif", _MAKER_NOTE)) or raw.get(("IFD0", _MAKER_NOTE))
    return ExifBlock(
        camera=_camera(found, with_position=with_position) if found else None,
        taken=_taken(found),
        exposure={name.split()[1]: str(found[name]) for name in _EXPOSURE if name in found},
        serial=any(name in found for name in _SERIALS),
        texts=texts,
        maker_note=None if note is None else (note.offset, note.value),
        thumbnail=_thumbnail(block, raw),
    )


def exif_table(block: bytes) -> list[tuple[str, str]]:
    """Every tag that exifread knows, maker notes among them, as directory and name, and text.

    Raises:
        ValueError: the block is too corrupt to be read at all.
    """
    return [(name, str(tag)[:MAX_TEXT]) for name, tag in _known(block, details=True).items()]


def _known(block: bytes, *, details: bool) -> dict[str, Any]:
    """Tags that exifread knows, by directory and name."""
    if block[2:4] in (b"+\x00", b"\x00+"):  # BigTIFF, which it would read as classic TIFF
        return {}
    try:
        file = _Metered(block, _MAX_DETAIL_READS if details else _MAX_READS)
        return dict(exifread.process_file(file, details=details, extract_thumbnail=False))
    except ImageError:
        raise
    except _EndlessError as error:
        raise ValueError("EXIF has too many values") from error
    except Exception as error:  # exifread raises whatever a corrupt offset leads to
        raise ValueError(f"EXIF cannot be read ({type(error).__name__})") from error


class _EndlessError(Exception):
    """A block takes too many reads."""


class _Metered(io.BytesIO):
    """A block that can be read so many times, and not much at a time."""

    def __init__(self, block: bytes, reads: int) -> None:
        super().__init__(block)
        self._left = reads

    def read(self, size: int | None = -1, /) -> bytes:
        """Up to ``_MAX_READ`` bytes; longer ones count for more than one read."""
        found = super().read(_MAX_READ if size is None or size < 0 else min(size, _MAX_READ))
        self._left -= 1 + len(found) // 8
        if self._left < 0:
            raise _EndlessError
        return found


def _tag_text(tag: Tag) -> str:
    if TEXT_TAGS[tag.number] == "UserComment":
        text = user_comment(tag.value)
    elif tag.kind == 2:
        text = tag.value.decode("utf-8", errors="replace")
    else:
        return ""
    return text.replace("\x00", "").strip().strip("\ufeff")


def _thumbnail(block: bytes, raw: Mapping[tuple[str, int], Tag]) -> tuple[int, bytes] | None:
    start, size = raw.get(("IFD1", _THUMBNAIL)), raw.get(("IFD1", _THUMBNAIL_SIZE))
    at = start.integer if start else None
    length = size.integer if size else None
    if not at or not length or block[at : at + 2] != b"\xff\xd8":
        return None
    return at, block[at : at + length]


def _camera(found: dict[str, Any], *, with_position: bool) -> Exif:
    position = _position(found)
    orientation = _integer(found, "Image Orientation")
    return Exif(
        make=_name(found, "Image Make"),
        model=_name(found, "Image Model"),
        lens=_text(found, "EXIF LensModel"),
        software=_text(found, "Image Software"),
        datetime_original=_datetime(_taken(found)),
        gps="GPS GPSLatitude" in found and "GPS GPSLongitude" in found,
        latitude=position[0] if position and with_position else None,
        longitude=position[1] if position and with_position else None,
        width=_integer(found, "EXIF ExifImageWidth", "Image ImageWidth"),
        height=_integer(found, "EXIF ExifImageLength", "Image ImageLength"),
        orientation=orientation if orientation in range(1, 9) else None,
    )


def _values(found: Mapping[str, Any], name: str) -> Any:
    return getattr(found.get(name), "values", None)


def _text(found: Mapping[str, Any], name: str) -> str | None:
    values = _values(found, name)
    if isinstance(values, bytes):
        values = values.decode("utf-8", errors="replace")
    if not isinstance(values, str):
        return None
    return values.replace("\x00", "").strip()[:_MAX_TEXT] or None


def _name(found: Mapping[str, Any], name: str) -> str | None:
    """Text of a tag for a name, where ComfyUI puts its graphs for want of text chunks."""
    text = _text(found, name)
    return None if text is None or _GRAPH.match(text) else text


def _integer(found: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        values = _values(found, name)
        # 32 bits is the widest that EXIF's LONG holds
        if isinstance(values, list) and values and isinstance(values[0], int):
            return values[0] if 0 <= values[0] < 2**32 else None
    return None


def _letters(values: Any) -> str:
    """Text of a field, also of one that was written as bytes or numbers."""
    if isinstance(values, list) and all(isinstance(n, int) and 0 <= n < 128 for n in values):
        values = bytes(values)
    if isinstance(values, bytes):
        return values.decode("utf-8", errors="replace")
    return values if isinstance(values, str) else ""


def _taken(found: Mapping[str, Any]) -> str:
    """DateTimeOriginal as it stands there, without what fills it up."""
    text = _letters(_values(found, "EXIF DateTimeOriginal")).replace("\x00", "")
    return text[:_MAX_TEXT] if text.strip() else ""


def _datetime(text: str) -> datetime | None:
    """The clock's time; None for what is no date of Exif 2.32 (4.6.5), not even nearly."""
    match = _DATE.fullmatch(text.strip())
    try:
        return datetime.strptime(match.group(1), "%Y:%m:%d %H:%M:%S") if match else None
    except ValueError:
        return None


def _position(found: Mapping[str, Any]) -> tuple[float, float] | None:
    """Latitude and longitude in degrees, north and east positive."""
    latitude = _degrees(found, "GPS GPSLatitude", _NORTH, 90)
    longitude = _degrees(found, "GPS GPSLongitude", _EAST, 180)
    return None if latitude is None or longitude is None else (latitude, longitude)


def _degrees(
    found: Mapping[str, Any], name: str, signs: Mapping[str, int], most: int
) -> float | None:
    """A coordinate of degrees, minutes and seconds; None unless its reference says which side."""
    reference = _letters(_values(found, f"{name}Ref"))
    sign = signs.get(reference.strip("\x00 \t\r\n").lower())
    values = _values(found, name)
    if sign is None or not isinstance(values, list) or len(values) != len(_PARTS):
        return None
    total = 0.0
    for value, part in zip(values, _PARTS, strict=True):
        if not isinstance(value, Ratio) or value.den == 0 or value.num < 0:
            return None
        total += float(value) / part
    return sign * total if total <= most else None
