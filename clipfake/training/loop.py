"""The training loop: batches of augmented squares, masked or whole, into one optimiser step each.

Everything that chance decides follows from the seed and the step's number, so a run that is
broken off and resumed makes the same steps as one that is not.
"""

import math
import random
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

from clipfake.detector.tensor_file import TensorFile
from clipfake.errors import UsageError
from clipfake.imaging.decode import Pixels, to_pixels
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.scanning.processes.pool import in_order
from clipfake.scanning.processes.worker import quiet_worker
from clipfake.training.augment import augment
from clipfake.training.contrast import real_contrast
from clipfake.training.model import TrainedDetector
from clipfake.training.sampling import Floats, epoch_order
from clipfake.training.store import ImageStore
from clipfake.training.texture import Masking, Order, choose_kept
from clipfake.training.world import ALONE, World

Model = TypeVar("Model", bound=nn.Module)

_AHEAD = 4  # steps whose squares an augmenting process is ahead
# the copies of each weight: as it is, the running mean, and those that were best
_WEIGHTS = ("now", "mean", "best")
# what AdamW keeps of each weight
_MOMENTS = ("step", "exp_avg", "exp_avg_sq")
# what a checkpoint says beside its tensors and the options
_COUNTS = ("step", "best_score", "best_step", "stale")


@dataclass(frozen=True)
class LoopOptions:
    """How the weights move.

    Attributes:
        steps: optimiser steps in all.
        batch_size: images of a step, half of each class.
        accumulate: parts that a step is split into, to save memory.
        lora_rate: peak learning rate of what is trained of the towers, LoRA or the weights.
        head_rate: peak learning rate of the head.
        warm_up: share of the steps in which rates rise from 0; then they fall as a cosine.
        weight_decay: AdamW's, pulls the encoder towards the frozen one.
        smoothing: label smoothing.
        contrast: weight of the term that pulls real images together.
        average: decay of the running mean of weights that is kept as the result; 0 for none.
        augmented: share of images that are augmented; the others are only mirrored.
        harsh: share of the augmented images that are changed as pictures passed on are.
        masking: which patches are hidden.
        seed: of everything that chance decides.
    """

    steps: int = 1
    batch_size: int = 16
    accumulate: int = 1
    lora_rate: float = 2e-4
    head_rate: float = 1e-4
    warm_up: float = 0.05
    weight_decay: float = 0.05
    smoothing: float = 0.05
    contrast: float = 0.0
    average: float = 0.99
    augmented: float = 0.8
    harsh: float = 0.5
    masking: Masking = field(default_factory=Masking)
    seed: int = 0


class Squares:
    """Squares of training images, each as chance changes it at its place in the order."""

    def __init__(
        self,
        store: ImageStore,
        targets: npt.NDArray[np.bool_ | np.int64],
        preprocessing: Preprocessing,
        options: LoopOptions,
    ) -> None:
        self.store, self.targets = store, targets
        self.preprocessing, self.options = preprocessing, options

    def __call__(self, places: Sequence[tuple[int, int]]) -> tuple[Pixels, Floats]:
        """Squares, uint8 ``[N, 3, S, S]``, and targets of places in the order and their rows."""
        squares = [self._square(position, row) for position, row in places]
        return np.stack(squares), np.array([float(self.targets[row]) for _, row in places])

    def _square(self, position: int, row: int) -> Pixels:
        rng = random.Random(f"{self.options.seed}:{position}")  # noqa: S311
        image = self.store[row]
        if rng.random() < self.options.augmented:
            image = augment(image, rng, harsh=rng.random() < self.options.harsh)
        elif rng.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        pixels, _note = to_pixels(image, self.preprocessing)
        return pixels


@dataclass
class Progress:
    """What happened in a step, or in the steps since the last report.

    Attributes:
        step: steps done.
        loss: mean over the images of the step.
        images: images of the step.
    """

    step: int
    loss: float
    images: int


