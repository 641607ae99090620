"""Scores of images."""

import io
import math
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from clipfake import Detector
from clipfake.errors import ImageError, UsageError
from tests.conftest import EXAMPLES, encoded, picture
from tests.small import small_adapter, small_tower


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector.load(device="cpu")


@pytest.fixture(scope="module")
def small() -> Detector:
    """A detector that makes of an image what the default one does, but for its tower."""
    return Detector(small_tower(), small_adapter(), device="cpu")


def test_all_kinds_of_input_give_the_same_score(small: Detector, tmp_path: Path) -> None:
    image = picture(300, 260)
    data = encoded(image)
    path = tmp_path / "a.png"
    path.write_bytes(data)
    scores = small.score([image, np.asarray(image), data, str(path), path])
    assert scores.dtype == np.float32
    assert len(set(scores.tolist())) == 1
    assert 0.0 <= scores[0] <= 1.0


def test_scores_do_not_depend_on_the_batch(detector: Detector) -> None:
    images = [picture(240, 240, seed) for seed in range(9)]
    whole = detector.score(images)
    alone = np.concatenate([detector.score([image]) for image in images])
    assert alone.tolist() == whole.tolist()
    few = Detector(detector.backbone, detector.adapter, device="cpu", batch_size=3)
    assert few.score(images).tolist() == whole.tolist()
    assert len(set(whole.tolist())) == 9


def test_a_detector_scores_alike_after_it_was_pickled() -> None:
    images = [picture(240, 240, seed) for seed in range(2)]
    for precision in ("fp32", "bf16"):
        before = Detector(small_tower(), small_adapter(), device="cpu", precision=precision)
        after = pickle.loads(pickle.dumps(before))
        assert after.score(images).tolist() == before.score(images).tolist()
        assert after.arithmetic == before.arithmetic


def test_precisions_agree_within_a_few_hundredths(detector: Detector) -> None:
    images = [picture(240, 240, seed) for seed in range(4)]
    exact = Detector(detector.backbone, detector.adapter, device="cpu", precision="fp32")
    lower = Detector(detector.backbone, detector.adapter, device="cpu", precision="bf16")
    assert np.abs(exact.score(images) - lower.score(images)).max() < 0.05


def test_score_is_what_numpy_makes_of_the_tokens(detector: Detector) -> None:
    pixels = torch.from_numpy(
        np.stack([np.asarray(picture(224, 224, s)).transpose(2, 0, 1) for s in range(2)])
    )
    adapter = detector.adapter
    tokens = detector.tokens(pixels, adapter.blocks).double().numpy()
    centred = tokens - tokens.mean(-1, keepdims=True)
    normed = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    weight = adapter.head.weight.double().numpy()
    logits = (normed * weight).sum((1, 2)) + float(adapter.head.bias)
    if (hidden := adapter.head.hidden) is not None:
        units = normed.reshape(2, -1) @ hidden.weight.flatten(1).double().numpy().T
        units += hidden.bias.double().numpy()
        # GELU by its definition, x times the normal distribution's share below x
        below = [[0.5 * (1 + math.erf(u / math.sqrt(2))) for u in row] for row in units]
        logits += (units * below) @ hidden.out.double().numpy()
    expected = 1 / (1 + np.exp(-(adapter.calibration.a * logits + adapter.calibration.b)))
    assert detector.score_pixels(pixels) == pytest.approx(expected, abs=1e-6)


