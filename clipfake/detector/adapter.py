"""The adapter file: a small safetensors file with all that turns a backbone into a detector.

Tensors are named by their part (``head.weight``, ``lora.blocks.7.qkv.a``, ...); everything else
is a JSON object under the metadata key ``clipfake-adapter``. docs/adapter.md describes it.
"""

import hashlib
import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from clipfake.detector.backbone import Backbone
from clipfake.detector.calibration import DEFAULT_FPR, DecisionRule, OperatingPoint, Platt
from clipfake.detector.captions import Caption, CaptionHead
from clipfake.detector.generator_file import DTYPES, from_file, to_header, to_tensors
from clipfake.detector.generators import GeneratorHead
from clipfake.detector.head import Head, Hidden
from clipfake.detector.looks import Looks
from clipfake.detector.lora import Lora, LoraShape, merge
from clipfake.detector.second_look import SecondLook, Thresholds
from clipfake.detector.tensor_file import FLOATS, TensorFile, finite
from clipfake.errors import AdapterError, UsageError
from clipfake.imaging.preprocessing import Preprocessing

DEFAULT_ADAPTER = Path(__file__).parent.parent / "assets" / "default-adapter.safetensors"
HEADER_KEY = "clipfake-adapter"
FORMAT = 3  # 1 had no LoRA, 2 no hidden units; both are still read
CAPTIONS_FORMAT = 4  # of heads of captions alone, so that the others stay readable for all
SECOND_LOOK_FORMAT = 5  # of adapters with a second look alone, for the same reason
_FORMATS = (1, 2, 3, 4, 5)
_LORA, _HIDDEN, _CAPTIONS = "lora.", "head.hidden.", "captions."
_HIDDEN_PARTS = ("weight", "bias", "out")
MAX_BYTES = 64 * 2**20
_MAX_RANK = 4096


