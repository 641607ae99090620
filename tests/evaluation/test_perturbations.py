"""Named perturbations."""

import io
import pickle

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin

from clipfake.errors import ImageError, UsageError
from clipfake.evaluation.changes import KINDS
from clipfake.evaluation.perturbations import CHAINS, SUITE, perturbation, perturbations
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
    assert changed("randomcrop-0.5").size == (60, 40)


@pytest.mark.parametrize(
    ("kind", "resampling"),
    [
        ("fit", Image.Resampling.BICUBIC),
        ("lanczos", Image.Resampling.LANCZOS),
        ("bilinear", Image.Resampling.BILINEAR),
    ],
)
def test_a_long_side_is_made_shorter_and_never_longer(
    kind: str, resampling: Image.Resampling
) -> None:
    assert np.array_equal(
        pixels(changed(f"{kind}-60")), pixels(SOURCE.resize((60, 40), resampling))
    )
    assert changed(f"{kind}-60", encoded(picture(80, 120))).size == (40, 60)
    for side in (120, 1080):
        assert np.array_equal(pixels(changed(f"{kind}-{side}")), pixels(SOURCE))


def test_a_width_is_made_smaller_whatever_the_height() -> None:
    wanted = SOURCE.resize((60, 40), Image.Resampling.LANCZOS)
    assert np.array_equal(pixels(changed("width-60")), pixels(wanted))
    tall = picture(80, 400)
    assert changed("width-40", encoded(tall)).size == (40, 200)
    assert np.array_equal(pixels(changed("width-80", encoded(tall))), pixels(tall))


@pytest.mark.parametrize("degrees", [0.7, 5, 45])
@pytest.mark.parametrize("size", [(300, 200), (150, 400)])
def test_what_is_turned_has_no_empty_corner_and_keeps_its_proportions(
    degrees: float, size: tuple[int, int]
) -> None:
    turned = changed(f"rotate-{degrees}", encoded(Image.new("RGB", size, "white")))
    assert pixels(turned).min() == 255
    assert turned.width / turned.height == pytest.approx(size[0] / size[1], abs=0.02)
    if degrees < 1:
        assert turned.width > 0.95 * size[0]


def test_chance_decides_to_which_side_an_image_is_turned() -> None:
    sides = set()
    for number in range(16):
        source = Image.new("RGB", (200, 200), (0, 0, number))
        source.paste((255, 255, number), (0, 100, 200, 200))
        red = pixels(changed("rotate-9", encoded(source)))[..., 0]
        left, right = (red[:, 0] > 127).sum(), (red[:, -1] > 127).sum()
        slope = abs(int(left) - int(right)) / red.shape[1]
        assert slope == pytest.approx(np.tan(np.radians(9)), abs=0.02)
        sides.add(bool(left > right))
    assert sides == {True, False}


def test_where_chance_crops_follows_from_the_bytes() -> None:
    ramp = np.arange(200, dtype=np.uint8)[None, :, None].repeat(100, 0).repeat(3, 2)
    starts = set()
    for number in range(20):
        source = ramp.copy()
        source[..., 2] = number  # other bytes, the same columns
        part = pixels(changed("randomcrop-0.5", encoded(Image.fromarray(source))))
        start = int(part[0, 0, 0])
        assert np.array_equal(part[0, :, 0], np.arange(start, start + 100))
        starts.add(start)
    assert len(starts) > 10
    assert min(starts) < 30
    assert max(starts) > 70


def test_tones_of_print() -> None:
    source = Image.new("RGB", (4, 1))
    for place, grey in enumerate((0, 64, 128, 255)):
        source.putpixel((place, 0), (grey, grey, grey))
    data = encoded(source)
    levels = pixels(changed("gamma-1.1", data))[0, :, 0].tolist()
    assert levels == [round(255 * (v / 255) ** 1.1) for v in (0, 64, 128, 255)]
    assert (levels[0], levels[3]) == (0, 255)
    assert levels[2] < 128
    assert pixels(changed("contrast-0.8", data))[0, [0, 3], 0].tolist() == [26, 230]
    assert np.array_equal(pixels(changed("contrast-1", data)), pixels(source))


