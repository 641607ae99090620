"""The reference set: tokens of known images, kept with the package to guard what is known.

Few images of one's own say little about all others. The reference set shows what a change does to
those, without the images themselves: int8 tokens, of which no picture can be made.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save_file

from clipfake.detector.adapter import Adapter
from clipfake.detector.calibration import Floats
from clipfake.detector.head import normalise
from clipfake.detector.looks import Looks
from clipfake.detector.quantization import LEVELS, to_levels
from clipfake.detector.second_look import both_logits
from clipfake.detector.tensor_file import TensorFile
from clipfake.errors import AdapterError, UsageError
from clipfake.imaging.preprocessing import Preprocessing

DEFAULT = Path(__file__).parent.parent / "assets" / "reference-tokens.safetensors"
HEADER_KEY = "clipfake-reference"
MAX_BYTES = 256 * 2**20
_DTYPES = {"tokens": ("I8",), "scale": ("F32",), "is_ai": ("U8",), "group": ("I32",)}
_TILES = {"tiles": ("I8",), "tiles_scale": ("F32",)}
_SMALLEST_SCALE = 1e-12


@dataclass(frozen=True)
class Reference:
    """Tokens of known images, and the encoder that made them.

    Attributes:
        tokens: float32 ``[N, K, W]``, layer-normalised up to the rounding to int8.
        is_ai: ``[N]``.
        groups: ``[N]``, source of each image.
        backbone: name of the backbone.
        blocks: whose class tokens they are.
        preprocessing: how the images were cut.
        lora: ``Adapter.lora_digest`` of the tower; empty for the frozen one.
        note: what the images are.
        tiles: float32 ``[N, K, W]`` likewise, of each image the mean over its tiles; None for a set
            of first looks alone.
    """

    tokens: torch.Tensor
    is_ai: npt.NDArray[np.bool_]
    groups: npt.NDArray[np.str_]
    backbone: str
    blocks: tuple[int, ...]
    preprocessing: Preprocessing
    lora: str = ""
    note: str = ""
    tiles: torch.Tensor | None = None

    @property
    def guards(self) -> npt.NDArray[np.bool_]:
        """``[N]``, images whose scores hold corrections back: every other source.

        The others only measure, so that what a correction costs is seen on images that it was
        not held back by.
        """
        return np.isin(self.groups, np.unique(self.groups)[::2])

    def real_scores(
        self, adapter: Adapter, looks: Looks = Looks.FIRST
    ) -> npt.NDArray[np.float32] | None:
        """Scores of the real images, in the order of the set.

        Args:
            adapter: one that the set fits.
            looks: which looks give the scores.

        Returns:
            float32 ``[N]``; None where the set has not these looks.
        """
        real = torch.from_numpy(~self.is_ai)
        logits = adapter.head(self.tokens[real])
        scores = adapter.calibration(logits)
        if looks is not Looks.FIRST:
            look = adapter.second_look
            if look is None or self.tiles is None:
                return None
            again = look.calibration(both_logits(logits, adapter.tiles_head(self.tiles[real])))
            scores = look.chosen(scores, again) if looks is Looks.AUTO else again
        return scores.astype(np.float32)

    def second_logits(self, adapter: Adapter) -> Floats | None:
        """Logits of an adapter's second look, float64 ``[N]``; None where there is none."""
        if adapter.second_look is None or self.tiles is None:
            return None
        return both_logits(adapter.head(self.tokens), adapter.tiles_head(self.tiles))

    def fits(self, adapter: Adapter) -> bool:
        """Whether a scan with this adapter would give the same tokens for the same images."""
        own = (self.backbone, self.lora, self.preprocessing)
        other = (adapter.backbone, adapter.lora_digest, adapter.preprocessing)
        return own == other and self.blocks == adapter.blocks


