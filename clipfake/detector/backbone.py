"""The backbone: a frozen CLIP image tower, and the class tokens that detectors read.

The tower of OpenAI's CLIP ViT-B/16 travels inside the package as int8 weights. Any other
image tower that open_clip knows is named ``ARCHITECTURE/TAG``, e.g. ``ViT-L-14/openai``;
``ARCHITECTURE/path/to/file.safetensors`` loads a local checkpoint. One that was tuned as a whole
says under the metadata key ``clipfake-model`` what its architecture's name leaves open.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from clipfake.detector.quantization import dequantize_state_dict
from clipfake.detector.tensor_file import FLOATS, TensorFile
from clipfake.detector.tower import OPENAI_MEAN, OPENAI_STD, ImageTower, vit_b16
from clipfake.errors import BackboneError

EMBEDDED_BACKBONE = "ViT-B-16/openai"
EMBEDDED_ASSET = Path(__file__).parent.parent / "assets" / "clip-vit-b16-openai-int8.safetensors"
HUB_WEIGHTS = "open_clip_model.safetensors"
MODEL_KEY = "clipfake-model"
VISUAL = "visual."  # prefix of the image tower's tensors in a whole CLIP checkpoint


@dataclass(frozen=True)
class Backbone:
    """A CLIP image tower with what identifies it.

    Attributes:
        name: ``ARCHITECTURE/TAG``; adapters name the backbone they fit this way.
        digest: sha256 of the weights file, hex.
        visual: the tower, float32, in eval mode, without gradients; open_clip's own, of the same
            names, where it is another than the embedded one.
        mean: RGB mean of the normalisation, in 0..1.
        std: RGB standard deviation of the normalisation, in 0..1.
        lora: ``Adapter.lora_digest`` of the updates in its weights; empty for the tower as it was
            released.
    """

    name: str
    digest: str
    visual: ImageTower
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    lora: str = ""

    @property
    def depth(self) -> int:
        """Number of transformer blocks."""
        return len(self.visual.transformer.resblocks)

    @property
    def width(self) -> int:
        """Length of a token vector."""
        return int(self.visual.class_embedding.shape[0])

    @property
    def patch_size(self) -> int:
        """Side of a patch, pixels."""
        return int(self.visual.patch_size[0])

    @property
    def image_size(self) -> int:
        """Side of the square input, pixels."""
        return int(self.visual.image_size[0])


def load_backbone(name: str = EMBEDDED_BACKBONE, *, allow_download: bool = False) -> Backbone:
    """Load an image tower by name.

    Args:
        name: ``ARCHITECTURE/TAG`` or ``ARCHITECTURE/path/to/file.safetensors``. The embedded
            one needs no network; another is taken from the local hub cache.
        allow_download: fetch a tower from its hub when it is not in the local cache.

    Returns:
        The tower in float32 on the CPU, in eval mode, parameters frozen.

    Raises:
        BackboneError: the name is unknown, the weights are absent, not safetensors, or do
            not fit the architecture.
    """
    return _load_embedded() if name == EMBEDDED_BACKBONE else _load_named(name, allow_download)


def _load_embedded() -> Backbone:
    file, visual = _open_weights(EMBEDDED_ASSET), vit_b16()
    fill(visual, file, EMBEDDED_BACKBONE, lambda: dequantize_state_dict(file.load(file.tensors)))
    return Backbone(EMBEDDED_BACKBONE, file.digest(), visual, OPENAI_MEAN, OPENAI_STD)


def _load_named(name: str, allow_download: bool) -> Backbone:
    architecture = name.partition("/")[0]
    file, traits = find_weights(name, allow_download=allow_download)
    visual = _build_visual(architecture, traits.quick_gelu)
    fill(visual, file, architecture, lambda: read_floats(file, visual.state_dict(), VISUAL))
    return Backbone(name, file.digest(), visual, traits.mean, traits.std)


@dataclass(frozen=True)
class Traits:
    """What weights ask for that the name of an architecture leaves open.

    Attributes:
        quick_gelu: the blocks have QuickGELU, as OpenAI's do.
        mean: RGB mean of the normalisation, in 0..1.
        std: RGB standard deviation of the normalisation, in 0..1.
    """

    quick_gelu: bool = False
    mean: tuple[float, float, float] = OPENAI_MEAN
    std: tuple[float, float, float] = OPENAI_STD

    @classmethod
    def of(cls, file: TensorFile, architecture: str, tag: str) -> "Traits":
        """Those that a file states, else those of the tag.

        Raises:
            BackboneError: the architecture is unknown, or the file states what cannot be.
        """
        config = _pretrained_config(architecture, tag)
        if MODEL_KEY not in file.metadata:
            mean, std = config.get("mean") or OPENAI_MEAN, config.get("std") or OPENAI_STD
            return cls(bool(config.get("quick_gelu", False)), tuple(mean), tuple(std))
        try:
            header = file.header(MODEL_KEY)
            return cls(
                header["quick_gelu"] is True, _rgb(header["mean"]), _rgb(header["std"], 1e-3)
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BackboneError(
                f"{file.path}: its header {MODEL_KEY} is damaged ({error}); write it anew"
            ) from error

    def to_metadata(self) -> dict[str, str]:
        """The metadata of a file with such weights."""
        header = {"quick_gelu": self.quick_gelu, "mean": self.mean, "std": self.std}
        return {MODEL_KEY: json.dumps(header)}


def _rgb(values: Any, least: float = 0.0) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    if not all(least <= value <= 1.0 for value in (red, green, blue)):  # nor is NaN
        raise ValueError(f"{str(values)[:40]} where three shares belong")
    return red, green, blue


def traits_of(backbone: Backbone) -> Traits:
    """What a tower's weights ask for, as they stand in memory."""
    name = type(backbone.visual.transformer.resblocks[0].mlp.gelu).__name__
    return Traits(name == "QuickGELU", backbone.mean, backbone.std)