def test_dots_show_in_middle_greys_alone_and_lie_otherwise_in_each_colour() -> None:
    def waves(grey: int) -> np.ndarray:
        flat = encoded(Image.new("RGB", (120, 120), (grey, grey, grey)))
        return pixels(changed("halftone-20", flat)) - grey

    middle = waves(128)
    assert abs(middle).max() == pytest.approx(20, abs=1)
    assert abs(middle.mean()) < 0.3
    assert abs(waves(0)).max() == abs(waves(255)).max() == 0
    assert abs(waves(30)).max() < 0.5 * abs(middle).max()
    spectra = [abs(np.fft.rfft2(middle[..., channel])).argmax() for channel in range(3)]
    assert len(set(spectra)) == 3
    # dots of the upright screen are three pixels apart
    assert np.allclose(middle[0, :-3, 2], middle[0, 3:, 2], atol=1)


def test_light_falls_unevenly_and_smoothly() -> None:
    flat = encoded(Image.new("RGB", (200, 150), (200, 200, 200)))
    light = pixels(changed("shade-10", flat))
    assert light.min() == pytest.approx(180, abs=1)
    assert light.max() == pytest.approx(200, abs=1)
    assert abs(np.diff(light, axis=0)).max() <= 2
    assert abs(np.diff(light, axis=1)).max() <= 2
    assert np.array_equal(light[..., 0], light[..., 1])


def test_sharpening_makes_edges_steeper() -> None:
    edge = Image.new("RGB", (20, 20), (60, 60, 60))
    edge.paste((180, 180, 180), (10, 0, 20, 20))
    soft = edge.resize((80, 80), Image.Resampling.BILINEAR)
    steepest = [
        abs(np.diff(pixels(image), axis=1)).max()
        for image in (
            soft,
            changed("sharpen-50", encoded(soft)),
            changed("sharpen-200", encoded(soft)),
        )
    ]
    assert steepest == sorted(set(steepest))


def test_noise_and_blur() -> None:
    flat = encoded(Image.new("RGB", (100, 100), (128, 128, 128)))
    noise = pixels(changed("noise-8", flat)) - 128
    assert noise.std() == pytest.approx(8, rel=0.03)
    assert abs(noise.mean()) < 0.3
    # another picture gets other noise
    other = encoded(Image.new("RGB", (100, 100), (129, 129, 129)))
    assert not np.array_equal(noise, pixels(changed("noise-8", other)) - 129)
    assert pixels(changed("blur-2")).std() < pixels(SOURCE).std()


def test_a_kind_twice_is_given_other_chance_each_time() -> None:
    flat = encoded(Image.new("RGB", (200, 200), (128, 128, 128)))
    # independent deviations add as squares; the same noise twice would have 16
    twice = pixels(changed("noise-8+noise-8", flat)) - 128
    assert twice.std() == pytest.approx(128**0.5, rel=0.03)


def test_a_chain_happens_in_its_order() -> None:
    both = changed("resize-0.5+jpeg-75")
    assert (both.format, both.size) == ("JPEG", (60, 40))
    after = changed("jpeg-75+resize-0.5")
    assert (after.format, after.size) == ("PNG", (60, 40))


@pytest.mark.parametrize("name", CHAINS)
def test_a_named_chain_is_its_steps_and_never_leaves_an_image_as_it_was(name: str) -> None:
    change, steps = perturbation(name), perturbation(CHAINS[name])
    assert change.steps == steps.steps
    assert change.spelled == steps.spelled == CHAINS[name]
    for source in (SOURCE, picture(1500, 900, seed=2), picture(40, 30).convert("L")):
        data = encoded(source)
        once = change(data)
        assert once == change(data)
        result = Image.open(io.BytesIO(once))
        assert (result.format, result.mode) == ("JPEG", "RGB")
        assert JpegImagePlugin.get_sampling(result) == 2  # 4:2:0
        assert not np.array_equal(pixels(result), pixels(source.resize(result.size)))


