"""Tokens of made-up generators: clusters that sources spread, so that a head can be fitted."""

import numpy as np
import torch

from clipfake.detector.generators import GeneratorHead
from clipfake.training.generators import Fitted, GeneratorOptions, Labelled, fit_generators

FAMILIES = ("gan", "flux", "google", "other")
BLOCKS = (4, 5, 6, 7, 8, 9, 10, 11, 12)
OPTIONS = GeneratorOptions(dimensions=16, folds=4)


def clusters(
    per_source: int = 4, sources: int = 8, *, width: int = 48, seed: int = 0, apart: float = 1.0
) -> Labelled:
    """Images of four families: tokens around a centre of the family and one of the source."""
    drawn = torch.Generator().manual_seed(seed)
    centres = torch.randn(len(FAMILIES), len(BLOCKS), width, generator=torch.Generator())
    tokens, families, generators, names = [], [], [], []
    for number, family in enumerate(FAMILIES):
        for source in range(sources):
            own = 0.3 * torch.randn(len(BLOCKS), width, generator=drawn)
            for _ in range(per_source):
                noise = 0.3 * torch.randn(len(BLOCKS), width, generator=drawn)
                tokens.append(apart * centres[number] + own + noise)
                families.append(family)
                generators.append(f"{family}-{source % 2}")
                names.append(f"{family}/{source}")
    texts = (np.array(each, dtype=np.str_) for each in (families, generators, names))
    return Labelled(torch.stack(tokens), BLOCKS, *texts)


def stranger(count: int, *, width: int = 48, seed: int = 5) -> torch.Tensor:
    """Tokens ``[count, K, width]`` of a generator that is none of the four."""
    drawn = torch.Generator().manual_seed(seed)
    centre = torch.randn(len(BLOCKS), width, generator=drawn)
    return centre + 0.4 * torch.randn(count, len(BLOCKS), width, generator=drawn)


def fitted(**changes: int) -> Fitted:
    """A head for these clusters."""
    return fit_generators([clusters(**changes)], OPTIONS, lora="")


def small_head() -> GeneratorHead:
    """The head of such a fit."""
    return fitted().head
