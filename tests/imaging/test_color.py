"""Modes and colour spaces on their way to 8-bit sRGB."""

import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from clipfake.imaging.color import RESIZABLE, flatten, to_srgb
from tests.conftest import picture

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def swapped_profile() -> bytes:
    """An RGB profile whose red is sRGB's blue and whose blue is sRGB's red."""
    swapped = SRGB.replace(b"rXYZ", b"?").replace(b"bXYZ", b"rXYZ").replace(b"?", b"bXYZ")
    return swapped.replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))


def profile(device: bytes, space: bytes, pcs: bytes, **tags: bytes) -> bytes:
    """An ICC profile (version 2.1) made of raw tags."""
    tags = {"desc": b"desc\0\0\0\0\0\0\0\5test\0" + bytes(79)} | tags
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += struct.pack(">4sII", name.encode(), start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = struct.pack(">I4sI4s4s4s", start + len(body), b"lcms", 0x02100000, device, space, pcs)
    header += bytes(12) + b"acsp" + bytes(28) + struct.pack(">III", 0xF6D6, 0x10000, 0xD32D)
    return header.ljust(128, b"\0") + table + body


def linear_gray_profile() -> bytes:
    white = struct.pack(">4s4xIII", b"XYZ ", 0xF6D6, 0x10000, 0xD32D)
    return profile(b"mntr", b"GRAY", b"XYZ ", wtpt=white, kTRC=b"curv\0\0\0\0\0\0\0\0")


def mid_gray_cmyk_profile() -> bytes:
    """Every mix of inks prints as Lab 50, 0, 0."""
    unity = struct.pack(">9i", *(0x10000 if i % 4 == 0 else 0 for i in range(9)))
    ramp = bytes(range(256))
    lut = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + unity + ramp * 4
    lut += bytes((128, 128, 128)) * 2**4 + ramp * 3
    return profile(b"prtr", b"CMYK", b"Lab ", A2B0=lut)


def values(image: Image.Image) -> set[tuple[int, ...] | int]:
    """The colours that occur."""
    return {color for _, color in image.getcolors(1 << 16)}


@pytest.mark.parametrize("mode", RESIZABLE)
def test_resizable_modes_stay(mode: str) -> None:
    image = Image.new(mode, (4, 4))
    assert flatten(image) is image


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("1", "L"), ("P", "RGB"), ("YCbCr", "RGB"), ("HSV", "RGB"), ("RGBX", "RGB")],
)
def test_other_modes_become_resizable(mode: str, expected: str) -> None:
    assert flatten(picture(8, 8).convert(mode)).mode == expected


@pytest.mark.parametrize(
    ("mode", "color", "expected"),
    [
        ("RGBA", (0, 0, 0, 0), (255, 255, 255)),
        ("RGBA", (10, 20, 30, 255), (10, 20, 30)),
        ("RGBA", (0, 100, 200, 128), (127, 177, 227)),
        ("LA", (0, 0), (255, 255, 255)),
        ("LA", (40, 255), (40, 40, 40)),
        ("RGBa", (0, 0, 0, 0), (255, 255, 255)),
        ("RGBa", (64, 0, 0, 128), (191, 127, 127)),
        ("PA", (0, 0), (255, 255, 255)),
    ],
)
def test_alpha_is_laid_on_white(
    mode: str, color: tuple[int, ...], expected: tuple[int, int, int]
) -> None:
    flat = flatten(Image.new(mode, (2, 2), color))
    assert flat.mode == "RGB"
    (value,) = values(flat)
    assert np.abs(np.subtract(value, expected)).max() <= 2