class Trainer(ABC, Generic[Model]):
    """A model, its optimiser, the running mean of its weights, and how far it has come."""

    def __init__(
        self,
        model: Model,
        groups: list[dict[str, Any]],
        options: LoopOptions,
        patch: int,
        world: World = ALONE,
        task: str = "",
    ) -> None:
        """Start at step 0.

        Args:
            model: moved to its device already; the same in all processes.
            groups: of parameters, as AdamW takes them, each with its ``peak`` rate; AdamW without
                weight decay is Adam.
            options: how the weights move.
            patch: side of the backbone's patches, pixels.
            world: the processes that train together.
            task: what else has to be the same for a checkpoint to be gone on from.
        """
        self.model, self.options, self.patch = model, options, patch
        self.world = world
        self.step = 0
        self._made_with = repr(options) + task
        self.optimizer = torch.optim.AdamW(groups, lr=0.0, weight_decay=options.weight_decay)
        self.mean = {name: value.detach().clone() for name, value in model.named_parameters()}
        self.best = {name: value.clone() for name, value in self.mean.items()}
        self.best_score, self.best_step = -math.inf, 0
        self.stale = 0

    def run(
        self,
        store: ImageStore,
        weight: Floats,
        is_ai: npt.NDArray[np.bool_],
        preprocessing: Preprocessing,
        *,
        workers: int,
        precision: torch.dtype,
        targets: npt.NDArray[np.int64] | None = None,
    ) -> Iterator[Progress]:
        """Train from the present step to the last; state may be saved between two steps.

        Args:
            store: decoded images.
            weight: ``[N]``, how much each counts.
            is_ai: ``[N]``.
            preprocessing: how squares are cut.
            workers: augmenting processes.
            precision: dtype of the matrix products.
            targets: ``[N]``, what the loss is given of each image; None for ``is_ai``.

        Yields:
            After each step.
        """
        options = self.options
        squares = Squares(store, is_ai if targets is None else targets, preprocessing, options)
        whole = _batches(weight, is_ai, options, self.step)
        batches = [self.world.share(batch) for batch in whole]
        device = next(self.model.parameters()).device
        for found, labels in in_order(
            squares, batches, workers=workers, prepare=quiet_worker, ahead=_AHEAD
        ):
            pixels, target = torch.from_numpy(found), torch.from_numpy(labels).float()
            loss = self._step(pixels.to(device), target.to(device), precision)
            yield Progress(self.step, loss, options.batch_size)

    def judge(self, auc: float) -> None:
        """Keep the mean weights when no earlier ones did better, else count them as stale."""
        if auc > self.best_score:
            self.best_score, self.best_step, self.stale = auc, self.step, 0
            self.best = {name: value.clone() for name, value in self.mean.items()}
        else:
            self.stale += 1

    @contextmanager
    def holding(self, weights: dict[str, torch.Tensor]) -> Iterator[None]:
        """Let the model hold other weights while the block runs."""
        own = {name: value.detach().clone() for name, value in self.model.named_parameters()}
        try:
            self._put(weights)
            yield
        finally:
            self._put(own)

    def _put(self, weights: dict[str, torch.Tensor]) -> None:
        with torch.no_grad():
            for name, value in self.model.named_parameters():
                value.copy_(weights[name])

    def save(self, path: Path) -> None:
        """Write all that ``load`` needs to go on as if nothing had happened; safetensors."""
        tensors = {f"mean.{name}": value for name, value in self.mean.items()}
        for name, value in self.model.named_parameters():
            tensors[f"now.{name}"] = value.detach()
            tensors[f"best.{name}"] = self.best[name]
            state = self.optimizer.state.get(value, {})
            tensors |= {f"{key}.{name}": state[key] for key in _MOMENTS if key in state}
        header = {
            "step": str(self.step),
            "best_score": repr(self.best_score),
            "best_step": str(self.best_step),
            "stale": str(self.stale),
            "options": self._made_with,
        }
        unfinished = path.with_suffix(".part")
        save_file({name: value.contiguous() for name, value in tensors.items()}, unfinished, header)
        unfinished.replace(path)

    def load(self, path: Path) -> None:
        """Go back to a saved state.

        Raises:
            UsageError: it cannot be read, or was saved by a run with other options.
        """
        try:
            file = TensorFile.open(path)
            header = file.metadata
            if header.get("options") != self._made_with:
                raise UsageError(f"{path}: made with other options; give the same, or start anew")
            self._check(file)
            step, stale, best_step = (int(header[key]) for key in ("step", "stale", "best_step"))
            best_score = float(header["best_score"])
            tensors = file.load(file.tensors)
        except (OSError, ValueError) as error:
            raise UsageError(f"{path}: not a readable checkpoint ({error}); start anew") from error
        self.step, self.stale = step, stale
        self.best_score, self.best_step = best_score, best_step
        with torch.no_grad():
            for name, value in self.model.named_parameters():
                value.copy_(tensors[f"now.{name}"])
                self.mean[name].copy_(tensors[f"mean.{name}"])
                self.best[name].copy_(tensors[f"best.{name}"])
                moments = {
                    key: tensors[f"{key}.{name}"].to(value.device if key != "step" else "cpu")
                    for key in _MOMENTS
                    if f"{key}.{name}" in tensors
                }
                if moments:
                    self.optimizer.state[value] = moments

    def _check(self, file: TensorFile) -> None:
        """Raise ValueError unless a file is a state of this model, before it is read."""
        if missing := [key for key in _COUNTS if key not in file.metadata]:
            raise ValueError(f"it does not say {', '.join(missing)}")
        for name, value in self.model.named_parameters():
            file.check({f"{kind}.{name}": ("F32",) for kind in _WEIGHTS})
            for kind in (*_WEIGHTS, *_MOMENTS):
                stored = file.tensors.get(f"{kind}.{name}")
                shape = () if kind == "step" else tuple(value.shape)
                if stored and stored.shape != shape:
                    raise ValueError(f"tensor {kind}.{name} is of shape {stored.shape}")

    def _step(self, pixels: torch.Tensor, target: torch.Tensor, precision: torch.dtype) -> float:
        options, total = self.options, 0.0
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * _rate(self.step, options)
        generator = torch.Generator().manual_seed(options.seed * 1_000_003 + self.step)
        masked = options.masking.order is not Order.NONE
        masked = masked and float(torch.rand((), generator=generator)) < options.masking.share
        self.optimizer.zero_grad(set_to_none=True)
        if self.world.rank:  # the same batches are masked everywhere, each part in its own way
            generator.manual_seed(generator.initial_seed() + self.world.rank * 1_000_000_007)
        parts = zip(pixels.chunk(options.accumulate), target.chunk(options.accumulate), strict=True)
        devices = [pixels.device] if pixels.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(generator.initial_seed())  # of the units that are left out
            for part, labels in parts:
                share = len(part) / options.batch_size
                kept = choose_kept(part, self.patch, options.masking, generator) if masked else None
                loss, shown = self._loss(part, labels, kept, precision)
                total += shown * share
                torch.autograd.backward(loss * share)
        self.world.add_gradients(self.model.parameters())
        self.optimizer.step()
        self.step += 1
        self._average()
        return self.world.add(total)

    @abstractmethod
    def _loss(
        self,
        pixels: torch.Tensor,
        target: torch.Tensor,
        kept: torch.Tensor | None,
        precision: torch.dtype,
    ) -> tuple[torch.Tensor, float]:
        """What is made smaller, a mean over the images given, and what of it is shown.

        Args:
            pixels: uint8 RGB ``[N, 3, S, S]``.
            target: float32 ``[N]``.
            kept: int64 ``[N, K]``, visible patches; None for all.
            precision: dtype of the matrix products.
        """

    def _average(self) -> None:
        # the mean forgets its start faster at first, as in the usual EMA with a warm-up
        decay = min(self.options.average, self.step / (self.step + 10))
        for name, value in self.model.named_parameters():
            self.mean[name].lerp_(value.detach(), 1.0 - decay)


