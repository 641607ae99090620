"""Files that are no image, where knowing what they are tells the user what to do.

Archives, compressed files and disk images that are not read may hold images, so none is passed
over as a mere "no image"; nor is the pointer that stands for an image in Git LFS.

Sources: the formats' own descriptions (7z, RAR 4 and 5, RFC 8878 for Zstandard, LZ4 frame 1.6.1,
lzip, LZMA alone, [MS-CAB], ar(5), cpio(5), ECMA-119 and ECMA-167) and file(1)'s magic database;
Git LFS specification v1, "The Pointer".
"""

import re
from contextlib import suppress

from clipfake.errors import ErrorCode, ImageError
from clipfake.imaging.formats import SNIFF_BYTES, sniff
from clipfake.sources.archive_limits import ArchiveLimits
from clipfake.sources.archives.decompressors import MAGIC, Compression
from clipfake.sources.archives.inflate import Inflated
from clipfake.sources.archives.store import MemoryStore, Part
from clipfake.sources.archives.tar_headers import BLOCK, is_tar
from clipfake.sources.archives.zip_directory import ZIP_MAGIC

HEAD_BYTES = 0x8006  # ISO 9660 and UDF tell themselves behind a system area of 32 KiB

_LFS = re.compile(rb"version https?://(git-lfs\.github\.com|hawser\.github\.com|git-media\.io)/")
_ARCHIVES = (
    (rb"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (rb"Rar!\x1a\x07(\x00|\x01\x00)|RE~\x5e", "a RAR archive"),
    (rb"MSCF\0{4}|ISc\(", "a cabinet file"),
    (rb"!<(arch|thin)>\n", "an ar archive or Debian package"),
    (rb"\xed\xab\xee\xdb", "an RPM package"),
    (rb"0707(01|02|07)[0-9A-Fa-f]{58}", "a cpio archive"),
    (rb"\xc7\x71.{19}[\0-\x10]|\x71\xc7.{18}[\0-\x10]", "a cpio archive"),
    (rb"xar!\0\x1c", "a xar archive"),
    (rb".{7}\*\*ACE\*\*", "an ACE archive"),
    (rb"..-l[hz][0-9a-z]-", "an LHA archive"),
    (rb"\x60\xea.[\0-\x0a][\x1e-\x30]", "an ARJ archive"),
    (rb"SIT!.{6}rLau|StuffIt \(c\)", "a StuffIt archive"),
    (rb"zPQ|7kSt", "a ZPAQ archive"),
    (rb"MSWIM\0{3}", "a Windows image archive"),
)
_COMPRESSED = (
    (rb"[\x1e-\x28]\xb5\x2f\xfd", "a Zstandard-compressed file"),
    (rb"[\x50-\x5f]\x2a\x4d\x18", "a Zstandard- or LZ4-compressed file"),
    (rb"[\x02\x03]\x21\x4c\x18|\x04\x22\x4d\x18", "an LZ4-compressed file"),
    (rb"LZIP[\0\x01]", "an lzip-compressed file"),
    (rb"\x89LZO\0\r\n\x1a\n", "an lzop-compressed file"),
    (rb"\x1f\x9d[\x09-\x10\x89-\x90]", "a file of compress"),
    (rb"\xff\x06\0\0sNaPpY", "a Snappy-compressed file"),
    # properties, a window of a power of two, and a size that is unknown or below 256 GiB
    (rb"[\x5d\x6d]\0\0(?!\0\0)[\0-\x80]{2}(\xff{8}|.{4}[\0-\x3f]\0{3})", "an LZMA-compressed file"),
)
_DISKS = (
    (rb"EVF\x09\r\n\xff\0|EVF2\r\n\x81\0|LVF\x09\r\n\xff\0", "a forensic disk image (EnCase)"),
    (rb"hsqs|sqsh", "a SquashFS file system"),
    (rb"conectix|vhdxfile", "a virtual disk"),
    (rb"QFI\xfb|KDMV", "a virtual disk"),
    (rb".{32769}(CD001|BEA01|NSR0[23])", "an ISO or UDF disk image"),
)
_REMEDIES = ((_ARCHIVES, "unpack it"), (_COMPRESSED, "unpack it"), (_DISKS, "mount it"))
_KNOWN = [
    (re.compile(magic, re.DOTALL), name, remedy)
    for table, remedy in _REMEDIES
    for magic, name in table
]
# longer than the magic alone, since any file may begin with two or three bytes
_STREAMS = {
    Compression.GZIP: re.compile(rb"\x1f\x8b\x08"),
    Compression.BZIP2: re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"),
    Compression.XZ: re.compile(re.escape(MAGIC[Compression.XZ])),
}


def told(head: bytes) -> ImageError | None:
    """What a file that is no image is known to be.

    Args:
        head: its first ``HEAD_BYTES`` bytes, or all of a shorter one.

    Returns:
        ``unsupported`` or ``lfs_pointer`` with a remedy; None for any other file.
    """
    if _LFS.match(head):
        text = "a pointer of Git LFS, which stands for the file; run: git lfs pull"
        return ImageError(ErrorCode.LFS_POINTER, text)
    if head.startswith(ZIP_MAGIC) or is_tar(head):
        kind = "tar" if is_tar(head) else "zip"
        return _unsupported(f"a {kind} archive that is not looked into here; unpack it first")
    for magic, name, remedy in _KNOWN:
        if magic.match(head):
            return _unsupported(f"{name}, which is not read; {remedy} first")
    for compression, magic in _STREAMS.items():
        if magic.match(head):
            return _stream(head, compression)
    return None


def _stream(head: bytes, compression: Compression) -> ImageError | None:
    """A compressed file by what it holds, as far as its first bytes tell."""
    inside = _inflated(head, compression)
    name = f"a {compression.value}-compressed"
    if is_tar(inside):
        return _unsupported(f"{name} tar archive that is not looked into here; unpack it first")
    if inside and not _may_hold_images(inside):
        return None
    return _unsupported(f"{name} file, which is not read; unpack it first")


def _inflated(head: bytes, compression: Compression) -> bytes:
    """The first ``BLOCK`` bytes, or as many as the head gives."""
    stream, data = Inflated(Part(MemoryStore(head)), compression, ArchiveLimits()), b""
    with suppress(ImageError):  # it goes on behind the head
        while len(data) < BLOCK and (byte := stream.read(1)):
            data += byte
    return data


def _may_hold_images(data: bytes) -> bool:
    try:
        sniff(data[:SNIFF_BYTES])
    except ImageError as error:
        known = data.startswith(ZIP_MAGIC) or any(magic.match(data) for magic, _, _ in _KNOWN)
        streams = any(magic.match(data) for magic in _STREAMS.values())
        return error.code is ErrorCode.UNSUPPORTED or known or streams
    return True


def _unsupported(text: str) -> ImageError:
    return ImageError(ErrorCode.UNSUPPORTED, text)