@dataclass(frozen=True)
class Adapter:
    """A trained detector without its backbone.

    Attributes:
        name: what reports call it.
        backbone: name of the backbone it fits, ``ARCHITECTURE/TAG``.
        blocks: blocks whose class tokens the head reads, 1 is the first, ascending.
        preprocessing: how images are cut.
        head: weights over the tokens, or captions that images are compared with.
        calibration: logits to scores.
        points: operating points, each a threshold at a stated false-positive rate.
        real_below: score below which the verdict is real.
        facts: training data, metrics and whatever else the header says.
        digest: sha256 of the file, hex; empty before it is saved.
        lora_shape: what of the backbone is tuned; None leaves it frozen.
        lora: the tuned tensors, by their names in ``Lora``.
        generators: tells generators apart; None where it cannot.
        weights: sha256 of the backbone's file, hex, where that was tuned as a whole and belongs to
            this adapter alone; empty for a backbone that its name identifies.
        second: the second look; None where the first is the only one.
    """

    name: str
    backbone: str
    blocks: tuple[int, ...]
    preprocessing: Preprocessing
    head: Head | CaptionHead
    calibration: Platt
    points: tuple[OperatingPoint, ...]
    real_below: float
    facts: dict[str, Any]
    digest: str = ""
    lora_shape: LoraShape | None = None
    lora: dict[str, torch.Tensor] = field(default_factory=dict)
    generators: GeneratorHead | None = None
    weights: str = ""
    second: SecondLook | None = None

    @property
    def linear_head(self) -> Head:
        """The head over class tokens.

        Raises:
            UsageError: the head compares images with captions.
        """
        if isinstance(self.head, CaptionHead):
            raise UsageError(
                f"adapter {self.name}: its head is of captions, which nothing else goes on from; "
                "give another --init, or train it anew with --method captions"
            )
        return self.head

    @property
    def label(self) -> str:
        """Name and short digest, as reports print it."""
        return f"{self.name}@{self.digest[:12]}"

    @property
    def lora_digest(self) -> str:
        """sha256 of the LoRA tensors as a file holds them, hex; empty where there are none.

        Two adapters of one backbone with the same digest have the same tokens.
        """
        if not self.lora:
            return ""
        digest = hashlib.sha256()
        for name in sorted(self.lora):
            values = self.lora[name].detach().cpu().half().contiguous()
            digest.update(name.encode() + values.numpy().tobytes())
        return digest.hexdigest()

    @property
    def generator_head(self) -> GeneratorHead | None:
        """What tells generators apart, if it reads this tower's tokens.

        One that was fitted on the tokens of another LoRA says nothing of these.
        """
        head = self.generators
        fitting = head is not None and head.lora == self.lora_digest and not self.weights
        return head if fitting else None

    @property
    def second_look(self) -> SecondLook | None:
        """The second look, if it reads this tower's tokens, as ``generator_head``."""
        second = self.second
        fitting = second is not None and second.lora == self.lora_digest and not self.weights
        return second if fitting else None

    def looks(self, wanted: Looks) -> Looks:
        """Which looks are taken where some are wanted: ``auto`` makes do with the first alone.

        Raises:
            UsageError: all are wanted, and the adapter has no second look.
        """
        if self.second_look is not None:
            return wanted
        if wanted is Looks.ALL:
            raise UsageError(f"adapter {self.name} has no second look; leave out --looks all")
        return Looks.FIRST

    def thresholds(self, looks: Looks = Looks.FIRST) -> Thresholds:
        """Operating points, and where ``real`` ends, for scores of some looks.

        Raises:
            UsageError: as ``looks``.
        """
        second, taken = self.second_look, self.looks(looks)
        if second is None or taken is Looks.FIRST:
            return Thresholds(self.points, self.real_below)
        return second.auto if taken is Looks.AUTO else second.all

    def with_thresholds(self, thresholds: Thresholds, looks: Looks = Looks.FIRST) -> "Adapter":
        """The adapter with other thresholds for scores of some looks; see ``thresholds``."""
        second, taken = self.second_look, self.looks(looks)
        if second is None or taken is Looks.FIRST:
            return replace(self, points=thresholds.points, real_below=thresholds.real_below)
        auto = thresholds if taken is Looks.AUTO else second.auto
        every = thresholds if taken is Looks.ALL else second.all
        return replace(self, second=replace(second, auto=auto, all=every))

    def rule(
        self,
        *,
        fpr: float | None = None,
        threshold: float | None = None,
        looks: Looks = Looks.FIRST,
    ) -> DecisionRule:
        """The decision rule at an operating point, or at a threshold of one's own.

        Args:
            fpr: one of the stored false-positive rates; the default is 1 %.
            threshold: a score, instead of ``fpr``.
            looks: which looks gave the scores that are judged.

        Raises:
            UsageError: both are given, the rate is not stored, the threshold not in 0..1, or the
                adapter has not these looks.
        """
        known = self.thresholds(looks)
        if threshold is not None:
            if fpr is not None:
                raise UsageError("give --fpr or --threshold, not both")
            if not 0.0 <= threshold <= 1.0:
                raise UsageError(f"threshold {threshold:g} is not in 0..1")
            return DecisionRule(threshold, min(known.real_below, threshold))
        wanted = DEFAULT_FPR if fpr is None else fpr
        for point in known.points:
            if abs(point.fpr - wanted) < 1e-9:
                below = min(known.real_below, point.threshold)
                return DecisionRule(point.threshold, below, point.fpr)
        stored = ", ".join(f"{point.fpr:g}" for point in known.points) or "none"
        raise UsageError(f"adapter {self.name} has no operating point at FPR {wanted:g} ({stored})")

    def check_fits(self, backbone: Backbone) -> None:
        """Raise AdapterError when the adapter was made for another backbone."""
        if self.weights and self.weights != backbone.digest:
            raise AdapterError(
                f"adapter {self.name} was trained with other weights than {backbone.name}; "
                "give the file that was written beside it as --backbone ARCHITECTURE/FILE"
            )
        if not self.weights and self.backbone != backbone.name:
            raise AdapterError(
                f"adapter {self.name} fits backbone {self.backbone}, not {backbone.name}; "
                "give the --adapter that was trained on it, or leave out --backbone"
            )
        fitting = self.head.fits(len(self.blocks), backbone.width)
        if not fitting or max(self.blocks) > backbone.depth:
            raise AdapterError(f"adapter {self.name}: its head does not fit {backbone.name}")
        head = self.generator_head
        if head is not None and not head.fits(self.blocks, backbone.width):
            raise AdapterError(
                f"adapter {self.name}: its generator head does not fit {backbone.name}"
            )
        if self.preprocessing.size != backbone.image_size:
            raise AdapterError(
                f"adapter {self.name} cuts squares of {self.preprocessing.size} pixels, "
                f"{backbone.name} takes {backbone.image_size}"
            )
        if self.lora_shape is not None:
            with torch.device("meta"):  # a header may claim any rank; nothing is allocated
                wanted = Lora(backbone, self.lora_shape).state_dict()
            if {n: t.shape for n, t in wanted.items()} != {
                n: t.shape for n, t in self.lora.items()
            }:
                raise AdapterError("LoRA tensors do not fit the adapter's own header")

    def tune(self, backbone: Backbone, *, in_place: bool = False) -> Backbone:
        """The backbone with the adapter's LoRA merged.

        Args:
            backbone: as it was released; one with this very LoRA in it is returned as it is.
            in_place: change the tower given instead of a copy, which saves its memory.

        Raises:
            AdapterError: the tensors do not fit the backbone, or it has another adapter's LoRA.
        """
        if self.lora_shape is None and not backbone.lora:
            return backbone
        if backbone.lora and backbone.lora == self.lora_digest:
            return backbone
        if backbone.lora or self.lora_shape is None:
            raise AdapterError(
                f"adapter {self.name}: the tower has the LoRA of another adapter; load it anew"
            )
        lora = Lora(backbone, self.lora_shape)
        lora.load_tensors(self.lora)
        return replace(merge(backbone, lora, in_place=in_place), lora=self.lora_digest)

    def as_stored(self) -> "Adapter":
        """The adapter with the rounding of its file, so that what is measured is what is saved."""
        return replace(
            self,
            head=_head_as_stored(self.head),
            lora={name: tensor.half() for name, tensor in self.lora.items()},
        )


