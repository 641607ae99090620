"""Bytes to pixels, for every mode, orientation and kind of damage."""

import random
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, features

from clipfake.errors import ErrorCode, ImageError
from clipfake.imaging import decode as module
from clipfake.imaging.decode import decode
from clipfake.imaging.limits import Limits
from clipfake.imaging.preprocessing import Preprocessing
from tests.conftest import EXAMPLES, encoded, picture

SMALL = Preprocessing(size=32)
SIZE = (40, 32)


def pixels(data: bytes) -> np.ndarray:
    """The decoded square as integers [S, S, 3]."""
    return decode(data, SMALL, Limits()).pixels.transpose(1, 2, 0).astype(int)


def colour(data: bytes) -> list[int]:
    """The one colour of a plain image."""
    found = pixels(data)
    assert np.ptp(found, axis=(0, 1)).max() <= 1
    return found[0, 0].tolist()


def failure(data: bytes, limits: Limits | None = None) -> ImageError:
    with pytest.raises(ImageError) as raised:
        decode(data, SMALL, limits or Limits())
    assert "\n" not in str(raised.value)
    return raised.value


def plain(mode: str, value: object) -> Image.Image:
    return Image.new(mode, SIZE, value)


def test_pixels_are_planes_of_bytes_with_facts() -> None:
    image = decode(encoded(picture(50, 40)), SMALL, Limits())
    assert (image.pixels.shape, image.pixels.dtype) == ((3, 32, 32), np.uint8)
    assert image.pixels.flags["C_CONTIGUOUS"]
    assert (image.format, image.width, image.height) == ("PNG", 50, 40)
    assert (image.animated, image.notes) == (False, ())


@pytest.mark.parametrize(
    ("image", "form", "expected"),
    [
        (plain("L", 90), "PNG", [90, 90, 90]),
        (plain("1", 1), "PNG", [255, 255, 255]),
        (plain("LA", (80, 0)), "PNG", [255, 255, 255]),
        (plain("LA", (80, 255)), "PNG", [80, 80, 80]),
        (plain("RGBA", (0, 0, 0, 0)), "PNG", [255, 255, 255]),
        (plain("RGBA", (255, 0, 0, 127)), "PNG", [255, 128, 128]),
        (plain("RGBA", (255, 0, 0, 255)), "TIFF", [255, 0, 0]),
        (plain("RGB", (10, 20, 30)).quantize(2), "PNG", [10, 20, 30]),
        (plain("CMYK", (0, 0, 0, 0)), "TIFF", [255, 255, 255]),
        (plain("CMYK", (0, 0, 0, 255)), "TIFF", [0, 0, 0]),
        (plain("YCbCr", (128, 128, 128)), "TIFF", [128, 128, 128]),
        (plain("I;16", 65535), "PNG", [255, 255, 255]),
        (plain("I;16", 32896), "PNG", [128, 128, 128]),
        (plain("I;16", 257), "TIFF", [1, 1, 1]),
        (plain("I", 200), "TIFF", [200, 200, 200]),
        (plain("I", 65535), "TIFF", [255, 255, 255]),
        (plain("F", 0.5), "TIFF", [128, 128, 128]),
        (plain("F", 200.0), "TIFF", [200, 200, 200]),
        (plain("F", float("nan")), "TIFF", [0, 0, 0]),
        (plain("F", 1e30), "TIFF", None),
        (plain("LAB", (255, 128, 128)), "TIFF", None),
    ],
)
def test_every_mode_becomes_rgb(image: Image.Image, form: str, expected: list[int] | None) -> None:
    found = colour(encoded(image, form))
    if expected is not None:
        assert np.abs(np.subtract(found, expected)).max() <= 1


def test_a_palette_with_a_transparent_entry_is_laid_on_white() -> None:
    image = plain("P", 0)
    image.putpalette([10, 20, 30] * 256)
    assert colour(encoded(image)) == [10, 20, 30]
    assert colour(encoded(image, transparency=0)) == [255, 255, 255]


def test_a_transparent_colour_of_rgb_is_laid_on_white() -> None:
    image = plain("RGB", (9, 8, 7))
    assert colour(encoded(image, transparency=(9, 8, 7))) == [255, 255, 255]


