"""Scores of images."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from clipfake import Detector
from clipfake.errors import ImageError, UsageError
from tests.conftest import EXAMPLES, encoded, picture


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector.load(device="cpu")


def test_all_kinds_of_input_give_the_same_score(detector: Detector, tmp_path: Path) -> None:
    image = picture(300, 260)
    data = encoded(image)
    path = tmp_path / "a.png"
    path.write_bytes(data)
    scores = detector.score([image, np.asarray(image), data, str(path), path])
    assert scores.dtype == np.float32
    assert len(set(scores.tolist())) == 1
    assert 0.0 <= scores[0] <= 1.0


def test_scores_do_not_depend_on_the_batch(detector: Detector) -> None:
    images = [picture(240, 240, seed) for seed in range(5)]
    whole = detector.score(images)
    alone = np.concatenate([detector.score([image]) for image in images])
    assert np.abs(whole - alone).max() <= 1e-4
    assert len(set(whole.tolist())) == 5


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


def test_out_of_memory_halves_the_batch_and_loses_nothing(
    detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clipfake.detector import detector as module

    real, sizes = module.class_tokens, []

    def greedy(backbone: object, pixels: torch.Tensor, blocks: list[int]) -> torch.Tensor:
        sizes.append(len(pixels))
        if len(pixels) > 2:
            raise torch.OutOfMemoryError("out of memory")
        return real(backbone, pixels, blocks)

    images = [picture(240, 240, seed) for seed in range(5)]
    expected = detector.score(images)
    small = Detector(detector.backbone, detector.adapter, device="cpu", batch_size=8)
    monkeypatch.setattr(module, "class_tokens", greedy)
    assert np.abs(small.score(images) - expected).max() <= 1e-4
    assert sizes == [5, 4, 2, 2, 2]  # the last image is encoded twice
    assert small.batch_size == 2


def test_a_lone_image_scores_as_it_does_beside_others(detector: Detector) -> None:
    images = [picture(240, 240, seed) for seed in range(3)]
    together = detector.score(images)
    assert [float(detector.score([image])[0]) for image in images] == together.tolist()


def test_memory_that_one_image_needs_is_an_error(
    detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clipfake.detector import detector as module

    def never(*_: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(module, "class_tokens", never)
    with pytest.raises(torch.OutOfMemoryError):
        Detector(detector.backbone, detector.adapter, device="cpu").score([picture()])


def test_no_images_give_no_scores(detector: Detector) -> None:
    assert detector.score([]).shape == (0,)


def test_broken_and_absent_files_raise(detector: Detector, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="truncated"):
        detector.score([EXAMPLES / "broken.jpg"])
    with pytest.raises(ImageError, match="cannot be read"):
        detector.score([tmp_path / "none.jpg"])


def test_devices_that_are_not_here_are_named() -> None:
    with pytest.raises(UsageError, match="device 'cuda:99' is not available"):
        Detector.load(device="cuda:99")
    with pytest.raises(UsageError, match="precision 'int4' is unknown"):
        Detector.load(device="cpu", precision="int4")
