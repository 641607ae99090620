"""Captions as classes: a head that compares an image's embedding with those of captions.

It is CLIP's own zero-shot classifier (Radford et al. 2021, arXiv 2103.00020, section 3.1.2) over
captions that say how a picture came to be: the cosine of the image's embedding and each
caption's, times a temperature. A text tower reads captions, or they are vectors that were learnt.
"""

import math
import unicodedata
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from clipfake.detector.calibration import Floats

MOST_CAPTIONS = 512
LONGEST_CAPTION = 300  # characters
LARGEST_SCALE = 100.0  # Radford et al. 2021, section 2.5
_MOST_TOKENS = 256
_LARGEST_TOKEN = 2**31


class Kind(str, Enum):
    """What a caption says of an image."""

    REAL = "real"
    AI = "ai"
    OTHER = "other"  # nothing that the score counts; it is compared all the same


@dataclass(frozen=True)
class Caption:
    """A caption, and the class that it names.

    Attributes:
        text: as the text tower reads it.
        kind: whether it speaks for real or for AI.
        name: of the class, ``real`` or a generator; captions of one class share it.
        tokens: the text as numbers of the tower's vocabulary, without padding; empty where the
            caption is a vector that was learnt.
    """

    text: str
    kind: Kind
    name: str
    tokens: tuple[int, ...] = ()

    def to_header(self) -> dict[str, Any]:
        """The form kept in an adapter's header."""
        known = {"text": self.text, "kind": self.kind.value, "name": self.name}
        return {**known, "tokens": list(self.tokens)}

    @classmethod
    def from_header(cls, header: dict[str, Any]) -> "Caption":
        """Read the form kept in an adapter's header, which anybody may have written.

        Raises:
            KeyError: a part is missing.
            TypeError: it is no object.
            ValueError: a part is none that a caption can have.
        """
        tokens = header["tokens"]
        fitting = isinstance(tokens, list) and len(tokens) <= _MOST_TOKENS
        if not fitting or not all(type(t) is int and 0 <= t < _LARGEST_TOKEN for t in tokens):
            raise ValueError("tokens of a caption are no list of numbers")
        texts = as_caption(header["text"]), as_caption(header["name"])
        return cls(texts[0], Kind(header["kind"]), texts[1], tuple(tokens))


def as_caption(text: Any) -> str:
    """A text that may be a caption: one line, not empty, not too long.

    Raises:
        ValueError: it is none; the message is the reason.
    """
    if not isinstance(text, str) or not text.strip():
        raise ValueError("a caption is empty")
    if len(text) > LONGEST_CAPTION:
        raise ValueError(f"a caption of {len(text)} characters, over {LONGEST_CAPTION}")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise ValueError("a caption has control characters or halves of characters")
    return text