@pytest.mark.parametrize(
    ("mode", "color", "transparency"),
    [("L", 7, 7), ("1", 0, 0), ("RGB", (1, 2, 3), (1, 2, 3)), ("P", 5, 5), ("P", 5, bytes(6))],
)
def test_a_transparent_colour_turns_white(
    mode: str, color: int, transparency: int | bytes | tuple[int, ...]
) -> None:
    image = Image.new(mode, (2, 1), color)
    other = {"RGB": (1, 2, 4), "1": 1}.get(mode, 6)
    image.putpixel((1, 0), other)
    if mode == "P":
        image.putpalette(bytes(range(256)) * 3)
    opaque = flatten(image).convert("RGB").getpixel((1, 0))
    image.info["transparency"] = transparency
    flat = flatten(image)
    assert flat.getpixel((0, 0)) == (255, 255, 255)
    assert flat.getpixel((1, 0)) == opaque


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (np.array([0, 257, 32768, 65535], np.uint16), [0, 1, 128, 255]),
        (np.array([0, 200, 255], np.int32), [0, 200, 255]),
        (np.array([0, 257, 65535], np.int32), [0, 1, 255]),
        (np.array([0, 2**20, 2**21], np.int32), [0, 128, 255]),
        (np.array([-100, 0, 100], np.int32), [0, 128, 255]),
        (np.array([0.0, 0.5, 1.0], np.float32), [0, 128, 255]),
        (np.array([0.0, 100.4, 255.0], np.float32), [0, 100, 255]),
        (np.array([-1.0, 0.0, 1.0], np.float32), [0, 128, 255]),
        (np.array([0.0, 1e38], np.float32), [0, 255]),
        (np.array([np.nan, 0.5, 1.0], np.float32), [0, 128, 255]),
        (np.array([np.inf, -np.inf, 1.0], np.float32), [0, 0, 255]),
        (np.array([np.nan, np.nan], np.float32), [0, 0]),
    ],
)
def test_deep_samples_go_to_8_bits(samples: np.ndarray, expected: list[int]) -> None:
    flat = flatten(Image.fromarray(samples[None]))
    assert flat.mode == "L"
    assert np.asarray(flat)[0].tolist() == expected


@pytest.mark.parametrize("value", [-5, 2**20, 2**31 - 1])
def test_one_value_beyond_8_bits_is_no_error(value: int) -> None:
    flat = flatten(Image.fromarray(np.full((2, 2), value, np.int32)))
    assert np.ptp(np.asarray(flat)) == 0


def test_either_byte_order_of_16_bits_is_read() -> None:
    little = Image.fromarray(np.full((2, 2), 32768, np.uint16))
    big = Image.frombytes("I;16B", (2, 2), b"\x80\x00" * 4)
    assert values(flatten(little)) == values(flatten(big)) == {128}


def test_without_a_profile_colours_stay() -> None:
    image = picture(8, 8)
    rgb, note = to_srgb(image, None)
    assert np.array_equal(rgb, image)
    assert note is None


def test_an_srgb_profile_changes_nothing() -> None:
    image = picture(8, 8)
    rgb, note = to_srgb(image, SRGB)
    assert np.array_equal(rgb, image)
    assert note is None


def test_another_profile_is_converted_to_srgb() -> None:
    image = picture(16, 16)
    rgb, note = to_srgb(image, swapped_profile())
    assert note is None
    swapped = np.asarray(image, dtype=np.int16)[..., ::-1]
    assert np.abs(np.asarray(rgb, dtype=np.int16) - swapped).max() <= 1


def test_a_gray_profile_is_converted() -> None:
    rgb, note = to_srgb(Image.new("L", (2, 2), 55), linear_gray_profile())
    assert note is None
    (value,) = values(rgb)
    # 55/255 of the light is 0.5 in sRGB's encoding
    assert np.abs(np.subtract(value, 128)).max() <= 1


def test_a_cmyk_profile_is_converted() -> None:
    image = Image.new("CMYK", (2, 1), (255, 0, 0, 0))
    image.putpixel((1, 0), (0, 0, 200, 90))
    rgb, note = to_srgb(image, mid_gray_cmyk_profile())
    assert note is None
    # L* 50 is 119 in sRGB
    assert np.abs(np.asarray(rgb, dtype=np.int16) - 119).max() <= 1


def test_lab_needs_no_profile() -> None:
    image = picture(16, 16)
    to_lab = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
    )
    rgb, note = to_srgb(ImageCms.applyTransform(image, to_lab), None)
    assert note is None
    difference = np.abs(np.asarray(rgb, dtype=np.int16) - np.asarray(image, dtype=np.int16))
    assert difference.mean() < 2


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize(
    "bad",
    [b"garbage", b"\0" * 200, SRGB[:100], SRGB[:300]],
    ids=["garbage", "zeros", "head", "cut"],  # a profile has the time it was made in it
)
def test_a_useless_profile_gives_a_note(mode: str, bad: bytes) -> None:
    image = picture(8, 8).convert(mode)
    rgb, note = to_srgb(image, bad)
    assert np.array_equal(rgb, image.convert("RGB"))
    assert note == "ICC profile not usable, colours taken as sRGB"


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_a_profile_of_another_mode_gives_a_note(mode: str) -> None:
    image = picture(8, 8).convert(mode)
    rgb, note = to_srgb(image, SRGB)
    assert np.array_equal(rgb, image.convert("RGB"))
    assert note is not None
