"""Named perturbations."""

import io
import pickle

import numpy as np
import pytest
from PIL import Image

from clipfake.errors import ImageError, UsageError
from clipfake.evaluation.perturbations import SUITE, perturbation, perturbations
from tests.conftest import encoded, picture

SOURCE = picture(120, 80, seed=1)
DATA = encoded(SOURCE)


def changed(name: str, data: bytes = DATA) -> Image.Image:
    image = Image.open(io.BytesIO(perturbation(name)(data)))
    image.load()
    return image


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB"), dtype=np.float64)


@pytest.mark.parametrize("name", SUITE)
def test_every_one_gives_the_same_image_each_time_and_can_be_sent_to_workers(name: str) -> None:
    change = perturbation(name)
    assert change(DATA) == pickle.loads(pickle.dumps(change))(DATA)
    assert changed(name).mode == "RGB"


def test_compression_keeps_its_file() -> None:
    jpeg = changed("jpeg-30")
    assert (jpeg.format, jpeg.size) == ("JPEG", (120, 80))
    assert changed("webp-50").format == "WEBP"
    worse = np.abs(pixels(jpeg) - pixels(SOURCE)).mean()
    assert worse > np.abs(pixels(changed("jpeg-95")) - pixels(SOURCE)).mean() > 0
    # the bytes are those of Pillow at this quality: no second compression
    assert perturbation("jpeg-30")(DATA) == encoded(SOURCE, "JPEG", quality=30)


def test_geometry() -> None:
    assert changed("resize-0.25").size == (30, 20)
    assert changed("screenshot-0.8").size == (96, 64)
    assert changed("crop-0.75").size == (90, 60)
    assert np.array_equal(pixels(changed("crop-0.5")), pixels(SOURCE)[20:60, 30:90])
    assert np.array_equal(pixels(changed("flip")), pixels(SOURCE)[:, ::-1])
    assert changed("fit-60").size == (60, 40)
    assert changed("fit-1080").size == (120, 80)  # never enlarged


def test_noise_and_blur() -> None:
    flat = encoded(Image.new("RGB", (100, 100), (128, 128, 128)))
    noise = pixels(changed("noise-8", flat)) - 128
    assert noise.std() == pytest.approx(8, rel=0.03)
    assert abs(noise.mean()) < 0.3
    # another picture gets other noise
    other = encoded(Image.new("RGB", (100, 100), (129, 129, 129)))
    assert not np.array_equal(noise, pixels(changed("noise-8", other)) - 129)
    assert pixels(changed("blur-2")).std() < pixels(SOURCE).std()


def test_a_chain_happens_in_its_order() -> None:
    both = changed("resize-0.5+jpeg-75")
    assert (both.format, both.size) == ("JPEG", (60, 40))
    after = changed("jpeg-75+resize-0.5")
    assert (after.format, after.size) == ("PNG", (60, 40))


def test_lists_of_names() -> None:
    names = [change.name for change in perturbations(["jpeg-75, flip", "flip", "all"])]
    assert names[:2] == ["jpeg-75", "flip"]
    assert sorted(names) == sorted(SUITE)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("sepia", "perturbation sepia: unknown; kinds are jpeg, webp"),
        ("jpeg-0", "a quality is a whole number from 1 to 100; such as jpeg-95"),
        ("jpeg-x", "could not convert"),
        ("resize-9", "a scale is above 0 and at most 4"),
        ("crop-0", "a share is above 0"),
        ("fit-0.5", "a side is a whole number"),
        ("noise--1", "a standard deviation is above 0"),
    ],
)
def test_names_that_are_unknown(name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        perturbation(name)


def test_an_unreadable_image_is_an_image_error() -> None:
    with pytest.raises(ImageError):
        perturbation("flip")(DATA[:50])


def test_what_a_format_cannot_hold_is_an_image_error() -> None:
    wide = encoded(Image.new("RGB", (17000, 2)))
    with pytest.raises(ImageError, match="cannot be stored as WEBP"):
        perturbation("webp-50")(wide)
