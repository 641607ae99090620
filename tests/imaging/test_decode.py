"""Whole files to the detector's square."""

import importlib
import io
import struct
import zlib
from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin, features

import clipfake.imaging.decode
from clipfake.errors import ErrorCode, ImageError
from clipfake.imaging.decode import (
    DecodedImage,
    decode,
    decode_thumbnail,
    one_line,
    to_pixels,
)
from clipfake.imaging.limits import Limits
from clipfake.imaging.preprocessing import Preprocessing, square
from tests.conftest import EXAMPLES, encoded, picture

SMALL = Preprocessing(size=32, draft=0)
TURN = Image.Transpose
# how an upright picture is stored for each EXIF orientation
STORED = {
    2: TURN.FLIP_LEFT_RIGHT,
    3: TURN.ROTATE_180,
    4: TURN.FLIP_TOP_BOTTOM,
    5: TURN.TRANSPOSE,
    6: TURN.ROTATE_90,
    7: TURN.TRANSVERSE,
    8: TURN.ROTATE_270,
}
avif = pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")


def read(data: bytes, limits: Limits | None = None) -> DecodedImage:
    """Decode to a small square."""
    return decode(data, SMALL, limits or Limits())


def refusal(data: bytes, limits: Limits | None = None) -> ImageError:
    with pytest.raises(ImageError) as caught:
        read(data, limits)
    return caught.value


def expected(image: Image.Image) -> np.ndarray:
    """The square of a picture in memory, channels first."""
    return np.asarray(square(image.convert("RGB"), 32)).transpose(2, 0, 1)


def difference(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.abs(a.astype(np.int16) - b.astype(np.int16))


def one_color(data: bytes) -> tuple[int, ...]:
    """The colour of a file that has only one."""
    pixels = read(data).pixels.reshape(3, -1)
    assert (pixels == pixels[:, :1]).all()
    return tuple(pixels[:, 0].tolist())


# formats


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("PNG", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "tiff_adobe_deflate"}),
        ("TIFF", {"big_tiff": True}),
        ("WEBP", {"lossless": True}),
    ],
)
def test_lossless_formats_give_the_same_square(form: str, options: dict[str, object]) -> None:
    image = read(encoded(picture(), form, **options))
    assert image.format == form
    assert (image.width, image.height) == (64, 48)
    assert image.animated is False
    assert image.notes == ()
    assert image.pixels.dtype == np.uint8
    assert image.pixels.shape == (3, 32, 32)
    assert image.pixels.flags.c_contiguous
    assert np.array_equal(image.pixels, expected(picture()))


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("JPEG", {"quality": 95}),
        ("JPEG", {"quality": 95, "progressive": True}),
        ("WEBP", {"quality": 95}),
        ("TIFF", {"compression": "jpeg", "quality": 95}),
        pytest.param("AVIF", {"quality": 95}, marks=avif),
    ],
)
def test_lossy_formats_give_nearly_the_same_square(form: str, options: dict[str, object]) -> None:
    image = read(encoded(picture(), form, **options))
    assert image.format == form
    assert (image.width, image.height) == (64, 48)
    assert difference(image.pixels, expected(picture())).mean() < 4


def test_a_picture_smaller_than_the_square_is_enlarged() -> None:
    assert one_color(encoded(Image.new("RGB", (1, 1), (1, 2, 3)))) == (1, 2, 3)


def test_every_example_but_the_broken_one_decodes() -> None:
    files = [p for p in sorted(EXAMPLES.rglob("*")) if p.is_file() and p.name != "broken.jpg"]
    assert len(files) > 10
    for file in files:
        assert read(file.read_bytes()).pixels.std() > 10, file.name


# modes


def test_gray_has_three_equal_channels() -> None:
    gray = picture().convert("L")
    pixels = read(encoded(gray)).pixels
    assert np.array_equal(pixels, expected(gray))
    assert np.array_equal(pixels[0], pixels[2])


def test_one_bit_is_smoothed_by_the_resize() -> None:
    bits = Image.fromarray(np.indices((64, 64)).sum(axis=0) % 2 == 1)
    pixels = read(encoded(bits)).pixels
    assert difference(pixels, np.full_like(pixels, 127)).max() <= 12


def test_a_palette_is_looked_up_before_the_resize() -> None:
    palette = picture().quantize(16)
    assert np.array_equal(read(encoded(palette)).pixels, expected(palette))


