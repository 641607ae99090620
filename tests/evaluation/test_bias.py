"""What the files alone tell of the label."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clipfake.evaluation.bias import audit, file_features, of_features, out_of_fold
from clipfake.sources.labelled import Example
from tests.conftest import picture


def test_features_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[0x010F] = "maker"
    picture(60, 40).save(path, quality=50, subsampling=2, exif=exif)
    found = file_features(path)
    assert (found["width"], found["height"], found["pixels"]) == (60, 40, 2400)
    assert found["aspect"] == 1.5
    assert (found["is JPEG"], found["is PNG"], found["is WebP"]) == (1, 0, 0)
    assert (found["has EXIF"], found["has ICC profile"]) == (1, 0)
    assert found["subsampling"] == 2
    assert found["bytes"] == path.stat().st_size
    picture(60, 40).save(tmp_path / "b.jpg", quality=90)
    assert file_features(tmp_path / "b.jpg")["luminance table"] < found["luminance table"]
    picture(60, 40).save(tmp_path / "c.png")
    assert file_features(tmp_path / "c.png")["luminance table"] == -1


def examples(tmp_path: Path, forms: tuple[str, str]) -> list[Example]:
    """24 images, each class in its format."""
    found = []
    for number in range(24):
        is_ai = number % 2 == 0
        path = tmp_path / f"{number}.{forms[is_ai]}"
        picture(seed=number).save(path)
        found.append(Example(str(path), is_ai, "g", str(number)))
    return found


def test_a_set_whose_classes_differ_in_format_is_warned_of(tmp_path: Path) -> None:
    found = audit(examples(tmp_path, ("jpg", "png")), draws=50)
    assert found.images == 24
    assert found.auc is not None
    assert found.alone["is PNG"] == found.alone["is JPEG"] == 1.0
    assert next(iter(found.alone.values())) == 1.0


def test_alike_classes_tell_nothing(tmp_path: Path) -> None:
    own = examples(tmp_path, ("png", "png"))
    (tmp_path / "broken.png").write_bytes(b"nothing")
    found = audit([*own, Example(str(tmp_path / "broken.png"), True, "g", "x")], draws=50)
    assert found.images == 24
    assert found.auc is not None
    assert not found.warns
    assert found.alone["is PNG"] == 0.5


def test_trees_find_what_is_there() -> None:
    rng = np.random.default_rng(0)
    is_ai = rng.random(300) < 0.5
    sources = np.arange(300).astype(str)
    told = [{"bytes": float(ai + rng.normal(scale=0.3)), "noise": rng.random()} for ai in is_ai]
    found = of_features(told, is_ai, sources, draws=50)
    assert found.auc is not None
    assert found.auc.value > 0.9
    assert found.warns
    assert list(found.alone) == ["bytes", "noise"]


def test_a_source_is_never_in_both_halves() -> None:
    # the feature is the source's number, so only who saw the source could know its label
    is_ai = np.repeat(np.random.default_rng(0).permutation(20) % 2 == 0, 10)
    number = np.repeat(np.arange(20), 10)
    scores = out_of_fold(number[:, None].astype(float), is_ai, number.astype(str))
    assert abs(scores[is_ai].mean() - scores[~is_ai].mean()) < 0.5


def test_few_sources_are_not_cross_validated(tmp_path: Path) -> None:
    own = [Example(e.path, e.is_ai, "g", "one") for e in examples(tmp_path, ("jpg", "png"))]
    found = audit(own, draws=20)
    assert found.auc is None
    assert not found.warns
    assert found.alone["is PNG"] == pytest.approx(1.0)
