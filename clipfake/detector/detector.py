"""The detector: images in, calibrated scores out."""

import os
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch.nn import functional

from clipfake.detector.adapter import Adapter
from clipfake.detector.adapter_file import DEFAULT_ADAPTER, load_adapter
from clipfake.detector.arithmetic import Arithmetic
from clipfake.detector.backbone import Backbone, load_backbone
from clipfake.detector.calibration import DecisionRule
from clipfake.detector.device import (
    is_out_of_memory,
    pick_batch_size,
    pick_device,
    pick_precision,
)
from clipfake.detector.encoder import ready_encoder
from clipfake.detector.looks import Looks
from clipfake.detector.second_look import Sight, mean_tokens
from clipfake.errors import ErrorCode, ImageError
from clipfake.imaging.decode import Views, decode, to_views
from clipfake.imaging.limits import Limits
from clipfake.records import Attribution

_CHANNELS = ((3,), (4,))  # of an array [H, W, C]

Pixels = npt.NDArray[np.uint8]
ImageLike = Image.Image | npt.NDArray[np.uint8] | bytes | str | os.PathLike[str]


class Detector:
    """A backbone with an adapter, on a device.

    Attributes:
        adapter: head, calibration, operating points and preprocessing.
        backbone: the image tower, with the adapter's LoRA merged.
        device: where the tower runs.
        precision: dtype of its matrix products.
        arithmetic: all that decides how scores round; the encoder always gets micro-batches of
            its size, the last one padded, so that a score does not depend on the batch.
        batch_size: images that are moved to the device at once; halved, down to a micro-batch,
            when it runs out of memory.
        generators: tells generators apart; None where the adapter has nothing that does.
        looks: which looks at a picture are taken.
    """

    def __init__(
        self,
        backbone: Backbone,
        adapter: Adapter,
        *,
        device: str = "auto",
        precision: str = "auto",
        batch_size: int | None = None,
        micro_batch: int | None = None,
        looks: str = Looks.AUTO.value,
    ) -> None:
        """Put a backbone on a device; see ``load`` for the usual way.

        Raises:
            AdapterError: the adapter was made for another backbone.
            UsageError: the device, precision or looks are not available.
        """
        adapter.check_fits(backbone)
        self.adapter = adapter
        self.looks = adapter.looks(Looks(looks))
        self.backbone = adapter.tune(backbone)
        self.device = pick_device(device)
        self.precision = pick_precision(precision, self.device)
        self.arithmetic = Arithmetic.here(self.device, self.precision, micro_batch)
        self.batch_size = batch_size or pick_batch_size(self.device)
        self.generators = adapter.generator_head
        self._encoder = ready_encoder(
            self.backbone, self.device, self.precision, self.arithmetic.micro_batch
        )

    def __getstate__(self) -> dict[str, Any]:
        # weights that are laid out for this processor cannot leave it
        return {name: value for name, value in vars(self).items() if name != "_encoder"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        micro_batch = self.arithmetic.micro_batch
        self.arithmetic = Arithmetic.here(self.device, self.precision, micro_batch)
        self._encoder = ready_encoder(self.backbone, self.device, self.precision, micro_batch)

    @classmethod
    def load(
        cls,
        adapter: str | os.PathLike[str] | None = None,
        *,
        backbone: str | None = None,
        device: str = "auto",
        precision: str = "auto",
        batch_size: int | None = None,
        micro_batch: int | None = None,
        looks: str = Looks.AUTO.value,
        allow_download: bool = False,
    ) -> "Detector":
        """Load the default detector, or another adapter or backbone.

        Args:
            adapter: adapter file; None is the one in the package.
            backbone: ``ARCHITECTURE/TAG``; None is the one that the adapter fits.
            device: ``auto``, ``cpu``, ``cuda``, ``mps``, ...
            precision: ``auto``, ``fp32`` or ``bf16``.
            batch_size: images moved to the device at once; None suits it.
            micro_batch: images that the encoder is given at once, to score as another machine
                does; None is what every scan on such a device has.
            looks: ``first``, ``auto`` or ``all``; see ``Looks``.
            allow_download: fetch a backbone that is not on this machine.

        Raises:
            AdapterError: the adapter cannot be read, or fits another backbone.
            BackboneError: the backbone is unknown or absent.
            UsageError: the device, precision or looks are not available.
        """
        loaded = load_adapter(Path(adapter) if adapter else DEFAULT_ADAPTER)
        tower = load_backbone(backbone or loaded.backbone, allow_download=allow_download)
        loaded.check_fits(tower)
        tower = loaded.tune(tower, in_place=True)
        return cls(
            tower,
            loaded,
            device=device,
            precision=precision,
            batch_size=batch_size,
            micro_batch=micro_batch,
            looks=looks,
        )

    @property
    def tiled(self) -> bool:
        """Whether tiles are cut out of pictures, beside the centre square."""
        return self.looks is not Looks.FIRST

    def rule(self, *, fpr: float | None = None, threshold: float | None = None) -> DecisionRule:
        """The adapter's decision rule for the looks that are taken; see ``Adapter.rule``."""
        return self.adapter.rule(fpr=fpr, threshold=threshold, looks=self.looks)

    @property
    def at_once(self) -> int:
        """Images that fill whole micro-batches, at least as many as ``batch_size``."""
        micro = self.arithmetic.micro_batch
        return -(-self.batch_size // micro) * micro

    def score(self, images: Iterable[ImageLike]) -> npt.NDArray[np.float32]:
        """Score images.

        Args:
            images: Pillow images, uint8 arrays ``[H, W, 3]`` or ``[H, W]``, encoded bytes, or
                paths; consumed lazily.

        Returns:
            float32 ``[N]``, the calibrated probability, 0..1, that each is AI-generated.

        Raises:
            ImageError: an image cannot be decoded, or is an array of another kind; the message
                names its index. ``clipfake.scan`` reports such files instead.
            TypeError: one image instead of several, or something that is none.
        """
        if isinstance(images, (str, os.PathLike, bytes, bytearray, Image.Image)):
            kind = type(images).__name__
            raise TypeError(f"score takes several images, not one {kind}: put it in a list")
        if isinstance(images, np.ndarray) and (images.ndim < 3 or images.shape[2:] in _CHANNELS):
            raise TypeError("score takes several images, not one array: put it in a list")
        stream = enumerate(images)
        scores = [np.empty(0, dtype=np.float32)]
        while batch := list(islice(stream, self.at_once)):
            views = [self._numbered(index, image) for index, image in batch]
            pixels = torch.from_numpy(np.stack([each.square for each in views]))
            scores.append(self.look(pixels, [each.tiles for each in views]).scores)
        return np.concatenate(scores)

    def score_pixels(self, pixels: torch.Tensor) -> npt.NDArray[np.float32]:
        """Score centre squares alone, by the first look.

        Args:
            pixels: uint8 RGB ``[N, 3, S, S]``, S the preprocessing's size.

        Returns:
            float32 ``[N]``, calibrated probabilities.
        """
        adapter = self.adapter
        logits = adapter.head(self.tokens(pixels, adapter.blocks))
        return adapter.calibration(logits).astype(np.float32)

    def look(self, pixels: torch.Tensor, tiles: Sequence[Pixels | None] = ()) -> Sight:
        """Look at pictures that are cut already.

        Args:
            pixels: centre squares, uint8 RGB ``[N, 3, S, S]``, S the preprocessing's size.
            tiles: ``[N]``, tiles of each picture, uint8 RGB ``[T, 3, S, S]``; may be left out where
                only the first look is taken.

        Raises:
            ValueError: a second look is to be taken, and there are no tiles.
        """
        adapter = self.adapter
        tokens = self.tokens(pixels, adapter.blocks)
        logits = adapter.head(tokens)
        first = adapter.calibration(logits).astype(np.float32)
        second = np.full(first.shape, np.nan, dtype=np.float32)
        teller = self.generators
        embedded = None if teller is None else teller.embed(tokens, adapter.blocks)
        if adapter.second_look is not None:
            wanted = np.flatnonzero(adapter.second_look.wanted(first, self.looks)).tolist()
            cut = [tiles[row] if row < len(tiles) else None for row in wanted]
            if wanted:
                whole = adapter.tiles_head(self._tile_tokens(cut))
                second[wanted] = adapter.second_look.scores(logits[wanted], whole)
        return Sight(first, second, embedded)

    def attributions(self, seen: Sight) -> list[Attribution | None]:
        """Which generator each picture looks like, whatever its score; None without such a head."""
        if self.generators is None or seen.embedded is None:
            return [None] * len(seen.first)
        return [*self.generators.answers(seen.embedded)]

    def _tile_tokens(self, tiles: Sequence[Pixels | None]) -> torch.Tensor:
        """Mean tokens of pictures' tiles, float32 ``[N, K, W]``."""
        cut = [each for each in tiles if each is not None]
        if len(cut) < len(tiles):
            raise ValueError("a second look needs a picture's tiles")
        pixels = torch.from_numpy(np.concatenate(cut))
        if self.device.type == "cuda":  # page-locked only now: of most pictures none are looked at
            pixels = pixels.pin_memory()
        tokens = self.tokens(pixels, self.adapter.blocks)
        return mean_tokens(tokens, [len(each) for each in cut])

    def tokens(self, pixels: torch.Tensor, blocks: Iterable[int]) -> torch.Tensor:
        """Class tokens of some blocks.

        Args:
            pixels: uint8 RGB ``[N, 3, S, S]``.
            blocks: whose tokens are wanted, by number; 1 is the first.

        Returns:
            float32 ``[N, K, W]`` on the CPU, by ascending number of the block.

        Raises:
            RuntimeError: the device has not the memory for one micro-batch.
        """
        wanted, done, start = sorted(blocks), [], 0
        while start < len(pixels):
            part = pixels[start : start + self.at_once]
            try:
                with torch.inference_mode():
                    moved = part.to(self.device, non_blocking=True)
                    done.append(self._encode(moved, wanted))
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error) or self.batch_size <= self.arithmetic.micro_batch:
                    raise
                self.batch_size = max(self.arithmetic.micro_batch, self.batch_size // 2)
                continue
            start += len(part)
        return torch.cat(done)

    def _encode(self, pixels: torch.Tensor, blocks: list[int]) -> torch.Tensor:
        """Tokens of images on the device, by micro-batches that all have one shape."""
        size, tokens = self.arithmetic.micro_batch, []
        for some in torch.split(pixels, size):
            # one image often comes alone; zeros cost what images do, and change nothing beside them
            padded = functional.pad(some, (0, 0, 0, 0, 0, 0, 0, size - len(some)))
            tokens.append(self._encoder(padded, blocks)[: len(some)])
        return torch.cat(tokens).cpu()

    def _numbered(self, index: int, image: ImageLike) -> Views:
        try:
            return self._views(image)
        except ImageError as error:
            raise ImageError(error.code, f"image {index}: {error}") from error
        except TypeError as error:
            raise TypeError(f"image {index}: {error}") from error

    def _views(self, image: ImageLike) -> Views:
        preprocessing, tiled = self.adapter.preprocessing, self.tiled
        if isinstance(image, np.ndarray):
            image = _from_array(image)
        if isinstance(image, Image.Image):
            if not image.width or not image.height:
                raise ImageError(ErrorCode.DAMAGED, "an image without pixels")
            try:
                return to_views(image, preprocessing, tiled=tiled)[0]
            except OSError as error:  # Pillow reads a file's pixels when they are asked for
                raise ImageError(ErrorCode.DAMAGED, f"cannot be decoded ({error})") from error
        if isinstance(image, (bytes, bytearray, memoryview)):
            return decode(bytes(image), preprocessing, Limits(), tiled=tiled).views
        if not isinstance(image, (str, os.PathLike)):
            raise TypeError(
                f"{type(image).__name__} is no image; give a Pillow image, a uint8 array, bytes or "
                "a path"
            )
        try:
            data = Path(image).read_bytes()
        except OSError as error:
            raise ImageError(
                ErrorCode.UNREADABLE, f"{image}: cannot be read ({error.strerror})"
            ) from error
        except ValueError as error:
            raise ImageError(ErrorCode.MISSING, f"{image!r}: no file can have this name") from error
        return decode(data, preprocessing, Limits(), tiled=tiled).views


def _from_array(array: npt.NDArray[Any]) -> Image.Image:
    """A Pillow image of an array ``[H, W]``, ``[H, W, 1]``, ``[H, W, 3]`` or ``[H, W, 4]``, uint8.

    Raises:
        ImageError: it is none of these.
    """
    shape = "x".join(map(str, array.shape)) or "()"
    wanted = "give uint8 [H, W, 3] or [H, W]"
    if array.dtype != np.uint8:
        raise ImageError(ErrorCode.UNSUPPORTED, f"an array of {array.dtype}; {wanted}, 0 to 255")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    fitting = array.ndim == 2 or array.shape[2:] in _CHANNELS
    if not fitting:
        raise ImageError(ErrorCode.UNSUPPORTED, f"an array of shape {shape}; {wanted}")
    if not array.size:
        raise ImageError(ErrorCode.DAMAGED, f"an array of shape {shape} has no pixels; {wanted}")
    return Image.fromarray(array)