class DetectorTrainer(Trainer[TrainedDetector]):
    """LoRA and the head of a detector, by binary cross-entropy."""

    def __init__(
        self, model: TrainedDetector, options: LoopOptions, patch: int, world: World = ALONE
    ) -> None:
        """Start at step 0; arguments as those of ``Trainer``."""
        groups: list[dict[str, Any]] = [
            {"params": list(model.lora.parameters()), "peak": options.lora_rate},
            {"params": list(model.head.parameters()), "peak": options.head_rate},
        ]
        super().__init__(model, groups, options, patch, world)

    def _loss(
        self,
        pixels: torch.Tensor,
        target: torch.Tensor,
        kept: torch.Tensor | None,
        precision: torch.dtype,
    ) -> tuple[torch.Tensor, float]:
        options, lower = self.options, precision == torch.bfloat16
        with torch.autocast(pixels.device.type, torch.bfloat16, enabled=lower):
            logits, tokens = self.model(pixels, kept, options.masking.hiding)
        smooth = target * (1 - options.smoothing) + options.smoothing / 2
        loss = functional.binary_cross_entropy_with_logits(logits, smooth)
        shown = loss.item()
        if options.contrast:
            loss = loss + options.contrast * real_contrast(tokens, target)
        return loss, shown


def _rate(step: int, options: LoopOptions) -> float:
    """Share of the peak rate at a step: linear warm-up, then half a cosine to 0."""
    warm = max(1, round(options.warm_up * options.steps))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, options.steps - warm)))


def _batches(
    weight: Floats, is_ai: npt.NDArray[np.bool_], options: LoopOptions, start: int
) -> list[list[tuple[int, int]]]:
    """Places in the order, and their rows, of each step from ``start`` on."""
    size = options.batch_size
    places = options.steps * size
    length = len(weight) // 2 * 2
    epochs = range(math.ceil(places / length))
    rows = np.concatenate([epoch_order(weight, is_ai, options.seed, epoch) for epoch in epochs])
    pairs = list(enumerate(rows[:places].tolist()))
    return [pairs[step * size : (step + 1) * size] for step in range(start, options.steps)]
