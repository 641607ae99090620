"""A member of an archive: its name and where its bytes lie."""

from dataclasses import dataclass

from clipfake.errors import ErrorCode, ImageError
from clipfake.sources.archives.decompressors import Compression


@dataclass(frozen=True, slots=True)
class Span:
    """Where a member's bytes lie in its archive.

    Attributes:
        offset: of their first byte, or of the header before them.
        stored: bytes as they lie there.
        size: bytes when inflated, as the archive says; anything else is damage.
        compression: how they are compressed.
        crc: CRC-32 of the inflated bytes; None when the archive has none.
        headed: whether a zip's local header lies before them.
    """

    offset: int
    stored: int
    size: int
    compression: Compression = Compression.STORED
    crc: int | None = None
    headed: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A member.

    Attributes:
        name: as the archive has it, any bytes.
        span: where its bytes lie.
        is_folder: it stands for a folder.
        problem: why its bytes cannot be read.
    """

    name: bytes
    span: Span
    is_folder: bool = False
    problem: ImageError | None = None


def no_file(what: str) -> ImageError:
    """The problem of a member that is a link, a device or the like."""
    return ImageError(ErrorCode.NOT_A_FILE, f"{what} in an archive; it is not followed")