@pytest.mark.parametrize(
    ("name", "size", "becomes"),
    [
        ("social-a", (2160, 1080), (1080, 540)),
        ("social-a", (500, 1200), (450, 1080)),
        ("social-a", (1080, 900), (1080, 900)),
        ("social-b", (2400, 1200), (720, 360)),
        ("social-b", (700, 1300), (700, 1300)),
        ("social-b", (1000, 4096), (500, 2048)),
        ("screenshot-chain", (2880, 1440), (1280, 640)),
        ("screenshot-chain", (600, 400), (570, 380)),
    ],
)
def test_chains_make_sides_no_longer_than_their_targets(
    name: str, size: tuple[int, int], becomes: tuple[int, int]
) -> None:
    assert changed(name, encoded(Image.new("RGB", size, "teal"))).size == becomes


def test_a_print_keeps_nearly_all_of_an_image() -> None:
    for size in ((600, 400), (500, 500)):
        found = changed("print-scan-like", encoded(picture(*size)))
        assert all(0.96 * side < now < side for side, now in zip(size, found.size, strict=True))
    large = changed("print-scan-like", encoded(Image.new("RGB", (2400, 1200), "teal")))
    assert 0.96 * 1772 < large.width < 1772


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (3000, 2), (2, 3), (9, 9)])
@pytest.mark.parametrize("name", CHAINS)
def test_the_narrowest_images_come_through(name: str, size: tuple[int, int]) -> None:
    assert min(changed(name, encoded(picture(*size))).size) >= 1


def test_chains_are_compressed_as_often_as_they_say() -> None:
    data = encoded(picture(300, 200, seed=3))
    once = perturbation("jpeg-80")(data)
    assert perturbation("social-a")(data) == perturbation("jpeg-70")(once)


def test_chains_join_with_other_changes() -> None:
    before, after = perturbation("flip+social-a"), perturbation("social-a+flip")
    assert before.spelled == f"flip+{CHAINS['social-a']}"
    assert after.steps == (*perturbation("social-a").steps, ("flip", 1.0))
    assert changed("resize-0.5+social-a").size == (60, 40)
    assert changed("social-a+flip").format == "PNG"
    both = perturbation("social-a+screenshot-chain")
    assert both.steps == perturbation("social-a").steps + perturbation("screenshot-chain").steps


@pytest.mark.parametrize("name", SUITE)
def test_what_is_spelled_is_read_as_the_same(name: str) -> None:
    change = perturbation(name)
    assert perturbation(change.spelled).steps == change.steps
    assert (change.spelled != name) == (name in CHAINS)


def test_the_suite_has_every_kind_and_chain() -> None:
    used = {kind for name in SUITE for kind, _ in perturbation(name).steps}
    assert used == set(KINDS)
    assert set(CHAINS) <= set(SUITE)


@pytest.mark.parametrize("kind", [name for name, known in KINDS.items() if known.strength])
def test_a_kind_reads_strengths_of_its_range_alone(kind: str) -> None:
    for value in ("nan", "inf", "-inf", "-1", "0", "1e9", ""):
        with pytest.raises(UsageError, match=f"perturbation {kind}-{value}: .*such as {kind}-"):
            perturbation(f"{kind}-{value}")
    rule = KINDS[kind].strength
    assert rule is not None
    assert perturbation(f"{kind}-{rule.most}").steps == ((kind, rule.most),)


def test_lists_of_names() -> None:
    names = [change.name for change in perturbations(["jpeg-75, flip", "flip", "all"])]
    assert names[:2] == ["jpeg-75", "flip"]
    assert sorted(names) == sorted(SUITE)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("sepia", "perturbation sepia: unknown; kinds are jpeg, webp"),
        ("social-c", "unknown; kinds are .*; chains are social-a, social-b, screenshot-chain, pr"),
        ("jpeg-75+social", "perturbation social: unknown; .*chains are .*, print-scan-like"),
        ("screenshot-chains", "'chains' is no number; such as screenshot-0.8; chains are social-a"),
        ("screenshot", "its strength is missing; such as screenshot-0.8; chains are social-a"),
        ("social-a-2", "perturbation social-a-2: unknown"),
        ("Social-A", "perturbation Social-A: unknown"),
        ("flip-2", "flip has no strength; give flip alone"),
        ("jpeg", "perturbation jpeg: its strength is missing; such as jpeg-95"),
        ("jpeg-75+", "perturbation : unknown"),
        ("jpeg-0", "a quality is a whole number from 1 to 100; such as jpeg-95"),
        ("jpeg-x", "perturbation jpeg-x: its strength 'x' is no number; such as jpeg-95"),
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
