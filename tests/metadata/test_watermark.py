"""Messages in the pixels: that what pipelines embed is read, and that nothing else is."""

import itertools
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from clipfake.errors import ImageError
from clipfake.imaging.decode import decode
from clipfake.imaging.limits import Limits
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.metadata.dwt_dct import LEAST_PIXELS, MOST_PIXELS, Reading, read_bits, votes
from clipfake.metadata.watermark import (
    CHANCE,
    LIKENESS,
    PLACE,
    WATERMARKS,
    chance,
    likeness,
    read_watermarks,
)
from clipfake.records import Claim, Fact, Strength
from clipfake.scanning.reader import ReadOptions, read_item
from clipfake.sources import Item
from clipfake.verdict.declaration import Declared, declaration
from tests.conftest import encoded, picture
from tests.metadata.marking import BITS, INPAINTING, XL, marked
from tests.metadata.pieces import chunk

# bits of the library invisible-watermark 0.2.0 (OpenCV 5.0.0, PyWavelets 1.9.0), block by block, of
# the picture that ``known`` makes; then with its channels exchanged
LIBRARY = {
    Reading.BYTES: "78ccdd2d78e666daf873b925f878cccbf03c7336003e198c001f0e63001fc38df01f70a4fffff"
    "c393fff7f0e07fe07e1e1fc03f930fe000f9c384000e73c80f83b1c03ffc9cd07ff64e787d8933987836d80c40796"
    "5cc70f6922671cd4f26318a5693b1ad5a59b18aad2c99994296db15454f5992baad489a9d54ac9aaaaab69",
    Reading.BYTES_EXCHANGED: "0032d5a30072d5a38066d527c0e6d527c0e6556ee0f24b5ce0736a78e0732ab3e039"
    "24a7c019956cc01c5d49830e63138fc3aae41ff0a5493c181596701e4a2ee80125d787f092a59e1e695c300197246"
    "7fc49489c0314a731fecd524f073ea99020c954638f32e7dc786c8f2303df74ddffb2ee2639cc2adffe19507d0872"
    "56",
}


def known() -> Image.Image:
    y, x = np.mgrid[0:256, 0:256]
    planes = [(x * x // 97 + y) % 256, (x + y * y // 83) % 256, (x * y // 61) % 256]
    return Image.fromarray(np.stack(planes, axis=2).astype(np.uint8))


def found(image: Image.Image) -> list[Fact]:
    return list(read_watermarks(image, *image.size))


def names(facts: list[Fact] | tuple[Fact, ...] | None) -> list[str]:
    return [fact.value for fact in facts or () if fact.key == "watermark.pattern"]


def scanned(data: bytes, folder: Path) -> tuple[Fact, ...]:
    path = folder / "image"
    path.write_bytes(data)
    record, pixels = read_item(Item(str(path)), ReadOptions())
    assert record.error is None
    assert pixels is not None
    return record.facts or ()


@pytest.mark.parametrize("reading", Reading)
@pytest.mark.parametrize("name", BITS)
def test_each_message_is_read(name: str, reading: Reading) -> None:
    mark, agreement = found(marked(BITS[name], reading))
    assert (mark.key, mark.value, mark.place) == ("watermark.pattern", name, PLACE)
    assert agreement.key == "watermark.agreement"
    agree, length = agreement.value.split(" bits")[0].split(" of ")
    assert int(agree) > 0.95 * int(length)
    assert int(length) == len(BITS[name])
    assert (agreement.strength, agreement.claim) == (Strength.WEAK, None)


def test_messages_are_those_of_the_pipelines() -> None:
    texts = [np.packbits(mark.bits).tobytes() for mark in WATERMARKS]
    assert texts[:3] == [b"StableDiffusionV1", b"StableDiffusionV1-Inpainting", b"SDV2"]
    assert texts[3].hex() == "b3ec907bb19e"
    assert len(WATERMARKS[4].bits) == 46  # bin() writes no zeros in front
    assert int("".join(str(int(bit)) for bit in WATERMARKS[4].bits), 2) == 0x2AFE879CF52E
    assert texts[5] == b"InvokeAI"


@pytest.mark.parametrize("reading", LIBRARY)
def test_blocks_are_read_as_the_library_reads_them(reading: Reading) -> None:
    theirs = np.unpackbits(np.frombuffer(bytes.fromhex(LIBRARY[reading]), np.uint8))
    bits = read_bits(known(), 256, 256)
    assert bits is not None
    # the rest lies at an edge between 0 and 1, where rounding decides
    assert np.mean(bits[reading] == theirs) > 0.9


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("BMP", {}),
        ("JPEG", {"quality": 95, "subsampling": 0}),
    ],
)
def test_it_is_found_in_every_format_that_keeps_it(
    form: str, options: dict[str, object], tmp_path: Path
) -> None:
    facts = scanned(encoded(marked(BITS[XL]), form, **options), tmp_path)
    assert names(facts) == [XL]
    found = declaration(facts)
    assert (found.declared, found.strength) == (Declared.AI, Strength.SPECIFIC)