def fill(
    module: nn.Module, file: TensorFile, what: str, read: Callable[[], dict[str, torch.Tensor]]
) -> None:
    """Assign weights to a tower, or to a whole model, that has none of its own yet; freeze it.

    Raises:
        BackboneError: the file cannot be read, or its weights do not fit.
    """
    try:
        module.load_state_dict(read(), strict=True, assign=True)
    except OSError as error:
        raise BackboneError(f"{file.path}: cannot be read ({error.strerror})") from error
    except (KeyError, RuntimeError, ValueError) as error:
        raise BackboneError(
            f"{file.path}: weights do not fit {what} ({' '.join(str(error).split())[:200]})"
            "; name the architecture that the file was made for"
        ) from error
    module.eval().requires_grad_(False)


def embedded_backbone_header() -> dict[str, str]:
    """Where the embedded weights came from: source revision, licence, sha256 of what was read."""
    return TensorFile.open(EMBEDDED_ASSET).header("clipfake-backbone")


def _build_visual(architecture: str, quick_gelu: bool) -> ImageTower:
    import open_clip

    # on the meta device nothing is allocated or initialised; the weights are assigned after
    with quietly(), torch.device("meta"):
        model = open_clip.create_model(
            architecture, pretrained=None, force_quick_gelu=quick_gelu, device="meta"
        )
    return plain_vit(model.visual, architecture)


def plain_vit(visual: nn.Module, architecture: str) -> ImageTower:
    """The image tower of a model of open_clip, whose names are those of ``ImageTower``.

    Raises:
        BackboneError: it is another kind of tower.
    """
    from open_clip.transformer import ResidualAttentionBlock, VisionTransformer

    plain = isinstance(visual, VisionTransformer) and all(
        isinstance(block, ResidualAttentionBlock) for block in visual.transformer.resblocks
    )
    if not plain:
        raise BackboneError(f"backbone {architecture}: not a plain ViT; name a ViT of open_clip")
    return cast(ImageTower, visual)  # it has the names that are used