@dataclass(frozen=True)
class CaptionHead:
    """The end of CLIP's image tower and the embeddings of captions.

    An image's embedding is ``z = unit(LN(token) P)`` of the last block's class token; its logit
    is ``log sum exp(s cos(z, t))`` over captions that say AI, less that over those that say real,
    with the embeddings ``t`` and the temperature ``s``. Captions of kind ``other`` do not count.

    Attributes:
        captions: ``[C]``, at least one of each kind that counts.
        embeddings: float32 ``[C, E]``, of unit length.
        scale: float32 ``[1]``, the temperature that cosines are multiplied by, at most 100.
        norm_weight: float32 ``[W]``, of the tower's last layer norm.
        norm_bias: float32 ``[W]``.
        proj: float32 ``[W, E]``, the tower's projection into the joint space.
        eps: of the layer norm.
    """

    captions: tuple[Caption, ...]
    embeddings: torch.Tensor
    scale: torch.Tensor
    norm_weight: torch.Tensor
    norm_bias: torch.Tensor
    proj: torch.Tensor
    eps: float = 1e-5

    def __call__(self, tokens: torch.Tensor) -> Floats:
        """Logits of images, positive for AI.

        Runs on the CPU in float64, image by image, so that rounding does not depend on the batch.

        Args:
            tokens: float32 ``[N, 1, W]``, of the last block.

        Returns:
            float64 ``[N]``.
        """
        return np.asarray(self.logits(tokens).numpy(), dtype=np.float64)

    def logits(self, tokens: torch.Tensor) -> torch.Tensor:
        """The same as a tensor, float64 ``[N]``, through which gradients flow."""
        similar = self._cosines(tokens) * self.scale.double()
        ai, real = self._rows(Kind.AI), self._rows(Kind.REAL)
        return torch.logsumexp(similar[:, ai], dim=1) - torch.logsumexp(similar[:, real], dim=1)

    def caption_scores(self, tokens: torch.Tensor) -> Floats:
        """Cosine of each image's embedding and each caption's, -1 to 1, float64 ``[N, C]``.

        Args:
            tokens: float32 ``[N, 1, W]``, of the last block.
        """
        return np.asarray(self._cosines(tokens).numpy(), dtype=np.float64)

    @property
    def names(self) -> tuple[str, ...]:
        """The classes that count, each once, in the order of their captions."""
        counting = (one.name for one in self.captions if one.kind is not Kind.OTHER)
        return tuple(dict.fromkeys(counting))

    def name_shares(self, tokens: torch.Tensor) -> Floats:
        """Softmax over the captions that count, summed by class.

        Args:
            tokens: float32 ``[N, 1, W]``, of the last block.

        Returns:
            float64 ``[N, len(names)]``, rows summing to 1; not calibrated.
        """
        rows = [*self._rows(Kind.REAL), *self._rows(Kind.AI)]
        shares = functional.softmax(self._cosines(tokens)[:, rows] * self.scale.double(), dim=1)
        names, summed = self.names, torch.zeros(len(tokens), len(self.names), dtype=torch.float64)
        for column, row in enumerate(rows):
            summed[:, names.index(self.captions[row].name)] += shares[:, column]
        return np.asarray(summed.numpy(), dtype=np.float64)

    def with_captions(
        self, captions: tuple[Caption, ...], embeddings: torch.Tensor
    ) -> "CaptionHead":
        """The head that compares with more captions, for which nothing is trained.

        Args:
            captions: ``[N]``, whose tokens a text tower read.
            embeddings: float32 ``[N, E]``, as ``Pair.embed`` gives them for this head's towers.

        Raises:
            ValueError: numbers or lengths do not fit, or there would be too many.
        """
        if embeddings.shape != (len(captions), self.embeddings.shape[1]):
            raise ValueError(f"embeddings of shape {tuple(embeddings.shape)} do not fit")
        if len(self.captions) + len(captions) > MOST_CAPTIONS:
            raise ValueError(f"more than {MOST_CAPTIONS} captions")
        added = functional.normalize(embeddings.detach().float().cpu(), dim=1)
        all_of_them = torch.cat([self.embeddings, added])
        return replace(self, captions=(*self.captions, *captions), embeddings=all_of_them)

    def as_stored(self) -> "CaptionHead":
        """The head with the rounding of an adapter's file."""
        return replace(self, proj=self.proj.half().float())

    def fits(self, blocks: int, width: int) -> bool:
        """Whether it reads so many tokens of that width, and its tensors fit one another."""
        outputs = self.proj.shape[1:]
        return (
            blocks == 1
            and self.norm_weight.shape == self.norm_bias.shape == (width,)
            and self.proj.shape == (width, *outputs)
            and len(outputs) == 1
            and self.embeddings.shape == (len(self.captions), *outputs)
            and self.scale.shape == (1,)
        )

    def check(self) -> None:
        """Raise ValueError unless its captions can decide between real and AI."""
        if not 2 <= len(self.captions) <= MOST_CAPTIONS:
            raise ValueError(f"{len(self.captions)} captions; 2 to {MOST_CAPTIONS} are read")
        if not self._rows(Kind.AI) or not self._rows(Kind.REAL):
            raise ValueError("its captions are all of one class")
        if not math.isfinite(self.eps) or not 0.0 <= self.eps <= 1.0:
            raise ValueError("the eps of its norm is not in 0..1")
        tensors = (self.embeddings, self.scale, self.norm_weight, self.norm_bias, self.proj)
        if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors):
            raise ValueError("a tensor has values that are no numbers")

    def _rows(self, kind: Kind) -> list[int]:
        return [row for row, caption in enumerate(self.captions) if caption.kind is kind]

    def _cosines(self, tokens: torch.Tensor) -> torch.Tensor:
        token = tokens[:, 0].cpu().double()
        norm = self.norm_weight.double(), self.norm_bias.double()
        normed = functional.layer_norm(token, token.shape[-1:], *norm, self.eps)
        proj, captions = self.proj.double(), functional.normalize(self.embeddings.double(), dim=1)
        # a matrix product of more images, or of more captions, may round otherwise
        found = [(captions * functional.normalize(one @ proj, dim=0)).sum(dim=1) for one in normed]
        return torch.stack(found) if found else token.new_zeros(0, len(captions))
