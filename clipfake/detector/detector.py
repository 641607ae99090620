"""The detector: images in, calibrated scores out."""

import os
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch.nn import functional

from clipfake.detector.adapter import DEFAULT_ADAPTER, Adapter, load_adapter
from clipfake.detector.arithmetic import Arithmetic
from clipfake.detector.backbone import Backbone, class_tokens, load_backbone
from clipfake.detector.device import (
    encoding,
    is_out_of_memory,
    pick_batch_size,
    pick_device,
    pick_precision,
)
from clipfake.errors import ErrorCode, ImageError
from clipfake.imaging.decode import decode, to_pixels
from clipfake.imaging.limits import Limits

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
    ) -> None:
        """Put a backbone on a device; see ``load`` for the usual way.

        Raises:
            AdapterError: the adapter was made for another backbone.
            UsageError: the device or precision is not available.
        """
        adapter.check_fits(backbone)
        self.adapter = adapter
        self.backbone = adapter.tune(backbone)
        self.device = pick_device(device)
        self.precision = pick_precision(precision, self.device)
        self.arithmetic = Arithmetic.here(self.device, self.precision, micro_batch)
        self.batch_size = batch_size or pick_batch_size(self.device)
        self.backbone.visual.to(self.device)

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
            allow_download: fetch a backbone that is not on this machine.

        Raises:
            AdapterError: the adapter cannot be read, or fits another backbone.
            BackboneError: the backbone is unknown or absent.
            UsageError: the device or precision is not available.
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
        )

    def score(self, images: Iterable[ImageLike]) -> npt.NDArray[np.float32]:
        """Score images.

        Args:
            images: Pillow images, uint8 arrays ``[H, W, 3]`` or ``[H, W]``, encoded bytes, or
                paths; consumed lazily.

        Returns:
            float32 ``[N]``, the calibrated probability, 0..1, that each is AI-generated.

        Raises:
            ImageError: an image cannot be decoded; ``clipfake.scan`` reports such files
                instead.
        """
        stream = iter(images)
        scores = [np.empty(0, dtype=np.float32)]
        while batch := list(islice(stream, self.batch_size)):
            pixels = np.stack([self._to_pixels(image) for image in batch])
            scores.append(self.score_pixels(torch.from_numpy(pixels)))
        return np.concatenate(scores)

    def score_pixels(self, pixels: torch.Tensor) -> npt.NDArray[np.float32]:
        """Score squares that are cut already.

        Args:
            pixels: uint8 RGB ``[N, 3, S, S]``, S the preprocessing's size.

        Returns:
            float32 ``[N]``, calibrated probabilities.
        """
        logits = self.adapter.head(self.tokens(pixels, self.adapter.blocks))
        return self.adapter.calibration(logits).astype(np.float32)

    def tokens(self, pixels: torch.Tensor, blocks: Iterable[int]) -> torch.Tensor:
        """Class tokens of the named blocks.

        Args:
            pixels: uint8 RGB ``[N, 3, S, S]``.
            blocks: block numbers, 1 is the first.

        Returns:
            float32 ``[N, K, W]`` on the CPU.

        Raises:
            RuntimeError: the device has not the memory for one micro-batch.
        """
        wanted, done, start = sorted(blocks), [], 0
        while start < len(pixels):
            part = pixels[start : start + self.batch_size]
            try:
                with encoding(self.device, self.precision):
                    done.append(self._encode(part.to(self.device, non_blocking=True), wanted))
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error) or self.batch_size <= self.arithmetic.micro_batch:
                    raise
                self.batch_size = max(self.arithmetic.micro_batch, self.batch_size // 2)
                continue
            start += len(part)
        return torch.cat(done)

    def _encode(self, pixels: torch.Tensor, blocks: list[int]) -> torch.Tensor:
        """Class tokens of images on the device, by micro-batches that all have one shape."""
        size, tokens = self.arithmetic.micro_batch, []
        for some in torch.split(pixels, size):
            # one image often comes alone; zeros cost what images do, and change nothing beside them
            padded = functional.pad(some, (0, 0, 0, 0, 0, 0, 0, size - len(some)))
            tokens.append(class_tokens(self.backbone, padded, blocks)[: len(some)])
        return torch.cat(tokens).cpu()

    def _to_pixels(self, image: ImageLike) -> npt.NDArray[np.uint8]:
        preprocessing = self.adapter.preprocessing
        if isinstance(image, np.ndarray):
            image = Image.fromarray(image)
        if isinstance(image, Image.Image):
            return to_pixels(image, preprocessing)[0]
        if isinstance(image, bytes):
            return decode(image, preprocessing, Limits()).pixels
        try:
            data = Path(image).read_bytes()
        except OSError as error:
            raise ImageError(
                ErrorCode.UNREADABLE, f"{image}: cannot be read ({error.strerror})"
            ) from error
        return decode(data, preprocessing, Limits()).pixels
