"""Image formats told by content, never by a file's name."""

from pathlib import PurePosixPath

from clipfake.errors import ErrorCode, ImageError
from clipfake.imaging.raw import raw_kind
from clipfake.imaging.tiff import HEADS

SNIFF_BYTES = 64
# endings of names that promise a picture: what is read here, what is not, and camera raw
_ENDINGS = (
    ".apng .avif .bmp .dib .gif .heic .heics .heif .heifs .hif .j2c .j2k .jfif .jp2 .jpe .jpeg .jpf"
    " .jpg .jpx .jxl .png .psb .psd .tif .tiff .webp"
    " .3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .fff .iiq .k25 .kdc .mef .mos .mrw .nef .nrw .orf"
    " .pef .raf .raw .rw2 .rwl .sr2 .srf .srw .x3f"
)
IMAGE_ENDINGS = frozenset(_ENDINGS.split())
TIFF_BYTES = 2**16  # in which the directories of most camera raw files lie

# ISO base media brands (ISO/IEC 23008-12 annex B, AVIF 1.1 section 6)
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}

_UNSUPPORTED = (
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000 codestream"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL codestream"),
    (b"8BPS", "Photoshop document"),
    (b"\x00\x00\x01\x00", "icon"),
    (b"\x00\x00\x02\x00", "cursor"),
    (b"DDS ", "DirectDraw surface"),
    (b"qoif", "QOI"),
    (b"\x76\x2f\x31\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"BLP1", "BLP texture"),
    (b"BLP2", "BLP texture"),
)


def named_like_image(path: str) -> bool:
    """Whether a name's ending promises a picture, whatever the file holds."""
    return PurePosixPath(path.replace("\\", "/")).suffix.lower() in IMAGE_ENDINGS


def sniff(head: bytes) -> str:
    """Name the format of an image from its first bytes.

    Args:
        head: the first ``SNIFF_BYTES`` bytes of the file, or all of a shorter one. Camera raw is
            told from TIFF by directories that may lie anywhere: only all of the file tells for
            sure, and the first ``TIFF_BYTES`` mostly do.

    Returns:
        ``JPEG``, ``PNG``, ``WEBP``, ``GIF``, ``TIFF``, ``BMP``, ``AVIF`` or ``HEIF``.

    Raises:
        ImageError: ``not_an_image``, or ``unsupported`` for image formats not read here.
    """
    if not head:
        raise ImageError(ErrorCode.NOT_AN_IMAGE, "empty file (0 bytes)")
    kind = raw_kind(head)
    if kind is not None:
        text = f"{kind} is not read; export it to TIFF, PNG or JPEG first"
        raise ImageError(ErrorCode.UNSUPPORTED, text)
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if head.startswith(HEADS):
        return "TIFF"
    if head.startswith(b"BM") and head[14:15] in (
        b"\x0c",
        b"\x28",
        b"\x34",
        b"\x38",
        b"\x40",
        b"\x6c",
        b"\x7c",
    ):
        return "BMP"
    if head[4:8] == b"ftyp":
        return _sniff_media(head)
    for magic, name in _UNSUPPORTED:
        if head.startswith(magic):
            raise ImageError(ErrorCode.UNSUPPORTED, f"{name} is not read; convert it to PNG first")
    raise ImageError(ErrorCode.NOT_AN_IMAGE, "no image of a known format")


def _sniff_media(head: bytes) -> str:
    size = int.from_bytes(head[:4], "big")
    box = head[8 : min(size, len(head))]
    # major brand, then (after the minor version) the compatible brands
    brands = [box[:4], *(box[i : i + 4] for i in range(8, len(box) - 3, 4))]
    for brand in brands:
        if brand in _AVIF_BRANDS:
            return "AVIF"
    for brand in brands:
        if brand in _HEIF_BRANDS:
            return "HEIF"
    raise ImageError(ErrorCode.NOT_AN_IMAGE, "a media file, not an image")
