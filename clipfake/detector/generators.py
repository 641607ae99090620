"""The generator head: which family of generators an image looks like, from the detector's tokens.

Kernel ridge regression on images whose generator is known, kept as exemplars: tokens are projected
on few dimensions, each exemplar counts by its likeness ``exp(-width * squared distance)``, and the
answer is the family whose sum is largest (Saunders, Gammerman & Vovk 1998; Rasmussen & Williams
2006, section 6.3). It is solved exactly, so that a generator is added by its exemplars alone.

How sure it is, is a probability: a logistic function of how far the first family leads and how near
the nearest exemplars are, fitted on images of sources, and of whole families, that were left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from clipfake.attribution.families import TITLES, Family
from clipfake.detector.calibration import Floats
from clipfake.detector.head import normalise
from clipfake.records import Attribution, GeneratorBasis

NEAREST = 5  # exemplars whose likeness says how near the known ones are
_BY = "pixels"
_EDGE = 1e-4  # of probabilities whose log odds are taken


@dataclass(frozen=True)
class Generator:
    """What an answer can name.

    Attributes:
        name: family's title, or the name that a user gave.
        family: ``Family`` value.
        added: whether a user added it.
    """

    name: str
    family: str
    added: bool = False

    @property
    def told(self) -> bool:
        """Whether an answer names it: "another generator" names none."""
        return self.added or self.family != Family.OTHER.value


@dataclass(frozen=True)
class Confidence:
    """Log odds that an answer is right: ``lead * log odds of the first + near * nearness + base``.

    Attributes:
        lead: weight of the log odds of the first answer's share.
        near: weight of the log of the mean likeness of the nearest exemplars.
        base: what is added.
    """

    lead: float = 1.0
    near: float = 0.0
    base: float = 0.0

    def __call__(self, share: Floats, nearness: Floats) -> Floats:
        """Probabilities ``[N]`` of shares 0..1 ``[N]`` and nearnesses ``[N]``."""
        bounded = np.clip(share, _EDGE, 1 - _EDGE)
        odds = self.lead * np.log(bounded / (1 - bounded)) + self.near * nearness + self.base
        return np.asarray(1 / (1 + np.exp(-odds)))


@dataclass(frozen=True)
class Looks:
    """What the head says of images, before anything is withheld.

    Attributes:
        shares: float64 ``[N, C]``, what each generator has of the answer; each row sums to 1.
        nearness: float64 ``[N]``, log of the mean likeness of the nearest exemplars, at most 0.
    """

    shares: Floats
    nearness: Floats


@dataclass(frozen=True)
class GeneratorHead:
    """The head.

    Attributes:
        generators: ``[C]``, what it can answer.
        blocks: whose class tokens it reads, ascending; some of those that the adapter reads.
        projection: float32 ``[D, K, W]``, on layer-normalised tokens.
        shift: float32 ``[D]``, taken from what the projection gives.
        levels: int8 ``[P, D]``, projected tokens of the exemplars.
        scale: float32 ``[D]``; a level times it is the value.
        owners: int64 ``[P]``, the generator of each exemplar.
        weights: float32 ``[P]``, how much each counts.
        width: of the kernel, per squared distance.
        ridge: of the regression.
        sharpness: what the sums are multiplied by before the softmax.
        solution: float32 ``[P, C]``, solved from the above.
        base: float32 ``[C]``, the answer far from every exemplar.
        confidence: how sure an answer is.
        least: confidence from which an answer is given.
        lora: ``Adapter.lora_digest`` of the tower whose tokens it reads.
        facts: what it was fitted on and what was measured.
    """

    generators: tuple[Generator, ...]
    blocks: tuple[int, ...]
    projection: torch.Tensor
    shift: torch.Tensor
    levels: torch.Tensor
    scale: torch.Tensor
    owners: torch.Tensor
    weights: torch.Tensor
    width: float
    ridge: float
    sharpness: float
    solution: torch.Tensor
    base: torch.Tensor
    confidence: Confidence
    least: float
    lora: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def exemplars(self) -> torch.Tensor:
        """Projected tokens of the exemplars, float32 ``[P, D]``."""
        return self.levels.float() * self.scale

    def fits(self, blocks: Sequence[int], width: int) -> bool:
        """Whether every tensor has the shape that the others, and a tower's tokens, ask for."""
        dimensions, count, named = len(self.scale), len(self.levels), len(self.generators)
        return (
            set(self.blocks) <= set(blocks)
            and self.projection.shape == (dimensions, len(self.blocks), width)
            and self.shift.shape == (dimensions,)
            and self.levels.shape == (count, dimensions)
            and self.owners.shape == self.weights.shape == (count,)
            and self.solution.shape == (count, named)
            and self.base.shape == (named,)
            and count >= NEAREST
            and bool((self.owners >= 0).all())
            and bool((self.owners < named).all())
        )

    def embed(self, tokens: torch.Tensor, blocks: Sequence[int]) -> torch.Tensor:
        """Project tokens, image by image, so that rounding does not depend on the batch.

        Args:
            tokens: float ``[N, K, W]``.
            blocks: ``[K]``, whose they are.

        Returns:
            float32 ``[N, D]``.
        """
        columns = [list(blocks).index(block) for block in self.blocks]
        normed = normalise(tokens[:, columns].float()).flatten(1)
        flat = self.projection.flatten(1)
        projected = [torch.mv(flat, row) - self.shift for row in normed]
        return torch.stack(projected) if projected else normed.new_zeros(0, len(self.scale))

    def looks(self, embedded: torch.Tensor) -> Looks:
        """What images look like.

        Args:
            embedded: float32 ``[N, D]``, as ``embed`` gives it.
        """
        exemplars = self.exemplars
        squares = exemplars.square().sum(dim=1)
        solution, base = self.solution.double().T.contiguous(), self.base.double()
        shares, nearness = [], []
        for row in embedded:
            far = (squares - 2 * torch.mv(exemplars, row) + row.square().sum()).clamp_min(0)
            like = torch.exp(-self.width * far.double())
            sums = solution @ like + base
            shares.append(torch.softmax(self.sharpness * sums, dim=0))
            nearness.append(like.topk(NEAREST).values.mean().clamp_min(1e-12).log())
        if not shares:
            return Looks(np.empty((0, len(self.generators))), np.empty(0))
        return Looks(torch.stack(shares).numpy(), torch.stack(nearness).numpy())

    def answers(self, embedded: torch.Tensor) -> list[Attribution]:
        """What is said of images: the likeliest generator, or none where that is not sure enough.

        Args:
            embedded: float32 ``[N, D]``.

        Returns:
            ``[N]``; ``family`` is None where the answer is withheld, or is another generator than
            those that are told apart. ``score`` is the confidence.
        """
        found = self.looks(embedded)
        sure = self.sure(found)
        return [
            self._answer(self.generators[best], float(score))
            for best, score in zip(found.shares.argmax(axis=1), sure, strict=True)
        ]

    def sure(self, found: Looks) -> Floats:
        """Confidence of the likeliest generators, float64 ``[N]``, 0..1."""
        return self.confidence(found.shares.max(axis=1, initial=0.0), found.nearness)

    def given(self, best: npt.NDArray[np.int64], sure: Floats) -> npt.NDArray[np.bool_]:
        """``[N]``, whether these answers are given.

        Args:
            best: ``[N]``, the likeliest generators.
            sure: ``[N]``, how sure.
        """
        told = np.array([generator.told for generator in self.generators])
        return np.asarray(told[best] & (sure >= self.least))

    def _answer(self, best: Generator, score: float) -> Attribution:
        if score < self.least or not best.told:
            return Attribution(GeneratorBasis.PIXELS, TITLES[Family.OTHER], score=score, by=_BY)
        return Attribution(GeneratorBasis.PIXELS, best.name, best.family, score=score, by=_BY)

    def solved(self) -> "GeneratorHead":
        """The head with its solution computed anew from the exemplars."""
        solution, base, _ = solve(self)
        return replace(self, solution=solution.float(), base=base.float())


