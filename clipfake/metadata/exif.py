"""Camera facts from EXIF, by exifread; corrupt blocks give what can be read of them."""

import io
import logging
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import exifread
from exifread.utils import get_gps_coords

from clipfake.errors import ImageError
from clipfake.records import Exif

logging.getLogger("exifread").setLevel(logging.CRITICAL)  # it warns of every odd tag

_MAX_TEXT = 256


def read_exif(data: bytes, *, with_position: bool = False) -> Exif | None:
    """Read the EXIF block of a JPEG, PNG, WebP, TIFF, HEIC or AVIF file.

    Args:
        data: the whole file.
        with_position: also give the coordinates, not only that there are some.

    Returns:
        The facts, or None when there is no EXIF block. Unreadable fields are None.

    Raises:
        ValueError: the block is too corrupt to be read at all.
        ImageError: a time limit set by the caller ran out.
    """
    try:
        block = _webp_block(data) if data[8:12] == b"WEBP" else data
        tags = exifread.process_file(io.BytesIO(block), details=False, extract_thumbnail=False)
    except ImageError:
        raise
    except Exception as error:  # exifread raises whatever a corrupt offset leads to
        raise ValueError(f"EXIF cannot be read ({type(error).__name__})") from error
    if not tags:
        return None
    position = _position(tags)
    orientation = _integer(tags, "Image Orientation")
    return Exif(
        make=_text(tags, "Image Make"),
        model=_text(tags, "Image Model"),
        lens=_text(tags, "EXIF LensModel"),
        software=_text(tags, "Image Software"),
        datetime_original=_datetime(tags, "EXIF DateTimeOriginal"),
        gps="GPS GPSLatitude" in tags and "GPS GPSLongitude" in tags,
        latitude=position[0] if position and with_position else None,
        longitude=position[1] if position and with_position else None,
        width=_integer(tags, "EXIF ExifImageWidth", "Image ImageWidth"),
        height=_integer(tags, "EXIF ExifImageLength", "Image ImageLength"),
        orientation=orientation if orientation in range(1, 9) else None,
    )


def _webp_block(data: bytes) -> bytes:
    """TIFF block of a WebP file's EXIF chunk, which exifread finds only behind a JPEG prefix."""
    offset = 12
    while offset + 8 <= len(data):
        size = int.from_bytes(data[offset + 4 : offset + 8], "little")
        if data[offset : offset + 4] == b"EXIF":
            return data[offset + 8 : offset + 8 + size].removeprefix(b"Exif\x00\x00")
        offset += 8 + size + size % 2  # RIFF pads chunks to even sizes
    return b""


def _values(tags: Mapping[str, Any], name: str) -> Any:
    return getattr(tags.get(name), "values", None)


def _text(tags: Mapping[str, Any], name: str) -> str | None:
    values = _values(tags, name)
    if isinstance(values, bytes):
        values = values.decode("utf-8", errors="replace")
    if not isinstance(values, str):
        return None
    return values.replace("\x00", "").strip()[:_MAX_TEXT] or None


def _integer(tags: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        values = _values(tags, name)
        # 32 bits is the widest that EXIF's LONG holds
        if isinstance(values, list) and values and isinstance(values[0], int):
            return values[0] if 0 <= values[0] < 2**32 else None
    return None


def _datetime(tags: Mapping[str, Any], name: str) -> datetime | None:
    text = _text(tags, name)
    try:
        return datetime.strptime(text[:19], "%Y:%m:%d %H:%M:%S") if text else None
    except ValueError:
        return None


def _position(tags: dict[str, Any]) -> tuple[float, float] | None:
    try:
        position = get_gps_coords(dict(tags))
    except ImageError:
        raise
    except Exception:  # zero denominators and values of a wrong type
        return None
    if position is None or not all(map(math.isfinite, position)):
        return None
    latitude, longitude = position
    return position if abs(latitude) <= 90 and abs(longitude) <= 180 else None
