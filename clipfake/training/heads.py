"""Fitting a head on tokens that are computed once: fast, since the encoder stands still."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from clipfake.detector.head import Head, Hidden
from clipfake.training.model import TrainedHead
from clipfake.training.sampling import Floats, epoch_order, harder

_AT_ONCE = 512  # images that are scored at once


@dataclass(frozen=True)
class HeadOptions:
    """How a head of hidden units is fitted.

    Attributes:
        members: networks of which the head is the mean.
        units: hidden units of each.
        epochs: passes over the images.
        batch_size: images of a step.
        rate: peak learning rate, of one cycle (Smith 2018, arXiv 1803.09820).
        weight_decay: AdamW's.
        smoothing: label smoothing.
        inputs_out: share of inputs dropped.
        units_out: share of units dropped.
        hard: how many times more an image is drawn that is told wrong, once a third of the epochs
            is over; 0 for none.
        seed: of everything that chance decides.
    """

    members: int = 3
    units: int = 128
    epochs: float = 15.0
    batch_size: int = 64
    rate: float = 3e-4
    weight_decay: float = 0.1
    smoothing: float = 0.05
    inputs_out: float = 0.5
    units_out: float = 0.3
    hard: float = 0.0
    seed: int = 0


def fit_head(
    passes: Sequence[torch.Tensor],
    is_ai: npt.NDArray[np.bool_],
    weight: Floats,
    options: HeadOptions,
) -> Head:
    """A head of hidden units, the mean of networks that differ in their seed.

    Args:
        passes: tokens ``[N, K, W]``, any float dtype, of the same images, each time as they are
            or augmented; every step draws the pass of each image.
        is_ai: ``[N]``.
        weight: ``[N]``, how much each image counts.
        options: how.
    """
    members = []
    for member in range(options.members):
        seed = options.seed * 1009 + member
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            members.append(_fit_member(passes, is_ai, weight, options, seed))
    return mean_head(members)


def mean_head(heads: Sequence[Head]) -> Head:
    """The head whose logits are the mean of those of some heads, all with hidden units.

    Raises:
        ValueError: a head has no hidden units.
    """
    hidden = [head.hidden for head in heads if head.hidden is not None]
    if len(hidden) < len(heads):
        raise ValueError("a head without hidden units cannot be averaged")
    return Head(
        torch.stack([head.weight for head in heads]).mean(dim=0),
        torch.stack([head.bias for head in heads]).mean(dim=0),
        Hidden(
            torch.cat([units.weight for units in hidden]),
            torch.cat([units.bias for units in hidden]),
            torch.cat([units.out for units in hidden]) / len(heads),
        ),
    )


def _fit_member(
    passes: Sequence[torch.Tensor],
    is_ai: npt.NDArray[np.bool_],
    weight: Floats,
    options: HeadOptions,
    seed: int,
) -> Head:
    steps = max(1, round(options.epochs * len(is_ai) / options.batch_size))
    model = TrainedHead(
        _untrained(passes[0].shape[1:], options.units),
        passes[0],
        inputs_out=options.inputs_out,
        units_out=options.units_out,
    )
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=options.rate, weight_decay=options.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, options.rate, total_steps=steps, pct_start=0.1
    )
    labels = torch.from_numpy(is_ai).float()
    smooth = labels * (1 - options.smoothing) + options.smoothing / 2
    rows, epoch = np.empty(0, dtype=np.int64), 0
    for _step in range(steps):
        if len(rows) < options.batch_size:
            drawn_by = weight
            if options.hard and epoch >= options.epochs / 3:
                drawn_by = harder(weight, is_ai, _scores(model, passes[0]), options.hard)
            order = epoch_order(drawn_by, is_ai, seed, epoch)
            rows, epoch = np.concatenate([rows, order]), epoch + 1
        batch, rows = torch.from_numpy(rows[: options.batch_size]), rows[options.batch_size :]
        which = torch.randint(len(passes), (len(batch),))
        drawn = [passes[k][row] for k, row in zip(which.tolist(), batch.tolist(), strict=True)]
        logits = model(torch.stack(drawn).float())
        loss = functional.binary_cross_entropy_with_logits(logits, smooth[batch])
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
    return model.folded()


@torch.no_grad()
def _scores(model: TrainedHead, tokens: torch.Tensor) -> Floats:
    """What the head says of tokens ``[N, K, W]`` now, 0..1, float64 ``[N]``."""
    model.eval()
    parts = [model(part.float()).sigmoid() for part in torch.split(tokens, _AT_ONCE)]
    model.train()
    return torch.cat(parts).double().numpy()


def _untrained(shape: Sequence[int], units: int) -> Head:
    """Hidden units drawn as torch's own linear layers draw theirs, and a linear part of zeros."""
    inputs = int(np.prod(shape))
    layer, out = torch.nn.Linear(inputs, units), torch.nn.Linear(units, 1)
    hidden = Hidden(
        layer.weight.detach().reshape(units, *shape), layer.bias.detach(), out.weight.detach()[0]
    )
    return Head(torch.zeros(*shape), torch.zeros(1), hidden)
