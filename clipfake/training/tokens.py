"""Class tokens of many images, computed once and kept in a file; heads are fitted on them."""

import hashlib
import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch

from clipfake.detector.detector import Detector
from clipfake.errors import ImageError
from clipfake.imaging.decode import Pixels, decode, thumbnail, to_pixels
from clipfake.imaging.limits import Limits
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.scanning.processes.pool import in_order
from clipfake.scanning.processes.worker import quiet_worker
from clipfake.training.augment import augment
from clipfake.training.token_store import TokenStore

AUGMENTED_SIDE = 512  # short side from which augmentation starts, at most


class Change(Protocol):
    """What is done to files first, such as ``clipfake.evaluation.perturbations.Perturbation``."""

    @property
    def name(self) -> str:
        """Says all that decides what is done."""

    def __call__(self, data: bytes) -> bytes:
        """The file of the changed image."""


class View(NamedTuple):
    """A file as one look sees it.

    Attributes:
        path: the file.
        tiled: the second look, at tiles; else the first, at the centre square.
    """

    path: str
    tiled: bool = False

    @property
    def name(self) -> str:
        """The view's name in a store."""
        return f"clean:{'tiles' if self.tiled else 'first'}:{self.path}"


class _Squares:
    """The detector's squares of files, as a scan cuts them, changed or augmented."""

    def __init__(
        self, preprocessing: Preprocessing, augmentation: int | None, change: Change | None
    ) -> None:
        self.preprocessing, self.augmentation = preprocessing, augmentation
        self.change = change

    def __call__(self, paths: Sequence[str]) -> Pixels:
        """Squares of files, uint8 ``[N, 3, S, S]``."""
        squares = []
        for path in paths:
            try:
                squares.append(self._square(Path(path).read_bytes()))
            except ImageError as error:
                raise ImageError(error.code, f"{path}: {error}") from error
        return np.stack(squares)

    def _square(self, data: bytes) -> Pixels:
        data = data if self.change is None else self.change(data)
        if self.augmentation is None:
            return decode(data, self.preprocessing, Limits()).pixels
        # chance depends on the pass and the bytes alone, not on where a file lies
        rng = random.Random(f"{self.augmentation}:{hashlib.sha256(data).hexdigest()}")  # noqa: S311
        image = thumbnail(data, AUGMENTED_SIDE, Limits())
        changed = augment(image, rng, harsh=self.augmentation % 2 == 1)
        return to_pixels(changed, self.preprocessing)[0]


def cached_tokens(
    detector: Detector,
    paths: Sequence[str],
    file: Path,
    *,
    augmentation: int | None = None,
    change: Change | None = None,
    workers: int = 1,
    show: Callable[[int, int], None] = lambda _done, _total: None,
) -> torch.Tensor:
    """Tokens of the blocks that the detector's head reads, from ``file`` if it holds them.

    Args:
        detector: whose backbone computes them.
        paths: image files; each must be readable.
        file: ``.npy``, with its key beside it in a ``.json``.
        augmentation: number of an augmented pass, odd ones harsh; None for the squares that a
            scan sees.
        change: what is done to each file first.
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
        **({} if change is None else {"change": change.name}),
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
        squares, size = _Squares(adapter.preprocessing, augmentation, change), detector.batch_size
        names = [paths[row] for row in missing]
        batches = [names[start : start + size] for start in range(0, len(names), size)]
        done = 0
        for pixels in in_order(squares, batches, workers=workers, prepare=quiet_worker):
            rows = missing[done : done + len(pixels)]
            tokens[rows] = detector.tokens(torch.from_numpy(pixels), adapter.blocks).numpy()
            done += len(pixels)
            show(done, len(missing))
        key_file.unlink(missing_ok=True)  # so that a torn write is never taken for whole
        np.save(file, tokens)
        key_file.write_text(json.dumps(key))
    return torch.from_numpy(np.load(file, mmap_mode="c"))


def open_token_store(detector: Detector, folder: Path) -> TokenStore:
    """A store of tokens that a detector's tower makes; see ``TokenStore``."""
    adapter = detector.adapter
    made_by = {
        "tower": detector.backbone.digest,
        "lora": adapter.lora_digest,
        "blocks": list(adapter.blocks),
        "precision": str(detector.precision),
        "encoder": detector.arithmetic.encoder,
    }
    return TokenStore(folder, made_by, (len(adapter.blocks), detector.backbone.width))


def fill_token_store(
    detector: Detector,
    store: TokenStore,
    views: Iterable[View],
    *,
    workers: int = 1,
    show: Callable[[int, int], None] = lambda _done, _total: None,
) -> None:
    """Compute the tokens of views that a store has not.

    Args:
        detector: whose tower computes them.
        store: what they are appended to.
        views: of files that can be decoded.
        workers: decoding processes.
        show: called with views done and in all.

    Raises:
        ImageError: an image cannot be decoded.
        OSError: an image cannot be read.
    """
    missing = [view for view in views if view.name not in store]
    cut = in_order(
        _Cut(detector.adapter.preprocessing), missing, workers=workers, prepare=quiet_worker
    )
    done = 0
    for some in _batches(zip(missing, cut, strict=True), detector.at_once):
        pixels = torch.from_numpy(np.concatenate([squares for _, squares in some]))
        tokens = detector.tokens(pixels, detector.adapter.blocks).half().numpy()
        ends = np.cumsum([len(squares) for _, squares in some])[:-1]
        store.add([view.name for view, _ in some], np.split(tokens, ends))
        done += len(some)
        show(done, len(missing))


def _batches(cut: Iterable[tuple[View, Pixels]], least: int) -> Iterator[list[tuple[View, Pixels]]]:
    """Views with their squares, in lists of at least so many squares, but for the last."""
    some, count = [], 0
    for view, squares in cut:
        some.append((view, squares))
        count += len(squares)
        if count >= least:
            yield some
            some, count = [], 0
    if some:
        yield some


class _Cut:
    """What a view shows, uint8 ``[n, 3, S, S]``."""

    def __init__(self, preprocessing: Preprocessing) -> None:
        self.preprocessing = preprocessing

    def __call__(self, view: View) -> Pixels:
        try:
            data = Path(view.path).read_bytes()
            views = decode(data, self.preprocessing, Limits(), tiled=view.tiled).views
        except ImageError as error:
            raise ImageError(error.code, f"{view.path}: {error}") from error
        return views.square[None] if views.tiles is None else views.tiles


def _digest(tensors: dict[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode() + tensors[name].half().contiguous().numpy().tobytes())
    return digest.hexdigest()
