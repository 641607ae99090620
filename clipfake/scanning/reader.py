"""Read one file: its bytes once, then hash, pixels and metadata."""

import errno
import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from clipfake.errors import ErrorCode, ImageError
from clipfake.imaging.decode import DecodedImage, Views, decode, decode_thumbnail
from clipfake.imaging.formats import SNIFF_BYTES, TIFF_BYTES, sniff
from clipfake.imaging.limits import GRACE, Limits, time_limit
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.imaging.thumbnail import SIDE
from clipfake.metadata.read import MetadataOptions, parameter_facts, read_metadata
from clipfake.metadata.stealth import read_stealth
from clipfake.metadata.thumbnail import AGREES, compare_thumbnail
from clipfake.metadata.watermark import read_watermarks
from clipfake.records import TOOK_TOO_LONG, TOOK_TOO_MUCH, Fact, Record
from clipfake.scanning.cache import CacheUse, look_up, recall, stamp_of
from clipfake.sources import Item
from clipfake.sources.archives.not_images import HEAD_BYTES, told
from clipfake.sources.content import Reader

METADATA_SECONDS = 5.0

_OS_ERRORS = {
    errno.ENOENT: (ErrorCode.MISSING, "no such file; check the path"),
    errno.ENOTDIR: (ErrorCode.MISSING, "no such file; check the path"),
    errno.ENAMETOOLONG: (ErrorCode.MISSING, "the name is too long to exist; check the path"),
    errno.ELOOP: (ErrorCode.MISSING, "a symbolic link that leads to itself"),
    errno.EACCES: (ErrorCode.NO_PERMISSION, "permission denied; make it readable"),
    errno.EPERM: (ErrorCode.NO_PERMISSION, "permission denied; make it readable"),
    errno.ENXIO: (ErrorCode.NOT_A_FILE, "not a regular file"),
    errno.EISDIR: (ErrorCode.NOT_A_FILE, "not a regular file"),
}


@dataclass(frozen=True)
class ReadOptions:
    """What a worker does with a file.

    Attributes:
        preprocessing: how the detector's square is cut; None leaves the pixels undecoded.
        limits: what one file may cost.
        metadata: what is read of the file's metadata; None leaves it unread.
        transform: what is done to a file's bytes before they are decoded; the hash and the
            metadata are those of the file.
        cache: where bytes that were scanned before are looked up.
        thumbnail: make a small picture, also where the square is not cut.
        side: of that picture, where the square is not cut: pixels, at most.
        tiled: cut tiles of the whole picture beside the square.
    """

    preprocessing: Preprocessing | None = field(default_factory=Preprocessing)
    limits: Limits = field(default_factory=Limits)
    metadata: MetadataOptions | None = field(default_factory=MetadataOptions)
    transform: Callable[[bytes], bytes] | None = None
    cache: CacheUse | None = None
    thumbnail: bool = False
    side: int = SIDE
    tiled: bool = False


def record_of(item: Item) -> Record:
    """The record of an item of which nothing is known yet but what named it."""
    return Record(path=item.text, path_raw=item.raw, extra=item.extra, named=item.named)


def read_item(item: Item, options: ReadOptions) -> tuple[Record, Views | None]:
    """Read, hash and decode one file, and read what it says about itself.

    Returns:
        The record without score, and what the detector looks at unless the record has an
        error or pixels are not asked for. An image that cannot be decoded keeps its metadata.
        What the cache knows comes with its score and without pixels.
    """
    record = record_of(item)
    data, image = b"", None
    start = time.monotonic()
    try:
        if item.problem:
            raise item.problem
        with time_limit(options.limits.seconds):
            trusting = options.cache is not None and options.cache.trust_times
            stamp = stamp_of(item.path) if trusting and item.content is None else None
            most = options.limits.bytes
            if options.cache and stamp and recall(options.cache, stamp, record, most=most):
                return record, None
            data = _read_bytes(item, options.limits, record)
            if stamp is not None and stamp == stamp_of(item.path):
                record.stamp = stamp
            record.sha256 = hashlib.sha256(data).hexdigest()
            if options.cache and look_up(options.cache, record):
                return record, None
            if options.preprocessing:
                seen = options.transform(data) if options.transform else data
                image = decode(
                    seen,
                    options.preprocessing,
                    options.limits,
                    hashed=options.transform is None,
                    pictured=options.thumbnail,
                    tiled=options.tiled,
                )
            elif options.thumbnail:
                record.thumbnail = decode_thumbnail(data, options.limits, options.side)
    except ImageError as error:
        record.error_code, record.error = error.code, f"{record.path}: {error}"
    except MemoryError:
        text = f"{record.path}: not enough memory to read it; lower --max-bytes"
        record.error_code, record.error = ErrorCode.TOO_LARGE, text
    if image is not None:
        record.animated = image.animated
        record.width, record.height = image.width, image.height
        record.notes = image.notes
        record.phash, record.thumbnail = image.phash, image.thumbnail
    if options.metadata and record.sha256 is not None and record.format is not None:
        try:
            with time_limit(_left(options.limits, time.monotonic() - start)):
                _describe(record, data, image, options.metadata)
        except ImageError:
            record.notes += (TOOK_TOO_LONG,)
        except MemoryError:
            record.notes += (TOOK_TOO_MUCH,)
    return record, None if image is None else image.views