def quantise(tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Layer-normalised tokens in int8, the scale of each dimension its own.

    Args:
        tokens: float ``[N, K, W]`` as the backbone leaves them.

    Returns:
        int8 ``[N, K, W]`` and float32 ``[K, W]``; their product is the normalised tokens.
    """
    normed = normalise(tokens.float())
    scale = (normed.abs().amax(dim=0) / LEVELS).clamp_min(_SMALLEST_SCALE)
    return to_levels(normed, scale), scale


def save_reference(
    path: Path,
    tokens: torch.Tensor,
    is_ai: npt.NDArray[np.bool_],
    sources: Sequence[str],
    backbone: str,
    blocks: Sequence[int],
    *,
    lora: str = "",
    preprocessing: Preprocessing | None = None,
    note: str = "",
    tiles: torch.Tensor | None = None,
) -> None:
    """Write a reference set; the names of the sources are not kept, only which are the same.

    Args:
        path: file to write, ``.safetensors``.
        tokens: float ``[N, K, W]`` as the backbone leaves them.
        is_ai: ``[N]``.
        sources: ``[N]``.
        backbone: name of the backbone.
        blocks: whose class tokens they are, ascending.
        lora: ``Adapter.lora_digest`` of the tower.
        preprocessing: how the images were cut; None is the default one.
        note: what the images are.
        tiles: float ``[N, K, W]``, of each image the mean over its tiles; None for none.

    Raises:
        ValueError: the numbers of images or blocks differ.
    """
    if not len(tokens) == len(is_ai) == len(sources) or tokens.shape[1] != len(blocks):
        raise ValueError("tokens, labels, sources and blocks differ in number")
    levels, scale = quantise(tokens)
    _, groups = np.unique(np.asarray(sources, dtype=np.str_), return_inverse=True)
    header = {
        "backbone": backbone,
        "blocks": [int(block) for block in blocks],
        "preprocessing": (preprocessing or Preprocessing()).to_header(),
        "lora": lora,
        "note": note,
    }
    tensors = {
        "tokens": levels.contiguous(),
        "scale": scale.contiguous(),
        "is_ai": torch.from_numpy(np.asarray(is_ai, dtype=np.uint8)),
        "group": torch.from_numpy(groups.reshape(-1).astype(np.int32)),
    }
    if tiles is not None:
        levels, scale = quantise(tiles)
        tensors |= {"tiles": levels.contiguous(), "tiles_scale": scale.contiguous()}
    save_file(tensors, path, metadata={HEADER_KEY: json.dumps(header)})


def load_reference(path: Path = DEFAULT) -> Reference:
    """Read a reference set.

    Raises:
        UsageError: the file is absent, damaged, or no reference set.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError("too large")
        file = TensorFile.open(path)
        header = file.header(HEADER_KEY)
        names = [*_DTYPES, *(_TILES if "tiles" in file.tensors else ())]
        _check_shapes(file, len(header["blocks"]), names)
        levels, scale, is_ai, group, *tiles = file.load(names).values()
        return Reference(
            tokens=levels.float() * scale,
            is_ai=is_ai.numpy().astype(bool),
            groups=np.array([f"reference:{number}" for number in group.tolist()]),
            backbone=str(header["backbone"]),
            blocks=tuple(int(block) for block in header["blocks"]),
            preprocessing=Preprocessing.from_header(header["preprocessing"]),
            lora=str(header["lora"]),
            note=str(header["note"]),
            tiles=tiles[0].float() * tiles[1] if tiles else None,
        )
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no such reference set; install clipfake anew") from error
    except (OSError, AdapterError, TypeError, ValueError, KeyError) as error:
        raise UsageError(
            f"{path}: not a readable reference set ({error}); install clipfake anew"
        ) from error


def _check_shapes(file: TensorFile, blocks: int, names: Sequence[str]) -> None:
    file.check({name: (_DTYPES | _TILES)[name] for name in names})
    shapes = {name: file.tensors[name].shape for name in names}
    images, *rest = shapes["tokens"] or (0,)
    rows = (images,)
    if len(rest) != 2 or rest[0] != blocks or not images:
        raise ValueError("its tokens have another shape")
    tiles = {shapes[name] for name in names if name == "tiles"} | {shapes["tokens"]}
    scales = {shapes[name] for name in names if name.endswith("scale")}
    alike = {shapes["is_ai"], shapes["group"]}
    if len(tiles) > 1 or scales != {tuple(rest)} or alike != {rows}:
        raise ValueError("its tensors differ in number")


def find_reference(adapter: Adapter, path: Path | None = None) -> tuple[Reference | None, str]:
    """The reference set, if it can speak of an adapter, else None and why not.

    Args:
        adapter: whose tokens they would have to be.
        path: file; None is the one in the package.

    Raises:
        UsageError: the file is damaged.
    """
    path = path or DEFAULT
    if not path.exists():
        return None, "this copy of clipfake has no reference set"
    reference = load_reference(path)
    if not reference.fits(adapter):
        return None, f"the reference set is of another encoder than that of {adapter.name}"
    return reference, ""
