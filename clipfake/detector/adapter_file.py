"""The adapter file: a small safetensors file with all that turns a backbone into a detector.

Tensors are named by their part (``head.weight``, ``lora.blocks.7.qkv.a``, ...); everything else
is a JSON object under the metadata key ``clipfake-adapter``. docs/adapter.md describes it.
"""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from clipfake.detector.adapter import Adapter
from clipfake.detector.calibration import OperatingPoint, Platt
from clipfake.detector.captions import Caption, CaptionHead
from clipfake.detector.generator_file import DTYPES, from_file, to_header, to_tensors
from clipfake.detector.head import Head, Hidden
from clipfake.detector.lora import LoraShape
from clipfake.detector.quantization import SCALE_SUFFIX, dequantize_state_dict
from clipfake.detector.second_look import SecondLook, Thresholds
from clipfake.detector.tensor_file import FLOATS, TensorFile, finite
from clipfake.errors import AdapterError
from clipfake.imaging.preprocessing import Preprocessing

DEFAULT_ADAPTER = Path(__file__).parent.parent / "assets" / "default-adapter.safetensors"
HEADER_KEY = "clipfake-adapter"
FORMAT = 3  # 1 had no LoRA, 2 no hidden units; both are still read
CAPTIONS_FORMAT = 4  # of heads of captions alone, so that the others stay readable for all
SECOND_LOOK_FORMAT = 5  # of adapters with a second look alone, for the same reason
TILES_HEAD_FORMAT = 6  # of adapters whose second look has a head of its own
LEVELS_FORMAT = 7  # of adapters with int8 weights of hidden units, with all that or without
_FORMATS = (1, 2, 3, 4, 5, 6, 7)
_LORA, _CAPTIONS, _HEAD, _TILES_HEAD = "lora.", "captions.", "head.", "second_look.head."
_HIDDEN, _HIDDEN_PARTS = "hidden.", ("weight", "bias", "out")
_HIDDEN_WEIGHTS = (_HEAD + _HIDDEN + "weight", _TILES_HEAD + _HIDDEN + "weight")
MAX_BYTES = 64 * 2**20
_MAX_RANK = 4096


def save_adapter(adapter: Adapter, path: Path) -> None:
    """Write an adapter file."""
    head = adapter.head
    header: dict[str, Any] = {
        "name": adapter.name,
        "backbone": adapter.backbone,
        "blocks": list(adapter.blocks),
        "preprocessing": adapter.preprocessing.to_header(),
        "lora": adapter.lora_shape.to_header() if adapter.lora_shape else None,
        "head": _kind(head),
        "calibration": {"a": adapter.calibration.a, "b": adapter.calibration.b},
        **_thresholds_header(Thresholds(adapter.points, adapter.real_below)),
        "facts": adapter.facts,
    }
    if isinstance(head, CaptionHead):
        captions = [caption.to_header() for caption in head.captions]
        header |= {"captions": {"eps": head.eps, "of": captions}, "weights": adapter.weights}
    tensors = _caption_tensors(head) if isinstance(head, CaptionHead) else _head_tensors(head)
    tensors |= {_LORA + name: tensor.half() for name, tensor in adapter.lora.items()}
    if (generators := adapter.generator_head) is not None:
        header["generators"] = to_header(generators)
        tensors |= to_tensors(generators)
    if (second := adapter.second_look) is not None:
        header["second_look"] = {
            "calibration": {"a": second.calibration.a, "b": second.calibration.b},
            "opens": second.opens,
            "settled": second.settled,
            "auto": _thresholds_header(second.auto),
            "all": _thresholds_header(second.all),
        }
        if second.head is not None:
            header["second_look"]["head"] = _kind(second.head)
            tensors |= _head_tensors(second.head, _TILES_HEAD)
    header["format"] = _format(adapter, tensors)
    path.write_bytes(save(tensors, metadata={HEADER_KEY: json.dumps(header)}))