def _head_as_stored(head: Head | CaptionHead) -> Head | CaptionHead:
    if isinstance(head, CaptionHead):
        return head.as_stored()
    if head.hidden is None:
        return head
    halves = (getattr(head.hidden, part).half().float() for part in _HIDDEN_PARTS)
    return replace(head, hidden=Hidden(*halves))


def save_adapter(adapter: Adapter, path: Path) -> None:
    """Write an adapter file."""
    head = adapter.head
    header: dict[str, Any] = {
        "format": _format(adapter),
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
    tensors = _head_tensors(head)
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
    path.write_bytes(save(tensors, metadata={HEADER_KEY: json.dumps(header)}))


def _format(adapter: Adapter) -> int:
    if isinstance(adapter.head, CaptionHead):
        return CAPTIONS_FORMAT
    return FORMAT if adapter.second_look is None else SECOND_LOOK_FORMAT


def _thresholds_header(thresholds: Thresholds) -> dict[str, Any]:
    points = [point.to_header() for point in thresholds.points]
    return {"operating_points": points, "real_below": thresholds.real_below}


def _kind(head: Head | CaptionHead) -> str:
    if isinstance(head, CaptionHead):
        return "cosine"
    return "hidden" if head.hidden else "linear"


def _head_tensors(head: Head | CaptionHead) -> dict[str, torch.Tensor]:
    # half precision is far finer than what training changes, and halves the file
    if isinstance(head, CaptionHead):
        tensors = {
            "embeddings": head.embeddings,
            "scale": head.scale,
            "norm.weight": head.norm_weight,
            "norm.bias": head.norm_bias,
            "proj": head.proj.half(),
        }
        return {_CAPTIONS + name: tensor.contiguous() for name, tensor in tensors.items()}
    tensors = {"head.weight": head.weight, "head.bias": head.bias}
    if (hidden := head.hidden) is not None:
        tensors |= {_HIDDEN + part: getattr(hidden, part).half() for part in _HIDDEN_PARTS}
    return tensors


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
        file.check({name: DTYPES.get(name, FLOATS) for name in file.tensors})
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
        head=_head(header, tensors),
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
    return replace(adapter, second=_second(found, adapter.lora_digest)) if found else adapter


def _second(header: dict[str, Any], lora: str) -> SecondLook:
    return SecondLook(
        calibration=_platt(header),
        opens=finite(header["opens"]),
        settled=finite(header["settled"]),
        auto=_thresholds(header["auto"]),
        all=_thresholds(header["all"]),
        lora=lora,
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


def _head(header: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Head | CaptionHead:
    kind = str(header["head"])
    if kind == "cosine":
        return _caption_head(header["captions"], tensors)
    if kind not in ("linear", "hidden"):
        raise ValueError(f"unknown head {kind}")
    hidden = None
    if kind == "hidden":
        hidden = Hidden(*(tensors[_HIDDEN + part].float() for part in _HIDDEN_PARTS))
    return Head(tensors["head.weight"], tensors["head.bias"], hidden)


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