def solve(head: GeneratorHead) -> tuple[torch.Tensor, torch.Tensor, Floats]:
    """Solve the regression.

    Exemplar i of weight w_i has the noise ``ridge / w_i``; targets are 1 for its generator and 0
    for others, less their weighted mean. Leaving one exemplar out changes its own sums to
    ``y_i - solution_i / inverse_ii`` (Rasmussen & Williams 2006, section 5.4.2), so that what the
    others say of each costs no further solution.

    Args:
        head: its solution and base are not looked at.

    Returns:
        Solution float64 ``[P, C]``, base ``[C]``, and sums float64 ``[P, C]`` of each exemplar by
        all others, base included.
    """
    points = head.exemplars.double()
    squares = points.square().sum(dim=1)
    far = (squares[:, None] + squares - 2 * points @ points.T).clamp_min(0)
    kernel = torch.exp(-head.width * far)
    weight = head.weights.double()
    targets = torch.nn.functional.one_hot(head.owners, len(head.generators)).double()
    base = (weight[:, None] * targets).sum(dim=0) / weight.sum()
    targets = targets - base
    inverse = torch.linalg.inv(kernel + torch.diag(head.ridge / weight))
    solution = inverse @ targets
    left_out = targets - solution / inverse.diagonal()[:, None] + base
    return solution, base, left_out.numpy()