def test_cmyk_jpeg_is_not_inverted() -> None:
    assert colour(encoded(plain("CMYK", (0, 0, 0, 0)), "JPEG")) == [255, 255, 255]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(form: str, orientation: int) -> None:
    upright = picture(64, 48)
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the transpose that stores it so
    stored = upright if orientation == 1 else upright.transpose(undo[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 100, "subsampling": 0} if form == "JPEG" else {}
    options |= {"lossless": True} if form == "WEBP" else {}
    data = encoded(stored, form, exif=exif.tobytes(), **options)
    assert np.abs(pixels(data) - pixels(encoded(upright))).max() <= 6
    image = decode(data, SMALL, Limits())
    assert (image.width, image.height) == stored.size


def swapped_profile() -> bytes:
    """The sRGB profile with its red and blue colourants swapped, under another name."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile.replace(b"rXYZ", b"tmpX").replace(b"bXYZ", b"rXYZ").replace(b"tmpX", b"bXYZ")
    return profile.replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))


def test_colours_go_through_the_embedded_profile() -> None:
    found = colour(encoded(plain("RGB", (255, 0, 0)), icc_profile=swapped_profile()))
    assert found[2] > 200
    assert found[0] < 60


def test_an_srgb_profile_changes_nothing() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = picture(32, 32)
    assert np.array_equal(pixels(encoded(image, icc_profile=profile)), np.asarray(image))


def test_a_broken_profile_is_noted_and_costs_nothing() -> None:
    data = encoded(plain("RGB", (5, 6, 7)), icc_profile=b"no profile at all")
    image = decode(data, SMALL, Limits())
    assert image.notes == ("ICC profile not usable, colours taken as sRGB",)
    assert colour(data) == [5, 6, 7]


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP"])
def test_animations_give_their_first_frame(form: str) -> None:
    frames = [plain("RGB", c) for c in ("red", "lime", "blue")]
    options = {"lossless": True} if form == "WEBP" else {}
    data = encoded(frames[0], form, save_all=True, append_images=frames[1:], **options)
    image = decode(data, SMALL, Limits())
    assert image.animated
    assert image.notes == ("animated, first frame only",)
    assert colour(data) == [255, 0, 0]


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_avif_is_decoded() -> None:
    assert (
        np.abs(
            np.subtract(colour(encoded(plain("RGB", (200, 30, 30)), "AVIF")), [200, 30, 30])
        ).max()
        < 8
    )


def test_heic_needs_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    head = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(64)

    def absent(_name: str) -> None:
        raise ImportError

    monkeypatch.setattr(module.importlib, "import_module", absent)
    error = failure(head)
    assert error.code is ErrorCode.UNSUPPORTED
    assert "clipfake[heic]" in str(error)


def test_heic_is_decoded_with_the_extra() -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    data = encoded(plain("RGB", (30, 200, 30)), "HEIF")
    assert np.abs(np.subtract(colour(data), [30, 200, 30])).max() < 10
    assert decode(data, SMALL, Limits()).format == "HEIF"


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_cut_file_is_truncated(form: str) -> None:
    data = encoded(picture(200, 200), form)
    assert failure(data[: len(data) // 2]).code is ErrorCode.TRUNCATED


def test_a_wrong_checksum_is_damage() -> None:
    data = bytearray(encoded(picture()))
    data[20] ^= 1  # inside IHDR
    assert failure(bytes(data)).code is ErrorCode.DAMAGED


def png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    idat = b"IDAT" + zlib.compress(b"\x00" * 100)
    end = struct.pack(">I", len(idat) - 4) + idat + struct.pack(">I", zlib.crc32(idat))
    return b"\x89PNG\r\n\x1a\n" + chunk + end


def test_too_many_pixels_are_refused_before_any_is_decoded() -> None:
    tracemalloc.start()
    error = failure(png_header(50_000, 50_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert error.code is ErrorCode.TOO_MANY_PIXELS
    assert "--max-pixels" in str(error)
    assert peak < 10e6


def test_the_pixel_limit_is_inclusive() -> None:
    data = encoded(picture(10, 10))
    assert decode(data, SMALL, Limits(pixels=100)).width == 10
    assert failure(data, Limits(pixels=99)).code is ErrorCode.TOO_MANY_PIXELS


def test_no_memory_is_an_error_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(module, "to_pixels", greedy)
    assert failure(encoded(picture())).code is ErrorCode.TOO_MANY_PIXELS


def test_draft_is_close_to_the_whole_decode() -> None:
    data = encoded(picture(2000, 1500), "JPEG", quality=90)
    draft = decode(data, Preprocessing(), Limits()).pixels.astype(int)
    whole = decode(data, Preprocessing(draft=0), Limits()).pixels.astype(int)
    assert 0 < np.abs(draft - whole).mean() < 1.5


def test_the_broken_example_is_truncated() -> None:
    data = Path(EXAMPLES / "broken.jpg").read_bytes()
    assert failure(data).code is ErrorCode.TRUNCATED


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"])
def test_mutated_files_give_pixels_or_an_image_error(form: str) -> None:
    rng = random.Random(form)
    exif = Image.Exif()
    exif[0x0112] = 6
    options = {"exif": exif.tobytes()} if form in ("PNG", "JPEG", "WEBP", "TIFF") else {}
    original = encoded(picture(40, 30), form, **options)
    outcomes: list[object] = []
    for _ in range(60):
        data = bytearray(original)
        for _ in range(rng.randint(1, 8)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        if rng.random() < 0.3:
            del data[rng.randrange(len(data)) :]
        try:
            outcomes.append(decode(bytes(data), SMALL, Limits(pixels=10**7)).pixels.shape)
        except ImageError as error:
            outcomes.append(error.code)
    assert all(outcome == (3, 32, 32) or isinstance(outcome, ErrorCode) for outcome in outcomes)
    assert len(set(outcomes)) > 1


def test_a_png_with_a_long_workflow_is_read() -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("workflow", "x" * 3_000_000, zip=True)
    assert colour(encoded(plain("RGB", (1, 2, 3)), pnginfo=info)) == [1, 2, 3]
