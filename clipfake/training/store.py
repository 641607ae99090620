"""Decoded training images in one memory-mapped file, so that the CPU is left to the encoder."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from clipfake.errors import ErrorCode, ImageError
from clipfake.imaging.decode import thumbnail
from clipfake.imaging.limits import Limits, time_limit
from clipfake.scanning.processes.confine import watchdog
from clipfake.scanning.processes.pool import in_order
from clipfake.scanning.processes.worker import prepare_worker

SHORT_SIDE = 352
TILED_SIDE = 448  # where a second look is taken, whose tiles show a picture at that side
_AHEAD = 16  # images that a decoding process is ahead
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


_Decoded = tuple[Pixels | None, str, str]  # pixels, digest and error


def _decode(short_side: int, limits: Limits, path: str) -> _Decoded:
    digest = ""
    try:
        with time_limit(limits.seconds):
            data = _read(path, limits)
            digest = hashlib.sha256(data).hexdigest()
            return np.array(thumbnail(data, short_side, limits)), digest, ""
    except ImageError as error:
        return None, digest, f"{path}: {error}"


def _decode_watched(short_side: int, limits: Limits, path: str) -> _Decoded:
    with watchdog(limits.patience):  # ends the worker process
        return _decode(short_side, limits, path)


def _not_decoded(path: str) -> _Decoded:
    return None, "", f"{path}: the decoder crashed on it, or never came back; leave it out"


def build_store(
    paths: Sequence[str], folder: Path, *, workers: int, short_side: int = SHORT_SIDE
) -> Iterator[int]:
    """Decode images into ``folder``; ``open_store`` then reads them.

    Yields:
        How many images are done, after each.
    """
    limits = Limits()
    decoded = in_order(
        partial(_decode_watched if workers else _decode, short_side, limits),
        paths,
        workers=workers,
        prepare=partial(prepare_worker, limits),
        rescue=_not_decoded,
        ahead=_AHEAD,
    )
    offset, images = 0, []
    (folder / _INDEX).unlink(missing_ok=True)
    with (folder / _PIXELS).open("wb") as file:
        for pixels, digest, error in decoded:
            height, width = (0, 0) if pixels is None else pixels.shape[:2]
            images.append((offset, height, width, digest, error))
            if pixels is not None:
                offset += file.write(np.ascontiguousarray(pixels).data)
            yield len(images)
    index = {"paths": list(paths), "images": images, "short_side": short_side}
    (folder / _INDEX).write_text(json.dumps(index))


def open_store(
    folder: Path, paths: Sequence[str], short_side: int = SHORT_SIDE
) -> ImageStore | None:
    """Open what ``build_store`` wrote; None when there is none, or one of other images."""
    try:
        index = json.loads((folder / _INDEX).read_text())
    except (OSError, ValueError):
        return None
    if index["paths"] != list(paths) or index.get("short_side", SHORT_SIDE) != short_side:
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
