"""Text of UserComment, in every encoding that writers use."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipfake.metadata.exif import read_exif
from clipfake.metadata.user_comment import decoded, user_comment

LINE = "a lighthouse\nNegative prompt: fog\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1234"
TEXTS = {
    "ASCII": LINE,
    "accents": "gr\u00f6\u00dfe caf\u00e9, " + LINE,
    "Chinese": "\u706f\u5854\uff0c\u9ec4\u660f\n" + LINE,
    "Japanese": "\u706f\u53f0\u306e\u3042\u308b\u6d77\u8fba\n" + LINE,
    "much Chinese": "\u6d77\u8fb9\u7684\u706f\u5854" * 200 + "\nSteps: 20",
    "outside the plane": "\U0001f3ee " + LINE,
    "short": "ab",
}
CODES = {
    "UNICODE": b"UNICODE\0",
    "Unicode": b"Unicode\0",
    "ASCII": b"ASCII\0\0\0",
    "padded with spaces": b"ASCII   ",
    "JIS": b"JIS\0\0\0\0\0",
    "undefined": bytes(8),
    "none": b"",
}
ENCODINGS = {
    "UTF-8": ("utf-8", b""),
    "UTF-8 with mark": ("utf-8", b"\xef\xbb\xbf"),
    "little": ("utf-16-le", b""),
    "little with mark": ("utf-16-le", b"\xff\xfe"),
    "big": ("utf-16-be", b""),
    "big with mark": ("utf-16-be", b"\xfe\xff"),
}


@pytest.mark.parametrize("ending", [b"", b"\0", b"\0\0"], ids=["", "NUL", "two NULs"])
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("text", TEXTS)
def test_each_encoding_is_read_under_each_code(
    text: str, code: str, encoding: str, ending: bytes
) -> None:
    name, mark = ENCODINGS[encoding]
    value = CODES[code] + mark + TEXTS[text].encode(name) + ending
    found = user_comment(value).rstrip("\0\ufffd")  # half a character may end the block
    assert found == TEXTS[text]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_order_of_the_block_does_not_matter(order: str, encoding: str) -> None:
    name, mark = ENCODINGS[encoding]
    value = b"UNICODE\0" + mark + LINE.encode(name)
    mark_of_order = b"II*\0" if order == "<" else b"MM\0*"
    block = mark_of_order + struct.pack(order + "I", 8)
    block += struct.pack(order + "HHHII", 1, 0x8769, 4, 1, 26) + bytes(4)
    block += struct.pack(order + "HHHII", 1, 0x9286, 7, len(value), 44) + bytes(4) + value
    assert read_exif(block).texts["UserComment"][0] == LINE


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"JIS\0\0\0\0\0" + "\u65e5\u672c\u8a9e".encode("iso2022_jp"), "\u65e5\u672c\u8a9e"),
        (b"UNICODE\0" + "\u706f\u5854\u7167\u4eae".encode("utf-16-le"), "\u706f\u5854\u7167\u4eae"),
        (b"no code, but words", "no code, but words"),
        (b"ASCII\0\0\0caf\xe9 and more", "caf\u00e9 and more"),
        (b"ASCII\0\0\0words\0" + bytes(90), "words"),
    ],
)
def test_other_texts_are_read(value: bytes, text: str) -> None:
    assert user_comment(value).rstrip("\0") == text


@pytest.mark.parametrize("value", [b"", b"ASCII\0\0\0", b"UNICODE\0", bytes(40), b"UNI"])
def test_a_comment_without_words_is_empty(value: bytes) -> None:
    assert user_comment(value).strip("\0") in ("", "UNI")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(sorted(CODES.values())))
def test_any_bytes_give_a_text(body: bytes, code: bytes) -> None:
    user_comment(code + body).encode("utf-8", "strict")
    decoded(body).encode("utf-8", "strict")
