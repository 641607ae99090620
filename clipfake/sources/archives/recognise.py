"""Which archives are read, told by their first bytes."""

from typing import NamedTuple

from clipfake.errors import ErrorCode, ImageError
from clipfake.imaging.formats import SNIFF_BYTES, sniff
from clipfake.sources.archive_limits import ArchiveLimits
from clipfake.sources.archives.decompressors import MAGIC, Compression
from clipfake.sources.archives.inflate import Inflated
from clipfake.sources.archives.tar_headers import BLOCK, is_tar
from clipfake.sources.archives.zip_directory import ZIP_MAGIC
from clipfake.sources.content import Stream

HEAD_BYTES = BLOCK


class Form(NamedTuple):
    """What an archive is.

    Attributes:
        is_zip: a zip; else a tar.
        compression: of a tar as a whole.
    """

    is_zip: bool
    compression: Compression = Compression.STORED


def recognise(stream: Stream, limits: ArchiveLimits) -> Form | None:
    """What archive bytes begin with, if any; images are never archives.

    Files with a zip at their end, such as programs that unpack themselves, are not taken for
    archives.

    Args:
        stream: at its start; a little of it is read.
        limits: hold for a look into what is compressed.

    Raises:
        ImageError: what ``stream`` raises.
    """
    head = stream.read(HEAD_BYTES)
    form = recognise_head(head)
    if form is None or form.compression is Compression.STORED:
        return form
    try:
        inflated = Inflated(_Continued(head, stream), form.compression, limits).read(BLOCK)
    except ImageError:
        return None
    return form if is_tar(inflated) else None


def recognise_head(head: bytes) -> Form | None:
    """What archive ``HEAD_BYTES`` bytes begin, where what is compressed may be a tar or not."""
    if head.startswith(ZIP_MAGIC):
        return Form(is_zip=True)
    for compression, magic in MAGIC.items():
        if head.startswith(magic):
            return Form(False, compression)
    return Form(False) if is_tar(head) and not _is_image(head) else None


def _is_image(head: bytes) -> bool:
    try:
        sniff(head[:SNIFF_BYTES])
    except ImageError as error:
        return error.code is ErrorCode.UNSUPPORTED
    return True


class _Continued:
    """A stream of which the first bytes were read already."""

    def __init__(self, head: bytes, rest: Stream) -> None:
        self._head, self._rest = head, rest

    def read(self, count: int) -> bytes:
        if not self._head:
            return self._rest.read(count)
        data, self._head = self._head[:count], self._head[count:]
        return data
