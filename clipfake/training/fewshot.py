"""Few images: a small correction of the head, as small as images that were left out ask for.

The calibrated logit of the detector that it starts from stays, and a linear function of the tokens
is added: ``a * head(tokens) + b0 + z w + b``, z the standardised tokens. It minimises the class-
balanced binary cross-entropy plus ``strength * (|w|^2 + b^2)``, so that a great strength leaves
the detector as it was. Known images stand beside the new ones with the same weight, their targets
the detector's own scores, so that what is learnt of the new ones changes little for others. By the
representer theorem (Schoelkopf et al. 2001) ``w = Z^T alpha``, which
is solved by Newton's method in as many unknowns as there are images.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from clipfake.detector.calibration import Platt
from clipfake.detector.head import Head, normalise
from clipfake.sources.labelled import Example
from clipfake.training.sampling import Floats, weights

# from no change at all to hardly any restraint, half decades
STRENGTHS = (math.inf, *(float(10.0 ** (half / 2)) for half in range(1, -11, -1)))
MOST_FOLDS = 10
_TIE = 1e-3  # nats; smaller gains are chance, and the stronger restraint is kept
_SMALLEST_DEVIATION = 1e-6
_ROUNDS = 60
_PRECISION = 1e-10


@dataclass(frozen=True)
class Correction:
    """A linear function of layer-normalised tokens that is added to what heads say of them.

    Attributes:
        weight: float64 ``[K, W]``.
        bias: float64 ``[1]``.
    """

    weight: torch.Tensor
    bias: torch.Tensor

    def of(self, head: Head) -> Head:
        """A head, corrected; its hidden units stay."""
        weight, bias = head.weight.double() + self.weight, head.bias.double() + self.bias
        return Head(weight.float(), bias.float(), head.hidden)


@dataclass(frozen=True)
class Fewshot:
    """A corrected head, and how far it was let go.

    Attributes:
        head: the new head; hidden units are those it started from.
        correction: what was added to it; None when nothing changed.
        strength: of the restraint that was chosen; infinite when nothing changed.
        method: how it was chosen.
        losses: out-of-fold cross-entropy, nats, by strength.
        logits: float64 ``[N]``, of the shots, each by a head that was fitted without it.
        also: float64 ``[N]``, what likewise is added to logits of their other tokens; None without
            such.
    """

    head: Head
    correction: Correction | None
    strength: float
    method: str
    losses: dict[float, float]
    logits: Floats
    also: Floats | None = None


def fit_few(
    tokens: torch.Tensor,
    examples: Sequence[Example],
    start: Head,
    calibration: Platt,
    *,
    known: torch.Tensor | None = None,
    also: torch.Tensor | None = None,
    seed: int = 0,
) -> Fewshot:
    """Correct a head by a few labelled images.

    Args:
        tokens: float32 ``[N, K, W]`` of the images; N up to about 1000, for time.
        examples: ``[N]``, both classes, at least two images of each.
        start: the head to correct.
        calibration: makes its logits log-odds.
        known: float32 ``[M, K, W]``, tokens of images of all kinds whose scores are to stay, and
            whose mean and deviation standardise; None for none, the new ones standardise
            themselves.
        also: float32 ``[N, K, W]``, other tokens of the same images, which nothing is learnt from.
        seed: of the folds.
    """
    # a flat calibration has no inverse, by which a correction could be put into the head
    platt = calibration if abs(calibration.a) > _PRECISION else Platt()
    count = len(examples)
    own_ai, own_weight = np.array([e.is_ai for e in examples]), weights(examples)
    all_tokens = tokens if known is None else torch.cat([tokens, known])
    base = start(all_tokens)
    offset = platt.a * base + platt.b
    # the start's own scores are the least loss of known images, so only new ones pull
    target = np.concatenate([own_ai, platt(base)[count:]]).astype(np.float64)
    spread = normalise((tokens if known is None else known).double()).flatten(1)
    mean, deviation = spread.mean(dim=0), spread.std(dim=0, correction=0) + _SMALLEST_DEVIATION
    deviation = deviation * math.sqrt(spread.shape[1])  # so that an image has length 1, about

    def standard(given: torch.Tensor) -> Floats:
        return np.asarray(((normalise(given.double()).flatten(1) - mean) / deviation).numpy())

    z = standard(all_tokens)
    kernel = z @ z.T + 1.0  # the 1 is the bias, restrained as the weights are
    others = None if also is None else standard(also) @ z.T + 1.0

    def shares(left: npt.NDArray[np.bool_]) -> Floats:
        """Weights of the new images that are left, and of all known ones."""
        new = _shares(own_weight[left], own_ai[left])
        if known is None:
            return new
        return np.concatenate([new / 2, np.full(len(known), 0.5 / len(known))])

    folds, method = _folds(examples, seed)
    corrections = {strength: np.zeros(count) for strength in STRENGTHS}
    of_others = {strength: np.zeros(count) for strength in STRENGTHS}
    for fold in np.unique(folds):
        out = np.flatnonzero(folds == fold)
        rows = np.setdiff1d(np.arange(len(target)), out)
        alpha, inner = np.zeros(len(rows)), kernel[np.ix_(rows, rows)]
        share = shares(folds != fold)
        for strength in STRENGTHS[1:]:
            alpha = _solve(inner, target[rows], share, offset[rows], strength, alpha)
            corrections[strength][out] = kernel[np.ix_(out, rows)] @ alpha
            if others is not None:
                of_others[strength][out] = others[np.ix_(out, rows)] @ alpha
    own_share = _shares(own_weight, own_ai)
    own_target, own_offset = target[:count], offset[:count]
    losses = {s: _loss(own_target, own_share, own_offset + corrections[s]) for s in STRENGTHS}
    least = min(losses.values())
    chosen = next(s for s in STRENGTHS if losses[s] <= least + _TIE)
    logits = base[:count] + corrections[chosen] / platt.a
    added = None if also is None else of_others[chosen] / platt.a
    if math.isinf(chosen):
        return Fewshot(start, None, chosen, method, losses, logits, added)
    alpha, share = np.zeros(len(target)), shares(np.ones(count, dtype=bool))
    for strength in STRENGTHS[1 : STRENGTHS.index(chosen) + 1]:
        alpha = _solve(kernel, target, share, offset, strength, alpha)
    change = torch.from_numpy(z.T @ alpha) / deviation / platt.a
    bias = torch.tensor([alpha.sum() / platt.a - float(change @ mean)], dtype=torch.float64)
    correction = Correction(change.reshape(start.weight.shape), bias)
    return Fewshot(correction.of(start), correction, chosen, method, losses, logits, added)


def _shares(weight: Floats, is_ai: npt.NDArray[np.bool_]) -> Floats:
    """Weights that sum to a half in each class."""
    shares = weight / 2
    for label in (False, True):
        shares[is_ai == label] /= weight[is_ai == label].sum()
    return shares


def _loss(target: Floats, share: Floats, logits: Floats) -> float:
    """Weighted binary cross-entropy, nats."""
    return float(share @ (np.logaddexp(0.0, logits) - target * logits))


def _solve(
    kernel: Floats, target: Floats, share: Floats, offset: Floats, strength: float, start: Floats
) -> Floats:
    """Minimise ``loss(offset + K alpha) + strength * alpha K alpha`` by Newton, halving steps."""

    def height(alpha: Floats) -> float:
        change = kernel @ alpha
        return _loss(target, share, offset + change) + strength * float(alpha @ change)

    alpha, now = start, height(start)
    for _ in range(_ROUNDS):
        p = np.exp(-np.logaddexp(0.0, -(offset + kernel @ alpha)))
        slope = share * (p - target) + 2 * strength * alpha
        if np.abs(slope).max() < _PRECISION:
            break
        curve = (share * p * (1 - p))[:, None] * kernel
        curve[np.diag_indices_from(curve)] += 2 * strength
        step, length = np.linalg.solve(curve, slope), 1.0
        while (then := height(alpha - length * step)) > now and length > _PRECISION:
            length /= 2
        if then > now:
            break
        alpha, now = alpha - length * step, then
    return alpha


def _folds(examples: Sequence[Example], seed: int) -> tuple[npt.NDArray[np.int64], str]:
    """Fold of each image, ``[N]``, and what the folds are called.

    Whole sources are left out where each class has two, since images of a source resemble each
    other and would flatter the correction.
    """
    sources = Counter((example.is_ai, example.source) for example in examples)
    each = Counter(is_ai for is_ai, _source in sources)
    if min(each[False], each[True]) >= 2:
        count, place = min(MOST_FOLDS, len(sources)), {}
        # largest first and in turn, so that no fold has all sources of a class
        order = sorted(sources, key=lambda key: (key[0], -sources[key], key[1]))
        for turn, key in enumerate(order):
            place[key] = turn % count
        folds = np.array([place[example.is_ai, example.source] for example in examples])
        alone = len(sources) <= MOST_FOLDS
        return folds, "leave one source out" if alone else f"{count} folds of whole sources"
    is_ai = np.array([example.is_ai for example in examples])
    count = min(MOST_FOLDS, int(is_ai.sum()), int((~is_ai).sum()))
    folds, rng = np.empty(len(examples), dtype=np.int64), np.random.default_rng(seed)
    for label in (False, True):
        rows = rng.permutation(np.flatnonzero(is_ai == label))
        folds[rows] = np.arange(len(rows)) % count
    return folds, f"{count}-fold cross-validation"
