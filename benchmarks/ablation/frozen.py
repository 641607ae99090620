"""Heads on the frozen tower, whose tokens are computed once."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from clipfake.detector.detector import Detector
from clipfake.detector.device import encoding
from clipfake.detector.forward import block_tokens
from clipfake.detector.head import Head, normalise
from clipfake.evaluation.intervals import Bools
from clipfake.sources.labelled import Example
from clipfake.training.examples import take_shots
from clipfake.training.heads import HeadOptions, fit_head
from clipfake.training.sampling import Floats, weights
from clipfake.training.texture import Masking, choose_kept
from clipfake.training.tokens import cached_tokens

from .configurations import BLOCKS, FrozenRow
from .cuts import Cut, cut_square, native_square, whole
from .evaluation import Evaluation

_REGULARISATION = 0.004  # sklearn's C, of tokens standardised to a spread of 1
_SMALLEST_DEVIATION = 1e-6


@dataclass(frozen=True)
class FittedHead:
    """A head, and what it took.

    Attributes:
        head: over the row's tokens.
        images: different images it was fitted on.
        seen: images of all steps; for a logistic regression those of one pass.
        parameters: numbers that were fitted.
        seconds: of fitting, without the tokens.
    """

    head: Head
    images: int
    seen: int
    parameters: int
    seconds: float


class FrozenTower:
    """Tokens of training and evaluation images by the tower as it is."""

    def __init__(
        self,
        detector: Detector,
        train: Sequence[Example],
        evaluation: Evaluation,
        folder: Path,
        *,
        passes: int,
        workers: int,
        say: Callable[[str], None],
    ) -> None:
        """Compute nothing yet.

        Args:
            detector: its adapter reads ``BLOCKS``.
            train: readable images.
            evaluation: what is measured on.
            folder: where tokens are kept.
            passes: augmented passes.
            workers: decoding processes.
            say: told how far it is.
        """
        self.detector, self.train, self.evaluation = detector, list(train), evaluation
        self._folder, self._passes, self._workers, self._say = folder, passes, workers, say
        self._measured: dict[tuple[Cut, bool], torch.Tensor] = {}

    def fit(self, row: FrozenRow, seed: int) -> FittedHead:
        """The head of a row."""
        passes = []
        if row.masking is None:
            passes = [self._joined([self._tokens(cut, None) for cut in row.cuts], row.blocks)]
        if row.augmented:
            passes += [
                self._joined([self._tokens(Cut.RESIZED, number)], row.blocks)
                for number in range(self._passes)
            ]
        examples = self.train
        if row.masking is not None:
            passes = [self._masked_train(row, seed)]
            examples = take_shots(self.train, (row.images or len(self.train)) // 2, seed)
        elif row.images is not None:
            examples = take_shots(self.train, row.images // 2, seed)
            place = {example.path: index for index, example in enumerate(self.train)}
            rows = torch.tensor([place[example.path] for example in examples])
            passes = [tokens[rows] for tokens in passes]
        is_ai, weight = np.array([e.is_ai for e in examples]), weights(examples)
        started, options = time.monotonic(), HeadOptions(seed=seed)
        if row.hidden:
            head = fit_head(passes, is_ai, weight, options)
            seen = round(options.epochs * len(examples) * options.members)
        else:
            head = fit_linear(passes, is_ai, weight)
            seen = len(examples) * len(passes)
        seconds = time.monotonic() - started
        return FittedHead(head, len(examples), seen, _parameters(head), seconds)

    def logits(self, row: FrozenRow, head: Head, *, degraded: bool) -> Floats:
        """Logits of a row's head on the evaluation images, float64 ``[N]``."""
        tokens = []
        if row.masking is not None:
            squares = self.evaluation.squares(Cut.RESIZED, degraded=degraded)
            return head(self._joined([self._masked(squares, row.masking)], row.blocks))
        for cut in row.cuts:
            if (cut, degraded) not in self._measured:
                squares = self.evaluation.squares(cut, degraded=degraded)
                self._measured[cut, degraded] = self.detector.tokens(squares, BLOCKS)
            tokens.append(self._measured[cut, degraded])
        return head(self._joined(tokens, row.blocks))

    def _masked_train(self, row: FrozenRow, seed: int) -> torch.Tensor:
        """Tokens of the training images of a row that hides patches."""
        assert row.masking is not None
        examples = take_shots(self.train, (row.images or len(self.train)) // 2, seed)
        preprocessing = self.detector.adapter.preprocessing
        cuts = [cut_square(Path(e.path).read_bytes(), Cut.RESIZED, preprocessing) for e in examples]
        squares = torch.from_numpy(np.stack(cuts))
        return self._joined([self._masked(squares, row.masking)], row.blocks)

    def _masked(self, squares: torch.Tensor, masking: Masking) -> torch.Tensor:
        """Tokens of squares of which the kept patches alone are computed."""
        backbone, device = self.detector.backbone, self.detector.device
        generator, tokens = torch.Generator().manual_seed(0), []
        with encoding(device, self.detector.precision):
            for at in range(0, len(squares), self.detector.batch_size):
                pixels = squares[at : at + self.detector.batch_size].to(device)
                kept = choose_kept(pixels, backbone.patch_size, masking, generator)
                tokens.append(block_tokens(backbone, pixels, BLOCKS, kept=kept).cpu())
        return torch.cat(tokens)

    def _joined(self, tokens: Sequence[torch.Tensor], blocks: Sequence[int]) -> torch.Tensor:
        """Tokens ``[N, cuts * K, W]`` of some blocks, float32."""
        places = [BLOCKS.index(block) for block in blocks]
        return torch.cat([part[:, places].float() for part in tokens], dim=1)

    def _tokens(self, cut: Cut, augmentation: int | None) -> torch.Tensor:
        paths = [example.path for example in self.train]
        if cut is Cut.NATIVE:
            paths = self._native_files(paths)
        name = cut.value if augmentation is None else f"augmented-{augmentation}"
        return cached_tokens(
            self.detector,
            paths,
            self._folder / f"{name}.npy",
            augmentation=augmentation,
            workers=self._workers,
            show=lambda done, total: self._progress(name, done, total),
        )

    def _progress(self, name: str, done: int, total: int) -> None:
        if done == total or done // 512 > (done - self.detector.batch_size) // 512:
            self._say(f"tokens, {name}: {done} of {total}")

    def _native_files(self, paths: Sequence[str]) -> list[str]:
        """Crops of the encoder's size, which it then sees without resampling."""
        folder, size = self._folder / "native", self.detector.adapter.preprocessing.size
        folder.mkdir(exist_ok=True)
        files = []
        for number, path in enumerate(paths):
            file = folder / f"{number}.bmp"
            native_square(whole(Path(path).read_bytes()), size).save(file)
            files.append(str(file))
        return files


def fit_linear(passes: Sequence[torch.Tensor], is_ai: Bools, weight: Floats) -> Head:
    """Logistic regression on normalised, standardised tokens, the standardisation folded in.

    Args:
        passes: float32 ``[N, K, W]`` each, of the same images.
        is_ai: ``[N]``.
        weight: ``[N]``, how much each image counts.
    """
    flat = np.concatenate([normalise(tokens).flatten(1).numpy() for tokens in passes])
    mean, deviation = flat.mean(axis=0), flat.std(axis=0) + _SMALLEST_DEVIATION
    model = LogisticRegression(C=_REGULARISATION, max_iter=1000)
    count = len(passes)
    model.fit((flat - mean) / deviation, np.tile(is_ai, count), np.tile(weight / count, count))
    slope = model.coef_[0] / deviation
    bias = float(model.intercept_[0] - slope @ mean)
    shaped = torch.from_numpy(slope.reshape(passes[0].shape[1:]).astype(np.float32))
    return Head(shaped, torch.tensor([bias], dtype=torch.float32))


def _parameters(head: Head) -> int:
    tensors = [head.weight, head.bias]
    if head.hidden is not None:
        tensors += [head.hidden.weight, head.hidden.bias, head.hidden.out]
    return sum(tensor.numel() for tensor in tensors)
