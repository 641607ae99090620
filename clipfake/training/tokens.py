"""Tokens of many images, computed once and kept in a file; heads are fitted on them."""

import hashlib
import json
import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from clipfake.detector.detector import Detector
from clipfake.detector.second_look import mean_tokens
from clipfake.errors import ImageError
from clipfake.imaging.decode import Pixels, Views, decode, thumbnail, to_views
from clipfake.imaging.limits import Limits
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.scanning.processes.pool import in_order
from clipfake.scanning.processes.worker import quiet_worker
from clipfake.training.augment import augment
from clipfake.training.chains import CHAINED_SIDE, chain

AUGMENTED_SIDE = 512  # short side from which augmentation starts, at most


class Change(Protocol):
    """What is done to files first, such as ``clipfake.evaluation.perturbations.Perturbation``."""

    @property
    def name(self) -> str:
        """Says all that decides what is done."""

    def __call__(self, data: bytes) -> bytes:
        """The file of the changed image."""


class _Squares:
    """What a look at files sees, as a scan cuts it, changed or augmented."""

    def __init__(
        self,
        preprocessing: Preprocessing,
        augmentation: int | None,
        chained: int | None,
        change: Change | None,
        *,
        tiled: bool,
    ) -> None:
        self.preprocessing, self.augmentation = preprocessing, augmentation
        self.chained, self.change, self.tiled = chained, change, tiled

    def __call__(self, paths: Sequence[str]) -> list[Pixels]:
        """Squares of each file, uint8 ``[T, 3, S, S]``: its tiles, or the centre square alone."""
        squares = []
        for path in paths:
            try:
                views = self._views(Path(path).read_bytes())
            except ImageError as error:
                raise ImageError(error.code, f"{path}: {error}") from error
            squares.append(views.square[None] if views.tiles is None else views.tiles)
        return squares

    def _views(self, data: bytes) -> Views:
        data = data if self.change is None else self.change(data)
        if self.chained is None and self.augmentation is None:
            return decode(data, self.preprocessing, Limits(), tiled=self.tiled).views
        # chance depends on the pass and the bytes alone, not on where a file lies
        digest = hashlib.sha256(data).hexdigest()
        if self.chained is not None:
            image = thumbnail(data, CHAINED_SIDE, Limits())
            changed = chain(image, random.Random(f"chain-{self.chained}:{digest}"))  # noqa: S311
        elif self.augmentation is not None:
            image = thumbnail(data, AUGMENTED_SIDE, Limits())
            rng = random.Random(f"{self.augmentation}:{digest}")  # noqa: S311
            changed = augment(image, rng, harsh=self.augmentation % 2 == 1)
        return to_views(changed, self.preprocessing, tiled=self.tiled)[0]


def cached_tokens(
    detector: Detector,
    paths: Sequence[str],
    file: Path,
    *,
    augmentation: int | None = None,
    chained: int | None = None,
    change: Change | None = None,
    tiled: bool = False,
    workers: int = 1,
    show: Callable[[int, int], None] = lambda _done, _total: None,
) -> torch.Tensor:
    """Tokens that the detector's head reads, from ``file`` if it holds them.

    Args:
        detector: whose backbone computes them.
        paths: image files; each must be readable.
        file: ``.npy``, with its key beside it in a ``.json``.
        augmentation: number of an augmented pass, odd ones harsh; None for the squares that a
            scan sees.
        chained: number of a pass of chains of changes (``chains``), which goes before
            ``augmentation``.
        change: what is done to each file first.
        tiled: of the second look: of each image the mean over its tiles.
        workers: decoding processes.
        show: called with images done and in all.

    Returns:
        float16 ``[N, K, W]``, mapped from the file.

    Raises:
        ImageError: an image cannot be decoded.
        OSError: an image cannot be read.
    """
    adapter, key_file = detector.adapter, file.with_suffix(".json")
    key = {
        "tower": detector.backbone.digest,
        "lora": _digest(adapter.lora),
        "blocks": list(adapter.blocks),
        "preprocessing": adapter.preprocessing.to_header(),
        "precision": str(detector.precision),
        "encoder": detector.arithmetic.encoder,
        "augmentation": augmentation,
        **({} if chained is None else {"chained": chained}),
        **({} if change is None else {"change": change.name}),
        **({"tiled": True} if tiled else {}),
        "paths": list(paths),
    }
    held = json.loads(key_file.read_text()) if key_file.exists() else {}
    if held != key:
        shape = (len(paths), len(adapter.blocks), detector.backbone.width)
        tokens = np.zeros(shape, dtype=np.float16)
        missing = list(range(len(paths)))
        if {**held, "paths": None} == {**key, "paths": None}:
            # data that grow: only the images that are new are computed
            old, at = np.load(file, mmap_mode="r"), {p: row for row, p in enumerate(held["paths"])}
            missing = [row for row, path in enumerate(paths) if path not in at]
            for row in set(range(len(paths))) - set(missing):
                tokens[row] = old[at[paths[row]]]
        squares = _Squares(adapter.preprocessing, augmentation, chained, change, tiled=tiled)
        size = detector.batch_size
        names = [paths[row] for row in missing]
        batches = [names[start : start + size] for start in range(0, len(names), size)]
        done = 0
        for cut in in_order(squares, batches, workers=workers, prepare=quiet_worker):
            rows = missing[done : done + len(cut)]
            pixels = torch.from_numpy(np.concatenate(cut))
            found = detector.tokens(pixels, adapter.blocks)
            tokens[rows] = mean_tokens(found, [len(each) for each in cut]).numpy()
            done += len(cut)
            show(done, len(missing))
        key_file.unlink(missing_ok=True)  # so that a torn write is never taken for whole
        # never in place: another run may have the file mapped
        part = file.with_suffix(f".{os.getpid()}.part")
        with part.open("wb") as written:
            np.save(written, tokens)
        os.replace(part, file)
        key_file.write_text(json.dumps(key))
    return torch.from_numpy(np.load(file, mmap_mode="c"))


def _digest(tensors: dict[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode() + tensors[name].half().contiguous().numpy().tobytes())
    return digest.hexdigest()
