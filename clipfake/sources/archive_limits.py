"""What an archive may cost."""

from dataclasses import dataclass

from clipfake.errors import ErrorCode, ImageError
from clipfake.imaging.limits import Limits


@dataclass(frozen=True)
class ArchiveLimits:
    """What one archive named or found may cost, with all archives inside it.

    Attributes:
        entries: members, folders and links included, at most.
        depth: archives within one another, the outermost counted.
        ratio: bytes that one compressed byte may become; checked while inflating, whatever a
            header says.
        ratio_from: inflated bytes up to which no ratio is too high (plain pictures in BMP or
            TIFF shrink a thousandfold).
        member_bytes: size of a member, at most.
        nested_bytes: size of an archive inside an archive, which is held in memory.
        total_bytes: inflated bytes of all compressed members together; what is stored plainly
            does not count, the archive's own size bounds it.
        carried_bytes: what members of compressed tar files hold in memory on their way to the
            workers; beyond it each worker inflates for itself.
        window_bytes: memory that one decompressor may ask for.
    """

    entries: int = 1_000_000
    depth: int = 2
    ratio: int = 200
    ratio_from: int = 16 * 2**20
    member_bytes: int = Limits.bytes
    nested_bytes: int = 256 * 2**20
    total_bytes: int = 64 * 2**30
    carried_bytes: int = 2**30
    window_bytes: int = 256 * 2**20


class Tally:
    """Counts what an archive has cost so far."""

    def __init__(self, limits: ArchiveLimits) -> None:
        self._limits = limits
        self._entries = 0
        self._inflated = 0

    def add_entry(self) -> None:
        """One member more.

        Raises:
            ImageError: ``archive_limit``.
        """
        self._entries += 1
        if self._entries > self._limits.entries:
            raise _over(f"more than {self._limits.entries} members")

    def add_inflated(self, count: int) -> None:
        """So many inflated bytes more.

        Raises:
            ImageError: ``archive_limit``.
        """
        self._inflated += count
        if self._inflated > self._limits.total_bytes:
            raise _over(f"inflates to more than {self._limits.total_bytes} bytes")


def _over(what: str) -> ImageError:
    rest = "its other members are not scanned; unpack it to scan them"
    return ImageError(ErrorCode.ARCHIVE_LIMIT, f"{what}; {rest}")
