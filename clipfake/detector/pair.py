"""Both towers of a CLIP model: images and captions into one space.

Only the image tower travels in the package. Whoever has a whole checkpoint of open_clip names its
architecture and weights; what tunes it may change both towers, and a detector then needs the image
tower alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

from clipfake.detector.backbone import (
    VISUAL,
    Backbone,
    Traits,
    fill,
    find_weights,
    plain_vit,
    quietly,
    read_floats,
)
from clipfake.detector.captions import Caption, Kind, as_caption
from clipfake.errors import BackboneError, UsageError

Tokenizer = Callable[[list[str]], torch.Tensor]


@dataclass(frozen=True)
class Pair:
    """An image tower and the text tower that was trained with it.

    Attributes:
        backbone: the image tower; it is ``model.visual``.
        model: open_clip's model, float32, in eval mode, without gradients.
        tokenizer: texts to numbers of the text tower's vocabulary, int64 ``[N, L]``, padded.
    """

    backbone: Backbone
    model: nn.Module
    tokenizer: Tokenizer

    def tokenise(self, texts: Sequence[str]) -> torch.Tensor:
        """Texts as the text tower reads them, int64 ``[N, L]``; what is longer is cut off."""
        return self.tokenizer(list(texts)).long()

    def embed(self, tokens: torch.Tensor) -> torch.Tensor:
        """Embeddings of tokenised texts in the joint space; gradients flow where they may.

        Args:
            tokens: int64 ``[N, L]``.

        Returns:
            ``[N, E]``, of unit length.
        """
        model = cast(Any, self.model)
        own = (value for name, value in model.named_parameters() if not name.startswith(VISUAL))
        return functional.normalize(model.encode_text(tokens.to(next(own).device)).float(), dim=1)

    def caption(self, text: str, kind: Kind = Kind.OTHER, name: str = "") -> Caption:
        """A caption with its tokens.

        Args:
            text: what it says.
            kind: whether it speaks for real or for AI.
            name: of its class; its text where it has none.

        Raises:
            UsageError: it can be no caption.
        """
        try:
            as_caption(text)
        except ValueError as error:
            raise UsageError(f"caption {text[:40]!r}: {error}; give another") from error
        (row,) = self.tokenise([text]).tolist()
        while row and row[-1] == 0:
            row.pop()
        return Caption(text, kind, name or text, tuple(row))

    def embeddings(self, captions: Sequence[Caption]) -> torch.Tensor:
        """Embeddings of captions as the towers stand now, float32 ``[N, E]`` on the CPU.

        ``CaptionHead.with_captions`` takes them, so that a caption may be scored that no training
        has seen.
        """
        tokens = self.tokenise([caption.text for caption in captions])
        with torch.no_grad():
            return self.embed(tokens).cpu()


def load_pair(architecture: str, weights: str, *, allow_download: bool = False) -> Pair:
    """Load both towers of a model of open_clip.

    Args:
        architecture: a name that open_clip knows, e.g. ``ViT-B-32``.
        weights: a tag, e.g. ``laion2b_s34b_b79k``, or a safetensors file.
        allow_download: fetch tagged weights from their hub when they are not in the local cache.

    Raises:
        BackboneError: the name is unknown, the weights are absent, hold no text tower or do not
            fit, or a tower is of a kind that is not supported.
    """
    import open_clip

    name = f"{architecture}/{weights}"
    file, traits = find_weights(name, allow_download=allow_download)
    text = (open_clip.get_model_config(architecture) or {}).get("text_cfg", {})
    if any(str(key).startswith("hf_") for key in text):
        raise BackboneError(
            f"model {architecture}: its text tower is not open_clip's own; name another model"
        )
    if all(tensor.startswith(VISUAL) for tensor in file.tensors) or not any(
        tensor.startswith(VISUAL) for tensor in file.tensors
    ):
        raise BackboneError(
            f"{file.path}: has no text tower; give a checkpoint of both towers, or name the image "
            f"tower alone as --backbone {architecture}/{weights}"
        )
    # drawn weights are replaced, and what is no weight, such as masks, is kept
    with quietly(), torch.random.fork_rng(devices=[]):
        model = open_clip.create_model(
            architecture, pretrained=None, force_quick_gelu=traits.quick_gelu, device="cpu"
        )
    visual = plain_vit(model.visual, architecture)
    fill(model, file, architecture, lambda: read_floats(file, model.state_dict()))
    backbone = Backbone(name, file.digest(), visual, traits.mean, traits.std)
    return Pair(backbone, model, open_clip.get_tokenizer(architecture))


def save_model(tensors: dict[str, torch.Tensor], traits: Traits, path: Path) -> None:
    """Write weights that ``load_backbone`` and ``load_pair`` read as ``ARCHITECTURE/path``.

    Args:
        tensors: of a whole model by its own names, or of an image tower with ``visual.`` before
            them.
        traits: what they ask for beside an architecture.
        path: file to write, ``.safetensors``.
    """
    whole = {name: tensor.contiguous() for name, tensor in tensors.items()}
    save_file(whole, path, metadata=traits.to_metadata())