def _format(adapter: Adapter, tensors: dict[str, torch.Tensor]) -> int:
    if isinstance(adapter.head, CaptionHead):
        return CAPTIONS_FORMAT
    if any(name in tensors and tensors[name].dtype == torch.int8 for name in _HIDDEN_WEIGHTS):
        return LEVELS_FORMAT
    second = adapter.second_look
    if second is not None and second.head is not None:
        return TILES_HEAD_FORMAT
    return FORMAT if second is None else SECOND_LOOK_FORMAT


def _thresholds_header(thresholds: Thresholds) -> dict[str, Any]:
    points = [point.to_header() for point in thresholds.points]
    return {"operating_points": points, "real_below": thresholds.real_below}


def _kind(head: Head | CaptionHead) -> str:
    if isinstance(head, CaptionHead):
        return "cosine"
    return "hidden" if head.hidden else "linear"


def _caption_tensors(head: CaptionHead) -> dict[str, torch.Tensor]:
    tensors = {
        "embeddings": head.embeddings,
        "scale": head.scale,
        "norm.weight": head.norm_weight,
        "norm.bias": head.norm_bias,
        "proj": head.proj.half(),
    }
    return {_CAPTIONS + name: tensor.contiguous() for name, tensor in tensors.items()}


def _head_tensors(head: Head, named: str = _HEAD) -> dict[str, torch.Tensor]:
    tensors = {"weight": head.weight, "bias": head.bias}
    if (hidden := head.hidden) is not None:
        # half precision is far finer than what training changes, and halves the file
        tensors |= {_HIDDEN + part: getattr(hidden, part).half() for part in _HIDDEN_PARTS}
        if (exact := hidden.levels()) is not None:
            name = _HIDDEN + "weight"
            tensors[name], tensors[name + SCALE_SUFFIX] = exact
    return {named + name: tensor for name, tensor in tensors.items()}


def load_adapter(path: Path = DEFAULT_ADAPTER) -> Adapter:
    """Read an adapter file.

    Raises:
        AdapterError: the file is absent, no adapter, damaged, or of a newer format.
    """
    try:
        if not 0 < path.stat().st_size <= MAX_BYTES:
            raise AdapterError(f"{path}: too large or empty for an adapter")
        file = TensorFile.open(path)
        header = file.header(HEADER_KEY)
        own = dict(DTYPES) | dict.fromkeys(_HIDDEN_WEIGHTS, (*FLOATS, "I8"))
        file.check({name: own.get(name, FLOATS) for name in file.tensors})
        tensors, digest = file.load(file.tensors), file.digest()
    except FileNotFoundError as error:
        raise AdapterError(f"{path}: no such adapter file") from error
    except KeyError as error:
        raise AdapterError(f"{path}: safetensors, but not a clipfake adapter") from error
    except (OSError, ValueError) as error:
        raise AdapterError(
            f"{path}: not a readable adapter ({error}); adapters are safetensors"
        ) from error
    if header.get("format") not in _FORMATS:
        raise AdapterError(f"{path}: adapter format {header.get('format')}; update clipfake")
    try:
        return _beside(_from_header(header, tensors, digest), path.parent)
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise AdapterError(f"{path}: adapter header is incomplete ({error})") from error


def _beside(adapter: Adapter, folder: Path) -> Adapter:
    """The adapter whose tuned weights are those in its own folder, if they were moved with it."""
    architecture, _, file = adapter.backbone.partition("/")
    near = folder / Path(file).name
    if not adapter.weights or not os.path.isfile(near):
        return adapter
    return replace(adapter, backbone=f"{architecture}/{near}")


