"""Image and captions in one space, with what training moves of either."""

import math
from typing import Any, cast

import torch
from torch import nn
from torch.nn import functional

from clipfake.detector.backbone import Backbone
from clipfake.detector.captions import LARGEST_SCALE, Caption, CaptionHead
from clipfake.detector.forward import block_tokens
from clipfake.detector.lora import Lora
from clipfake.detector.pair import Pair
from clipfake.errors import BackboneError
from clipfake.training.infonce import caption_loss
from clipfake.training.loop import LoopOptions, Trainer
from clipfake.training.world import World

START_SCALE = 1 / 0.07  # as CLIP's training starts (Radford et al. 2021, section 2.5)


class CaptionModel(nn.Module):
    """An image tower, and captions that a text tower reads or that are vectors.

    The architecture is CLIP's own; nothing is added. What is trained is whatever is a parameter of
    this module: with ``lora`` the updates of the image tower, while the text tower and so the
    captions' embeddings stand still; else all of the towers that there are. The temperature is
    in either case.

    Attributes:
        lora: updates of the image tower, or None where the tower itself is trained.
        vectors: ``[C, E]``, captions that are learnt, where there is no text tower.
    """

    def __init__(
        self,
        backbone: Backbone,
        *,
        of_caption: torch.Tensor,
        pair: Pair | None = None,
        tokens: torch.Tensor | None = None,
        vectors: torch.Tensor | None = None,
        lora: Lora | None = None,
    ) -> None:
        """Join the parts.

        Args:
            backbone: the image tower, on the device already.
            of_caption: int64 ``[C]``, class of each caption.
            pair: both towers, whose image tower ``backbone`` is; None for vectors.
            tokens: int64 ``[C, L]``, captions as the pair's text tower reads them.
            vectors: float32 ``[C, E]``, where captions start that are learnt.
            lora: updates of the image tower; None trains all that there is.

        Raises:
            BackboneError: the image tower does not embed its class token as CLIP does.
        """
        super().__init__()
        visual: Any = backbone.visual
        plain = getattr(visual, "pool_type", "tok") == "tok"
        if not plain or getattr(visual, "attn_pool", None) is not None or visual.proj is None:
            raise BackboneError(
                f"model {backbone.name}: does not project its class token as CLIP does; name "
                "another, e.g. ViT-B-32"
            )
        self._backbone, self._pair = (backbone,), (pair,)  # in tuples, so no submodules
        self.lora = lora
        self.trained: nn.Module | None = None
        if lora is None:
            self.trained = pair.model if pair else visual
            self.trained.requires_grad_(True)
        self.register_buffer("of_caption", of_caption)
        self.register_buffer("tokens", tokens)
        self.vectors = nn.Parameter(vectors.clone()) if vectors is not None else None
        self.log_scale: nn.Parameter | None = None
        self.register_buffer("fixed", None)
        if pair is None or lora is not None:
            start = math.log(START_SCALE)
            if pair is not None:
                start = float(cast(Any, pair.model).logit_scale.detach().reshape(()))
            self.log_scale = nn.Parameter(torch.tensor(start))
        if pair is not None and tokens is not None and lora is not None:
            with torch.no_grad():
                self.fixed = pair.embed(tokens)

    @property
    def backbone(self) -> Backbone:
        """The image tower, with what it was trained to so far unless that is ``lora``."""
        return self._backbone[0]

    @property
    def temperature(self) -> nn.Parameter:
        """Logarithm of the temperature."""
        if self.log_scale is not None:
            return self.log_scale
        return cast(nn.Parameter, cast(Any, self.trained).logit_scale)

    def scale(self) -> torch.Tensor:
        """The temperature, a scalar of at most 100; its gradient is that of an unbounded one."""
        log = self.temperature.reshape(())
        over = functional.relu(log - math.log(LARGEST_SCALE)).detach()
        return torch.exp(log - over)

    def images(self, pixels: torch.Tensor, kept: torch.Tensor | None = None) -> torch.Tensor:
        """Embeddings ``[N, E]``, of unit length, of uint8 RGB ``[N, 3, S, S]``."""
        visual: Any = self.backbone.visual
        depth = (self.backbone.depth,)
        (token,) = block_tokens(self.backbone, pixels, depth, lora=self.lora, kept=kept).unbind(1)
        return functional.normalize((visual.ln_post(token) @ visual.proj).float(), dim=1)

    def captions(self) -> torch.Tensor:
        """Embeddings of the captions, float32 ``[C, E]``, of unit length."""
        if self.vectors is not None:
            return functional.normalize(self.vectors, dim=1)
        if self.fixed is not None:
            return self.fixed
        (pair,) = self._pair
        assert pair is not None  # noqa: S101 captions without a text tower are vectors
        return pair.embed(cast(torch.Tensor, self.tokens))

    def head(self, captions: tuple[Caption, ...]) -> CaptionHead:
        """The head that compares as this module does now, on the CPU.

        Args:
            captions: ``[C]``, in the order that the module has them.
        """
        visual: Any = self.backbone.visual
        with torch.no_grad():
            return CaptionHead(
                captions,
                _still(self.captions()),
                _still(self.scale().reshape(1)),
                _still(visual.ln_post.weight),
                _still(visual.ln_post.bias),
                _still(visual.proj),
                eps=float(visual.ln_post.eps),
            )

    def forward(
        self, pixels: torch.Tensor, kept: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Embeddings of images and captions."""
        return self.images(pixels, kept), self.captions()


def _still(tensor: torch.Tensor) -> torch.Tensor:
    """A copy that training does not change."""
    return tensor.detach().float().cpu().clone()


class CaptionTrainer(Trainer[CaptionModel]):
    """Images against captions; Adam, since its weights do not decay unless options say so.

    With several parts to a step, or several processes, the loss from captions to images is that
    within each part.
    """

    def __init__(
        self, model: CaptionModel, options: LoopOptions, patch: int, world: World, task: str
    ) -> None:
        """Start at step 0; arguments as those of ``Trainer``.

        The towers have ``lora_rate``, vectors and the temperature ``head_rate``.
        """
        quick = [model.temperature, *([model.vectors] if model.vectors is not None else [])]
        own = {id(parameter) for parameter in quick}
        towers = [parameter for parameter in model.parameters() if id(parameter) not in own]
        groups: list[dict[str, Any]] = [
            {"params": towers, "peak": options.lora_rate},
            {"params": quick, "peak": options.head_rate},
        ]
        super().__init__(model, groups, options, patch, world, task)

    def _loss(
        self,
        pixels: torch.Tensor,
        target: torch.Tensor,
        kept: torch.Tensor | None,
        precision: torch.dtype,
    ) -> tuple[torch.Tensor, float]:
        lower = precision == torch.bfloat16
        with torch.autocast(pixels.device.type, torch.bfloat16, enabled=lower):
            images, captions = self.model(pixels, kept)
        of_caption = cast(torch.Tensor, self.model.of_caption)
        loss = caption_loss(
            images.float(), captions.float(), self.model.scale(), target.long(), of_caption
        )
        return loss, loss.item()
