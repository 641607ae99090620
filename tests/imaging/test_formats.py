"""Formats told by content."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, features

from clipfake.errors import ErrorCode, ImageError
from clipfake.imaging.formats import SNIFF_BYTES, sniff
from tests.conftest import encoded, picture

FORMATS = {"JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "HEIF"}


def refusal(head: bytes) -> ImageError:
    with pytest.raises(ImageError) as caught:
        sniff(head)
    return caught.value


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"])
def test_encoded_pictures_are_told(form: str) -> None:
    assert sniff(encoded(picture(), form)[:SNIFF_BYTES]) == form


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_encoded_avif_is_told() -> None:
    assert sniff(encoded(picture(), "AVIF")[:SNIFF_BYTES]) == "AVIF"


def test_encoded_heic_is_told() -> None:
    heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    heif.from_pillow(picture()).save(buffer)
    assert sniff(buffer.getvalue()[:SNIFF_BYTES]) == "HEIF"


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("JPEG", {"progressive": True}),
        ("WEBP", {"lossless": True}),
        ("TIFF", {"big_tiff": True}),
        ("TIFF", {"compression": "tiff_lzw"}),
    ],
)
def test_variants_of_a_format_are_told(form: str, options: dict[str, object]) -> None:
    assert sniff(encoded(picture(), form, **options)[:SNIFF_BYTES]) == form


@pytest.mark.parametrize("order", [b"MM\x00*", b"MM\x00+", b"II*\x00", b"II+\x00"])
def test_either_byte_order_of_tiff_is_told(order: bytes) -> None:
    assert sniff(order + bytes(60)) == "TIFF"


@pytest.mark.parametrize(
    ("brands", "form"),
    [
        (b"avif\0\0\0\0mif1miaf", "AVIF"),
        (b"mif1\0\0\0\0avifmiaf", "AVIF"),
        (b"avis\0\0\0\0msf1avif", "AVIF"),
        (b"heic\0\0\0\0mif1heic", "HEIF"),
        (b"mif1\0\0\0\0heic", "HEIF"),
        (b"hevc\0\0\0\0", "HEIF"),
    ],
)
def test_media_brands_decide(brands: bytes, form: str) -> None:
    box = (8 + len(brands)).to_bytes(4, "big") + b"ftyp" + brands
    assert sniff(box + b"\0\0\0\x08mdat") == form


@pytest.mark.parametrize("brand", [b"isom", b"mp42", b"qt  ", b"M4A ", b"3gp5"])
def test_video_and_sound_are_no_images(brand: bytes) -> None:
    box = b"\0\0\0\x18ftyp" + brand + b"\0\0\x02\0isommp41"
    assert refusal(box).code is ErrorCode.NOT_AN_IMAGE
    assert "media file" in str(refusal(box))


def test_brands_after_the_box_do_not_count() -> None:
    assert refusal(b"\0\0\0\x10ftypisom\0\0\0\0avif").code is ErrorCode.NOT_AN_IMAGE


@pytest.mark.parametrize("form", ["JPEG2000", "ICO", "DDS", "QOI"])
def test_other_image_formats_are_unsupported(form: str) -> None:
    Image.init()
    if form not in Image.SAVE:
        pytest.skip(f"this Pillow writes no {form}")
    error = refusal(encoded(picture(32, 32), form)[:SNIFF_BYTES])
    assert error.code is ErrorCode.UNSUPPORTED
    assert "convert it to PNG" in str(error)


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"\xff\x4f\xff\x51", "JPEG 2000"),
        (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\xff\x0a", "JPEG XL"),
        (b"8BPS\x00\x01", "Photoshop"),
        (b"\x00\x00\x01\x00\x01\x00", "icon"),
        (b"\x00\x00\x02\x00\x01\x00", "cursor"),
        (b"#?RADIANCE\n", "Radiance"),
        (b"II*\x00\x10\x00\x00\x00CR\x02\x00", "camera raw"),
        (b"FUJIFILMCCD-RAW ", "camera raw"),
    ],
)
def test_unsupported_formats_are_named(head: bytes, name: str) -> None:
    error = refusal(head + bytes(40))
    assert error.code is ErrorCode.UNSUPPORTED
    assert name in str(error)


@pytest.mark.parametrize(
    "head",
    [
        b"a text file\n",
        b"<html><body>",
        b"%PDF-1.7\n",
        b"PK\x03\x04",
        b"BM",
        b"BM, the brand of my car, is a text that starts like a bitmap",
        b"RIFF\x24\x00\x00\x00WAVEfmt ",
        b"GIF86a",
        b"\x89PNG",
        b"\xff\xd8",
        b"\x00",
    ],
)
def test_other_content_is_no_image(head: bytes) -> None:
    assert refusal(head).code is ErrorCode.NOT_AN_IMAGE


def test_an_empty_file_is_no_image() -> None:
    error = refusal(b"")
    assert error.code is ErrorCode.NOT_AN_IMAGE
    assert "empty" in str(error)


MAGIC = st.sampled_from(
    [b"", b"BM", b"II*\x00", b"RIFF1234WEBP", b"\x00\x00\x00\x20ftyp", b"\xff\xff\xff\xffftyp"]
)


@settings(max_examples=200)
@given(MAGIC, st.binary(max_size=SNIFF_BYTES))
def test_any_bytes_are_named_or_refused(magic: bytes, rest: bytes) -> None:
    found: str | ErrorCode
    try:
        found = sniff(magic + rest)
    except ImageError as error:
        found = error.code
    assert found in FORMATS | {ErrorCode.NOT_AN_IMAGE, ErrorCode.UNSUPPORTED}
