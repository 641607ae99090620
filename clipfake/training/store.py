"""Decoded training images in one memory-mapped file, so that the CPU is left to the encoder."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from clipfake.errors import ErrorCode, ImageError
from clipfake.imaging.decode import thumbnail
from clipfake.imaging.limits import Limits, time_limit

SHORT_SIDE = 352
_PIXELS, _INDEX = "pixels.u8", "images.json"

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class StoredImage:
    """Where an image lies in the store, or why it does not.

    Attributes:
        offset: first byte.
        height: rows.
        width: pixels of a row.
        sha256: of the file it was decoded from, hex; empty when that could not be read.
        error: one line; empty for an image that is there.
    """

    offset: int
    height: int
    width: int
    sha256: str
    error: str = ""


class ImageStore:
    """RGB images, uint8, read without copying the file into memory.

    Attributes:
        images: one a path given, in order, also for those that could not be decoded.
    """

    def __init__(self, path: Path, images: Sequence[StoredImage]) -> None:
        self.images = images
        self._path = path
        self._bytes: Pixels | None = None

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, row: int) -> Image.Image:
        """One image, RGB."""
        if self._bytes is None:
            self._bytes = np.memmap(self._path, dtype=np.uint8, mode="r")
        image = self.images[row]
        end = image.offset + image.height * image.width * 3
        flat = self._bytes[image.offset : end]
        return Image.fromarray(np.array(flat).reshape(image.height, image.width, 3))

    def part(self, rows: Sequence[int]) -> "ImageStore":
        """A store of some of the images, in the order of ``rows``."""
        return ImageStore(self._path, [self.images[row] for row in rows])

    def __getstate__(self) -> dict[str, object]:
        """Without the map: each worker process opens its own."""
        return {**self.__dict__, "_bytes": None}


class _Decoder(Dataset[tuple[Pixels | None, str, str]]):
    def __init__(self, paths: Sequence[str], short_side: int, limits: Limits) -> None:
        self.paths, self.short_side, self.limits = paths, short_side, limits

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> tuple[Pixels | None, str, str]:
        path, digest = self.paths[row], ""
        try:
            with time_limit(self.limits.seconds):
                data = _read(path, self.limits)
                digest = hashlib.sha256(data).hexdigest()
                return np.array(thumbnail(data, self.short_side, self.limits)), digest, ""
        except ImageError as error:
            return None, digest, f"{path}: {error}"


def build_store(
    paths: Sequence[str], folder: Path, *, workers: int, short_side: int = SHORT_SIDE
) -> Iterator[int]:
    """Decode images into ``folder``; ``open_store`` then reads them.

    Yields:
        How many images are done, after each.
    """
    loader = DataLoader(
        _Decoder(paths, short_side, Limits()),
        batch_size=None,
        num_workers=workers,
        prefetch_factor=16 if workers else None,
    )
    offset, images = 0, []
    (folder / _INDEX).unlink(missing_ok=True)
    with (folder / _PIXELS).open("wb") as file:
        for pixels, digest, error in loader:
            height, width = (0, 0) if pixels is None else pixels.shape[:2]
            images.append((offset, height, width, digest, error))
            if pixels is not None:
                offset += file.write(np.ascontiguousarray(pixels).data)
            yield len(images)
    index = {"paths": list(paths), "images": images}
    (folder / _INDEX).write_text(json.dumps(index))


def open_store(folder: Path, paths: Sequence[str]) -> ImageStore | None:
    """Open what ``build_store`` wrote; None when there is none, or one of other paths."""
    try:
        index = json.loads((folder / _INDEX).read_text())
    except (OSError, ValueError):
        return None
    if index["paths"] != list(paths):
        return None
    return ImageStore(folder / _PIXELS, [StoredImage(*image) for image in index["images"]])


def _read(path: str, limits: Limits) -> bytes:
    file = Path(path)
    try:
        if not file.is_file():
            raise ImageError(ErrorCode.MISSING, "no such file; check the path")
        if file.stat().st_size > limits.bytes:
            raise ImageError(ErrorCode.TOO_LARGE, f"over the limit of {limits.bytes} bytes")
        return file.read_bytes()
    except OSError as error:
        raise ImageError(ErrorCode.UNREADABLE, f"cannot be read ({error.strerror})") from error
