"""`clipfake finetune --method captions`: what its options ask for, and what it says and writes."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from clipfake.cli.adapter_out import write_out
from clipfake.cli.words import say
from clipfake.errors import ReportError, UsageError
from clipfake.report.files import remedy_of

if TYPE_CHECKING:
    from rich.console import Console

    from clipfake.detector.backbone import Backbone
    from clipfake.detector.pair import Pair
    from clipfake.training.caption_texts import Templates
    from clipfake.training.caption_tuning import Captioned


@dataclass(frozen=True)
class CaptionsAsked:
    """Options that captions alone have.

    Attributes:
        model: architecture of both towers; None for an image tower alone.
        weights: tag or file of the model.
        lora: updates instead of the weights; None for what suits the tower.
        real: templates of real images; empty for the default.
        fake: templates of AI images; empty for the default.
        more: captions that are compared with only.
    """

    model: str | None
    weights: str | None
    lora: bool | None
    real: list[str]
    fake: list[str]
    more: list[str]

    @property
    def by_lora(self) -> bool:
        """Whether updates are trained: by default where the tower travels in the package."""
        return self.model is None if self.lora is None else self.lora

    def given(self) -> list[str]:
        """Names of the options that were given."""
        named = {
            "--model": self.model,
            "--weights": self.weights,
            "--lora": self.lora,
            "--caption-real": self.real,
            "--caption-fake": self.fake,
            "--caption": self.more,
        }
        return [name for name, value in named.items() if value not in (None, [])]

    def check(self, backbone: str | None) -> None:
        """Raise UsageError for options that do not go together, or that captions cannot be."""
        if (self.model is None) != (self.weights is None):
            raise UsageError(
                "--model and --weights belong together: the name of an architecture, and a tag or "
                "a safetensors file with both towers; leave both out for the built-in image tower"
            )
        if self.model is not None and backbone is not None:
            raise UsageError("--model names both towers, --backbone an image tower; give one")
        self.templates().check()

    def templates(self) -> "Templates":
        """What captions are written by."""
        from clipfake.training.caption_texts import Templates

        default = Templates()
        real, fake = tuple(self.real) or default.real, tuple(self.fake) or default.fake
        return Templates(real, fake, tuple(self.more))

    def tower(self, backbone: str | None, *, allow_download: bool) -> "Pair | Backbone":
        """Load both towers, or the image tower alone."""
        from clipfake.detector.backbone import EMBEDDED_BACKBONE, load_backbone
        from clipfake.detector.pair import load_pair

        if self.model is not None and self.weights is not None:
            return load_pair(self.model, self.weights, allow_download=allow_download)
        return load_backbone(backbone or EMBEDDED_BACKBONE, allow_download=allow_download)


def model_file(out: Path) -> Path:
    """Where weights that were tuned as a whole lie, beside their adapter."""
    return out.with_name(f"{out.stem}.model.safetensors")


def write_captioned(result: "Captioned", out: Path) -> None:
    """Write the adapter, and before it the weights that belong to it, if there are any.

    Raises:
        ReportError: the file system refuses.
    """
    from clipfake.detector.pair import save_model
    from clipfake.detector.tensor_file import TensorFile

    adapter, model = result.outcome.adapter, result.model
    if model is not None:
        file = model_file(out)
        unfinished = file.with_name(file.name + ".part")
        try:
            save_model(model.tensors, model.traits, unfinished)
            digest = TensorFile.open(unfinished).digest()
            unfinished.replace(file)
        except OSError as error:
            remedy = remedy_of(file, error) or "name a file elsewhere"
            raise ReportError(
                f"{file}: weights cannot be written ({error.strerror or error}); {remedy}"
            ) from error
        backbone = f"{model.architecture}/{file}"
        adapter = replace(adapter, backbone=backbone, weights=digest)
    write_out(adapter, out)


def tell_captioned(console: "Console", result: "Captioned", out: Path) -> None:
    """Print what was left out, what was measured, and what was written."""
    from clipfake.cli.training_screen import compared, tell_left_out

    tell_left_out(console, result.errors, result.left_out)
    trained, held_out = result.images
    lines = [
        f"captions: {trained} images trained on, {held_out} held out, "
        f"{result.parameters:,} numbers trained",
        f"on your images (held-out part): {compared(None, result.outcome.after)}",
    ]
    if (named := result.named) is not None:
        lines.append(
            f"which generator, of {named.generators} that were trained on: {named.right} of "
            f"{named.images} AI images named right, mean over generators {named.balanced:.1%}"
        )
    lines.append(
        "Thresholds were set on the held-out images by the share of real images accused, never by "
        "accuracy; weights were chosen on them too, so these figures flatter the result."
    )
    if result.model is not None:
        lines.append(f"weights: {model_file(out)}; the adapter needs that file beside it")
    lines.append(f"adapter: {out} (clipfake scan --adapter {out} ...)")
    for line in lines:
        say(console, line)
