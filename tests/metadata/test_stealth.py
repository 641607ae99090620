"""Texts hidden in an alpha channel."""

import gzip
import json

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipfake.metadata.stealth import MAX_STEALTH, read_stealth

NOVELAI = {
    "Software": "NovelAI",
    "Source": "NovelAI Diffusion V4 37442FCA",
    "Description": "a lighthouse",
    "Comment": json.dumps({"prompt": "a lighthouse", "steps": 28, "seed": 7, "sampler": "k_euler"}),
}
WEBUI = "a lighthouse\nNegative prompt: fog\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1"


def hidden(
    data: bytes,
    magic: bytes = b"stealth_pngcomp",
    *,
    shape: tuple[int, int] = (96, 128),
    bits: int | None = None,
) -> npt.NDArray[np.uint8]:
    """An alpha channel with a stream in its lowest bits, down the columns."""
    size = (len(data) * 8 if bits is None else bits).to_bytes(4, "big")
    stream = np.unpackbits(np.frombuffer(magic + size + data, np.uint8))
    columns = np.full(shape[0] * shape[1], 254, np.uint8)
    columns[: len(stream)] |= stream[: len(columns)]
    return columns.reshape(shape[1], shape[0]).T.copy()


@pytest.mark.parametrize("shape", [(96, 128), (128, 96), (7, 3000), (3000, 7), (1, 20_000)])
def test_novelai_texts_are_read_back(shape: tuple[int, int]) -> None:
    data = gzip.compress(json.dumps(NOVELAI).encode())
    assert read_stealth(hidden(data, shape=shape)) == NOVELAI


def test_webui_texts_are_read_back() -> None:
    assert read_stealth(hidden(WEBUI.encode(), b"stealth_pnginfo")) == {"parameters": WEBUI}
    assert read_stealth(hidden(gzip.compress(WEBUI.encode()))) == {"parameters": WEBUI}


def test_a_stream_may_fill_the_channel() -> None:
    data = b"x" * (64 * 64 // 8 - 19)
    alpha = hidden(data, b"stealth_pnginfo", shape=(64, 64))
    assert read_stealth(alpha) == {"parameters": data.decode()}


def test_only_texts_of_an_object_are_given() -> None:
    data = json.dumps({"Software": "NovelAI", "number": 3, "list": [1], "none": None}).encode()
    assert read_stealth(hidden(data, b"stealth_pnginfo")) == {"Software": "NovelAI"}


@pytest.mark.parametrize("text", ["[1, 2]", "3", '"words"', "null"])
def test_json_that_is_no_object_says_nothing(text: str) -> None:
    assert read_stealth(hidden(text.encode(), b"stealth_pnginfo")) == {}


@pytest.mark.parametrize("magic", [b"stealth_rgbcomp", b"stealth_pngcomq", b"Stealth_pngcomp"])
def test_other_words_are_no_stream(magic: bytes) -> None:
    assert read_stealth(hidden(gzip.compress(WEBUI.encode()), magic)) == {}


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (5, 0), (1, 1), (1, 151), (12, 12)])
def test_a_small_channel_says_nothing(shape: tuple[int, int]) -> None:
    assert read_stealth(np.full(shape, 255, np.uint8)) == {}


def test_an_opaque_channel_says_nothing() -> None:
    assert read_stealth(np.full((64, 64), 255, np.uint8)) == {}


@pytest.mark.parametrize("bits", [0, 7, 96 * 128, 2**31, 2**32 - 1])
def test_an_impossible_length_says_nothing(bits: int) -> None:
    assert read_stealth(hidden(WEBUI.encode(), b"stealth_pnginfo", bits=bits)) == {}


def test_a_length_beyond_the_limit_says_nothing() -> None:
    alpha = hidden(b"{}", b"stealth_pnginfo", shape=(4096, 4200), bits=(MAX_STEALTH + 1) * 8)
    assert read_stealth(alpha) == {}


def test_a_stream_that_is_cut_off_gives_what_there_is() -> None:
    data = gzip.compress(WEBUI.encode())
    (text,) = read_stealth(hidden(data, bits=(len(data) - 12) * 8)).values()
    assert WEBUI.startswith(text)


def test_no_gzip_stream_says_nothing() -> None:
    assert read_stealth(hidden(b"no gzip stream at all")) == {}


def test_a_bomb_is_bounded() -> None:
    bomb = gzip.compress(bytes(32 * MAX_STEALTH), 9)
    (text,) = read_stealth(hidden(bomb, shape=(2048, 2048))).values()
    assert len(text) <= MAX_STEALTH


def test_deep_json_is_a_plain_text() -> None:
    assert set(read_stealth(hidden(b"[" * 1400, b"stealth_pnginfo"))) == {"parameters"}


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400), st.booleans(), st.none() | st.integers(0, 2**32 - 1))
def test_any_stream_gives_texts(data: bytes, compressed: bool, bits: int | None) -> None:
    magic = b"stealth_pngcomp" if compressed else b"stealth_pnginfo"
    for value in read_stealth(hidden(data, magic, bits=bits)).values():
        assert isinstance(value, str)