def test_it_is_found_in_a_jpeg_that_is_decoded_at_one_half(tmp_path: Path) -> None:
    image = marked(BITS[XL], size=(1001, 903))  # no whole blocks, and halves are rounded up
    for subsampling in (0, 2):
        data = encoded(image, "JPEG", quality=97, subsampling=subsampling)
        assert names(scanned(data, tmp_path)) == [XL]


def test_a_jpeg_that_is_decoded_at_less_is_not_looked_at(tmp_path: Path) -> None:
    image = Image.new("RGB", (2000, 1800), "teal")
    assert names(scanned(encoded(image, "JPEG"), tmp_path)) == []
    assert read_bits(image.reduce(4), *image.size) is None


@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP", "JPEG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_found_whatever_the_orientation(form: str, orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = marked(BITS[XL])
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 97, "subsampling": 0}}.get(form, {})
    data = encoded(image, form, exif=exif if form == "TIFF" else exif.tobytes(), **options)
    assert names(scanned(data, tmp_path)) == [XL]


def test_alpha_does_not_hide_it(tmp_path: Path) -> None:
    image = marked(BITS[XL])
    image.putalpha(Image.linear_gradient("L").resize(image.size).point(lambda value: value or 1))
    assert names(scanned(encoded(image), tmp_path)) == [XL]


def test_it_is_found_in_samples_of_16_bits(tmp_path: Path) -> None:
    pixels = np.asarray(marked(BITS[XL]))
    deep = (pixels.astype(">u2") * 257).view(np.uint8).reshape(len(pixels), -1)
    rows = np.insert(deep, 0, 0, axis=1).tobytes()  # filter 0 of each
    head = pixels.shape[1].to_bytes(4, "big") + pixels.shape[0].to_bytes(4, "big")
    head += bytes([16, 2, 0, 0, 0])
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
    data += chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    assert names(scanned(data, tmp_path)) == [XL]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I", "F", "CMYK", "LAB", "HSV"])
def test_pictures_without_red_green_and_blue_hold_none(mode: str) -> None:
    image = marked(BITS[XL])
    small = Image.new(mode, image.size) if mode == "LAB" else image.convert(mode)
    assert found(small) == []


@pytest.mark.parametrize("size", [(1, 1), (7, 20_000), (20_000, 7), (255, 256), (8, 8191)])
def test_what_is_too_small_for_the_library_holds_none(size: tuple[int, int]) -> None:
    assert found(picture(*size)) == []


