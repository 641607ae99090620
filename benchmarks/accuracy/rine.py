"""RINE: class tokens of all blocks, weighed by a trained importance (Koutlis 2024, 2402.19091).

The recipe of the paper's section 3, on frozen tokens: a projection of each block's token, a
softmax over blocks for each projected feature, a second projection, binary cross-entropy and a
supervised contrastive term. Its one epoch over 144,000 images becomes more epochs over few.
"""

from typing import cast

import torch
from torch import nn
from torch.nn import functional

from clipfake.evaluation.intervals import Bools, Floats

WIDTH, DROPPED, RATE, BATCH, EPOCHS, CONTRAST = 128, 0.5, 1e-3, 128, 20, 0.2
_TEMPERATURE = 0.07


class Rine(nn.Module):
    """Tokens float32 ``[N, K, W]`` to logits ``[N]`` and the vectors that are compared."""

    def __init__(self, blocks: int, width: int) -> None:
        super().__init__()
        self.first = _projection(width)
        self.importance = nn.Parameter(torch.zeros(blocks, WIDTH))
        self.second = _projection(WIDTH)
        self.head = nn.Sequential(
            nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU()
        )
        self.out = nn.Linear(WIDTH, 1)

    def forward(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits ``[N]`` and vectors ``[N, WIDTH]``."""
        weighed = self.first(tokens) * self.importance.softmax(dim=0)
        vectors = self.second(weighed.sum(dim=1))
        return cast(torch.Tensor, self.out(self.head(vectors)))[:, 0], vectors


def fit(tokens: torch.Tensor, is_ai: Bools, seed: int = 0) -> Rine:
    """Train on tokens float32 ``[N, K, W]``, in evaluation mode afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Rine(tokens.shape[1], tokens.shape[2]).train()
        optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
        labels = torch.from_numpy(is_ai).float()
        for _ in range(EPOCHS):
            for rows in torch.split(torch.randperm(len(tokens)), BATCH):
                logits, vectors = model(tokens[rows])
                loss = functional.binary_cross_entropy_with_logits(logits, labels[rows])
                loss = loss + CONTRAST * _contrast(vectors, labels[rows])
                optimizer.zero_grad(set_to_none=True)
                torch.autograd.backward(loss)
                optimizer.step()
    return model.eval()


def logits(model: Rine, tokens: torch.Tensor) -> Floats:
    """Logits, float64 ``[N]``."""
    with torch.inference_mode():
        return cast(Floats, model(tokens)[0].double().numpy())


def _projection(inputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Dropout(DROPPED),
        nn.Linear(inputs, WIDTH),
        nn.ReLU(),
        nn.Dropout(DROPPED),
        nn.Linear(WIDTH, WIDTH),
        nn.ReLU(),
    )


def _contrast(vectors: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Supervised contrastive loss of both classes (Khosla 2020, 2004.11362, equation 2)."""
    vectors = functional.normalize(vectors, dim=1)
    alike = vectors @ vectors.T / _TEMPERATURE
    own = torch.eye(len(vectors), dtype=torch.bool)
    log_share = alike - alike.masked_fill(own, -torch.inf).logsumexp(dim=1, keepdim=True)
    positive = (labels[:, None] == labels[None]) & ~own
    pairs = positive.sum(dim=1).clamp(min=1)
    return -((log_share * positive).sum(dim=1) / pairs).mean()