class Spy:
    """Stands for the encoder: keeps the shapes that it is given, and runs out of memory on demand.

    The token of an image is its mean, so that tokens tell which image they are of.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, failures: int = 0) -> None:
        self.shapes: list[tuple[int, ...]] = []
        self.failures = failures
        monkeypatch.setattr("clipfake.detector.detector.ready_encoder", lambda *_: self.encode)

    def encode(self, pixels: torch.Tensor, blocks: list[int]) -> torch.Tensor:
        self.shapes.append(tuple(pixels.shape))
        if self.failures:
            self.failures -= 1
            raise torch.OutOfMemoryError("out of memory")
        levels = pixels.float().mean(dim=(1, 2, 3))
        return levels[:, None, None].expand(-1, len(blocks), 768)


def flat(count: int) -> torch.Tensor:
    """Grey squares, each of a level of its own."""
    levels = torch.arange(count, dtype=torch.uint8)[:, None, None, None]
    return levels.expand(-1, 3, 224, 224)


@pytest.mark.parametrize("batch_size", [1, 3, 7, 8, 16, 33, 100])
def test_the_encoder_gets_one_shape_whatever_comes(
    detector: Detector, monkeypatch: pytest.MonkeyPatch, batch_size: int
) -> None:
    spy = Spy(monkeypatch)
    seen = Detector(detector.backbone, detector.adapter, device="cpu", batch_size=batch_size)
    for count in range(1, 34):
        spy.shapes.clear()
        tokens = seen.tokens(flat(count), (4, 12))
        assert tokens[:, 1, 5].tolist() == list(range(count))
        # no more of them than the images need, however few go at once
        assert spy.shapes == [(8, 3, 224, 224)] * -(-count // 8)


def test_out_of_memory_halves_the_batch_and_loses_nothing(
    detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy = Spy(monkeypatch, failures=2)
    seen = Detector(detector.backbone, detector.adapter, device="cpu", batch_size=40)
    assert seen.tokens(flat(33), (12,))[:, 0, 0].tolist() == list(range(33))
    assert set(spy.shapes) == {(8, 3, 224, 224)}
    assert seen.batch_size == 10


def test_a_micro_batch_that_does_not_fit_is_an_error(
    detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy = Spy(monkeypatch, failures=100)
    seen = Detector(detector.backbone, detector.adapter, device="cpu", batch_size=40)
    with pytest.raises(torch.OutOfMemoryError):
        seen.score([picture()])
    assert seen.batch_size == 8
    assert set(spy.shapes) == {(8, 3, 224, 224)}


def test_another_micro_batch_can_be_asked_for(
    detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy = Spy(monkeypatch)
    seen = Detector(detector.backbone, detector.adapter, device="cpu", micro_batch=5)
    seen.tokens(flat(6), (12,))
    assert spy.shapes == [(5, 3, 224, 224)] * 2
    assert seen.arithmetic != detector.arithmetic


def test_no_images_give_no_scores(detector: Detector) -> None:
    assert detector.score([]).shape == (0,)


def test_broken_and_absent_files_raise(detector: Detector, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="truncated"):
        detector.score([EXAMPLES / "broken.jpg"])
    with pytest.raises(ImageError, match="cannot be read"):
        detector.score([tmp_path / "none.jpg"])


@pytest.mark.parametrize(
    ("image", "text"),
    [
        (np.zeros((8, 8, 3), dtype=np.float32), "image 1: an array of float32; give uint8"),
        (np.zeros((8, 8), dtype=np.int64), "image 1: an array of int64"),
        (np.zeros((8, 8), dtype=bool), "image 1: an array of bool"),
        (np.zeros((8, 8, 2), dtype=np.uint8), r"image 1: an array of shape 8x8x2; give uint8"),
        (np.zeros((3, 8, 8), dtype=np.uint8), "image 1: an array of shape 3x8x8"),
        (np.zeros((1, 8, 8, 3), dtype=np.uint8), "image 1: an array of shape 1x8x8x3"),
        (np.zeros(8, dtype=np.uint8), "image 1: an array of shape 8"),
        (np.uint8(3) * np.ones((), dtype=np.uint8), "image 1"),
        (np.zeros((0, 8, 3), dtype=np.uint8), "image 1: an array of shape 0x8x3 has no pixels"),
        (np.zeros((8, 0), dtype=np.uint8), "image 1: an array of shape 8x0 has no pixels"),
        (b"no image", "image 1: "),
        (b"", "image 1: "),
        (encoded(picture(400, 400), "JPEG")[:3000], "image 1: .*truncated"),
        (Image.open(io.BytesIO(encoded(picture(400, 400), "JPEG")[:3000])), "image 1: cannot be"),
        ("a\0b", "image 1: .*no file can have this name"),
        ("/nowhere/a.png", "image 1: /nowhere/a.png: cannot be read"),
    ],
)
def test_what_is_no_image_is_named_by_its_index(
    detector: Detector, image: object, text: str
) -> None:
    with pytest.raises((ImageError, TypeError), match=text) as caught:
        detector.score([picture(), image])
    assert isinstance(caught.value, ImageError) or not isinstance(image, (np.ndarray, bytes))
    assert "\n" not in str(caught.value)


def test_arrays_of_the_right_kinds_are_images(small: Detector) -> None:
    grey = np.asarray(picture(240, 240).convert("L"))
    same = [grey, grey[:, :, None], np.stack([grey] * 3, axis=2)]
    assert len(set(small.score(same).tolist())) == 1
    assert np.array_equal(small.score(np.stack([same[2]] * 2)), small.score(same[:2]))
    assert small.score(np.stack([grey, grey])).shape == (2,)


@pytest.mark.parametrize(
    "lone",
    ["a.png", b"bytes", Path("a.png"), picture(), np.asarray(picture()), np.zeros((8, 8))],
    ids=["text", "bytes", "path", "image", "array", "grey"],
)
def test_a_lone_image_asks_for_a_list(detector: Detector, lone: object) -> None:
    with pytest.raises(
        TypeError, match=r"score takes several images, not one .*: put it in a list"
    ):
        detector.score(lone)


@pytest.mark.parametrize("other", [None, 3, ["a.png"], torch.zeros(3, 8, 8)])
def test_what_is_of_no_kind_of_image_is_a_type_error(detector: Detector, other: object) -> None:
    with pytest.raises(TypeError, match=r"image 1: .* is no image; give a Pillow image"):
        detector.score([picture(), other])


def test_devices_that_are_not_here_are_named() -> None:
    with pytest.raises(UsageError, match="device 'cuda:99' is not available"):
        Detector.load(device="cuda:99")
    with pytest.raises(UsageError, match="precision 'int4' is unknown"):
        Detector.load(device="cpu", precision="int4")
