"""Files of which a part is damaged that no pixel needs."""

import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageCms, features
from PIL.PngImagePlugin import PngInfo

from clipfake.errors import ErrorCode, ImageError
from clipfake.imaging.ancillary import without_damage
from clipfake.imaging.decode import DecodedImage, decode, thumbnail
from clipfake.imaging.limits import MAX_PNG_TEXT, Limits
from clipfake.imaging.preprocessing import Preprocessing
from tests.conftest import encoded, picture

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>' + b" " * 99
LEFT_OUT = "decoded without damaged parts that hold no pixels"


def exif(orientation: int = 1) -> bytes:
    block = Image.Exif()
    block[0x0112], block[0x010F] = orientation, "Example Optics"
    return block.tobytes()


def read(data: bytes) -> DecodedImage:
    return decode(data, Preprocessing(size=16), Limits())


def same_but_noted(damaged: bytes, whole: bytes, *parts: str) -> None:
    """A damaged file gives the pixels of the whole one, and says which parts it left out."""
    found, wanted = read(damaged), read(whole)
    assert np.array_equal(found.pixels, wanted.pixels)
    assert found.notes == (
        *wanted.notes,
        f"{LEFT_OUT} ({found.format.replace('WEBP', 'WebP')} " + ", ".join(parts) + ")",
    )
    assert thumbnail(damaged, 32, Limits()).size == thumbnail(whole, 32, Limits()).size


def chunk(kind: bytes, body: bytes, *, right: bool = True) -> bytes:
    """A PNG chunk with a checksum that is right, or wrong."""
    check = zlib.crc32(kind + body) ^ (not right)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)


def png(*chunks: bytes, late: bytes = b"", **options: object) -> bytes:
    data = encoded(picture(), "PNG", **options)
    end = len(data) - 12
    return data[:33] + b"".join(chunks) + data[33:end] + late + data[end:]


BOMB = zlib.compress(bytes(MAX_PNG_TEXT + 1))


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(
    "bad",
    [
        chunk(b"tEXt", b"k\0words", right=False),
        chunk(b"zTXt", b"k\0\0" + zlib.compress(b"words"), right=False),
        chunk(b"iTXt", b"k\0\0\0\0\0words", right=False),
        chunk(b"zTXt", b"k\0\0" + BOMB),
        chunk(b"zTXt", b"k\0\0junk"),
        chunk(b"iTXt", b"k\0\1\0\0\0" + BOMB),
        chunk(b"iTXt", b"k\0\1\0\0\0junk"),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x/>", right=False),
        chunk(b"eXIf", exif()[6:], right=False),
        chunk(b"iCCP", b"icc\0\0" + zlib.compress(PROFILE), right=False),
        chunk(b"iCCP", b"icc\0\0" + BOMB),
        chunk(b"iCCP", b"icc\0\0junk"),
        chunk(b"pHYs", bytes(9), right=False),
        chunk(b"pHYs", bytes(3)),
        chunk(b"gAMA", bytes(4), right=False),
        chunk(b"gAMA", b""),
        chunk(b"cHRM", bytes(33)),
        chunk(b"sRGB", b""),
        chunk(b"tIME", bytes(7), right=False),
        chunk(b"prVt", b"words", right=False),
    ],
)
def test_a_damaged_chunk_of_a_png_costs_that_chunk(bad: bytes, late: bool) -> None:
    whole = png()
    damaged = png(late=bad) if late else png(bad)
    found = read(damaged)
    assert np.array_equal(found.pixels, read(whole).pixels)
    if found.notes and not found.notes[0].startswith("ICC profile not usable"):
        same_but_noted(damaged, whole, bad[4:8].decode())
    left = without_damage(damaged, "PNG")
    assert left is not None
    assert left[0] == whole


def test_what_stands_beside_a_damaged_chunk_is_kept() -> None:
    bad = chunk(b"tEXt", b"k\0words", right=False)
    text = PngInfo()
    text.add_text("a", "words")
    options = {"exif": exif(6), "icc_profile": PROFILE, "pnginfo": text}
    same_but_noted(png(bad, **options), png(**options), "tEXt")
    palette = picture().quantize(8)
    for image in (palette, picture().convert("L")):
        data = encoded(image, "PNG", transparency=0)
        same_but_noted(data[:33] + bad + data[33:], data, "tEXt")


def test_several_damaged_chunks_are_named_once() -> None:
    bad = [chunk(kind, b"k\0words", right=False) for kind in (b"tEXt", b"prVt", b"tEXt")]
    same_but_noted(png(*bad), png(), "prVt", "tEXt")


def test_texts_that_are_too_many_together_cost_the_texts() -> None:
    most = chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(MAX_PNG_TEXT - 1)))
    same_but_noted(png(*[most] * 5), png(), "zTXt")


def test_a_text_that_is_cut_off_behind_the_pixels_costs_the_text() -> None:
    whole = png()
    damaged = png(late=chunk(b"tEXt", b"k\0" + b"words" * 99))[:-100]
    same_but_noted(damaged, whole, "tEXt")


def animated() -> bytes:
    return encoded(picture(), "PNG", save_all=True, append_images=[picture(seed=1)])


