"""Texts hidden in the lowest bits of the pixels."""

import gzip
import json

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from clipfake.metadata.stealth import MAX_STEALTH, read_stealth

NOVELAI = json.dumps({"Software": "NovelAI", "Description": "a lighthouse"})
WEBUI = "a lighthouse\nNegative prompt: fog\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1"
ALPHA, COLOURS = "alpha channel", "lowest bits of RGB"


def hidden(
    data: bytes,
    magic: bytes = b"stealth_pngcomp",
    *,
    shape: tuple[int, int] = (96, 128),
    bits: int | None = None,
    mode: str = "",
) -> Image.Image:
    """An image of height and width with a stream in its lowest bits, down the columns."""
    mode = mode or ("RGB" if b"rgb" in magic else "RGBA")
    size = (len(data) * 8 if bits is None else bits).to_bytes(4, "big")
    stream = np.unpackbits(np.frombuffer(magic + size + data, np.uint8))
    held = [0, 1, 2] if b"rgb" in magic else [len(mode) - 1]
    planes = np.full((shape[1], shape[0], len(mode)), 254, np.uint8)  # columns first
    columns: npt.NDArray[np.uint8] = planes[:, :, held].reshape(-1)
    columns[: len(stream)] |= stream[: len(columns)]
    planes[:, :, held] = columns.reshape(shape[1], shape[0], len(held))
    return Image.fromarray(np.ascontiguousarray(planes.transpose(1, 0, 2)))


SHAPES = [(96, 128), (128, 96), (7, 3000), (3000, 7), (1, 20_000), (20_000, 1)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("text", [NOVELAI, WEBUI])
@pytest.mark.parametrize(
    ("magic", "place"),
    [
        (b"stealth_pngcomp", ALPHA),
        (b"stealth_pnginfo", ALPHA),
        (b"stealth_rgbcomp", COLOURS),
        (b"stealth_rgbinfo", COLOURS),
    ],
)
def test_texts_are_read_back(shape: tuple[int, int], text: str, magic: bytes, place: str) -> None:
    data = gzip.compress(text.encode()) if magic.endswith(b"comp") else text.encode()
    assert list(read_stealth(hidden(data, magic, shape=shape))) == [(place, text)]


def test_colours_are_read_beside_an_alpha_channel() -> None:
    image = hidden(WEBUI.encode(), b"stealth_rgbinfo", mode="RGBA")
    assert list(read_stealth(image)) == [(COLOURS, WEBUI)]


def test_grey_with_alpha_is_read() -> None:
    image = hidden(WEBUI.encode(), b"stealth_pnginfo", mode="LA")
    assert list(read_stealth(image)) == [(ALPHA, WEBUI)]


@pytest.mark.parametrize("mode", ["L", "P", "1", "CMYK", "I", "I;16", "F", "YCbCr"])
def test_other_modes_hold_nothing(mode: str) -> None:
    assert list(read_stealth(Image.new(mode, (64, 64)))) == []


def test_a_stream_may_fill_the_channel() -> None:
    data = b"x" * (64 * 64 // 8 - 19)
    image = hidden(data, b"stealth_pnginfo", shape=(64, 64))
    assert list(read_stealth(image)) == [(ALPHA, data.decode())]


@pytest.mark.parametrize("magic", [b"stealth_pngcomq", b"Stealth_pngcomp", b"stealth_rgb comp"])
def test_other_words_are_no_stream(magic: bytes) -> None:
    assert list(read_stealth(hidden(gzip.compress(WEBUI.encode()), magic))) == []


@pytest.mark.parametrize("mode", ["RGB", "LA"])
def test_words_of_the_other_channels_are_no_stream(mode: str) -> None:
    magic = b"stealth_pnginfo" if mode == "RGB" else b"stealth_pngrgbx"
    image = hidden(WEBUI.encode(), magic, mode="RGBA").convert(mode)
    assert list(read_stealth(image)) == []


@pytest.mark.parametrize("size", [(1, 1), (1, 18), (151, 1), (12, 12)])
def test_a_small_image_holds_nothing(size: tuple[int, int]) -> None:
    assert list(read_stealth(Image.new("RGBA", size, (255, 255, 255, 255)))) == []


@pytest.mark.parametrize("bits", [0, 7, 96 * 128, 2**31, 2**32 - 1])
def test_an_impossible_length_says_nothing(bits: int) -> None:
    assert list(read_stealth(hidden(WEBUI.encode(), b"stealth_pnginfo", bits=bits))) == []


def test_a_length_beyond_the_limit_says_nothing() -> None:
    image = hidden(b"{}", b"stealth_pnginfo", shape=(4096, 4200), bits=(MAX_STEALTH + 1) * 8)
    assert list(read_stealth(image)) == []


def test_a_stream_that_is_cut_off_gives_what_there_is() -> None:
    data = gzip.compress(WEBUI.encode())
    ((_, text),) = read_stealth(hidden(data, bits=(len(data) - 12) * 8))
    assert WEBUI.startswith(text)


def test_no_gzip_stream_says_nothing() -> None:
    assert list(read_stealth(hidden(b"no gzip stream at all"))) == []


def test_a_bomb_is_bounded() -> None:
    bomb = gzip.compress(bytes(32 * MAX_STEALTH), 9)
    image = hidden(bomb, shape=(2048, 2048))
    ((_, text),) = read_stealth(image)
    assert len(text) <= MAX_STEALTH


def test_an_image_without_a_stream_costs_a_few_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image.new("RGBA", (600, 400), (10, 20, 30, 255))
    crop, columns = Image.Image.crop, []

    def counted(self: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
        columns.append(box[2] - box[0])
        return crop(self, box)

    monkeypatch.setattr(Image.Image, "crop", counted)
    assert list(read_stealth(image)) == []
    assert 0 < sum(columns) < 10


@settings(max_examples=100, deadline=None)
@given(
    st.binary(max_size=400),
    st.sampled_from((b"pngcomp", b"pnginfo", b"rgbcomp", b"rgbinfo")),
    st.none() | st.integers(0, 2**32 - 1),
)
def test_any_stream_gives_texts(data: bytes, kind: bytes, bits: int | None) -> None:
    for _, text in read_stealth(hidden(data, b"stealth_" + kind, bits=bits)):
        assert isinstance(text, str)