def test_sides_need_not_be_long(tmp_path: Path) -> None:
    assert names(found(marked(BITS[XL], size=(64, LEAST_PIXELS // 64)))) == [XL]


def test_no_more_is_read_of_a_huge_picture_than_of_a_large_one() -> None:
    tile = marked(BITS[XL], size=(1024, 384))  # 48 rows of 128 blocks: it goes on in the next
    tall = Image.new("RGB", (1024, 12_000), "teal")
    for top in range(0, 12_000, 384):
        tall.paste(tile, (0, top))
    bits = read_bits(tall, *tall.size)
    assert bits is not None
    assert {len(each) for each in bits.values()} == {MOST_PIXELS // 64}
    assert names(found(tall)) == [XL]
    wide = Image.new("RGB", (MOST_PIXELS // 4, 8), "teal")
    assert read_bits(wide, *wide.size) is None


def flat(color: str) -> Image.Image:
    return Image.new("RGB", (512, 384), color)


def periodic(period: int, message: npt.NDArray[np.bool_] | None = None) -> Image.Image:
    """Upright stripes of so many pixels; of colours by a message's bits, where there is one."""
    colours = np.array([(40, 200, 90), (90, 60, 240)], np.uint8)
    stripe = np.arange(1536) // period
    chosen = stripe % 2 if message is None else message[stripe % len(message)].astype(int)
    return Image.fromarray(np.broadcast_to(colours[chosen], (256, 1536, 3)).copy())


@pytest.mark.parametrize(
    "image",
    [
        *map(flat, ("white", "black", "#808080", "red", "blue", "#123456")),
        *map(periodic, (1, 2, 3, 4, 8, 16, 64)),
        Image.merge("RGB", [Image.linear_gradient("L").resize((512, 512))] * 3),
        Image.merge("RGB", [Image.radial_gradient("L"), *[Image.linear_gradient("L")] * 2]),
        Image.fromarray(np.random.default_rng(1).integers(0, 256, (600, 500, 3), dtype=np.uint8)),
        picture(800, 600).filter(ImageFilter.GaussianBlur(3)),
    ],
)
def test_degenerate_pictures_hold_none(image: Image.Image) -> None:
    assert found(image) == []


def test_pictures_hold_none() -> None:
    assert [found(picture(400, 300, seed)) for seed in range(20)] == [[]] * 20


def test_other_messages_are_none_of_the_known() -> None:
    rng = np.random.default_rng(3)
    others = [rng.integers(0, 2, length).astype(bool) for length in (32, 46, 48, 64, 136) * 4]
    others += [~BITS[XL], np.roll(BITS[XL], 1), BITS[XL][::-1]]
    spoilt = BITS[XL].copy()
    spoilt[::4] ^= True  # a quarter of the bits is another
    for message in [*others, spoilt]:
        assert found(marked(message)) == []


def text(words: str) -> npt.NDArray[np.bool_]:
    return np.unpackbits(np.frombuffer(words.encode(), np.uint8)).astype(bool)


@pytest.mark.parametrize("length", [*range(1, 8), 16, 17, 18, 28, 40])
def test_texts_of_others_are_none_of_the_known(length: int) -> None:
    rng = np.random.default_rng(length)
    for alphabet in ("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"):
        words = "".join(rng.choice(list(alphabet), length))
        assert found(marked(text(words), size=(256, 256))) == [], words


@pytest.mark.parametrize("words", ["SDV3", "sdv2", "SDXL", "StableDiffusionV", "test", "Invoke"])
def test_texts_that_resemble_the_known_are_others(words: str) -> None:
    assert found(marked(text(words))) == []


def test_without_the_bytes_places_strange_texts_would_count() -> None:
    heard = np.resize(text("CopyrightJohnDoe"), 1000 * 224).reshape(1000, 224).mean(axis=0)
    inpainting = BITS[INPAINTING]
    assert 10 ** chance(heard, inpainting) < CHANCE / 100
    assert likeness(heard, inpainting) < LIKENESS / 2


def test_likeness_is_within_its_range() -> None:
    message = BITS[XL]
    assert likeness(message.astype(float), message) == pytest.approx(1)
    assert likeness(0.3 + 0.2 * message, message) == pytest.approx(1)
    assert likeness(1.0 - message, message) == pytest.approx(-1)
    assert likeness(np.full(48, 0.5), message) == 0


def test_a_few_bits_may_be_lost() -> None:
    spoilt = BITS[XL].copy()
    spoilt[[5, 30]] ^= True
    mark, agreement = found(marked(spoilt))
    assert mark.value == XL
    assert agreement.value.startswith("46 of 48 bits, chance below 1e-1")


def test_what_the_marks_claim() -> None:
    by_name = {mark.name: mark for mark in WATERMARKS}
    claims = {name: (mark.strength, mark.claim) for name, mark in by_name.items()}
    assert claims.pop(INPAINTING) == (Strength.SPECIFIC, Claim.COMPOSITE)
    assert claims.pop("InvokeAI") == (Strength.WEAK, Claim.AI)
    assert set(claims.values()) == {(Strength.SPECIFIC, Claim.AI)}


def test_the_bound_is_that_of_all_messages() -> None:
    rng = np.random.default_rng(0)
    signs = np.array(list(itertools.product((False, True), repeat=12)))
    for kind in range(30):
        heard = rng.random(12) ** (1 + kind % 5)
        message = heard > heard.mean()
        message ^= rng.random(12) < kind / 120
        scores = np.where(signs, heard - heard.mean(), heard.mean() - heard).sum(axis=1)
        score = np.where(message, heard - heard.mean(), heard.mean() - heard).sum()
        assert np.mean(scores >= score - 1e-12) <= 10 ** chance(heard, message) + 1e-12


def test_where_all_bits_agree_alike_chance_halves_with_each() -> None:
    message = np.arange(48) % 2 == 0
    assert chance(message.astype(float), message) == pytest.approx(48 * np.log10(0.5), abs=0.01)
    assert chance(np.where(message, 0.51, 0.49), message) < -14
    assert chance(np.full(48, 0.5), message) == 0
    assert chance((~message).astype(float), message) == 0


def test_a_few_loud_bits_are_not_enough() -> None:
    heard = np.full(48, 0.5)
    heard[:8] = BITS[XL][:8]
    assert 10 ** chance(heard, BITS[XL]) > CHANCE


@given(st.integers(1, 300), st.data())
def test_votes_are_shares(length: int, data: st.DataObject) -> None:
    bits = np.array(data.draw(st.lists(st.booleans(), min_size=length, max_size=1000)))
    heard = votes(bits, length)
    assert heard == pytest.approx([bits[each::length].mean() for each in range(length)])


def test_scores_do_not_depend_on_it(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    marked(BITS[XL]).save(path)
    both = [read_item(Item(str(path)), ReadOptions(metadata=each)) for each in (None, METADATA)]
    assert both[0][1] is not None
    assert both[1][1] is not None
    assert np.array_equal(both[0][1].square, both[1][1].square)
    assert both[0][0].facts is None
    assert names(both[1][0].facts) == [XL]


METADATA = ReadOptions().metadata


@settings(max_examples=60)
@given(
    st.sampled_from(["RGB", "RGBA", "RGBX", "L", "P", "CMYK", "I;16", "YCbCr"]),
    st.integers(1, 700),
    st.integers(1, 700),
    st.binary(min_size=1, max_size=64),
)
def test_any_picture_is_read_without_an_error(mode: str, w: int, h: int, data: bytes) -> None:
    image = Image.new(mode, (w, h))
    room = len(image.tobytes())
    image.frombytes((data * (room // len(data) + 1))[:room])
    assert names(found(image)) == []


@settings(max_examples=40)
@given(st.sampled_from(["JPEG", "PNG"]), st.integers(20, 4000), st.binary(max_size=8))
def test_what_is_left_of_broken_files_is_read_without_an_error(
    form: str, place: int, data: bytes
) -> None:
    broken = bytearray(encoded(picture(300, 280), form))
    broken[place : place + len(data)] = data
    with suppress(ImageError):
        image = decode(bytes(broken), Preprocessing(), Limits(pixels=10**6))
        assert names(list(read_watermarks(image.stored, image.width, image.height))) == []