def _left(limits: Limits, spent: float) -> float:
    """Seconds for the metadata: what the pixels left of the file's time, but always some."""
    if limits.seconds <= 0:
        return METADATA_SECONDS
    return min(METADATA_SECONDS, max(limits.seconds - spent, GRACE / 2))


def _describe(
    record: Record, data: bytes, image: DecodedImage | None, options: MetadataOptions
) -> None:
    """Add to a record what the file says about itself."""
    found = read_metadata(data, record.format or "", options)
    record.exif, record.notes = found.exif, record.notes + found.notes
    facts = list(found.facts)
    record.facts = found.facts  # kept should the pixels take too long
    if image is not None:
        facts += read_watermarks(image.stored, image.width, image.height)
    if image is not None and image.format != "JPEG":  # which keeps no lowest bits
        for place, text in read_stealth(image.stored):
            hidden = {"stealth:parameters": text}
            places = {"stealth:parameters": (place, None)}
            facts += parameter_facts(hidden, places, prompts=options.prompts)
    if image is not None and found.thumbnail is not None:
        orientation = (found.exif.orientation if found.exif else None) or 1
        compared = compare_thumbnail(found.thumbnail, image.pixels, orientation)
        if compared is not None:
            word = "agrees" if compared[1] >= AGREES else "differs"
            value = f"{compared[0]}, {word} with the image (correlation {compared[1]:.2f})"
            facts.append(Fact("exif.thumbnail", value, "EXIF IFD1", None))
    record.facts = tuple(facts)


def _read_bytes(item: Item, limits: Limits, record: Record) -> bytes:
    """The whole file, once; what is no image is not read past its first bytes."""
    try:
        with item.open() as file:
            record.bytes = file.size
            record.format = _format_of(file)
            if file.size is not None and file.size > limits.bytes:
                raise _too_large(f"{file.size} bytes", limits)
            # asking for more would allocate more; some file systems do not tell sizes
            data = file.read(file.size or limits.bytes + 1)
    except OSError as error:
        known = (ErrorCode.UNREADABLE, f"cannot be read ({error.strerror or error})")
        raise ImageError(*_OS_ERRORS.get(error.errno or 0, known)) from error
    except ValueError as error:
        raise ImageError(ErrorCode.MISSING, "no file can have this name; check the path") from error
    if len(data) > limits.bytes:
        raise _too_large(f"at least {len(data)} bytes", limits)
    record.bytes = len(data)
    if record.format == "TIFF":
        record.format = None
        record.format = sniff(data)  # directories may lie anywhere
    return data


def _format_of(file: Reader) -> str:
    """The image format; what else a file is known to be is told with a remedy."""
    try:
        form = sniff(file.peek(SNIFF_BYTES))
        if form == "TIFF":  # or camera raw, which is not read whole if its start tells
            sniff(file.peek(TIFF_BYTES))
        return form
    except ImageError as error:
        if error.code is not ErrorCode.NOT_AN_IMAGE:
            raise
        head = b""
        with suppress(ImageError):  # of an archive that breaks off after its first bytes
            head = file.peek(HEAD_BYTES)
        raise told(head) or error from None


def _too_large(size: str, limits: Limits) -> ImageError:
    text = f"{size}, over the limit of {limits.bytes}; raise --max-bytes"
    return ImageError(ErrorCode.TOO_LARGE, text)