@pytest.mark.parametrize("transparency", [1, b"\xff\x00"])
def test_a_transparent_palette_entry_is_white(transparency: int | bytes) -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([9, 9, 9, 0, 0, 0])
    assert one_color(encoded(image)) == (0, 0, 0)
    assert one_color(encoded(image, transparency=transparency)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("mode", "color", "shown"),
    [
        ("RGBA", (0, 0, 0, 0), (255, 255, 255)),
        ("RGBA", (200, 100, 0, 255), (200, 100, 0)),
        ("RGBA", (0, 0, 0, 51), (204, 204, 204)),
        ("LA", (0, 0), (255, 255, 255)),
        ("LA", (0, 51), (204, 204, 204)),
        ("LA", (80, 255), (80, 80, 80)),
    ],
)
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_alpha_is_laid_on_white(
    mode: str, color: tuple[int, ...], shown: tuple[int, ...], form: str
) -> None:
    assert one_color(encoded(Image.new(mode, (8, 8), color), form)) == shown


def test_a_palette_with_alpha_is_laid_on_white() -> None:
    image = Image.new("PA", (4, 4), (1, 0))
    image.putpalette([9, 9, 9, 0, 0, 0])
    assert one_color(encoded(image, "TIFF")) == (255, 255, 255)


def test_transparent_webp_is_laid_on_white() -> None:
    data = encoded(Image.new("RGBA", (8, 8), (0, 0, 0, 0)), "WEBP", lossless=True, exact=True)
    assert one_color(data) == (255, 255, 255)


@pytest.mark.parametrize(("mode", "color"), [("RGB", (10, 20, 30)), ("L", 10), ("1", 0)])
def test_the_transparent_colour_of_a_png_is_white(mode: str, color: int | tuple[int, ...]) -> None:
    image = Image.new(mode, (8, 8), color)
    assert one_color(encoded(image)) != (255, 255, 255)
    assert one_color(encoded(image, transparency=color)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("inks", "shown"),
    [
        ((0, 0, 0, 0), (255, 255, 255)),
        ((0, 255, 255, 0), (255, 0, 0)),
        ((255, 0, 255, 0), (0, 255, 0)),
        ((0, 0, 0, 255), (0, 0, 0)),
    ],
)
@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk_inks_become_colours(inks: tuple[int, ...], shown: tuple[int, ...], form: str) -> None:
    # CMYK JPEGs hold their samples inverted, as Adobe wrote them first
    assert (
        difference(
            np.array(one_color(encoded(Image.new("CMYK", (8, 8), inks), form))), np.array(shown)
        ).max()
        <= 1
    )


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
@pytest.mark.parametrize(("sample", "level"), [(0, 0), (257, 1), (32768, 128), (65535, 255)])
def test_16_bit_gray_is_scaled(form: str, sample: int, level: int) -> None:
    image = Image.fromarray(np.full((8, 8), sample, np.uint16))
    assert one_color(encoded(image, form)) == (level,) * 3


def test_16_bit_big_endian_tiff_is_scaled() -> None:
    image = Image.frombytes("I;16B", (2, 2), b"\x80\x00" * 4)
    assert one_color(encoded(image, "TIFF")) == (128,) * 3


def test_a_dim_16_bit_picture_stays_dim() -> None:
    image = Image.fromarray(np.full((8, 8), 200, np.uint16))
    assert one_color(encoded(image)) == (1, 1, 1)


@pytest.mark.parametrize(
    ("samples", "levels"),
    [
        (np.array([0, 200], np.int32), (0, 200)),
        (np.array([0, 65535], np.int32), (0, 255)),
        (np.array([-7, 2**30], np.int32), (0, 255)),
        (np.array([0.25, 1.0], np.float32), (64, 255)),
        (np.array([3.0, 255.0], np.float32), (3, 255)),
        (np.array([-2.0, 2.0], np.float32), (0, 255)),
        (np.array([np.nan, 1.0], np.float32), (0, 255)),
    ],
)
def test_32_bit_tiff_is_scaled_by_its_range(samples: np.ndarray, levels: tuple[int, int]) -> None:
    image = Image.fromarray(np.repeat(samples, 32)[None].repeat(64, axis=0))
    pixels = read(encoded(image, "TIFF")).pixels
    assert (pixels[..., 0] == levels[0]).all()
    assert (pixels[..., -1] == levels[1]).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e38, -4.0])
def test_a_float_tiff_of_one_odd_value_is_flat(value: float) -> None:
    image = Image.fromarray(np.full((8, 8), value, np.float32))
    assert one_color(encoded(image, "TIFF")) == (0, 0, 0)