@pytest.mark.parametrize("kind", [b"acTL", b"fcTL"])
def test_a_damaged_animation_costs_the_animation(kind: bytes) -> None:
    data = bytearray(animated())
    at = data.index(kind)
    data[at + 4] ^= 1  # the first byte of the body, which the checksum covers
    found = read(bytes(data))
    assert np.array_equal(found.pixels, read(encoded(picture())).pixels)
    assert not found.animated


def test_damage_of_what_holds_the_pixels_stays_an_error() -> None:
    for kind in (b"IHDR", b"IDAT"):
        bad = chunk(b"tEXt", b"k\0words", right=False)
        data = bytearray(png(bad))
        at = data.index(kind)
        data[at + 8] ^= 0x55
        with pytest.raises(ImageError) as caught:
            read(bytes(data))
        assert caught.value.code in (ErrorCode.DAMAGED, ErrorCode.TRUNCATED), kind
    assert without_damage(png(), "PNG") is None
    assert without_damage(encoded(picture(), "WEBP"), "WEBP") is None


@pytest.mark.parametrize("form", ["JPEG", "TIFF", "GIF", "BMP"])
def test_other_formats_are_left_as_they_are(form: str) -> None:
    assert without_damage(encoded(picture(), form), form) is None


# WebP


def webp(**options: object) -> bytes:
    return encoded(picture(), "WEBP", exif=exif(), xmp=XMP, icc_profile=PROFILE, **options)


@pytest.mark.parametrize("options", [{}, {"lossless": True}])
@pytest.mark.parametrize("size", [0, 5, 10**6, 2**32 - 1])
@pytest.mark.parametrize("kind", [b"EXIF", b"XMP "])
def test_damaged_metadata_of_a_webp_costs_the_metadata(
    kind: bytes, size: int, options: dict[str, object]
) -> None:
    data = bytearray(webp(**options))
    at = data.index(kind)
    data[at + 4 : at + 8] = struct.pack("<I", size)
    found = read(bytes(data))
    assert np.array_equal(found.pixels, read(webp(**options)).pixels)
    assert found.notes[0].startswith(f"{LEFT_OUT} (WebP ")


@pytest.mark.parametrize("cut", [1, 5, 50, 130])
def test_a_webp_that_ends_in_its_metadata_is_read(cut: int) -> None:
    found = read(webp()[:-cut])
    assert np.array_equal(found.pixels, read(webp()).pixels)
    assert found.notes[0].startswith(f"{LEFT_OUT} (WebP ")


def test_a_webp_that_ends_in_its_pixels_is_an_error() -> None:
    data = encoded(picture(), "WEBP")
    with pytest.raises(ImageError):
        read(data[:-200])
    whole = webp()
    with pytest.raises(ImageError):
        read(whole[: whole.index(b"VP8 ") + 100])


# AVIF


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_damaged_exif_of_an_avif_costs_the_exif() -> None:
    whole = encoded(picture(), "AVIF", exif=exif(), xmp=XMP)
    at = whole.rindex(b"Example Optics") - 60
    start = whole.index(exif()[6:10], at)
    damaged = whole[:start] + b"\xff" * 20 + whole[start + 20 :]
    found = read(damaged)
    assert np.array_equal(found.pixels, read(whole).pixels)
    assert found.notes == (f"{LEFT_OUT} (AVIF Exif)",)


# profiles


@pytest.mark.parametrize("form", ["JPEG", "WEBP", "TIFF", "PNG"])
def test_a_profile_that_is_none_costs_the_profile(form: str) -> None:
    found = read(encoded(picture(), form, icc_profile=b"no profile" * 20))
    assert found.notes == ("ICC profile not usable, colours taken as sRGB",)
    if form != "JPEG":
        lossless = {"lossless": True} if form == "WEBP" else {}
        found = read(encoded(picture(), form, icc_profile=b"no profile" * 20, **lossless))
        assert np.array_equal(found.pixels, read(encoded(picture(), form, **lossless)).pixels)


def test_a_profile_of_which_a_part_is_missing_costs_the_profile() -> None:
    data = encoded(picture(), "JPEG")
    part = b"ICC_PROFILE\0\1\3" + PROFILE[:300]
    data = data[:2] + b"\xff\xe2" + struct.pack(">H", len(part) + 2) + part + data[2:]
    assert read(data).notes == ("ICC profile not usable, colours taken as sRGB",)


@pytest.mark.parametrize("form", ["JPEG", "WEBP", "PNG"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda block: block[:6] + bytes(len(block) - 6),
        lambda block: block[:10] + b"\xff" * (len(block) - 10),
        lambda block: block[: len(block) // 2],
    ],
)
def test_damaged_exif_costs_the_exif(form: str, damage: Callable[[bytes], bytes]) -> None:
    found = read(encoded(picture(), form, exif=damage(exif(6))))
    upright = read(encoded(picture(), form))
    assert found.pixels.shape == upright.pixels.shape


# anything


@pytest.mark.parametrize("form", ["PNG", "WEBP", "AVIF"])
def test_no_truncation_and_no_noise_raises(form: str) -> None:
    if form == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    data = encoded(picture(8, 8), form, exif=exif())
    rng = np.random.default_rng(0)
    for end in range(0, len(data), 3):
        without_damage(data[:end], form)
    for _ in range(300):
        noisy = bytearray(data)
        for at in rng.integers(0, len(data), 5):
            noisy[at] = rng.integers(0, 256)
        without_damage(bytes(noisy), form)