def _from_header(header: dict[str, Any], tensors: dict[str, torch.Tensor], digest: str) -> Adapter:
    thresholds = _thresholds(header)
    adapter = Adapter(
        name=str(header["name"]),
        backbone=str(header["backbone"]),
        blocks=_blocks(header["blocks"]),
        preprocessing=Preprocessing.from_header(header["preprocessing"]),
        head=_any_head(header, tensors),
        calibration=_platt(header),
        points=thresholds.points,
        real_below=thresholds.real_below,
        facts=dict(header["facts"]),
        digest=digest,
        lora_shape=_lora_shape(shape) if (shape := header.get("lora")) else None,
        lora={
            name.removeprefix(_LORA): tensor
            for name, tensor in tensors.items()
            if name.startswith(_LORA)
        },
        generators=from_file(found, tensors) if (found := header.get("generators")) else None,
        weights=str(header.get("weights") or ""),
    )
    found = header.get("second_look")
    if not found:
        return adapter
    return replace(adapter, second=_second(found, tensors, adapter.lora_digest))


def _second(header: dict[str, Any], tensors: dict[str, torch.Tensor], lora: str) -> SecondLook:
    return SecondLook(
        calibration=_platt(header),
        opens=finite(header["opens"]),
        settled=finite(header["settled"]),
        auto=_thresholds(header["auto"]),
        all=_thresholds(header["all"]),
        lora=lora,
        head=_head(kind, tensors, _TILES_HEAD) if (kind := header.get("head")) else None,
    )


def _platt(header: dict[str, Any]) -> Platt:
    return Platt(**{key: finite(value) for key, value in header["calibration"].items()})


def _thresholds(header: dict[str, Any]) -> Thresholds:
    points = tuple(_point(point) for point in header["operating_points"])
    return Thresholds(points, finite(header["real_below"]))


def _blocks(values: list[Any]) -> tuple[int, ...]:
    blocks = tuple(int(finite(value)) for value in values)
    if not blocks or blocks[0] < 1 or list(blocks) != sorted(set(blocks)):
        raise ValueError("blocks are not numbers from 1 on, ascending")
    return blocks


def _point(header: dict[str, Any]) -> OperatingPoint:
    point = OperatingPoint.from_header(header)
    finite(point.fpr), finite(point.threshold), finite(point.reals)
    for value in (*point.fpr_interval, *(point.recall_interval or ())):
        finite(value)
    for optional in (point.recall, point.accused, point.upper, point.sources):
        if optional is not None:
            finite(optional)
    return point


def _lora_shape(header: dict[str, Any]) -> LoraShape:
    shape = LoraShape.from_header({**header, "blocks": _blocks(header["blocks"])})
    if type(shape.rank) is not int or not 1 <= shape.rank <= _MAX_RANK:
        raise ValueError(f"the rank of its LoRA is not a number from 1 to {_MAX_RANK}")
    finite(shape.alpha)
    return shape


def _any_head(header: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Head | CaptionHead:
    if header["head"] == "cosine":
        return _caption_head(header["captions"], tensors)
    return _head(header["head"], tensors, _HEAD)


def _head(kind: object, tensors: dict[str, torch.Tensor], named: str) -> Head:
    if kind not in ("linear", "hidden"):
        raise ValueError(f"unknown head {kind}")
    hidden = None
    if kind == "hidden":
        names = [named + _HIDDEN + part for part in _HIDDEN_PARTS]
        stored = {name: tensors[name] for name in names}
        if stored[names[0]].dtype == torch.int8:
            scale = names[0] + SCALE_SUFFIX
            stored[scale] = tensors[scale]
            if stored[scale].shape != (*stored[names[0]].shape[:-1], 1):
                raise ValueError(f"the shape of {scale} is not that of its weights")
        floats = dequantize_state_dict(stored)
        hidden = Hidden(*(floats[name] for name in names))
    return Head(tensors[named + "weight"], tensors[named + "bias"], hidden)


def _caption_head(header: dict[str, Any], tensors: dict[str, torch.Tensor]) -> CaptionHead:
    def tensor(name: str) -> torch.Tensor:
        return tensors[_CAPTIONS + name].float()

    head = CaptionHead(
        captions=tuple(Caption.from_header(caption) for caption in header["of"]),
        embeddings=tensor("embeddings"),
        scale=tensor("scale"),
        norm_weight=tensor("norm.weight"),
        norm_bias=tensor("norm.bias"),
        proj=tensor("proj"),
        eps=finite(header["eps"]),
    )
    head.check()
    return head