def test_lab_tiff_becomes_srgb() -> None:
    to_lab = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
    )
    image = read(encoded(ImageCms.applyTransform(picture(), to_lab), "TIFF"))
    assert image.notes == ()
    assert difference(image.pixels, expected(picture())).mean() < 2


def test_ycbcr_tiff_becomes_srgb() -> None:
    image = read(encoded(picture().convert("YCbCr"), "TIFF"))
    assert difference(image.pixels, expected(picture())).max() <= 3


# orientation and colour profiles


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("form", "options"),
    [("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True}), ("JPEG", {"quality": 95})],
)
def test_every_orientation_gives_the_upright_square(
    form: str, options: dict[str, object], orientation: int
) -> None:
    stored = picture()
    if orientation in STORED:
        stored = stored.transpose(STORED[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = read(encoded(stored, form, exif=exif, **options))
    assert (image.width, image.height) == stored.size
    upright = read(encoded(picture(), form, **options)).pixels
    assert difference(image.pixels, upright).max() <= (1 if form != "JPEG" else 16)
    assert difference(image.pixels, upright).mean() < 1


@avif
def test_a_turned_avif_gives_the_upright_square() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = read(encoded(picture().transpose(STORED[6]), "AVIF", exif=exif, quality=95))
    assert difference(image.pixels, expected(picture())).mean() < 4


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_unknown_orientation_turns_nothing(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(read(encoded(picture(), exif=exif)).pixels, expected(picture()))


def test_a_broken_exif_block_does_not_cost_the_pixels() -> None:
    data = encoded(picture(), "JPEG", quality=95, exif=b"Exif\0\0II*\0\xff\xff\xff\x7fgarbage")
    whole = read(encoded(picture(), "JPEG", quality=95))
    assert np.array_equal(read(data).pixels, whole.pixels)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_another_colour_profile_is_converted(form: str) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # red and blue change places
    other = srgb.replace(b"rXYZ", b"?").replace(b"bXYZ", b"rXYZ").replace(b"?", b"bXYZ")
    other = other.replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))
    options = {"WEBP": {"lossless": True}}.get(form, {})
    plain = read(encoded(picture(), form, **options))
    converted = read(encoded(picture(), form, icc_profile=other, **options))
    assert converted.notes == ()
    assert difference(converted.pixels, plain.pixels[::-1]).max() <= 1
    assert difference(plain.pixels, plain.pixels[::-1]).mean() > 10
    same = read(encoded(picture(), form, icc_profile=srgb, **options))
    assert np.array_equal(same.pixels, plain.pixels)


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_a_garbage_profile_gives_a_note_and_pixels(form: str) -> None:
    image = read(encoded(picture(), form, icc_profile=b"garbage" * 40))
    assert image.notes == ("ICC profile not usable, colours taken as sRGB",)
    assert np.array_equal(image.pixels, read(encoded(picture(), form)).pixels)


# animations


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF"])
def test_an_animation_gives_its_first_frame(form: str) -> None:
    frames = [Image.new("RGB", (32, 32), color) for color in ("red", "lime", "blue")]
    options = {"WEBP": {"lossless": True}}.get(form, {})
    data = encoded(frames[0], form, save_all=True, append_images=frames[1:], **options)
    image = read(data)
    assert image.animated is True
    assert image.notes == ("animated, first frame only",)
    assert (image.pixels.reshape(3, -1).T == (255, 0, 0)).all()


def test_one_frame_is_no_animation() -> None:
    image = read(encoded(picture(), "GIF"))
    assert image.animated is False
    assert image.notes == ()


def test_a_photograph_with_a_preview_is_no_animation() -> None:
    data = encoded(picture(), "MPO", save_all=True, append_images=[picture(seed=1)], quality=95)
    image = read(data)
    assert image.format == "JPEG"
    assert image.animated is False
    assert difference(image.pixels, expected(picture())).mean() < 4


# what cannot be decoded


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize("share", [0.4, 0.9])
def test_a_cut_file_is_truncated(form: str, share: float) -> None:
    data = encoded(picture(256, 256), form)
    error = refusal(data[: int(len(data) * share)])
    assert error.code is ErrorCode.TRUNCATED
    assert str(error).startswith(f"{form}: ")
    assert str(error).endswith("; get a whole copy")


@pytest.mark.parametrize("form", ["GIF", "TIFF", "BMP", "WEBP"])
def test_a_cut_file_of_another_format_is_refused(form: str) -> None:
    data = encoded(picture(), form)
    assert refusal(data[: len(data) // 2]).code in (ErrorCode.TRUNCATED, ErrorCode.DAMAGED)


def test_the_broken_example_is_truncated() -> None:
    assert refusal((EXAMPLES / "broken.jpg").read_bytes()).code is ErrorCode.TRUNCATED


def test_a_wrong_checksum_is_damage() -> None:
    data = bytearray(encoded(picture()))
    data[data.index(b"IHDR") + 4 + 13] ^= 0xFF
    assert refusal(bytes(data)).code is ErrorCode.DAMAGED


def test_flipped_bits_in_a_png_are_noticed() -> None:
    data = bytearray(encoded(picture()))
    middle = data.index(b"IDAT") + 1000
    data[middle] ^= 0x10
    assert refusal(bytes(data)).code in (ErrorCode.DAMAGED, ErrorCode.TRUNCATED)


@pytest.mark.parametrize(
    "head", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"II*\x00", b"RIFF    WEBP"]
)
def test_a_head_without_a_body_is_refused(head: bytes) -> None:
    assert refusal(head).code in (ErrorCode.DAMAGED, ErrorCode.TRUNCATED)
    assert "\n" not in str(refusal(head + b"\n" * 40))


def test_what_is_no_image_is_refused() -> None:
    assert refusal(b"hello").code is ErrorCode.NOT_AN_IMAGE
    assert refusal(b"").code is ErrorCode.NOT_AN_IMAGE


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def huge_png(width: int, height: int) -> bytes:
    """A small file that claims to be a large picture."""
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + png_chunk(b"IDAT", zlib.compress(bytes(1000)))


def test_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    resource = pytest.importorskip("resource")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    error = refusal(huge_png(50_000, 50_000))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 100_000
    assert error.code is ErrorCode.TOO_MANY_PIXELS
    assert str(error) == ("50000 x 50000 pixels, over the limit of 256000000; raise --max-pixels")


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP"])
def test_the_pixel_limit_is_exact(form: str) -> None:
    data = encoded(picture(64, 48), form)
    assert read(data, Limits(pixels=64 * 48)).width == 64
    assert refusal(data, Limits(pixels=64 * 48 - 1)).code is ErrorCode.TOO_MANY_PIXELS


def test_no_memory_is_too_many_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(clipfake.imaging.decode, "square", exhausted)
    assert refusal(encoded(picture())).code is ErrorCode.TOO_MANY_PIXELS


def test_long_png_text_is_read_over() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("workflow", "x" * 2**21, zip=True)
    assert np.array_equal(read(encoded(picture(), pnginfo=info)).pixels, expected(picture()))


# JPEG draft


@pytest.mark.parametrize("quality", [60, 95])
def test_a_draft_is_near_the_whole_decode(quality: int) -> None:
    data = encoded(picture(2000, 1500).convert("RGB"), "JPEG", quality=quality)
    draft = decode(data, Preprocessing(size=224), Limits())
    whole = decode(data, Preprocessing(size=224, draft=0), Limits())
    assert (draft.width, draft.height) == (whole.width, whole.height) == (2000, 1500)
    assert draft.pixels.shape == (3, 224, 224)
    assert 0 < difference(draft.pixels, whole.pixels).mean() < 3


def test_a_small_jpeg_has_no_draft() -> None:
    data = encoded(picture(600, 800), "JPEG")
    draft = decode(data, Preprocessing(size=224), Limits())
    whole = decode(data, Preprocessing(size=224, draft=0), Limits())
    assert np.array_equal(draft.pixels, whole.pixels)


# HEIC


def heic(image: Image.Image, exif: bytes | None = None) -> bytes:
    heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    heif.from_pillow(image).save(buffer, quality=95, **({"exif": exif} if exif else {}))
    return buffer.getvalue()


def test_heic_decodes_with_its_plugin() -> None:
    image = read(heic(picture()))
    assert image.format == "HEIF"
    assert (image.width, image.height) == (64, 48)
    assert difference(image.pixels, expected(picture())).mean() < 4


def test_a_turned_heic_gives_the_upright_square() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = read(heic(picture().transpose(STORED[6]), exif.tobytes()))
    assert difference(image.pixels, expected(picture())).mean() < 4


def test_heic_without_its_plugin_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    error = refusal(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64))
    assert error.code is ErrorCode.UNSUPPORTED
    assert "clipfake[heic]" in str(error)


# in memory, and messages


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I", "F"])
def test_an_image_in_memory_of_any_mode_gives_a_square(mode: str) -> None:
    pixels, note = to_pixels(picture().convert(mode), SMALL)
    assert pixels.shape == (3, 32, 32)
    assert pixels.std() > 10
    assert note is None


def test_a_message_is_one_short_line() -> None:
    assert one_line(ValueError("a\n  b\tc")) == "a b c"
    assert one_line(ValueError()) == "ValueError"
    assert len(one_line(ValueError("x" * 1000))) == 200


# damage of any kind

TURNED = {"exif": b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0"}
WHOLE = {
    (form, size): encoded(picture(size, size, seed=3), form, **TURNED)
    for form, size in product(["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"], [16, 40])
} | {("TIFF", 0): encoded(picture(24, 24), "TIFF", compression="tiff_lzw")}
if features.check("avif"):
    WHOLE["AVIF", 0] = encoded(picture(24, 24), "AVIF", speed=10)
LIMITS = Limits(pixels=4_000_000)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A whole file with some bytes changed, and perhaps cut."""
    data = bytearray(WHOLE[draw(st.sampled_from(sorted(WHOLE)))])
    # headers are short and matter most
    place = st.integers(0, len(data) - 1) | st.integers(0, min(200, len(data) - 1))
    for index in draw(st.lists(place, max_size=12)):
        data[index] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.none() | st.integers(1, len(data)))])


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(damaged())
def test_damage_gives_an_image_or_an_error(data: bytes) -> None:
    found: DecodedImage | ImageError
    try:
        found = read(data, LIMITS)
    except ImageError as error:
        found = error
    if isinstance(found, ImageError):
        assert isinstance(found.code, ErrorCode)
        assert "\n" not in str(found)
    else:
        assert found.pixels.shape == (3, 32, 32)
        assert found.width * found.height <= LIMITS.pixels


# --- what a page shows of it


def deep(samples: np.ndarray) -> Image.Image:
    """Grey of 16 bits."""
    return Image.fromarray(samples.astype(np.uint16))


def seen(data: bytes) -> Image.Image:
    """The thumbnail of a file, as it is made beside the pixels."""
    made = decode(data, SMALL, Limits(), pictured=True).thumbnail
    assert made is not None
    return Image.open(io.BytesIO(made))


def test_nothing_is_made_that_is_not_asked_for() -> None:
    assert read(encoded(picture())).thumbnail is None
    assert read(encoded(picture())).phash is None


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_thumbnail_is_upright_and_fits(orientation: int, form: str) -> None:
    upright = picture(600, 400, seed=3)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = encoded(upright.transpose(STORED[orientation]), form, exif=exif.tobytes())
    small = seen(stored)
    assert (small.format, small.size) == ("WEBP", (192, 128))
    assert not small.getexif()
    wanted = upright.resize((192, 128), Image.Resampling.BICUBIC)
    assert difference(np.asarray(small.convert("RGB")), np.asarray(wanted)).mean() < 6


@pytest.mark.parametrize("size", [(3, 2), (192, 192), (1, 900), (900, 1)])
def test_a_small_or_thin_picture_stays_whole(size: tuple[int, int]) -> None:
    width, height = seen(encoded(Image.new("RGB", size, "red"))).size
    assert 1 <= width <= 192
    assert 1 <= height <= 192
    if max(size) <= 192:
        assert (width, height) == size


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "I", "F"])
def test_every_mode_has_a_thumbnail_and_a_hash(mode: str) -> None:
    form = "TIFF" if mode in ("CMYK", "F", "I") else "PNG"
    grey = picture(300, 200, seed=5).convert("L")
    image = grey.convert(mode) if mode != "I;16" else deep(np.asarray(grey, dtype=np.uint16) * 257)
    data = encoded(image, form)
    found = decode(data, SMALL, Limits(), hashed=True, pictured=True)
    assert found.phash is not None
    assert len(found.phash) == 16
    assert Image.open(io.BytesIO(found.thumbnail or b"")).size == (192, 128)


def test_a_thumbnail_alone_is_that_of_a_scan() -> None:
    data = encoded(picture(600, 400))
    assert (
        decode_thumbnail(data, Limits()) == decode(data, SMALL, Limits(), pictured=True).thumbnail
    )


def test_a_thumbnail_has_the_limits_of_a_scan() -> None:
    with pytest.raises(ImageError) as caught:
        decode_thumbnail(encoded(picture(64, 48)), Limits(pixels=64 * 48 - 1))
    assert caught.value.code is ErrorCode.TOO_MANY_PIXELS