@contextmanager
def quietly() -> Iterator[None]:
    """Let open_clip not warn that a model has no weights while the block builds one."""
    root = logging.getLogger()
    root.addFilter(_not_random_init)
    try:
        yield
    finally:
        root.removeFilter(_not_random_init)


def _not_random_init(record: logging.LogRecord) -> bool:
    # open_clip warns that no weights were loaded; they are assigned right after
    return "Model initialized randomly" not in record.getMessage()


def _pretrained_config(architecture: str, tag: str) -> dict[str, Any]:
    import open_clip

    if architecture not in open_clip.list_models():
        raise BackboneError(
            f"backbone architecture {architecture!r} is unknown; "
            "python -c 'import open_clip; print(open_clip.list_models())' lists them"
        )
    return open_clip.get_pretrained_cfg(architecture, tag) or {}


def find_weights(name: str, *, allow_download: bool) -> tuple[TensorFile, Traits]:
    """The weights' file of a model, and what they ask for.

    Args:
        name: as ``load_backbone`` takes it.
        allow_download: fetch it from its hub when it is not in the local cache.

    Raises:
        BackboneError: as ``load_backbone``.
    """
    architecture, _, tag = name.partition("/")
    _pretrained_config(architecture, tag)
    file = _open_weights(_weights_path(name, allow_download))
    return file, Traits.of(file, architecture, tag)


def _weights_path(name: str, allow_download: bool) -> Path:
    import open_clip

    architecture, _, tag = name.partition("/")
    if tag.endswith(".safetensors") or Path(tag).is_file():
        return Path(tag)
    config = _pretrained_config(architecture, tag)
    if not config.get("hf_hub"):
        known = ", ".join(open_clip.list_pretrained_tags_by_model(architecture)) or "none"
        raise BackboneError(
            f"backbone {name!r}: no weights of that tag on the hub; tags of {architecture}: {known}"
        )
    return _hub_file(str(config["hf_hub"]).strip("/"), name, allow_download)


def _hub_file(repository: str, name: str, allow_download: bool) -> Path:
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(repository, HUB_WEIGHTS, local_files_only=not allow_download))
    except Exception as error:  # the hub client raises many kinds, network ones among them
        remedy = (
            "check the connection, or give a local file as ARCHITECTURE/file.safetensors"
            if allow_download
            else "give --allow-download, or a local file as ARCHITECTURE/file.safetensors"
        )
        raise BackboneError(
            f"backbone {name}: weights are not on this machine; {remedy}"
        ) from error


def _open_weights(path: Path) -> TensorFile:
    try:
        return TensorFile.open(path)
    except FileNotFoundError as error:
        raise BackboneError(f"{path}: no such backbone file") from error
    except (OSError, ValueError) as error:
        raise BackboneError(f"{path}: not a readable safetensors file ({error})") from error


def read_floats(
    file: TensorFile, wanted: Mapping[str, torch.Tensor], part: str = ""
) -> dict[str, torch.Tensor]:
    """Weights of a whole CLIP checkpoint, in float32.

    Args:
        file: a checkpoint, or a tower alone.
        wanted: tensors of the shapes that are wanted, by their names in the module.
        part: prefix of the module's tensors in a whole checkpoint; others are passed over.

    Raises:
        ValueError: a tensor is not as wanted; it is found before any is read.
    """
    whole = any(name.startswith(part) for name in file.tensors)
    prefix = part if whole else ""
    names = {prefix + name: tensor.shape for name, tensor in wanted.items()}
    file.check(dict.fromkeys(names, FLOATS))
    for name, shape in names.items():
        if file.tensors[name].shape != tuple(shape):
            raise ValueError(
                f"tensor {name} is {list(file.tensors[name].shape)}, not {list(shape)}"
            )
    unknown = [n for n in file.tensors if n.startswith(prefix) and n not in names]
    if unknown:
        raise ValueError(f"tensor {unknown[0][:80]} is unknown")
    return {n.removeprefix(prefix): tensor.float() for n, tensor in file.load(names).items()}
