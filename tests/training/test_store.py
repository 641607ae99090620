"""Decoded training images in one file."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clipfake.training.store import ImageStore, build_store, open_store
from tests.conftest import picture


def built(paths: list[str], folder: Path, workers: int = 0) -> ImageStore:
    assert list(build_store(paths, folder, workers=workers)) == list(range(1, len(paths) + 1))
    store = open_store(folder, paths)
    assert store is not None
    return store


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    (tmp_path / "in").mkdir()
    picture(40, 30, seed=1).save(tmp_path / "in" / "small.png")
    picture(900, 704, seed=2).save(tmp_path / "in" / "large.png")
    turned = Image.Exif()
    turned[0x0112] = 6
    picture(40, 30, seed=3).save(tmp_path / "in" / "turned.png", exif=turned)
    clear = picture(20, 20).convert("RGBA")
    clear.putalpha(0)
    clear.save(tmp_path / "in" / "clear.png")
    (tmp_path / "in" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    names = ("small", "absent", "large", "turned", "broken", "clear")
    return [str(tmp_path / "in" / f"{name}.png") for name in names]


@pytest.mark.parametrize("workers", [0, 1])
def test_images_come_back_as_they_were_decoded(
    paths: list[str], tmp_path: Path, workers: int
) -> None:
    store = built(paths, tmp_path, workers)
    assert np.array_equal(np.asarray(store[0]), np.asarray(picture(40, 30, seed=1)))
    assert store[2].size == (450, 352)
    upright = picture(40, 30, seed=3).transpose(Image.Transpose.ROTATE_270)
    assert np.array_equal(np.asarray(store[3]), np.asarray(upright))
    assert np.asarray(store[5]).min() == 255  # alpha is laid on white


def test_what_cannot_be_read_keeps_its_place_and_says_why(paths: list[str], tmp_path: Path) -> None:
    store = built(paths, tmp_path)
    assert len(store) == 6
    errors = {row: image.error for row, image in enumerate(store.images) if image.error}
    assert set(errors) == {1, 4}
    assert "absent.png: no such file" in errors[1]
    assert "broken.png: " in errors[4]
    assert store.images[1].sha256 == ""
    assert len(store.images[4].sha256) == 64


def test_part_takes_rows_and_survives_a_trip_to_another_process(
    paths: list[str], tmp_path: Path
) -> None:
    store = built(paths, tmp_path)
    part = store.part([5, 0])
    again = pickle.loads(pickle.dumps(part))
    assert len(part) == len(again) == 2
    assert np.array_equal(np.asarray(again[1]), np.asarray(store[0]))
    assert again[0].size == (20, 20)


def test_a_store_of_other_paths_is_not_opened(paths: list[str], tmp_path: Path) -> None:
    assert open_store(tmp_path, paths) is None
    built(paths, tmp_path)
    assert open_store(tmp_path, paths[:-1]) is None
    (tmp_path / "images.json").write_text("{")
    assert open_store(tmp_path, paths) is None
